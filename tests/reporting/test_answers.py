"""The ten questions are answered in plain sentences with the right numbers."""

from __future__ import annotations

import pandas as pd
import pytest
from small_case import RIGHTFUL, WRONG, user_id

from credit_forensics.errors import CaseError
from credit_forensics.findings.catalogue import FINDINGS
from credit_forensics.records import row_dicts
from credit_forensics.reporting.answers import ten_answers
from credit_forensics.reporting.blocks import text_of
from credit_forensics.reporting.case_view import accounts_hit, money_at_stake
from credit_forensics.reporting.corrections import correction_of, open_corrections
from credit_forensics.reporting.headline import headline
from credit_forensics.reporting.incident_report import IncidentReport, case_view


@pytest.fixture(scope="module")
def answers(case):
    view = case_view(case, payment_id="cs_test_0020")
    return [(text_of(answer.focus), text_of(answer.case)) for answer in ten_answers(view)]


def about(case, payment_id: str) -> list[str]:
    view = case_view(case, payment_id=payment_id)
    return [text_of(answer.focus) for answer in ten_answers(view)]


def test_there_are_ten_answers_each_about_the_payment_and_the_case(answers):
    assert len(answers) == 10
    assert all(focus and whole for focus, whole in answers)


def test_the_worst_payment_is_a_wrong_user_one(case):
    assert case_view(case).focus in {f"cs_test_{number:04d}" for number in range(20, 25)}


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (1, f"The 50 credits of cs_test_0020 are on {WRONG}."),
        (2, "passed every gate: event evt_0020, 1 delivery in the log, signature verified"),
        (3, f"cs_test_0020 was paid by {RIGHTFUL} with"),
        (3, f"{WRONG} is another person."),
        (4, "4 independent families speak"),
        (5, f"{RIGHTFUL}: stored 150, ledger 150. {WRONG}: stored 450, ledger 450."),
        (6, "cs_test_0020: another person (stale session)."),
        (7, "cs_test_0020 was granted once."),
        (8, "cs_test_0020: 50 credits granted, the price is worth 50."),
        (9, "handler method PRIMARY_METADATA and frontend_version 2.0-bulletproof."),
        (10, f"Take 50 credits from {WRONG} and give them to {RIGHTFUL}; not applied yet."),
    ],
)
def test_the_payment_singled_out(answers, number, sentence):
    assert sentence in answers[number - 1][0]


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (1, "5 of 24 payments have credits on another account than the payer's."),
        (2, "23 of 24 paid payments are booked; stopped: 1 signature refused."),
        (3, "7 ids make 7 persons; 0 have more than one id."),
        (5, "1 of 6 stored balances differ from their ledger."),
        (6, "5 payments on another person, 0 on another id of the same person"),
        (7, "1 payment booked more than once;"),
        (8, "No booked payment differs from its price."),
        (
            9,
            "5 accounts hit by 9 findings.",
        ),
        # The eighth is the balance that differs: a person decides, so it moves no credits.
        (10, "8 corrections open in all, 350 credits to move."),
    ],
)
def test_the_case_as_a_whole(answers, number, sentence):
    assert sentence in answers[number - 1][1]


def test_a_payment_that_stopped_at_a_gate_says_which(case):
    answers = about(case, "cs_test_0003")
    assert answers[0] == "No account holds credits of cs_test_0003."
    assert answers[1] == "cs_test_0003 stopped at the signature: it was refused."
    assert answers[6] == "cs_test_0003 was never granted."
    assert f"Grant 50 credits to {user_id(4)}; not applied yet." in answers[9]


def test_a_payment_booked_twice_says_so(case):
    answers = about(case, "cs_test_0004")
    assert answers[6] == "cs_test_0004 was granted 2 times."
    assert "Take 50 credits back from" in answers[9]


def test_a_payment_with_nothing_wrong_needs_no_correction(case):
    answers = about(case, "cs_test_0001")
    assert answers[5] == "cs_test_0001: neither; the credits are where they belong."
    assert answers[9] == "cs_test_0001 needs no correction."


def test_an_unknown_payment_is_a_clear_error(case):
    with pytest.raises(CaseError, match="no payment cs_none"):
        IncidentReport(case, payment_id="cs_none")


def test_german_answers_are_german(case):
    view = case_view(case, language="de", payment_id="cs_test_0020")
    first = ten_answers(view)[0]
    assert text_of(first.focus) == f"Die 50 Credits von cs_test_0020 liegen auf {WRONG}."
    assert first.question == "Wo sind die Credits jetzt?"


def test_money_of_a_payment_counts_once_however_many_findings():
    rows = pd.DataFrame(
        {
            "payment_id": ["a", "a", "b", None, None],
            "amount": [500, 500, 100, 7, 7],
            "currency": ["eur", "eur", "usd", "eur", "eur"],
            "credited_user_id": ["x", "x", "y", None, "x"],
            "rightful_user_id": [None, "z", "y", None, None],
        }
    )
    assert money_at_stake(rows) == {"eur": 514, "usd": 100}
    assert accounts_hit(rows) == 3


