"""What was read decides what may be said: each rule on literal rows, with a row on each side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from credit_forensics.coverage.measure import Measured, measure_coverage
from credit_forensics.engines.duckdb import DuckDBEngine
from credit_forensics.tables.catalogue import ALL, spec

Rows = Sequence[Mapping[str, Any]]


def day(number: int) -> pd.Timestamp:
    return pd.Timestamp(f"2025-09-{number:02d}", tz="UTC")


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckDBEngine]:
    engine = DuckDBEngine(threads=1)
    engine.create(*ALL)
    yield engine
    engine.close()


def measured(engine: DuckDBEngine, **tables: Rows) -> Measured:
    spans = [
        {"source": source, "first_at": day(1), "last_at": day(30), "row_count": 9}
        for source in ("payments", "events", "deliveries", "ledger")
    ]
    for name, rows in {**TOLD, "spans": spans, **tables}.items():
        engine.register(name, pa.Table.from_pylist(list(rows), schema=spec(name).arrow_schema))
    try:
        return measure_coverage(engine)
    finally:
        engine.drop(*ALL)
        engine.create(*ALL)


def reason(engine: DuckDBEngine, source: str, **tables: Rows) -> str | None:
    rows = measured(engine, **tables).coverage.set_index("source")
    found = rows.loc[source, "reason"]
    return None if pd.isna(found) else str(found)


PAYMENTS = [
    {"payment_id": f"cs_{n}", "payment_intent_id": f"pi_{n}", "expected_credits": 50}
    for n in range(1, 5)
]


TOLD = {
    "payments": PAYMENTS,
    "payment_objects": [{"payment_id": "cs_1", "object_id": "ch_1", "kind": "charge"}],
}


def entry(number: int, **columns: Any) -> dict[str, Any]:
    return {
        "entry_id": str(number),
        "user_id": f"u{number}",
        "delta": 50,
        "kind": "purchase",
        "created_at": day(5),
        **columns,
    }


def tied(*numbers: int) -> list[dict[str, Any]]:
    return [entry(n, payment_id=f"cs_{n}") for n in numbers]


@pytest.mark.parametrize(
    ("ledger", "why"),
    [
        ([*tied(1, 2, 3), entry(9)], None),
        ([*tied(1, 2), entry(9)], "few_tied"),
        ([entry(8), entry(9)], "none_tied"),
        ([entry(9, kind="grant")], "none_tied"),
        # Credits of no price may be anything; those of a price may be a payment's.
        ([*tied(1), entry(8, kind="other", delta=7)], None),
        ([*tied(1), entry(8, kind="other", delta=50)], "few_tied"),
        # Of the time of the payments alone.
        ([*tied(1), entry(8, created_at=pd.Timestamp("2024-01-01", tz="UTC"))], None),
        # It names a session, and is not there: that is a finding, and no want of linkage.
        ([*tied(1), entry(7, payment_id="cs_gone"), entry(8, payment_id="pi_gone")], None),
        ([*tied(1), entry(7, payment_id="in_1"), entry(8, payment_id="in_2")], "few_tied"),
        ([*tied(1), entry(7, payment_id="ch_gone"), entry(8, payment_id="ch_gone")], None),
    ],
)
def test_a_payment_is_missing_only_where_entries_are_tied(engine, ledger, why):
    assert reason(engine, "ledger", ledger=ledger) == why


def test_entries_that_row_security_may_hide_are_not_missing(engine):
    gaps = [{"source": "ledger", "object": "credits", "problem": "row_security"}]
    assert reason(engine, "ledger", ledger=tied(1, 2), gaps=gaps) == "incomplete"
    assert reason(engine, "ledger", ledger=tied(1, 2)) is None


def test_entries_that_were_rejected_may_be_the_missing_ones(engine):
    gaps = [{"source": "ledger", "object": "entries", "problem": "rejected"}]
    for rejected, why in ((1, None), (2, "few_tied")):
        spans = [
            {"source": "payments", "first_at": day(1), "last_at": day(30), "row_count": 4},
            {"source": "ledger", "row_count": 3, "rejected": rejected},
        ]
        rows = {"ledger": tied(1, 2, 3), "spans": spans}
        assert reason(engine, "ledger", **rows, gaps=gaps) == why
        assert reason(engine, "ledger", **rows) is None


def test_an_entry_is_tied_by_its_event_too(engine):
    ledger = [entry(8, event_id="evt_1"), entry(9, event_id="evt_2")]
    events = [{"event_id": "evt_1", "type": "charge.succeeded"}]
    found = measured(engine, ledger=ledger, events=events)
    assert (found.ties.tied, found.ties.unbacked, found.ties.untied) == (1, 1, 0)


@pytest.mark.parametrize(
    ("deliveries", "why"),
    [
        ([{"payment_id": "cs_1"}, {"outcome": "signature_refused"}], None),
        ([{"outcome": "signature_refused"}], "none_recognised"),
        ([{"payment_id": "cs_1"}, {"outcome": "credited"}], "few_recognised"),
        ([{"payment_id": "cs_of_another_shop"}], "other_deliveries"),
        ([], "none_recognised"),
    ],
)
def test_a_log_shows_no_delivery_only_where_deliveries_were_recognised(engine, deliveries, why):
    assert reason(engine, "deliveries", deliveries=deliveries) == why


def test_without_a_log_nothing_follows_from_it(engine):
    assert reason(engine, "deliveries", spans=[]) == "not_read"


@pytest.mark.parametrize(
    ("users", "why"),
    [(["u1"], None), (["x1", "x2"], "not_joined"), ([], "not_read")],
)
def test_an_account_is_unknown_only_to_a_table_of_the_ledgers_accounts(engine, users, why):
    rows = [{"user_id": user} for user in users]
    ledger = tied(1, 2, 3, 4)
    assert reason(engine, "users", ledger=ledger, users=rows) == why


@pytest.mark.parametrize(
    ("problem", "why"),
    [
        (None, None),
        (("balances", "missing_table"), "not_read"),
        (("balances", "rejected"), "rejected"),
        (("entries", "rejected"), "incomplete"),
        (("entries", "window"), "incomplete"),
        (("customers", "missing_table"), None),
    ],
)
def test_a_balance_drifts_only_from_entries_that_were_all_read(engine, problem, why):
    gaps = [{"source": "ledger", "object": problem[0], "problem": problem[1]}] if problem else []
    balances = [{"user_id": "u1", "balance": 50}]
    assert reason(engine, "balances", ledger=tied(1), balances=balances, gaps=gaps) == why


def test_without_balances_no_balance_drifts(engine):
    assert reason(engine, "balances", ledger=tied(1)) == "not_read"


@pytest.mark.parametrize(
    ("named", "nameless", "why"), [(0, 0, None), (3, 1, None), (2, 1, "few_tied")]
)
def test_a_refund_is_not_reversed_only_where_reversals_name_their_payment(
    engine, named, nameless, why
):
    back = {"delta": -50, "kind": "refund"}
    ledger = [
        *(entry(n, payment_id="cs_1", **back) for n in range(named)),
        *(entry(10 + n, **back) for n in range(nameless)),
    ]
    assert reason(engine, "refunds", ledger=ledger) == why
