"""The review queue, and the labels that people give, kept beside the case."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from credit_forensics.errors import CaseError

if TYPE_CHECKING:
    from credit_forensics.case import Case

LABELS = ("right", "wrong", "unsure")
LABEL_FILE = "labels.csv"
COLUMNS = ["payment_id", "label", "stratum", "note"]


def review_queue(case: Case, *, blind: int = 20, seed: int = 2025) -> pd.DataFrame:
    """What to look at first: most money times most doubt, and a blind sample of the confirmed.

    Parameters
    ----------
    case
        the case.
    blind
        how many confirmed payments to mix in, drawn from a fixed seed. Without them nobody would
        ever learn whether "confirmed" is.
    seed
        of that draw.

    Returns
    -------
    payment_id, stratum (queue or blind), verdict, credited_user_id, rightful_user_id,
    probability_misattributed, amount, currency, entropy (nats), priority (minor units × entropy),
    label (empty where none was given); the queue first, by priority.
    """
    engine = case.evidence.engine
    judged = case.judgement.judged
    doubt = engine.frame(judged.select("payment_id", "entropy"))
    from credit_forensics.evidence.tables import Tables

    payments = engine.frame(Tables().payments.select("payment_id", "amount", "currency"))
    rows = case.verdicts.merge(doubt, on="payment_id").merge(payments, on="payment_id")
    rows = rows[rows["probability_misattributed"].notna()]
    amount = rows["amount"].fillna(0).astype("float64")
    rows = rows.assign(priority=(amount * rows["entropy"]).round(6))
    open_ = rows[rows["verdict"].isin(["ambiguous", "misattributed", "unverifiable"])]
    queue = open_.sort_values(["priority", "payment_id"], ascending=[False, True])
    confirmed = rows[rows["verdict"] == "confirmed"].sort_values("payment_id")
    random = np.random.default_rng(seed)
    drawn = random.choice(len(confirmed), min(blind, len(confirmed)), replace=False)
    sample = confirmed.iloc[np.sort(drawn)]
    both = pd.concat([queue.assign(stratum="queue"), sample.assign(stratum="blind")])
    labels = case.labels.set_index("payment_id")["label"]
    both["label"] = both["payment_id"].map(labels.to_dict()).astype("str").fillna("")
    return both[
        [
            "payment_id",
            "stratum",
            "verdict",
            "credited_user_id",
            "rightful_user_id",
            "probability_misattributed",
            "amount",
            "currency",
            "entropy",
            "priority",
            "label",
        ]
    ].reset_index(drop=True)


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
    part = path.with_name(f".{path.name}.part")
    merged.sort_values("payment_id").to_csv(
        part, index=False, quoting=csv.QUOTE_MINIMAL, lineterminator="\n"
    )
    part.replace(path)
    return int(changed)
