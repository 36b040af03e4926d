"""What a plan offers, what it leaves to a person, and what it never does."""

from __future__ import annotations

import pandas as pd
import pytest

from credit_forensics.case.case import Case
from credit_forensics.errors import CaseError
from credit_forensics.repair import make_plan
from credit_forensics.repair.apply import apply_plan
from credit_forensics.repair.booking_order import booking_order
from credit_forensics.repair.entries import Correction, Entry
from credit_forensics.repair.manual_fixes import Regrants
from credit_forensics.repair.plan_files import write_plan
from credit_forensics.repair.plan_text import plan_markdown
from credit_forensics.scenarios.demo import ORIGINAL_PAYER as PAYER
from credit_forensics.scenarios.demo import ORIGINAL_WRONG_USER as WRONG
from credit_forensics.scenarios.demo import write_demo_case


def entries(plan, finding):
    """(status, action, account, credits) of a finding, and the keys without the payment."""
    rows = plan.rows[plan.rows["finding"] == finding]
    keys = [key.partition("payment_")[0] for key in rows["key"].dropna()]
    told = rows[["status", "action", "user_id", "delta"]].values.tolist()
    return [tuple(row) for row in told], keys


def wrong_payment(books):
    found = books.case().findings
    return found.loc[found["finding"] == "wrong_user", "payment_id"].iloc[0]


def test_wrong_user_is_a_reversal_and_a_correction_and_a_binding(books):
    plan = make_plan(books("stale_session").case())
    told, keys = entries(plan, "wrong_user")
    assert told == [("offered", "reversal", WRONG, -50), ("offered", "correction", PAYER, 50)]
    assert keys == ["reversal:wrong_user:", "correction:wrong_user:"]
    payment = plan.rows["payment_id"].iloc[0]
    assert plan.rows["key"].iloc[0] == f"reversal:wrong_user:payment_{payment}"
    binding = plan.rows[plan.rows["action"] == "rebind"].iloc[0]
    assert (binding["old_user_id"], binding["user_id"]) == (WRONG, PAYER)
    assert plan.refusal == "" and plan.script is not None


def test_what_takes_a_decision_is_only_listed(tmp_path):
    plan = make_plan(Case.open(write_demo_case(tmp_path), store=False))
    rows = plan.rows[plan.rows["status"] == "needs a person"]
    assert {
        "unpaid_credit",
        "orphan_credit",
        "wrong_amount",
        "unknown_user",
        "balance_drift",
    } <= set(rows["finding"])
    assert rows["note"].str.len().min() > 10
    assert rows["key"].isna().all()
    listed = set(zip(rows["finding"], rows["payment_id"], strict=True))
    assert not listed & {(one.finding, one.payment_id) for one in plan.corrections}


def test_a_repaired_case_and_a_clean_one_need_nothing(books):
    for name in ("repaired", "refund_reversed"):
        plan = make_plan(books(name).case())
        assert plan.rows.empty and plan.corrections == ()
        assert "Nothing has been changed" in plan_markdown(plan)


def test_what_is_spent_is_shown_and_not_taken(books):
    ledger = books("stale_session")
    spent = ledger.balance(WRONG) - 20
    ledger.run(f"UPDATE user_credits SET total_credits = 20 WHERE user_id = '{WRONG}'")
    ledger.run(
        "INSERT INTO credit_ledger (user_id, delta, reason, created_at) "
        f"VALUES ('{WRONG}', {-spent}, 'usage:generation', '2025-09-20 00:00:00')"
    )
    plan = make_plan(ledger.case())
    reversal = plan.rows[plan.rows["action"] == "reversal"].iloc[0]
    assert reversal["status"] == "held back"
    assert (reversal["balance_before"], reversal["balance_after"]) == (20, -30)
    assert reversal["already_spent"] == 30
    assert "30 of these credits are spent" in plan_markdown(plan)
    allowed = make_plan(ledger.case(), allow_negative=True)
    assert entries(allowed, "wrong_user")[0][0] == ("offered", "reversal", WRONG, -50)


def test_a_regrant_that_names_the_payment_is_netted_by_the_books(books):
    ledger = books("stale_session")
    payment = wrong_payment(ledger)
    ledger.run(
        "INSERT INTO credit_ledger (user_id, delta, reason, created_at) VALUES "
        f"('{PAYER}', 50, 'admin_regrant:payment_{payment}', '2025-09-02 00:00:00')",
        f"UPDATE user_credits SET total_credits = total_credits + 50 WHERE user_id = '{PAYER}'",
    )
    told, _ = entries(make_plan(ledger.case()), "wrong_user")
    assert told == [("offered", "reversal", WRONG, -50)]


