"""What share was judged, why the rest was not, and what may be said where nothing was found."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest

from credit_forensics.coverage.judged import Judged
from credit_forensics.coverage.judged_shares import measure_judged
from credit_forensics.coverage.measure import measure_coverage
from credit_forensics.engines.duckdb import DuckDBEngine
from credit_forensics.tables.catalogue import ALL, spec

DAY = pd.Timestamp("2025-09-05", tz="UTC")


def judged(paid, ledger=(), **tables) -> Judged:
    """Of payments as (verdict, amount[, currency]) and of entries as their payments' numbers."""
    rows = [
        {
            "payment_id": f"cs_{number}",
            "payment_status": "paid",
            "amount": amount,
            "currency": (*currency, "eur")[0],
        }
        for number, (_, amount, *currency) in enumerate(paid)
    ]
    entries = [
        {
            "entry_id": str(number),
            "user_id": "a",
            "delta": 50,
            "kind": "purchase",
            "payment_id": None if of is None else f"cs_{of}",
            "created_at": DAY,
        }
        for number, of in enumerate(ledger)
    ]
    entries = list(ledger) if ledger and isinstance(ledger[0], dict) else entries
    verdicts = [
        {"payment_id": f"cs_{number}", "verdict": verdict}
        for number, (verdict, *_) in enumerate(paid)
    ]
    span = {"first_at": DAY, "last_at": DAY}
    counts = {"payments": len(rows), "ledger": len(entries)}
    spans = [{"source": source, "row_count": n, **span} for source, n in counts.items() if n]
    engine = DuckDBEngine(threads=1)
    engine.create(*ALL)
    tables = {"payments": rows, "ledger": entries, "verdicts": verdicts, "spans": spans, **tables}
    for name, content in tables.items():
        engine.register(name, pa.Table.from_pylist(content, schema=spec(name).arrow_schema))
    found = measure_judged(engine, measure_coverage(engine))
    engine.close()
    return Judged(found)


def test_all_that_was_paid_and_credited_is_judged():
    found = judged([("confirmed", 900), ("misattributed", 100)], ledger=[0, 1])
    assert (found.shares, found.unjudged) == ({"money": 1.0, "credits": 1.0}, [])
    assert found.nothing_found(0.95) == "none"


@pytest.mark.parametrize(
    ("verdict", "share"),
    [("confirmed", 1.0), ("ambiguous", 1.0), ("unverifiable", 0.9), ("unresolved", 0.9)],
)
def test_money_counts_by_its_amount_and_its_verdict(verdict, share):
    found = judged([("confirmed", 900), (verdict, 100)], ledger=[0, 1])
    assert found.shares["money"] == share
    assert [row["reason"] for row in found.unjudged] == [verdict] * (share < 1)


def test_renewals_that_no_payment_is_known_of_leave_most_credits_unjudged():
    found = judged([("confirmed", 900)] * 20, ledger=[*range(20), *[None] * 41])
    assert found.shares == {"money": 1.0, "credits": round(20 / 61, 6)}
    assert found.nothing_found(0.95) == "no findings in the 32 % that could be judged"
    assert "67 % of the ledger's credits" in str(found)
    assert found.enough(0.95) is False
    assert found.enough(0.3) is True


def test_entries_of_no_known_kind_are_not_judged():
    entry = {"user_id": "a", "created_at": DAY, "delta": 50}
    ledger = [
        {**entry, "entry_id": "1", "kind": "purchase", "payment_id": "cs_0"},
        {**entry, "entry_id": "2", "kind": "other", "delta": 150},
        {**entry, "entry_id": "3", "kind": "grant", "delta": 999},
    ]
    found = judged([("confirmed", 900)], ledger=ledger)
    assert found.shares["credits"] == 0.25
    assert [(row["reason"], row["share"]) for row in found.unjudged] == [("unclear", 0.75)]


def test_why_the_ledger_says_nothing_of_a_payment_is_said():
    nothing = judged([("undetermined", 900)])
    assert [row["reason"] for row in nothing.unjudged] == ["not_read"]
    later = judged([("confirmed", 900), ("undetermined", 900)], ledger=[0])
    assert [row["reason"] for row in later.unjudged] == ["outside"]


def test_what_was_probably_paid_for_something_else_is_not_judged_and_told_as_that():
    rows = [
        {"payment_id": "cs_0", "payment_status": "paid", "amount": 300},
        {
            "payment_id": "cs_1",
            "payment_status": "paid",
            "amount": 100,
            "for_credits": "probably not",
        },
    ]
    found = judged([("confirmed", 0), ("undetermined", 0)], ledger=[0], payments=rows)
    assert found.shares["money"] == 0.75
    assert [row["reason"] for row in found.unjudged] == ["other_product"]


def test_amounts_of_several_currencies_are_not_added_up():
    found = judged([("confirmed", 900), ("undetermined", 90_000, "jpy")], ledger=[0])
    assert found.shares["money"] == 0.5


def test_what_was_returned_is_no_paid_money():
    rows = [
        {"payment_id": "cs_0", "payment_status": "paid", "amount": 900},
        {"payment_id": "cs_1", "payment_status": "paid", "amount": 900, "amount_lost": 900},
        {"payment_id": "cs_2", "payment_status": "unpaid", "amount": 900},
        {"payment_id": "cs_3", "payment_status": "paid", "amount": 900, "livemode": False},
    ]
    verdicts = [("confirmed", 0), ("undetermined", 0), ("not_paid", 0), ("not_paid", 0)]
    assert judged(verdicts, ledger=[0], payments=rows).shares["money"] == 1.0


def test_a_shop_without_any_money_has_nothing_that_was_not_judged():
    found = judged([])
    assert (found.least, str(found)) == (1.0, "Judged: nothing: no money was paid")


@pytest.mark.parametrize(("refused", "enough"), [(0, True), (18, False)])
def test_rows_that_could_not_be_read_may_have_been_the_payments(refused, enough):
    found = Judged(pd.DataFrame(columns=["subject", "reason", "share", "rows"]), refused=refused)
    assert found.enough(0.95) == enough
    assert ("could not be read" in found.headline) == (not enough)
