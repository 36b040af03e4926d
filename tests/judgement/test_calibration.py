"""Calibration: few labels change nothing, enough do, and the order never turns round."""

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credit_forensics.engines.duckdb import DuckDBEngine
from credit_forensics.judgement.calibrated_verdicts import calibrated_verdicts
from credit_forensics.judgement.calibration import (
    Calibration,
    calibration_quality,
    fit_calibration,
    labelled,
    reliability,
)
from credit_forensics.tables.catalogue import Tables


def told(count, slope=1.0, intercept=0.0, seed=1):
    random = np.random.default_rng(seed)
    log_odds = random.normal(0, 3, count)
    p = 1 / (1 + np.exp(-(intercept + slope * log_odds)))
    return pd.DataFrame(
        {
            "payment_id": [f"cs_{i}" for i in range(count)],
            "log_odds": log_odds,
            "probability": 1 / (1 + np.exp(-log_odds)),
            "wrong": (random.random(count) < p).astype(float),
            "weight": 1.0,
        }
    )


@pytest.mark.parametrize("rows", [told(49), told(200).assign(wrong=0.0), told(0)])
def test_too_few_labels_or_one_class_change_nothing(rows):
    calibration = fit_calibration(rows)
    assert calibration.kind == "none"
    assert str(calibration) == "model-based, uncalibrated"


def test_platt_recovers_an_overconfident_model():
    calibration = fit_calibration(told(900, slope=0.4, intercept=0.5))
    assert calibration.kind == "platt"
    assert calibration.slope == pytest.approx(0.4, abs=0.08)
    assert calibration.intercept == pytest.approx(0.5, abs=0.25)


def test_isotonic_above_a_thousand_improves_brier_and_keeps_the_order():
    rows = told(3000, slope=0.4, intercept=1.0)
    calibration = fit_calibration(rows)
    assert calibration.kind == "isotonic"
    moved = calibration.apply(rows["log_odds"].to_numpy())
    better = rows.assign(probability=1 / (1 + np.exp(-moved)))
    assert calibration_quality(better)["brier"] < calibration_quality(rows)["brier"]
    order = np.argsort(rows["log_odds"].to_numpy())
    assert (np.diff(moved[order]) >= 0).all()


@given(st.integers(0, 10_000), st.floats(-3, 3), st.floats(-2, 3))
@settings(deadline=None, max_examples=30, derandomize=True)
def test_calibration_never_turns_the_order_round(seed, slope, intercept):
    calibration = fit_calibration(told(120, slope, intercept, seed))
    moved = calibration.apply(np.linspace(-20, 20, 50))
    assert (np.diff(moved) >= 0).all()


def test_each_label_stands_for_its_band():
    verdicts = pd.DataFrame(
        {
            "payment_id": [f"cs_{i}" for i in range(104)],
            "log_odds": [-6.0] * 100 + [0.1] * 4,
            "probability_misattributed": [0.0025] * 100 + [0.52] * 4,
        }
    )
    labels = pd.DataFrame(
        {
            "payment_id": ["cs_0", "cs_1", "cs_100", "cs_101", "cs_2"],
            "label": ["right", "right", "wrong", "right", "unsure"],
        }
    )
    rows = labelled(verdicts, labels).set_index("payment_id")
    assert len(rows) == 4, "unsure is no label to fit on"
    assert rows.loc["cs_0", "weight"] == pytest.approx(25 * rows.loc["cs_100", "weight"])


@pytest.mark.parametrize(
    ("calibration", "confirmed"),
    [
        (Calibration("platt", 2.0, 0.5, labels=60), "ambiguous"),
        (Calibration("isotonic", knots=(-9.0, 1.0), values=(-5.0, 4.0), labels=1000), "confirmed"),
    ],
)
def test_the_engine_applies_the_same_map_and_verdicts_follow(calibration, confirmed):
    engine = DuckDBEngine()
    rows = pd.DataFrame(
        {
            "payment_id": ["a", "b", "c"],
            "verdict": ["ambiguous", "confirmed", "not_credited"],
            "credited_user_id": ["u1", "u2", None],
            "rightful_user_id": ["u9", "u2", "u3"],
            "log_odds": [2.0, -7.0, None],
            "probability_misattributed": [0.88, 0.001, None],
            "families_agreeing": [2, 3, 1],
            "families_available": [3, 3, 1],
            "mode": ["hindsight"] * 3,
        }
    )
    engine.register("verdicts", rows)
    moved = engine.frame(calibrated_verdicts(Tables().verdicts, calibration).order_by("payment_id"))
    expected = calibration.apply(np.array([2.0, -7.0]))
    np.testing.assert_allclose(moved["log_odds"][:2].astype(float), expected)
    np.testing.assert_allclose(
        moved["probability_misattributed"][:2].astype(float), 1 / (1 + np.exp(-expected))
    )
    # A map of the probability accuses nobody: whether somebody pays for another is asked.
    assert moved["verdict"].tolist() == ["ambiguous", confirmed, "not_credited"]
    assert moved["log_odds"].isna().tolist() == [False, False, True]


def test_what_was_learned_of_a_pair_stands_in_place_of_the_map():
    engine = DuckDBEngine()
    rows = pd.DataFrame(
        {
            "payment_id": ["barred", "lowered", "other", "raised"],
            "verdict": ["paid_by_another", "misattributed", "confirmed", "paid_by_another"],
            "credited_user_id": "ann",
            "rightful_user_id": ["boss", "boss", "ann", "boss"],
            "log_odds": [-1.0, 3.0, -7.0, -1.0],
            "probability_misattributed": [0.27, 0.95, 0.001, 0.27],
            "families_agreeing": 2,
            "families_available": 3,
            "mode": "hindsight",
        }
    )
    learned = {"learned_payment": "string", "learned": "float64", "accusable": "boolean"}
    engine.register("verdicts", rows)
    engine.register(
        "learned",
        pd.DataFrame(
            [("barred", 4.0, False), ("lowered", 1.0, True), ("raised", 4.0, True)],
            columns=list(learned),
        ),
    )
    moved = engine.frame(
        calibrated_verdicts(
            Tables().verdicts, Calibration(), ibis.table(learned, name="learned")
        ).order_by("payment_id")
    )
    # Where a recipient is named nobody is accused by what others answered.
    assert moved["verdict"].tolist() == [
        "paid_by_another",
        "paid_by_another",
        "confirmed",
        "misattributed",
    ]
    assert moved["log_odds"].tolist() == [4.0, 1.0, -7.0, 4.0]


def test_quality_and_reliability_of_a_perfect_and_a_useless_model():
    perfect = told(400).assign(probability=lambda rows: rows["wrong"])
    quality = calibration_quality(perfect)
    assert (quality["brier"], quality["skill"], quality["ece"]) == (0.0, 1.0, 0.0)
    useless = told(400).assign(probability=0.5)
    assert calibration_quality(useless)["skill"] == pytest.approx(0.0, abs=0.05)
    curve = reliability(told(2000, seed=4))
    assert (curve["predicted"] - curve["observed"]).abs().max() < 0.12
    assert quality["brier_low"] <= quality["brier"] <= quality["brier_high"]