@pytest.mark.parametrize(
    ("reason", "netted"),
    [
        ("admin_grant:purchase lost", True),
        ("manual regrant", True),
        ("welcome_bonus", False),
        ("promo:autumn", False),
        (None, False),
    ],
)
def test_a_regrant_is_told_by_its_wording(reason, netted):
    day = pd.Timestamp("2025-09-02", tz="UTC")
    rows = pd.DataFrame(
        {"entry_id": ["9"], "user_id": ["a"], "delta": [50], "reason": [reason]}
    ).assign(created_at=day)
    assert (Regrants(rows).take("a", 50, day) == "9") is netted
    assert Regrants(rows).take("a", 51, day) is None
    assert Regrants(rows).take("a", 50, day + pd.Timedelta("1s")) is None
    assert Regrants(rows, netted=["9"]).take("a", 50, day) is None


def test_a_nameless_regrant_by_hand_is_set_off(books):
    ledger = books("stale_session")
    ledger.run(
        "INSERT INTO credit_ledger (id, user_id, delta, reason, created_at) "
        f"VALUES (900, '{PAYER}', 50, 'admin_grant:purchase lost', '2025-09-02 00:00:00')"
    )
    plan = make_plan(ledger.case())
    told, _ = entries(plan, "wrong_user")
    assert told == [
        ("offered", "reversal", WRONG, -50),
        ("offered", "correction", PAYER, 50),
        ("offered", "grant", PAYER, -50),
    ]
    assert apply_plan(plan).complete
    # The grant is used up: neither is it set off again, nor does the payment lack its credits.
    again = make_plan(ledger.case())
    assert again.corrections == ()


def test_a_refund_moves_with_the_credits_it_was_taken_from(books):
    ledger = books("guest_checkout")
    payment = wrong_payment(ledger)
    # Refunded in half: 25 credits were taken back, from the wrong account.
    ledger.run(
        "INSERT INTO credit_ledger (user_id, delta, reason, created_at) VALUES "
        f"('{WRONG}', -25, 'stripe_refund:payment_{payment}', '2025-09-02 00:00:00')"
    )
    told, _ = entries(make_plan(ledger.case()), "wrong_user")
    moved = sorted((action, user, delta) for _, action, user, delta in told)
    assert moved == sorted(
        [
            ("reversal", WRONG, -50),
            ("correction", PAYER, 50),
            ("refund", WRONG, 25),
            ("refund", PAYER, -25),
        ]
    )


def test_a_key_of_an_earlier_repair_is_not_used_again(books):
    ledger = books("stale_session")
    payment = wrong_payment(ledger)
    ledger.run(
        "INSERT INTO credit_ledger (user_id, delta, reason, created_at) VALUES "
        f"('{WRONG}', 0, 'reversal:wrong_user:payment_{payment}', '2025-09-02 00:00:00')"
    )
    plan = make_plan(ledger.case())
    assert f"reversal:wrong_user:payment_{payment}:2" in plan.rows["key"].tolist()


def test_under_the_threshold_nothing_is_offered(books):
    plan = make_plan(books("stale_session").case(), threshold=1.0)
    assert plan.corrections == ()
    assert set(plan.rows["status"]) == {"below the threshold"}


@pytest.mark.parametrize("threshold", [0.2, 1.5, float("nan")])
def test_a_threshold_that_is_none_is_refused(literal_case, threshold):
    with pytest.raises(CaseError, match="--threshold is a probability"):
        make_plan(literal_case(payments=[]), threshold=threshold)


def test_a_case_without_a_ledger_to_write_has_a_plan_and_says_why_it_cannot_be_applied(
    literal_case, tmp_path
):
    plan = make_plan(literal_case(payments=[{"payment_id": "cs_1"}]))
    written = {path.name for path in write_plan(plan, tmp_path / "plan")}
    assert written == {"plan.csv", "plan.json", "plan.md"}
    assert plan.refusal == "the case names no ledger"


def test_the_same_case_gives_the_same_bytes(books, tmp_path):
    ledger = books("stale_session")
    for name in ("one", "two"):
        write_plan(make_plan(ledger.case()), tmp_path / name)
    for file in ("plan.csv", "plan.md", "plan.sql"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_a_correction_that_follows_a_held_one_is_held():
    takes = Correction(
        "duplicate_credit", "", "cs_1", 1.0, None, (Entry("reversal", "b", -5, "k"),)
    )
    after = Correction(
        "refund_not_reversed", "", "cs_1", 1.0, None, (Entry("refund", "a", -1, "l"),)
    )
    other = Correction(
        "refund_not_reversed", "", "cs_2", 1.0, None, (Entry("refund", "a", -1, "m"),)
    )
    steps = booking_order([takes, after, other], {"a": 10, "b": 0})
    assert [(step.correction.payment_id, step.held) for step in steps] == [
        ("cs_2", False),
        ("cs_1", True),
        ("cs_1", True),
    ]


def test_markup_in_an_id_stays_text():
    from credit_forensics.repair.plan_text import _cell

    assert _cell("<script>alert(1)</script>|`x`\n# y") == (
        "&lt;script&gt;alert(1)&lt;/script&gt;\\|\\`x\\` # y"
    )
