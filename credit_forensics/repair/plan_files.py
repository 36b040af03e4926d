"""Writes a plan to a folder: ``plan.csv``, ``.json``, ``.md`` and, where it fits, ``.sql``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from credit_forensics.case.csv_bytes import csv_bytes
from credit_forensics.errors import CaseError
from credit_forensics.repair.plan_json import document_bytes, plan_document
from credit_forensics.repair.plan_text import plan_markdown
from credit_forensics.repair.repair_plan import RepairPlan
from credit_forensics.whole_file import write_whole

BESIDE = ("recovery.csv", "support.csv")
"""Files where credits are missing: how each is recovered, and whom to write to."""


def write_plan(
    plan: RepairPlan, out: Path, beside: Mapping[str, pd.DataFrame] | None = None
) -> list[Path]:
    """Write the plan; its files of these names are replaced, and what is stale is removed.

    ``beside`` are the tables of ``BESIDE``, by file name.

    Raises
    ------
    CaseError
        when the folder cannot be written.
    """
    files = {
        "plan.csv": csv_bytes(plan.rows),
        "plan.json": document_bytes(plan_document(plan)),
        "plan.md": plan_markdown(plan).encode("utf-8"),
    }
    files |= {name: csv_bytes(rows) for name, rows in (beside or {}).items()}
    if plan.script is not None:
        heading = (
            f"Repair plan: {plan.case_name}",
            "One transaction. Run again, it changes nothing: each key is looked up first.",
            "The last query says what became of each correction.",
        )
        files["plan.sql"] = plan.script.text(heading).encode("utf-8")
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name in ("plan.sql", *BESIDE):
            (out / name).unlink(missing_ok=True)
        for name, content in files.items():
            write_whole(out / name, content, mode=0o600)
    except OSError as error:
        raise CaseError(f"The plan cannot be written to {out}: {error.strerror}.") from None
    return [out / name for name in files]
