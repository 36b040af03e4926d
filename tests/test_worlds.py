"""The whole way on worlds with truth: who paid is found, and what is found is true."""

import pytest

from credit_forensics.case.case import Case
from credit_forensics.scenarios.settings import WorldSettings
from credit_forensics.scenarios.world import make_world

EXACT = (
    "missing_credit",
    "duplicate_credit",
    "unpaid_credit",
    "test_mode_credit",
    "orphan_credit",
    "wrong_amount",
    "refund_not_reversed",
    "balance_drift",
    "split_identity",
)


@pytest.fixture(scope="module")
def judged():
    world = make_world(WorldSettings(payments=20_000, wrong_session_rate=0.02), seed=3)
    case = Case.from_evidence(world.evidence())
    return world, case, case.verdicts.merge(world.truth, on="payment_id", suffixes=("", "_true"))


def test_wrong_user_is_precise_and_finds_most(judged):
    _, _, rows = judged
    wrong = rows["wrong"].astype(bool)
    named = rows["verdict"] == "misattributed"
    precision = wrong[named].mean()
    recall = named[wrong].mean()
    rightful = (rows["rightful_user_id"] == rows["payer_user_id"])[named & wrong].mean()
    print(f"\nours: precision {precision:.3f}, recall {recall:.3f}, payer named {rightful:.3f}")
    assert precision >= 0.95
    assert recall >= 0.45
    assert rightful >= 0.95


def test_what_is_not_named_is_not_called_right(judged):
    _, _, rows = judged
    wrong = rows[rows["wrong"].astype(bool)]
    confirmed = wrong[wrong["verdict"] == "confirmed"]
    assert len(confirmed) <= 0.01 * len(wrong)
    doubtful = rows["verdict"].isin(["ambiguous", "unverifiable"]).mean()
    assert doubtful < 0.08


@pytest.mark.thorough
def test_the_cascade_and_the_majority_of_methods_are_beaten(judged):
    _, case, rows = judged
    methods = [method.name for method in case.judgement.methods]
    matrix = case.matrix.set_index("payment_id").loc[rows["payment_id"]]
    majority = matrix[methods].mode(axis=1)[0]
    held = rows["credited_user_id"].set_axis(matrix.index)
    wrong = rows["wrong"].astype(bool).set_axis(matrix.index)
    results = {}
    for name, choice in (("cascade", matrix["handler_cascade"]), ("majority", majority)):
        flagged = choice.notna() & held.notna() & (choice != held)
        found = (flagged & wrong).sum()
        results[name] = (found / max(flagged.sum(), 1), found / wrong.sum())
        print(f"\n{name}: precision {results[name][0]:.3f}, recall {results[name][1]:.3f}")
    ours = (rows["verdict"] == "misattributed").set_axis(matrix.index)
    recall = (ours & wrong).sum() / wrong.sum()
    assert all(recall > result[1] for result in results.values())


@pytest.mark.parametrize("finding", EXACT)
def test_what_can_be_read_is_found_exactly(judged, finding):
    world, case, _ = judged
    key = "credited_user_id" if finding == "balance_drift" else "payment_id"
    truth_key = "user_id" if finding == "balance_drift" else "payment_id"
    if finding == "orphan_credit":
        # An orphan has no payment; its event is what truth and finding share.
        found = case.findings.loc[case.findings["finding"] == finding]
        truth = world.truth_findings.loc[world.truth_findings["finding"] == finding]
        assert len(found) == len(truth) > 0
        assert sorted(found["credited_user_id"]) == sorted(truth["user_id"])
        return
    found = set(case.findings.loc[case.findings["finding"] == finding, key])
    truth = set(world.truth_findings.loc[world.truth_findings["finding"] == finding, truth_key])
    assert truth, "the world must hold the fault"
    both = len(found & truth)
    print(f"\n{finding}: precision {both / len(found):.3f}, recall {both / len(truth):.3f}")
    assert both / len(found) >= 0.99
    assert both / len(truth) >= 0.99