class View:
    """Just what corrections ask of a view."""

    catalogue = FINDINGS

    def __init__(self, findings: pd.DataFrame, manual: pd.DataFrame) -> None:
        self.findings = findings
        self.manual_by_user: dict[object, list[dict]] = {}
        for row in row_dicts(manual):
            self.manual_by_user.setdefault(row["user_id"], []).append(row)


def finding(name: str, **changes: object) -> dict:
    return {
        "payment_id": "cs_1",
        "finding": name,
        "credited_user_id": "b",
        "rightful_user_id": "a",
        "credits": 50,
        "created_at": pd.Timestamp("2025-09-01", tz="UTC"),
        **changes,
    }


def entries(*rows: tuple) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["entry_id", "user_id", "delta", "payment_id", "created_at"])
    frame["created_at"] = pd.to_datetime(frame["created_at"], utc=True)
    return frame


MOVED = {one.name: one.correction.action for one in FINDINGS if one.correction.action != "none"}


@pytest.mark.parametrize("name", sorted(set(MOVED) - {"poisoned_mapping"}))
def test_a_counter_entry_settles_a_finding_only_if_it_fits(name):
    granting = MOVED[name] in ("move", "give")
    user, delta = ("a", 50) if granting else ("b", -50)
    fits = entries(("e1", user, delta, None, "2025-09-02"))
    assert correction_of(View(pd.DataFrame(), fits), finding(name)).entries == ("e1",)
    for other in (
        entries(("e1", "c", delta, None, "2025-09-02")),
        entries(("e1", user, delta + 1, None, "2025-09-02")),
        entries(("e1", user, delta, "cs_other", "2025-09-02")),
        entries(("e1", user, delta, None, "2025-08-31")),
    ):
        assert correction_of(View(pd.DataFrame(), other), finding(name)).entries == ()


def test_open_corrections_leave_out_what_was_settled_by_hand():
    rows = pd.DataFrame([finding("wrong_user"), finding("missing_credit", rightful_user_id="c")])
    manual = entries(("e1", "a", 50, "cs_1", "2025-09-02"))
    assert open_corrections(View(rows, entries())) == (2, 100)
    assert open_corrections(View(rows, manual)) == (1, 50)


def test_findings_that_move_no_credits_need_no_correction():
    assert correction_of(View(pd.DataFrame(), entries()), finding("failed_delivery")) is None


@pytest.mark.parametrize("language", ["en", "de"])
def test_what_is_passed_over_as_a_practice_is_no_all_clear(literal_case, language):
    """Six payments with ten per cent on top; without them the same sentences say nothing of it."""
    at = pd.Timestamp("2026-03-01", tz="UTC")

    def view_of(extra):
        payments, ledger = [], []
        for n in range(6):
            sold = at + pd.Timedelta(days=n)
            payments.append({
                "payment_id": f"cs_{n}", "created_at": sold, "completed_at": sold, "amount": 1000,
                "currency": "eur", "payment_status": "paid", "status": "complete",
                "livemode": True, "expected_credits": 100, "client_reference_id": f"u{n}",
            })  # fmt: skip
            ledger.append({
                "entry_id": str(n), "payment_id": f"cs_{n}", "user_id": f"u{n}",
                "delta": 100 + extra, "kind": "purchase", "created_at": sold,
            })  # fmt: skip
        users = [{"user_id": f"u{n}"} for n in range(6)]
        case = literal_case(payments=payments, ledger=ledger, users=users)
        return case_view(case, language=language)

    usual, plain = view_of(10), view_of(0)
    assert (usual.practices, plain.practices) == (["prices"], [])
    (eighth, head), (eighth_plain, head_plain) = (
        (text_of(ten_answers(view)[7].case), text_of(headline(view))) for view in (usual, plain)
    )
    word = "practice" if language == "en" else "Praxis"
    assert (word in eighth, word in head) == (True, True)
    assert (word in eighth_plain, word in head_plain) == (False, False)


def test_balances_of_an_earlier_time_are_said_to_be_so(literal_case):
    """Two accounts used credits after the night in which their balances were summed."""
    at = pd.Timestamp("2026-03-01", tz="UTC")
    entries = [
        {"entry_id": f"{user}{day}", "user_id": user, "delta": delta, "kind": "usage",
         "created_at": at + pd.Timedelta(days=day)}
        for user in ("u1", "u2")
        for day, delta in ((0, 50), (9, -5))
    ]  # fmt: skip

    def fifth(stored):
        rows = [{"user_id": user, "balance": stored} for user in ("u1", "u2")]
        users = [{"user_id": user} for user in ("u1", "u2")]
        case = literal_case(ledger=entries, balances=rows, users=users)
        return text_of(ten_answers(case_view(case))[4].case)

    assert "as of an earlier time" in fifth(50)
    assert "none differs from its ledger." in fifth(45)
    assert "2 of 2" in fifth(77)
