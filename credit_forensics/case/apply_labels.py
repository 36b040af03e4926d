"""Applies the labels that people gave: what they decide, and what they teach about the others."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from credit_forensics.case.rulings import RULINGS, ruled_verdicts, rulings
from credit_forensics.engines.duckdb import Engine
from credit_forensics.judgement.calibrated_verdicts import calibrated_verdicts
from credit_forensics.judgement.calibration import fit_calibration, labelled
from credit_forensics.judgement.judge import Judgement
from credit_forensics.judgement.pair_features import as_features, pairs_of_persons
from credit_forensics.judgement.pair_learning import (
    answered_pairs,
    learn_of_pairs,
    weights_by_name,
)
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis

_LEARNED = {"learned_payment": "string", "learned": "float64", "accusable": "boolean"}


def apply_labels(engine: Engine, judgement: Judgement, labels: pd.DataFrame) -> None:
    """Replace the verdicts by those that follow from the labels, and say so in the judgement.

    Parameters
    ----------
    engine
        where the judgement lies.
    judgement
        gets ``labelled`` and ``calibration``.
    labels
        ``payment_id, label``; without a row nothing changes.
    """
    if labels.empty:
        return
    table = Tables().verdicts
    verdicts = engine.frame(table)
    pairs = engine.frame(
        pairs_of_persons(Tables(), judgement.judged, judgement.families).order_by("payment_id")
    )
    learned, calibration = _learn(pairs, labels, judgement)
    judgement.labelled = labelled(verdicts, labels)
    others = verdicts[~verdicts["payment_id"].isin(pairs["payment_id"])]
    judgement.calibration = replace(
        fit_calibration(labelled(others, labels)),
        pairs=calibration[0],
        pair_weights=calibration[1],
    )
    if judgement.calibration.kind != "none" or judgement.calibration.pair_weights:
        engine.register("learned_pairs", learned)
        engine.materialize("model_verdicts", table)
        model = ibis.table(table.schema(), name="model_verdicts")
        beside = ibis.table(_LEARNED, name="learned_pairs")
        moved = calibrated_verdicts(model, judgement.calibration, beside)
        engine.materialize("verdicts", moved)
    decided = rulings(verdicts, pairs, labels)
    if len(decided):
        engine.register("rulings", decided)
        engine.materialize("unruled_verdicts", table)
        unruled = ibis.table(table.schema(), name="unruled_verdicts")
        engine.materialize("verdicts", ruled_verdicts(unruled, ibis.table(RULINGS, name="rulings")))


def _learn(
    pairs: pd.DataFrame, labels: pd.DataFrame, judgement: Judgement
) -> tuple[pd.DataFrame, tuple[int, dict[str, float]]]:
    """Columns of ``_LEARNED``; and how many pairs were answered, and what they taught."""
    # Where the session does not name the account, nobody asks whether it was paid for.
    open_ = pairs[pairs["patron"] > 0].reset_index(drop=True)
    answered, wrong = answered_pairs(open_, labels)
    features = as_features(open_, judgement.families)
    learning = learn_of_pairs(open_[answered], features[answered], wrong)
    moved: dict[str, float] = {}
    if learning is not None:
        moved = dict(zip(open_["payment_id"], learning.log_odds(open_, features), strict=True))
    learned = pd.DataFrame(
        {
            "learned_payment": pairs["payment_id"],
            "learned": pairs["payment_id"].map(moved).astype("Float64"),
            "accusable": pairs["accusable"],
        }
    )
    return learned, (int(answered.sum()), weights_by_name(learning) if learning else {})
