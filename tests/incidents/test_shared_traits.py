"""Shared traits: counted in the engine, tested exactly, corrected for how many were tried."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import fisher_exact

from credit_forensics.engines.duckdb import DuckDBEngine
from credit_forensics.incidents.shared_traits import find_shared_traits, rank_traits
from credit_forensics.tables.catalogue import ALL

START = pd.Timestamp("2025-09-01", tz="UTC")
CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/127.0 Safari/537"
)


def shop(count=600, wrong=40):
    """Payments of which the wrong ones mostly came from front end 2.9 and by session metadata."""
    rng = np.random.default_rng(7)
    names = [f"p{number}" for number in range(count)]
    is_wrong = np.arange(count) < wrong
    engine = DuckDBEngine(threads=1)
    engine.create(*ALL)
    engine.register(
        "payments",
        pd.DataFrame(
            {
                "payment_id": names,
                "created_at": START + pd.to_timedelta(rng.integers(0, 240, count), unit="h"),
                "customer_preset": rng.random(count) < 0.4,
                "price_id": rng.choice(["price_small", "price_large"], count),
                "amount": 900,
            }
        ),
    )
    verdicts = np.where(is_wrong, "misattributed", "confirmed").astype(object)
    verdicts[-20:] = "ambiguous"
    engine.register("verdicts", pd.DataFrame({"payment_id": names, "verdict": verdicts}))
    new = np.where(is_wrong, rng.random(count) < 0.9, rng.random(count) < 0.05)
    version = pd.DataFrame(
        {"payment_id": names, "key": "frontend_version", "value": np.where(new, "2.9", "2.8")}
    )
    browser = pd.DataFrame(
        {"payment_id": names[::2], "key": "browser_fingerprint", "value": CHROME}
    )
    engine.register(
        "metadata", pd.concat([version, browser], ignore_index=True).assign(source="session")
    )
    engine.register(
        "choices", pd.DataFrame({"payment_id": names, "log_method": "metadata_user_id"})
    )
    return engine


def test_what_the_wrong_ones_share_comes_first_and_nothing_else_is_significant():
    traits = find_shared_traits(shop())
    top = traits.iloc[0]
    assert (top["trait"], top["value"]) == ("frontend_version", "2.9")
    assert top["lift"] > 5
    assert top["q_value"] < 1e-20
    assert top["share_of_wrong"] > 0.6
    assert top["share_of_right"] < 0.1
    assert (traits["q_value"].iloc[1:] > 0.05).all()


def test_every_trait_is_counted_over_all_judged_payments():
    traits = find_shared_traits(shop())
    totals = traits.groupby("trait")[["wrong", "right"]].sum()
    assert set(totals.index) == {
        "price",
        "hour",
        "preset_customer",
        "frontend_version",
        "browser",
        "handler_method",
    }
    assert (totals["wrong"] == 40).all()
    assert (totals["right"] == 540).all()
    assert set(traits.loc[traits["trait"] == "browser", "value"]) == {"Chrome", "(none)"}


def test_a_window_bounds_what_is_counted():
    engine = shop()
    until = (START + pd.Timedelta(hours=24)).to_pydatetime()
    inside = find_shared_traits(engine, since=START.to_pydatetime(), until=until)
    within = engine.connection.execute(
        "SELECT count(*) FROM payments JOIN verdicts USING (payment_id)"
        " WHERE verdict != 'ambiguous' AND created_at BETWEEN ? AND ?",
        [START, until],
    ).fetchone()[0]
    hours = inside[inside["trait"] == "hour"]
    assert hours["wrong"].sum() + hours["right"].sum() == within > 0


def test_the_test_is_fishers_and_the_correction_benjamini_and_hochbergs():
    counts = pd.DataFrame(
        {
            "trait": ["a", "a", "b", "b", "b"],
            "value": ["x", "y", "x", "y", "z"],
            "wrong": [9, 1, 5, 3, 2],
            "right": [30, 70, 40, 40, 20],
        }
    )
    ranked = rank_traits(counts).set_index(["trait", "value"])
    for row in counts.itertuples():
        table = [[row.wrong, 10 - row.wrong], [row.right, 100 - row.right]]
        expected = fisher_exact(table, alternative="greater").pvalue
        assert ranked.loc[(row.trait, row.value), "p_value"] == pytest.approx(expected)
    ordered = ranked["p_value"].to_numpy()
    assert (np.diff(ordered) >= 0).all()
    stepped = np.minimum.accumulate((ordered * 5 / np.arange(1, 6))[::-1])[::-1]
    assert ranked["q_value"].to_numpy() == pytest.approx(np.minimum(stepped, 1))


def test_chance_alone_is_seldom_significant():
    rng = np.random.default_rng(3)
    alarms = 0
    for _ in range(100):
        value = rng.integers(0, 30, 400)
        wrong = rng.random(400) < 0.05
        counts = pd.crosstab(value, wrong).reindex(columns=[True, False], fill_value=0)
        frame = pd.DataFrame(
            {
                "trait": "hour",
                "value": counts.index.astype(str),
                "wrong": counts[True].to_numpy(),
                "right": counts[False].to_numpy(),
            }
        )
        alarms += bool((rank_traits(frame)["q_value"] < 0.05).any())
    assert alarms <= 10


def test_no_wrong_payment_at_all_lifts_nothing():
    counts = pd.DataFrame({"trait": ["a"], "value": ["x"], "wrong": [0], "right": [9]})
    ranked = rank_traits(counts)
    assert ranked["p_value"].tolist() == [1.0]
    assert ranked["lift"].isna().all()


def test_a_hostile_value_is_cut_and_kept_as_text():
    engine = shop()
    engine.append(
        "metadata",
        pd.DataFrame(
            {
                "payment_id": ["p1"],
                "source": ["session"],
                "key": ["frontend_version"],
                "value": ["!<script>" + "x" * 400],
            }
        ),
    )
    values = find_shared_traits(engine)["value"]
    assert values.str.len().max() == 60
