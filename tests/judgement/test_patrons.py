"""Who pays for another's account, and what tells a patron from a session that is wrong."""

from __future__ import annotations

import ibis
import pandas as pd
import pytest

from credit_forensics.engines.duckdb import DuckDBEngine
from credit_forensics.judgement.families import AGAIN, AGAIN_AND_OTHERS, OTHERS, STUCK, UNRELATED
from credit_forensics.judgement.patrons import payer_relations
from credit_forensics.judgement.verdicts import MISATTRIBUTED_FROM

COLUMNS = {
    "payment_id": "string",
    "created_at": "timestamp('UTC')",
    "credited": "string",
    "name_owners": "int64",
    **{f"v_{name}": "string" for name in ("session", "email", "card", "name")},
}


def relations(*payments, mode="hindsight"):
    """The relation of each payment, 0 where it has none: (day, payer's e-mail, account)."""
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
    engine = DuckDBEngine(threads=1)
    texts = [name for name, kind in COLUMNS.items() if kind == "string"]
    engine.register("voices", pd.DataFrame(rows).astype(dict.fromkeys(texts, "str")))
    found = engine.frame(payer_relations(ibis.table(COLUMNS, name="voices"), mode))
    by_payment = found.set_index("payment_id")["relation"].to_dict()
    return [by_payment.get(row["payment_id"], 0) for row in rows]


@pytest.mark.parametrize(
    ("payments", "expected"),
    [
        ([(0, "boss", "boss")], [0]),
        ([(0, "boss", "ann")], [UNRELATED]),
        ([(0, "boss", "ann"), (0.9, "boss", "ann")], [UNRELATED, UNRELATED]),
        ([(0, "boss", "ann"), (1, "boss", "ann")], [AGAIN, AGAIN]),
        ([(0, "boss", "ann"), (1, "boss", "ben")], [OTHERS, OTHERS]),
        ([(0, "boss", "ann"), (0.9, "boss", "ben")], [UNRELATED, UNRELATED]),
        # The boss goes on buying for himself.
        (
            [(0, "boss", "ann"), (1, "boss", "boss"), (2, "boss", "ann")],
            [AGAIN_AND_OTHERS, 0, AGAIN_AND_OTHERS],
        ),
        # His own purchases end where it begins, and ann pays for herself: an id that sticks.
        (
            [(0, "boss", "boss"), (1, "boss", "ann"), (2, "boss", "ann"), (3, "ann", "ann")],
            [0, STUCK, STUCK, 0],
        ),
    ],
)
def test_the_pair_of_payer_and_account(payments, expected):
    assert relations(*payments) == expected


def test_as_of_knows_earlier_payments_only():
    payments = [(0, "boss", "ann"), (1, "boss", "ann"), (2, "ann", "ann"), (3, "boss", "ann")]
    assert relations(*payments, mode="as_of") == [UNRELATED, AGAIN, 0, STUCK]
    assert relations(*payments) == [STUCK, STUCK, 0, STUCK]


USERS = [
    {"user_id": user, "email": f"{user}@example.com", "name": f"{user} {user}"}
    for user in ("boss", "ann", "ben", "cat", "dan", "eve")
]


def shop(literal_case, paid, labels=None):
    """A shop in which each (day, payer, account) was paid and credited as the session said."""
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
                "user_id": account,
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
