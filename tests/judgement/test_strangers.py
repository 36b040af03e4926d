"""Payers who match nobody count against an account only where there are more than by chance."""

from __future__ import annotations

import ibis
import pandas as pd
import pytest

from credit_forensics.engines.duckdb import DuckDBEngine
from credit_forensics.judgement.strangers import strangers

COLUMNS = {
    "payment_id": "string",
    "created_at": "timestamp('UTC')",
    "credited": "string",
    "name_key": "string",
    "v_session": "string",
    "v_email": "string",
    "v_name": "string",
    "l_name": "int64",
    "available": "int64",
}
PAID = {"payment_id": "string", "payer_email": "string", "email_prefilled": "boolean"}


def found(rows, mode="hindsight"):
    """The chance of each payment of a stranger, of ``(account, e-mail matches, name matches)``."""
    judged = [
        {
            "payment_id": f"cs_{number:03d}",
            "created_at": pd.Timestamp("2026-05-01", tz="UTC") + pd.Timedelta(hours=number),
            "credited": account,
            "name_key": "somebody",
            "v_session": account,
            "v_email": account if mail else None,
            "v_name": account if name else None,
            "l_name": int(name),
            "available": 1 + mail + name,
        }
        | dict(*more)
        for number, (account, mail, name, *more) in enumerate(rows)
    ]
    payments = [
        {
            "payment_id": row["payment_id"],
            "payer_email": "x@example.com",
            "email_prefilled": row.pop("given", False),
        }
        for row in judged
    ]
    engine = DuckDBEngine(threads=1)
    for name, table, types in (("judged", judged, COLUMNS), ("paid", payments, PAID)):
        texts = [column for column, kind in types.items() if kind == "string"]
        engine.register(name, pd.DataFrame(table).astype(dict.fromkeys(texts, "str")))
    paid, voices = ibis.table(PAID, name="paid"), ibis.table(COLUMNS, name="judged")
    told = engine.frame(strangers(paid, voices, mode))
    return dict(zip(told["stranger_payment"], told["strange"], strict=True))


def shop(strange, both=True, known=40):
    """Owners who are known, a few of whom type other e-mails or names, and strangers."""
    owners = [(f"u{number}", number % 10 > 0, number % 10 != 5) for number in range(known)]
    return [*owners, *((f"u{1 + number}", not both, False) for number in range(strange))]


def test_strangers_beyond_chance_count_for_half_at_most():
    told = found(shop(10))
    assert set(told) == {f"cs_{40 + number:03d}" for number in range(10)}
    # Ten where half a one is expected, and two and a half more may be chance: half of seven.
    assert list(told.values()) == [pytest.approx(0.3525, abs=0.0005)] * 10


@pytest.mark.parametrize(("strange", "asks"), [(2, False), (3, True)])
def test_a_few_are_chance(strange, asks):
    # Four of 40 e-mails and names fail: both together by chance in one of two such shops.
    assert bool(found(shop(strange))) == asks


def test_where_accounts_have_no_names_an_unknown_one_is_the_rule():
    nameless = [(account, mail, False) for account, mail, _ in shop(10)]
    assert found(nameless) == {}


@pytest.mark.parametrize(("without", "asks"), [(13, True), (14, False)])
def test_most_payers_match_by_both(without, asks):
    # 32 of 50 match by both, ten of them by nothing; the owners who are added match by e-mail alone.
    rows = [*shop(10), *((f"v{number}", True, False) for number in range(without))]
    assert bool(found(rows)) == asks


def test_an_unknown_name_alone_is_nothing():
    assert found(shop(10, both=False)) == {}


def test_accounts_whose_owners_nobody_knows_say_nothing():
    told = found([*shop(10), *[("v1", False, False)] * 4])
    assert set(told) == {f"cs_{40 + number:03d}" for number in range(10)}


@pytest.mark.parametrize(
    "more",
    [{"given": True}, {"name_key": None}, {"available": 2}, {"v_session": "u9"}],
    ids=["e-mail of the session", "no name", "another family speaks", "another is named"],
)
def test_only_what_was_typed_where_nothing_else_speaks(more):
    rows = shop(10)
    rows[-1] = (*rows[-1], more)
    assert "cs_049" not in found(rows)
    assert "cs_048" in found(rows)


def test_as_of_strangers_are_told_by_the_past():
    told = found(shop(6), mode="as_of")
    assert set(told) == {"cs_042", "cs_043", "cs_044", "cs_045"}
