"""Who pays for another's account, and what tells a patron from a session that is wrong."""

from __future__ import annotations

import ibis
import pandas as pd
import pytest

from credit_forensics.engines.duckdb import DuckDBEngine
from credit_forensics.judgement.patrons import payer_relations
from credit_forensics.judgement.relations import (
    AGAIN,
    AGAIN_AND_OTHERS,
    ONCE,
    STUCK,
    UNSHARED,
    code,
    of_patrons,
    of_wrong_sessions,
)
from credit_forensics.judgement.verdicts import MISATTRIBUTED_FROM

COLUMNS = {
    "payment_id": "string",
    "created_at": "timestamp('UTC')",
    "credited": "string",
    "name_owners": "int64",
    **{f"v_{name}": "string" for name in ("session", "email", "card", "name")},
}


def relations(*payments, mode="hindsight", credited=None):
    """The relation of each payment, 0 where it has none: (day, payer's e-mail, account).

    ``credited``: who has the credits of the last payment, where it is not the account.
    """
    rows = [
        {
            "payment_id": f"cs_{number}",
            "created_at": pd.Timestamp("2025-09-01T12:00Z") + pd.Timedelta(days=day),
            "credited": account,
            "name_owners": 0,
            "v_session": account,
            "v_email": payer,
            "v_card": None,
            "v_name": None,
        }
        for number, (day, payer, account) in enumerate(payments)
    ]
    rows[-1]["credited"] = credited or rows[-1]["credited"]
    engine = DuckDBEngine(threads=1)
    texts = [name for name, kind in COLUMNS.items() if kind == "string"]
    engine.register("voices", pd.DataFrame(rows).astype(dict.fromkeys(texts, "str")))
    found = engine.frame(payer_relations(ibis.table(COLUMNS, name="voices"), mode))
    by_payment = found.groupby("payment_id")["relation"].sum().to_dict()
    return [by_payment.get(row["payment_id"], 0) for row in rows]


@pytest.mark.parametrize(
    ("payments", "expected"),
    [
        ([(0, "boss", "boss")], [0]),
        ([(0, "boss", "ann")], [code(0, 0, ONCE)]),
        # Within a day somebody tries again.
        ([(0, "boss", "ann"), (0.9, "boss", "ann")], [code(0, 0, ONCE)] * 2),
        ([(0, "boss", "ann"), (1, "boss", "ann")], [code(1, 1, AGAIN)] * 2),
        ([(0, "boss", "ann"), (0.1, "boss", "ann"), (1, "boss", "ann")], [code(1, 1, AGAIN)] * 3),
        ([(0, "boss", "ann"), (1, "boss", "ben")], [code(1, 1, ONCE)] * 2),
        ([(0, "boss", "ann"), (0.9, "boss", "ben")], [code(0, 0, ONCE)] * 2),
        # The boss goes on buying for himself.
        (
            [(0, "boss", "ann"), (1, "boss", "boss"), (2, "boss", "ann")],
            [code(1, 2, AGAIN_AND_OTHERS), 0, code(1, 2, AGAIN_AND_OTHERS)],
        ),
        # Half of what the boss buys besides is for others, or less.
        *(
            (
                [*((day, "boss", "ann") for day in range(3)), *((4, "boss", "boss"),) * own],
                [code(2, 2 + own, AGAIN)] * 3 + [0] * own,
            )
            for own in (2, 3)
        ),
        # His own purchases end where it begins, and ann pays for herself: an id that sticks.
        (
            [(0, "boss", "boss"), (1, "boss", "ann"), (2, "boss", "ann"), (3, "ann", "ann")],
            [0, code(1, 2, STUCK), code(1, 2, STUCK), 0],
        ),
        # That ann pays into another's account once is known once, where few pay for others.
        (
            [
                (0, "boss", "ann"),
                (1, "boss", "ann"),
                (2, "ann", "ben"),
                *((3, user, user) for user in ("cat", "dan", "eve")),
            ],
            [code(1, 1, AGAIN, mutual=True), code(1, 1, AGAIN), code(0, 0, ONCE), 0, 0, 0],
        ),
        # Who pays into three accounts within a day buys for a team; two may be another try.
        (
            [(0.1 * place, "boss", user) for place, user in enumerate(("ann", "ben", "cat"))],
            [code(2, 2, ONCE)] * 3,
        ),
        # Ann pays into another's account too: where most sessions are wrong everybody does.
        (
            [(0, "boss", "ann"), (1, "ann", "boss")],
            [code(0, 0, ONCE, mutual=True)] * 2,
        ),
    ],
)
def test_the_pair_of_payer_and_account(payments, expected):
    assert relations(*payments) == expected


