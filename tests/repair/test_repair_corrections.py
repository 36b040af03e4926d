"""What puts one finding right: a row on each side of what it takes to be offered."""

from __future__ import annotations

import pytest

from credit_forensics.repair.booking_order import booking_order
from credit_forensics.repair.corrections import Desk, NeedsPersonError, TooDoubtfulError, correct
from credit_forensics.repair.entries import Correction, Entry, Keys
from credit_forensics.repair.holdings import Holdings
from credit_forensics.repair.manual_fixes import read_regrants
from credit_forensics.repair.payment_evidence import PaymentEvidence

FACTS = {
    "verdict": "",
    "rightful_user_id": "ada",
    "rightful_probability": 0.99,
    "families_agreeing": 2,
    "amount_lost": 0,
    "customer_id": None,
    "tie_probability": 1.0,
}


@pytest.fixture
def offered(literal_case):
    """``offered(finding, net=…, taken=…, …)``: (kind, account, credits) of each entry."""
    no_regrants = read_regrants(literal_case(), [])

    def run(name, *, net=(), taken=(), grants=1, purchased=50, accounts=("ada", "ben"), **more):
        facts = PaymentEvidence(**{name: more.get(name, value) for name, value in FACTS.items()})
        finding = {
            "finding": name,
            "cause": more.get("cause"),
            "payment_id": "cs_1",
            "credited_user_id": "ben",
            "rightful_user_id": facts.rightful_user_id,
            "probability": more.get("probability", 0.99),
            "credits": more.get("credits", 50),
            "created_at": None,
        }
        held = Holdings(dict(net), dict(taken), purchased, grants)
        desk = Desk(0.9, frozenset(accounts), frozenset(), Keys([]), no_regrants)
        made = correct(finding, facts, held, desk)
        return [(entry.kind, entry.user_id, entry.delta) for entry in made.entries]

    return run


def test_what_is_missing_is_granted_where_two_families_name_the_payer(offered):
    assert offered("missing_credit", families_agreeing=2) == [("correction", "ada", 50)]
    with pytest.raises(NeedsPersonError, match="fewer than two families"):
        offered("missing_credit", families_agreeing=1)


def test_what_is_missing_is_left_to_a_person_where_money_went_back_or_no_price_is_known(offered):
    with pytest.raises(NeedsPersonError, match="refunded or disputed"):
        offered("missing_credit", amount_lost=1)
    with pytest.raises(NeedsPersonError, match="what the price is worth is not known"):
        offered("missing_credit", credits=0)


@pytest.mark.parametrize("doubted", ["probability", "rightful_probability"])
def test_credits_move_from_the_threshold_on(offered, doubted):
    moved = offered("wrong_user", net={"ben": 50}, **{doubted: 0.9})
    assert moved == [("reversal", "ben", -50), ("correction", "ada", 50)]
    with pytest.raises(TooDoubtfulError, match=r"0\.899"):
        offered("wrong_user", net={"ben": 50}, **{doubted: 0.899})


@pytest.mark.parametrize("doubted", ["probability", "tie_probability"])
def test_what_rests_on_paired_entries_is_offered_from_the_threshold_on(offered, doubted):
    assert offered("missing_credit", **{doubted: 0.9}) == [("correction", "ada", 50)]
    with pytest.raises(TooDoubtfulError, match=r"0\.899"):
        offered("missing_credit", **{doubted: 0.899})


def test_credits_move_only_to_an_account_that_is_there(offered):
    with pytest.raises(NeedsPersonError, match="has no account"):
        offered("wrong_user", net={"ben": 50}, accounts=["ben"])
    assert len(offered("wrong_user", net={"ben": 50}, accounts=[])) == 2


def test_what_the_payer_was_given_by_hand_counts_as_given(offered):
    assert offered("wrong_user", net={"ben": 50, "ada": 50}) == [("reversal", "ben", -50)]
    assert offered("wrong_user", net={"ben": 50, "ada": 20}) == [
        ("reversal", "ben", -50),
        ("correction", "ada", 30),
    ]


@pytest.mark.parametrize(
    ("taken", "expected"), [(0, [("reversal", "ben", -50)]), (20, [("reversal", "ben", -30)])]
)
def test_of_unpaid_credits_goes_what_refunds_did_not_take_already(offered, taken, expected):
    assert offered("unpaid_credit", net={"ben": 50}, taken={"ben": taken}) == expected


def test_of_unpaid_credits_that_refunds_took_already_nothing_goes(offered):
    with pytest.raises(NeedsPersonError, match="no account holds its credits"):
        offered("unpaid_credit", net={"ben": 50}, taken={"ben": 50})


def test_a_payment_that_may_still_succeed_is_left_to_a_person(offered):
    with pytest.raises(NeedsPersonError, match="may still succeed"):
        offered("unpaid_credit", net={"ben": 50}, cause="unpaid")


def test_a_surplus_goes_from_the_account_that_is_not_the_payers(offered):
    twice = {"net": {"ada": 50, "ben": 50}, "grants": 2, "purchased": 100}
    assert offered("duplicate_credit", **twice) == [("reversal", "ben", -50)]
    with pytest.raises(NeedsPersonError, match="whose they are is in doubt"):
        offered("duplicate_credit", **twice, rightful_probability=0.899)


def test_one_reversal_cancels_one_grant(offered):
    thrice = {"net": {"ada": 150}, "grants": 3, "purchased": 150, "credits": 100}
    assert offered("duplicate_credit", **thrice) == [("reversal", "ada", -50)] * 2


@pytest.mark.parametrize(("balance", "held"), [(5, False), (4, True)])
def test_a_balance_may_come_down_to_zero_and_no_further(balance, held):
    entry = Entry("reversal", "ada", -5, "key")
    takes = Correction("duplicate_credit", "", "cs_1", 1.0, None, (entry,))
    (step,) = booking_order([takes], {"ada": balance})
    assert step.held is held
    assert not booking_order([takes], {"ada": balance}, allow_negative=True)[0].held
