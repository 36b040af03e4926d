"""What writing an analysis and queueing a review need of a case."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import pandas as pd
import pyarrow as pa

from credit_forensics.coverage.judged import Judged
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.judgement.judge import Judgement


class JudgedCase(Protocol):
    """A case that can be judged: ``case.Case`` is one."""

    evidence: Evidence

    @property
    def name(self) -> str:
        """The case's name."""
        ...

    @property
    def mode(self) -> str:
        """What the judgement may know."""
        ...

    @property
    def judgement(self) -> Judgement:
        """The judgement."""
        ...

    @property
    def labels(self) -> pd.DataFrame:
        """Labels that people gave."""
        ...

    @property
    def verdicts(self) -> pd.DataFrame:
        """One verdict a payment."""
        ...

    @property
    def judged(self) -> Judged:
        """What share was judged."""
        ...

    @property
    def verdict_counts(self) -> pd.Series:
        """Payments by verdict."""
        ...

    @property
    def findings(self) -> pd.DataFrame:
        """The findings."""
        ...

    @property
    def finding_runs(self) -> pd.DataFrame:
        """Whether each finding ran."""
        ...

    @property
    def incidents(self) -> pd.DataFrame:
        """Findings that hang together."""
        ...

    @property
    def gaps(self) -> pd.DataFrame:
        """What a source should have held and did not."""
        ...

    @property
    def rejects(self) -> pd.DataFrame:
        """What could not be read."""
        ...

    @property
    def manifest(self) -> dict[str, Any]:
        """What went in and what was done with it."""
        ...

    def verdict_batches(self) -> Iterator[pa.RecordBatch]:
        """The verdicts in order."""
        ...

    def claim_batches(self) -> Iterator[pa.RecordBatch]:
        """The claims in order."""
        ...
