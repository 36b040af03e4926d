"""Writes the findings beside the report as CSV, masked as the report is, with their hash."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from credit_forensics.case.csv_bytes import FORMULA
from credit_forensics.evidence.custody import hash_file
from credit_forensics.privacy.mask import Mask


def write_findings_csv(findings: pd.DataFrame, path: Path, mask: Mask) -> str:
    """Write all findings and give the file's SHA-256.

    Parameters
    ----------
    findings
        rows of the table ``findings``; order is kept.
    path
        where to write, UTF-8, times in ISO 8601. Text that a spreadsheet would run as a formula
        is led by an apostrophe.
    mask
        the report's mask.
    """
    masked = mask.frame(findings.drop(columns="incident_id", errors="ignore"), "findings")
    for name in masked.columns:
        column = masked[name]
        if isinstance(column.dtype, pd.DatetimeTZDtype):
            masked[name] = column.dt.strftime("%Y-%m-%dT%H:%M:%SZ")
        elif column.dtype == object or pd.api.types.is_string_dtype(column.dtype):
            masked[name] = column.astype(object).map(_inert, na_action="ignore")
    masked.to_csv(path, index=False, lineterminator="\n")
    return hash_file(path)[0]


def _inert(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and FORMULA.match(value) else value
