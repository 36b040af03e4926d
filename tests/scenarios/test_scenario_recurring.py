"""Worlds of renewals: what is made to go wrong in them is found, and nothing else."""

from __future__ import annotations

import pytest

from credit_forensics.case.case import Case
from credit_forensics.scenarios.recurring import with_renewals
from credit_forensics.scenarios.settings import WorldSettings
from credit_forensics.scenarios.world import make_world


def precision_and_recall(world, finding, cause=None):
    found = Case.from_evidence(world.evidence()).findings
    truth = world.truth_findings
    found, truth = (rows[rows["finding"] == finding] for rows in (found, truth))
    if cause:
        found, truth = (rows[rows["cause"] == cause] for rows in (found, truth))
    named, true = set(found["payment_id"]), set(truth["payment_id"])
    hits = len(named & true)
    return len(true), hits / max(len(named), 1), hits / max(len(true), 1)


def renewals(payments, **how):
    world = make_world(WorldSettings(payments=payments, users=payments // 4), 1)
    return world, with_renewals(world, 0.5, missing=0.02, twice=0.02, seed=1, **how)


def test_a_payment_that_follows_another_is_a_renewal_of_it():
    world, recurring = renewals(400)
    rows = recurring.tables["payments"].to_pandas().set_index("payment_id")
    later = rows[rows["kind"] == "invoice"]
    assert len(later) == 200
    assert len(rows) == world.tables["payments"].num_rows
    begun = rows[rows["billing_reason"] == "subscription_create"].set_index("subscription_id")
    first = begun.loc[later["subscription_id"]]
    assert (later["created_at"].to_numpy() > first["created_at"].to_numpy()).all()
    assert (later["customer_id"].to_numpy() == first["customer_id"].to_numpy()).all()


def test_missing_renewals_and_grants_by_checkout_and_invoice_are_found():
    _, world = renewals(400)
    for finding in ("missing_renewal", "duplicate_credit"):
        count, precision, recall = precision_and_recall(world, finding)
        assert count
        assert (precision, recall) == (1, 1), finding


@pytest.mark.accuracy
def test_half_a_world_of_renewals_is_judged_like_the_plain_one():
    plain, world = renewals(20_000)
    for finding in ("missing_renewal", "duplicate_credit"):
        _, precision, recall = precision_and_recall(world, finding)
        assert min(precision, recall) >= 0.99, finding
    right = []
    for one in (plain, world):
        verdicts = Case.from_evidence(one.evidence()).verdicts.merge(
            one.truth[["payment_id", "wrong"]]
        )
        credited = verdicts[verdicts["probability_misattributed"].notna()]
        said = credited["probability_misattributed"] >= 0.5
        right.append(float((said == credited["wrong"]).mean()))
    assert right[0] >= 0.99
    assert right[1] >= right[0] - 0.02