def test_as_of_knows_earlier_payments_only():
    payments = [(0, "boss", "ann"), (1, "boss", "ann"), (2, "ann", "ann"), (3, "boss", "ann")]
    assert relations(*payments, mode="as_of") == [
        code(0, 0, ONCE),
        code(1, 1, AGAIN),
        0,
        code(2, 2, STUCK),
    ]
    assert relations(*payments) == [code(2, 2, STUCK)] * 2 + [0, code(2, 2, STUCK)]


def test_for_whom_a_payment_is_the_session_says_wherever_the_credits_went():
    payments = [(0, "boss", "ann"), (1, "boss", "ann")]
    assert relations(*payments, credited="boss") == relations(*payments)


@pytest.mark.parametrize(
    ("further", "total", "same_as"),
    [
        (2, 5, (3, 7)),
        (2, 4, (9, 10)),  # half of them
        (4, 10, (2, 15)),
        (5, 10, (15, 15)),
    ],
)
def test_several_payments_for_others_by_their_share_of_all(further, total, same_as):
    def place(further, total):
        return (code(further, total, ONCE) - code(0, total, ONCE)) % 4

    assert place(further, total) == place(*same_as)
    assert place(2, 5) != place(2, 4)


@pytest.mark.parametrize(("payers", "shared"), [(3, False), (4, True)])
def test_an_account_that_many_others_sessions_name(payers, shared):
    own = [(payers, "ann", "ann")]
    payments = [(day, f"payer {day}", "ann") for day in range(payers)]
    once = code(0, 0, ONCE, shared=shared)
    assert relations(*payments, *own) == [once] * payers + [UNSHARED * shared]


def test_an_account_is_shared_by_comparison_with_the_others():
    # Each of five accounts is named by four others: that is how this shop is.
    payments = [(day, f"payer {day}", f"account {day % 5}") for day in range(20)]
    assert relations(*payments) == [code(0, 0, ONCE)] * 20


def test_as_of_an_account_is_shared_from_the_fourth_payer_on():
    payments = [(day, f"payer {day}", "ann") for day in range(5)]
    once = code(0, 0, ONCE)
    assert relations(*payments, mode="as_of") == [once] * 3 + [once + UNSHARED] * 2


@pytest.mark.parametrize(
    ("further", "total", "wrong", "fault"),
    [
        # Twice in a hundred purchases is chance where one in fifty is wrong, twice in three is not.
        (1, 75, 0.02, True),
        (1, 2, 0.02, False),
        # Once among many of one's own is no patron's habit.
        (0, 25, 0.02, True),
        # Where most sessions are wrong, most purchases go to others.
        (7, 10, 0.6, True),
        (7, 10, 0.02, False),
    ],
)
def test_how_often_the_payer_pays_for_others_tells_faults_from_patrons(
    further, total, wrong, fault
):
    pair = AGAIN_AND_OTHERS if further else ONCE
    relation = code(further, total, pair, mutual=wrong > 0.5)
    one_by_one, _ = of_wrong_sessions(wrong)
    _, regular = of_patrons()
    assert (one_by_one[relation] > regular[relation]) == fault


