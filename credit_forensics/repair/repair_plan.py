"""A repair plan: what to book, what is held back, and the transaction that books it."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from credit_forensics.repair.entries import Correction
from credit_forensics.repair.sql import Script
from credit_forensics.repair.target import Target


@dataclass(frozen=True)
class RepairPlan:
    """A plan. ``rows`` is ``plan.csv``; ``script`` the transaction, none with ``refusal``."""

    case_name: str
    threshold: float
    allow_negative: bool
    rows: pd.DataFrame
    corrections: tuple[Correction, ...]
    script: Script | None
    target: Target | None
    refusal: str = ""

    @property
    def counts(self) -> dict[str, int]:
        """Findings by what the plan does with them."""
        first = self.rows.drop_duplicates("number")
        return {str(k): int(n) for k, n in first["status"].value_counts().sort_index().items()}
