"""Fixtures for the findings: literal rows in, findings out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from credit_forensics.engines.duckdb import DuckDBEngine
from credit_forensics.findings.catalogue import FINDINGS
from credit_forensics.findings.odd_payments import (
    OddTables,
    drop_odd_payments,
    keep_odd_payments,
)
from credit_forensics.tables.catalogue import ALL, Tables, spec

Rows = Sequence[Mapping[str, Any]]


def at(text: str) -> pd.Timestamp:
    """A UTC time."""
    return pd.Timestamp(text, tz="UTC")


def engine_with(tables: Mapping[str, Rows]) -> DuckDBEngine:
    """An engine that has every table, with the given rows in those that are named."""
    engine = DuckDBEngine(threads=1)
    engine.create(*ALL)
    fill(engine, tables)
    return engine


SOURCES = ("payments", "events", "deliveries", "ledger", "refunds", "users", "balances")


def all_shown(**reasons: str | None) -> Rows:
    """Rows of ``coverage``: each source shows what is not there, but for a reason given."""
    return [
        {
            "source": source,
            "since": at("2025-01-01"),
            "until": at("2026-12-31"),
            "read": 9,
            "reason": reasons.get(source),
        }
        for source in SOURCES
    ]


def fill(engine: DuckDBEngine, tables: Mapping[str, Rows]) -> None:
    """Put rows in place of what the named tables hold; absent columns are empty."""
    for name, rows in tables.items():
        engine.register(name, pa.Table.from_pylist(list(rows), schema=spec(name).arrow_schema))


@pytest.fixture(scope="session")
def shared_engine() -> Iterator[DuckDBEngine]:
    """One engine with every table, empty between the runs of ``find``: making one takes longer."""
    engine = engine_with({})
    yield engine
    engine.close()


@cache
def built(function: Callable[[Tables], Any], tables: type[Tables]) -> Any:
    """What a finding is, built once: that takes longer than to run it on a few rows."""
    return function(tables())


READ_ODD_ALONE = {finding.find for finding in FINDINGS if finding.odd}


def in_order(findings: pd.DataFrame) -> pd.DataFrame:
    """Findings by payment, event and user."""
    order = ["payment_id", "event_id", "credited_user_id", "explanation"]
    return findings.sort_values(order, kind="stable").reset_index(drop=True)


@pytest.fixture
def find(shared_engine: DuckDBEngine) -> Callable[..., list[dict[str, Any]]]:
    """Runs a finding on literal rows: ``find(function, payments=[…], …)``, by payment and user.

    Every source shows what is not there, unless ``coverage`` says otherwise. A finding that reads
    odd payments alone must find the same among all of them.
    """

    def run(function: Callable[[Tables], Any], **tables: Rows) -> list[dict[str, Any]]:
        tables = {"coverage": all_shown(), **tables}
        fill(shared_engine, tables)
        try:
            frame = shared_engine.frame(built(function, Tables))
            # Resolution says of every payment that the ledger names what is credited.
            named, told = (
                {row.get("payment_id") for row in tables.get(name, ())}
                for name in ("ledger", "credited")
            )
            if function in READ_ODD_ALONE and named <= {None, *told}:
                keep_odd_payments(shared_engine)
                odd = shared_engine.frame(built(function, OddTables))
                pd.testing.assert_frame_equal(in_order(odd), in_order(frame))
        finally:
            drop_odd_payments(shared_engine)
            for name in tables:
                shared_engine.connection.execute(f'DELETE FROM "{name}"')
        assert list(frame.columns) == spec("findings").column_names
        frame = in_order(frame).astype(object)
        records: list[dict[str, Any]] = frame.where(frame.notna(), None).to_dict("records")
        return records

    return run


def verdict(payment: str, kind: str, credited: str | None, rightful: str | None, p: float = 0.97):
    """A row of ``verdicts``."""
    return {
        "payment_id": payment,
        "verdict": kind,
        "credited_user_id": credited,
        "rightful_user_id": rightful,
        "probability_misattributed": p,
        "families_agreeing": 2,
        "families_available": 3,
        "mode": "hindsight",
    }


def payment(name: str, **columns: Any) -> dict[str, Any]:
    """A paid live payment of 900 cents that is worth 50 credits."""
    return {
        "payment_id": name,
        "created_at": at("2025-09-01 12:00"),
        "completed_at": at("2025-09-01 12:02"),
        "livemode": True,
        "mode": "payment",
        "status": "complete",
        "payment_status": "paid",
        "amount": 900,
        "currency": "eur",
        "expected_credits": 50,
        "amount_lost": 0,
        **columns,
    }


def credit(name: str, user: str = "a", **columns: Any) -> dict[str, Any]:
    """A row of ``credited``: 50 credits by one grant to one account."""
    return {
        "payment_id": name,
        "credited_user_id": user,
        "credited_at": at("2025-09-01 12:03"),
        "event_id": f"evt_{name}",
        "credits": 50,
        "granted": 50,
        "reversed": 0,
        "grants": 1,
        "accounts": 1,
        **columns,
    }


@pytest.fixture
def make() -> Any:
    """The row makers: ``make.payment``, ``make.credit``, ``make.verdict``, ``make.at``."""

    class Make:
        at = staticmethod(at)
        payment = staticmethod(payment)
        credit = staticmethod(credit)
        verdict = staticmethod(verdict)
        engine = staticmethod(engine_with)
        all_shown = staticmethod(all_shown)

    return Make


@pytest.fixture
def one_of_each() -> dict[str, Rows]:
    """Rows from which every finding fires at least once."""
    day = at("2025-09-01")
    names = ["wrong", "split", "alien", "twice", "unpaid", "test", "odd", "refunded", "over"]
    special = {
        "wrong": {"customer_id": "cus_1"},
        "unpaid": {"payment_status": "unpaid"},
        "test": {"livemode": False},
        "refunded": {"amount_lost": 450},
    }
    credits = {
        "wrong": {"credited_user_id": "b"},
        "split": {"credited_user_id": "a2"},
        "alien": {"credited_user_id": "x"},
        "twice": {"granted": 100, "grants": 2},
        "odd": {"granted": 40, "credits": 40},
        "over": {"reversed": 20},
    }
    return {
        "payments": [
            *(payment(name, **special.get(name, {})) for name in names),
            payment("missing"),
            payment("late", created_at=at("2025-10-01")),
        ],
        "credited": [credit(name, **credits.get(name, {})) for name in names],
        "verdicts": [
            verdict("wrong", "misattributed", "b", "a"),
            verdict("split", "split_identity", "a2", "a", 0.01),
            verdict("missing", "not_credited", None, "a"),
        ],
        "choices": [
            {
                "payment_id": "wrong",
                "log_user_id": "b",
                "explaining_method": "metadata_user_id",
                "correct_methods": "payer_email,payer_name",
            }
        ],
        "metadata": [
            {"payment_id": "wrong", "source": "session", "key": "user_id", "user_id": "b"}
        ],
        "users": [{"user_id": "a"}, {"user_id": "b"}],
        "persons": [
            {"user_id": "a", "person_id": "a", "reason": "account_email"},
            {"user_id": "a2", "person_id": "a", "reason": "sign_in"},
        ],
        "customers": [
            {"customer_id": "cus_1", "user_id": "b", "bound_at": at("2025-09-01 12:03:10")}
        ],
        "events": [
            {
                "event_id": "evt_missing",
                "type": "checkout.session.completed",
                "payment_id": "missing",
                "created_at": at("2025-09-01 12:02"),
            }
        ],
        "deliveries": [
            {"outcome": "signature_refused", "received_at": at("2025-09-01 12:02:03")},
            {
                "event_id": "evt_wrong",
                "payment_id": "wrong",
                "outcome": "credited",
                "received_at": at("2025-09-01 12:03"),
            },
        ],
        "ledger": [
            {
                "entry_id": "1",
                "user_id": "b",
                "delta": 50,
                "kind": "purchase",
                "event_id": "evt_twice",
                "payment_id": "twice",
                "created_at": at("2025-09-01 12:03"),
            },
            {
                "entry_id": "2",
                "user_id": "a",
                "delta": 70,
                "kind": "purchase",
                "event_id": "evt_forged",
                "created_at": at("2025-09-02"),
            },
        ],
        "balances": [{"user_id": "a", "balance": 70}, {"user_id": "b", "balance": 10}],
        "coverage": [
            {"source": name, "since": day, "until": at("2025-10-01"), "read": 9} for name in SOURCES
        ],
    }
