"""Reads and keeps the labels that people give to payments, in a CSV beside the case."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd

from credit_forensics.case.label_file import LABEL_FILE
from credit_forensics.errors import CaseError
from credit_forensics.whole_file import whole_file

__all__ = ["LABELS", "LABEL_FILE", "add_labels", "no_labels", "read_labels"]

LABELS = ("right", "wrong", "unsure")

COLUMNS = ["payment_id", "label", "stratum", "note"]


def no_labels() -> pd.DataFrame:
    """An empty table of labels."""
    return pd.DataFrame({name: pd.Series(dtype="str") for name in COLUMNS})


def read_labels(path: Path) -> pd.DataFrame:
    """Labels of a CSV: payment_id, label, stratum, note; the last word on a payment counts.

    Raises
    ------
    CaseError
        when the file is not such a CSV, or a label is not right, wrong or unsure.
    """
    if not path.exists():
        return no_labels()
    try:
        rows = pd.read_csv(path, dtype="str", keep_default_na=False)
    except (OSError, ValueError) as error:
        raise CaseError(f"The labels {path} cannot be read: {error}.") from None
    if not {"payment_id", "label"} <= set(rows.columns):
        raise CaseError(f"The labels {path} need the columns payment_id and label.")
    rows["label"] = rows["label"].str.strip().str.lower()
    unknown = sorted(set(rows["label"]) - {*LABELS, ""})
    if unknown:
        raise CaseError(f"The labels {path} hold {unknown[0]!r}; a label is {', '.join(LABELS)}.")
    rows = rows[rows["label"] != ""].reindex(columns=COLUMNS, fill_value="")
    return rows.drop_duplicates("payment_id", keep="last").reset_index(drop=True)


def add_labels(path: Path, rows: pd.DataFrame) -> int:
    """Append labels to the file beside the case; how many were new or changed.

    The file is replaced in one step, so an interruption leaves the old one.
    """
    kept = read_labels(path)
    before = dict(zip(kept["payment_id"], kept["label"], strict=True))
    new = rows.reindex(columns=COLUMNS, fill_value="").astype("str")
    changed = sum(
        before.get(payment) != label
        for payment, label in zip(new["payment_id"], new["label"], strict=True)
    )
    merged = pd.concat([kept, new]).drop_duplicates("payment_id", keep="last")
    with whole_file(path) as part:
        merged.sort_values("payment_id").to_csv(
            part, index=False, quoting=csv.QUOTE_MINIMAL, lineterminator="\n"
        )
    return int(changed)