@pytest.mark.parametrize(("others", "as_rule"), [(4, False), (5, True)])
def test_who_pays_for_others_in_half_of_the_purchases_does_so_as_a_rule(others, as_rule):
    now_and_then, regular = of_patrons()
    relation = code(others, 10, AGAIN_AND_OTHERS)
    assert (regular[relation] > 4 * now_and_then[relation]) == as_rule


def test_a_boss_whose_own_account_has_the_credits_of_a_members_purchase(literal_case):
    paid = [*OWN, *((day, "boss", account) for day in (2, 5, 8) for account in ("ann", "ben"))]
    credited = {f"cs_{len(paid) - 1}": "boss"}
    case = shop(literal_case, paid, credited=credited)
    verdicts = case.verdicts.set_index("payment_id")
    last = verdicts.loc[f"cs_{len(paid) - 1}"]
    # The boss paid, and the session says for whom: nobody is accused, and nothing is all right.
    assert last["verdict"] == "ambiguous"
    assert last["probability_misattributed"] > 0.5
    assert verdicts.loc["cs_0", "verdict"] != "ambiguous"


USERS = [
    {"user_id": user, "email": f"{user}@example.com", "name": f"{user} {user}"}
    for user in ("boss", "ann", "ben", "cat", "dan", "eve")
]


def shop(literal_case, paid, credited=None):
    """A shop in which each (day, payer, account) was paid and credited as the session said.

    ``credited``: payments whose credits went elsewhere.
    """
    credited = credited or {}
    at = [f"2025-09-{1 + day:02d}T10:{place:02d}Z" for place, (day, _, _) in enumerate(paid)]
    return literal_case(
        payments=[
            {
                "payment_id": f"cs_{place}",
                "created_at": at[place],
                "payment_status": "paid",
                "amount": 500,
                "customer_preset": False,
                "client_reference_id": account,
                "payer_email": f"{payer}@example.com",
                "payer_name": f"{payer} {payer}",
            }
            for place, (_, payer, account) in enumerate(paid)
        ],
        users=USERS,
        ledger=[
            {
                "entry_id": f"e_{place}",
                "user_id": credited.get(f"cs_{place}", account),
                "delta": 50,
                "kind": "purchase",
                "payment_id": f"cs_{place}",
                "created_at": at[place],
            }
            for place, (_, _, account) in enumerate(paid)
        ],
    )


OWN = [(day, user, user) for day in range(10) for user in ("boss", "ben", "cat", "dan", "eve")]


def test_a_boss_who_pays_for_a_team_accuses_nobody(literal_case):
    paid = [*OWN, *((day, "boss", account) for day in (2, 5, 8) for account in ("ann", "ben"))]
    case = shop(literal_case, paid)
    asked = case.verdicts[case.verdicts["verdict"] == "paid_by_another"]
    assert set(asked["payment_id"]) == {f"cs_{place}" for place in range(len(OWN), len(paid))}
    assert asked["probability_misattributed"].max() < MISATTRIBUTED_FROM
    assert set(asked["rightful_user_id"]) == {"boss"}
    assert "wrong_user" not in set(case.findings["finding"])
    assert "another paid for this account" in str(case.explain(asked["payment_id"].iloc[0]))


RIGHT = [(day, user, user) for day in range(10) for user in ("ann", "ben", "cat", "dan")]


def test_a_lone_payer_of_a_shop_without_any_fault_is_asked_about(literal_case):
    case = shop(literal_case, [*RIGHT, (9, "eve", "ann")])
    last = case.verdicts.set_index("payment_id").loc[f"cs_{len(RIGHT)}"]
    assert last["verdict"] == "paid_by_another"
    assert last["probability_misattributed"] < MISATTRIBUTED_FROM
    assert last["log_odds"] < 3
    assert "wrong_user" not in set(case.findings["finding"])
