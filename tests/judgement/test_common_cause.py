"""Wrong sessions that share a front end or a time, and one act of a payer that is no such cause."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from credit_forensics.engines.duckdb import DuckDBEngine
from credit_forensics.judgement.bursts import STATES
from credit_forensics.judgement.common_cause import Groups, smooth_both
from credit_forensics.judgement.front_ends import front_end_marks
from credit_forensics.judgement.pattern_arrays import Cells, most_marks
from credit_forensics.tables.catalogue import ALL, Tables

USERS = ("boss", "ann", "ben", "cat", "dan", "eve")


def marks_of(*entries):
    """``(payment, source, key, value)`` to the number of each payment's front end."""
    engine = DuckDBEngine()
    engine.create(*ALL)
    columns = ["payment_id", "source", "key", "value"]
    frame = pd.DataFrame(entries, columns=columns).astype("str")
    engine.register("metadata", frame)
    marks = engine.frame(front_end_marks(Tables(), 5))
    return dict(zip(marks["payment_id"], marks["mark"], strict=True))


def test_a_front_end_has_one_number_wherever_it_is_named():
    found = marks_of(
        ("cs_1", "session", "frontend_version", "2.9.1-hotfix"),
        ("cs_2", "session", "appVersion", "2.9.1-hotfix"),
        ("cs_3", "session", "frontend_version", "2.9.1"),
        ("cs_4", "session", "frontend_version", ""),
        # Neither what a price carries nor any other key is a session's front end.
        ("cs_5", "price", "release", "2.9.1"),
        ("cs_6", "session", "plan_id", "2.9.1"),
    )
    assert set(found) == {"cs_1", "cs_2", "cs_3"}
    assert found["cs_1"] == found["cs_2"] != found["cs_3"]
    assert all(1 <= mark < most_marks(5) for mark in found.values())
    # The number follows from the version alone: a part of the evidence gives the same.
    assert marks_of(("x", "session", "build", "2.9.1")) == {"x": found["cs_3"]}


def cells_of(*rows):
    """Cells of one pattern: ``(period, mark, payments)``."""
    period, mark, count = (np.array(values) for values in zip(*rows, strict=True))
    pattern = np.zeros(len(rows), dtype=np.int64)
    return Cells(period, pattern, count.astype(float), int(period.max()) + 1, mark)


@pytest.mark.parametrize(("payments", "judged"), [(1, False), (2, True)])
def test_of_one_payment_nothing_is_shared(payments, judged):
    groups = Groups.of(cells_of((0, 5, payments), (0, 0, 20)), 1)
    assert groups.judged.tolist() == [False, judged]


def test_a_front_end_that_made_most_payments_is_the_usual_one():
    rare, half, usual = (
        float(Groups.of(cells_of((0, 5, count), (0, 0, 20 - count)), 1).log_prior[1, 0])
        for count in (2, 10, 19)
    )
    assert rare < half < usual
    assert usual > np.log(0.999)


def test_doubts_that_share_a_front_end_are_a_fault_of_it():
    # Thirty periods with a doubtful payment each; those of mark 3 are doubtful, others are right.
    doubt, right = np.log(np.array([[0.05, 0.3, 0.45, 0.6, 0.75], STATES]))
    cells = cells_of(*((period, 3 if period % 3 == 0 else 8, 1) for period in range(30)))
    groups = Groups.of(cells, 1)
    told = np.where((groups.marks[groups.mark] == 3)[:, None], doubt, right)
    states, marks = smooth_both(groups, told, groups.begins, {}, {})
    assert marks["3"][0] < 0.01
    assert marks["8"][0] > 0.9
    assert states[:, 0].min() > 0.9
    # What is known of a front end stays.
    _, given = smooth_both(groups, told, groups.begins, {}, {"3": [1.0, 0.0, 0.0, 0.0, 0.0]})
    assert given["3"][0] == 1.0


OWN = [(day, user, user) for day in range(10) for user in ("boss", "ben", "cat", "dan", "eve")]


def shop(literal_case, paid, releases):
    """Each (day, payer, account) paid and credited as the session said, by a front end each."""
    at = [f"2025-09-{1 + day:02d}T10:{place:02d}Z" for place, (day, _, _) in enumerate(paid)]
    named = [f"cs_{place:02d}" for place in range(len(paid))]
    return literal_case(
        payments=[
            {
                "payment_id": payment,
                "created_at": when,
                "payment_status": "paid",
                "amount": 500,
                "customer_preset": False,
                "client_reference_id": account,
                "payer_email": f"{payer}@example.com",
                "payer_name": f"{payer} {payer}",
            }
            for payment, when, (_, payer, account) in zip(named, at, paid, strict=True)
        ],
        metadata=[
            {
                "payment_id": payment,
                "source": "session",
                "position": 0,
                "key": "frontend_version",
                "value": release,
            }
            for payment, release in zip(named, releases, strict=True)
        ],
        users=[
            {"user_id": user, "email": f"{user}@example.com", "name": f"{user} {user}"}
            for user in USERS
        ],
        ledger=[
            {
                "entry_id": f"e_{payment}",
                "user_id": account,
                "delta": 50,
                "kind": "purchase",
                "payment_id": payment,
                "created_at": when,
            }
            for payment, when, (_, _, account) in zip(named, at, paid, strict=True)
        ],
    )


BOSS = [(day, "boss", account) for day in (2, 5, 8) for account in ("ann", "ben")]
MIXED_UP = [(1, "ben", "cat"), (3, "cat", "dan"), (6, "dan", "eve"), (9, "eve", "ben")]


@pytest.mark.parametrize("shared", [True, False])
def test_in_a_shop_of_patrons_what_shares_a_release_is_named_and_a_lone_one_is_asked(
    literal_case, shared
):
    paid = [*OWN, *BOSS, *MIXED_UP]
    broken = ["2.9.1"] * 4 if shared else ["2.0.0"] * 4
    releases = [*(["2.0.0"] * (len(OWN) + len(BOSS))), *broken]
    case = shop(literal_case, paid, releases)
    verdicts = case.verdicts.set_index("payment_id")["verdict"].sort_index().tolist()
    found = set(verdicts[-len(MIXED_UP) :])
    assert found == ({"misattributed"} if shared else {"paid_by_another"})
    # The boss pays for his team all the same, and who paid for themselves is right.
    assert set(verdicts[len(OWN) : -len(MIXED_UP)]) == {"paid_by_another"}
    assert set(verdicts[: len(OWN)]) == {"confirmed"}


def test_a_boss_who_pays_for_a_whole_team_at_once_is_no_burst_of_wrong_sessions(literal_case):
    team = [(5, "boss", account) for account in USERS[1:]]
    case = shop(literal_case, [*OWN, *team], ["2.0.0"] * (len(OWN) + len(team)))
    verdicts = case.verdicts.set_index("payment_id")["verdict"].sort_index().tolist()
    assert set(verdicts[len(OWN) :]) == {"paid_by_another"}
