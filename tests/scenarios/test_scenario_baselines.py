"""The baselines, on literal tables and on a scenario."""

from __future__ import annotations

import pandas as pd
import pytest

from credit_forensics.case.case import Case
from credit_forensics.scenarios.baselines import BASELINES, baseline_probabilities, compare
from credit_forensics.scenarios.named import scenario


def compared(**claims: str | None) -> pd.Series:
    """The baselines for one payment: m1 to m3 are methods, v_a and v_b voices."""
    row = {"payment_id": "cs_1", "handler_cascade": None, "ledger": "a", **claims}
    rows = [{**row, "payment_id": f"cs_{number}"} for number in range(2)]
    frame = pd.DataFrame(rows)
    methods = [name for name in ("m1", "m2", "m3") if name in row]
    voices = frame[["payment_id", *[name for name in row if name.startswith("v_")]]]
    return compare(
        frame[["payment_id", *methods, "handler_cascade", "ledger"]], voices, methods
    ).iloc[0]


def test_the_cascade_is_certain_either_way() -> None:
    assert compared(m1="a", v_a="a", handler_cascade="b")["first_hit"] == 1.0
    assert compared(m1="b", v_a="b", handler_cascade="a")["first_hit"] == 0.0
    assert compared(m1="b", v_a="b")["first_hit"] == 0.0


def test_copies_count_for_methods_and_not_for_families() -> None:
    found = compared(m1="a", m2="a", m3="b", v_a="a", v_b="b")
    assert found["majority_of_methods"] == pytest.approx(1 / 3)
    assert found["majority_of_families"] == pytest.approx(1 / 2)


def test_silence_speaks_against_nobody() -> None:
    found = compared(m1=None, v_a=None)
    assert [found[name] for name in BASELINES] == [0.0, 0.0, 0.0, 0.0]


def test_dawid_skene_follows_the_agreement_of_methods() -> None:
    assert compared(m1="a", m2="a", m3="b", v_a="a")["dawid_skene"] < 0.2
    assert compared(m1="b", m2="b", m3="a", v_a="a")["dawid_skene"] > 0.8
    assert compared(m1="b", m2="b", m3="b", v_a="b")["dawid_skene"] > 0.99


def test_nothing_credited_has_no_probability() -> None:
    assert compared(m1="a", v_a="a", ledger=None)[list(BASELINES)].isna().all()


def test_a_stale_session_fools_the_cascade() -> None:
    world = scenario("stale_session")
    found = baseline_probabilities(Case.from_evidence(world.evidence()))
    wrong = found.merge(world.truth, on="payment_id").query("wrong").iloc[0]
    assert wrong["first_hit"] == 0.0
    assert 0.3 < wrong["majority_of_families"] < 1.0
    assert wrong["majority_of_methods"] < wrong["majority_of_families"]
    assert len(found) == len(world.truth)
