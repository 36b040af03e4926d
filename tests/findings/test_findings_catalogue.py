"""The catalogue: what DESIGN promises, isolation, types, order, and the same on PostgreSQL."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal

import pandas as pd
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ibis.backends.sql.compilers import PostgresCompiler

from credit_forensics.findings import FINDINGS, SEVERITIES, Finding, examine, run_findings
from credit_forensics.resolution.credited import credited
from credit_forensics.tables.catalogue import ALL, Tables, spec

SEVERITY_OF = {
    "wrong_user": "critical",
    "split_identity": "high",
    "unknown_user": "high",
    "missing_credit": "high",
    "duplicate_credit": "high",
    "unpaid_credit": "high",
    "test_mode_credit": "high",
    "orphan_credit": "high",
    "wrong_amount": "medium",
    "refund_not_reversed": "medium",
    "refund_over_reversed": "medium",
    "poisoned_mapping": "high",
    "failed_delivery": "medium",
    "balance_drift": "medium",
    "balance_unreadable": "high",
}
READ_BALANCES = [{"source": "ledger", "object": "balances", "problem": "missing_table"}]


def told(rows):
    """Rows as text, sorted; a sum may be a Decimal on one engine and an integer on the other."""
    return sorted(
        "|".join(
            value.isoformat()
            if isinstance(value, datetime)
            else str(int(value) if isinstance(value, Decimal) else value)
            for value in row
        )
        for row in rows
    )


def test_every_finding_is_listed_with_its_severity_and_a_proof():
    listed = {finding.name: finding.severity for finding in FINDINGS}
    assert SEVERITY_OF.items() <= listed.items()
    assert all(re.fullmatch(r"[A-Z].*\.", finding.proof) for finding in FINDINGS)


@pytest.mark.parametrize("finding", FINDINGS, ids=lambda finding: finding.name)
def test_each_expression_has_exactly_the_documented_columns(finding):
    schema = finding.find(Tables()).schema()
    assert {name: str(kind) for name, kind in schema.items()} == spec("findings").ibis_schema


def test_one_of_each_is_found_and_told_without_personal_data(make, one_of_each):
    frame, runs = examine(make.engine(one_of_each))
    unreadable = run_findings(make.engine({"gaps": READ_BALANCES}))
    found = set(frame["finding"]) | set(unreadable["finding"])
    assert set(SEVERITY_OF) <= found
    assert runs["ran"].all()
    assert runs["rows"].sum() == len(frame)
    assert not frame["explanation"].str.contains("@|\\(none\\)").any()
    known = frame[frame["finding"].isin(list(SEVERITY_OF))]
    assert (known["severity"] == known["finding"].map(SEVERITY_OF)).all()


def test_findings_come_by_severity_then_name_and_time(make, one_of_each):
    frame = run_findings(make.engine(one_of_each))
    ranks = frame["severity"].map(SEVERITIES.index)
    assert ranks.is_monotonic_increasing
    assert all(group["finding"].is_monotonic_increasing for _, group in frame.groupby("severity"))
    assert frame.columns.tolist() == spec("findings").column_names


def test_types_are_the_same_with_and_without_rows(make, one_of_each):
    full, empty = run_findings(make.engine(one_of_each)), run_findings(make.engine({}))
    assert len(empty) == 0
    assert full.dtypes.to_dict() == empty.dtypes.to_dict()
    assert str(full["created_at"].dtype) == "datetime64[us, UTC]"
    assert str(full["credits"].dtype) == "Int64"


def test_a_finding_that_cannot_run_is_told_and_the_others_go_on(make, one_of_each):
    def broken(tables):
        raise ValueError("a row with jo@example.com")

    broken_one = Finding("broken", "low", "Never.", broken)
    frame, runs = examine(make.engine(one_of_each), (broken_one, *FINDINGS))
    status = runs.set_index("finding")
    assert not status.loc["broken", "ran"]
    assert status.loc["broken", "problem"] == "ValueError"
    assert status.drop(index="broken")["ran"].all()
    assert "wrong_user" in set(frame["finding"])
    assert "example.com" not in runs.to_csv()


def test_a_missing_table_stops_only_what_reads_it(make, one_of_each):
    engine = make.engine(one_of_each)
    engine.connection.execute("DROP TABLE balances")
    runs = examine(engine)[1].set_index("finding")
    assert runs.index[~runs["ran"]].tolist() == ["balance_drift"]


@settings(
    deadline=None, max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(shuffle=st.randoms(use_true_random=False))
def test_the_order_of_input_rows_changes_nothing(make, one_of_each, shuffle):
    shuffled = {name: shuffle.sample(rows, len(rows)) for name, rows in one_of_each.items()}
    plain = run_findings(make.engine(one_of_each))
    pd.testing.assert_frame_equal(run_findings(make.engine(shuffled)), plain)


def test_postgresql_finds_the_same(make, one_of_each, postgres_database):
    rows = one_of_each
    kinds = {"timestamp('UTC')": "TIMESTAMPTZ", "string": "TEXT", "int64": "BIGINT"}
    kinds |= {"float64": "DOUBLE PRECISION", "boolean": "BOOLEAN"}
    engine = make.engine(rows)
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        connection.execute("SET TIME ZONE 'UTC'")
        for name in ALL:
            schema = spec(name).ibis_schema
            if any(kind not in kinds for kind in schema.values()):
                continue
            columns = ", ".join(f'"{column}" {kinds[kind]}' for column, kind in schema.items())
            connection.execute(f'CREATE TABLE "{name}" ({columns})')
            holes = ", ".join(["%s"] * len(schema))
            for row in rows.get(name, []):
                values = [row.get(column) for column in schema]
                connection.execute(f'INSERT INTO "{name}" VALUES ({holes})', values)
        for finding in FINDINGS:
            expression = finding.find(Tables())
            query = PostgresCompiler().to_sqlglot(expression).sql("postgres")
            here = engine.connection.sql(engine.sql(expression)).fetchall()
            assert told(connection.execute(query).fetchall()) == told(here), finding.name


def test_a_repaired_payment_makes_no_finding_from_the_ledger_on(make):
    """Reversal and correction beside the wrong entry, through the real netting of the ledger."""

    def entry(number, user, delta, kind):
        return {
            "entry_id": str(number),
            "user_id": user,
            "delta": delta,
            "kind": kind,
            "event_id": "evt_p",
            "payment_id": "p",
            "created_at": make.at(f"2025-09-01 12:0{number}"),
        }

    wrong = [entry(1, "b", 50, "purchase"), entry(2, "b", 50, "purchase")]
    repair = [
        entry(3, "b", -50, "reversal"),
        entry(4, "b", -50, "reversal"),
        entry(5, "a", 50, "correction"),
    ]
    found = []
    for ledger in (wrong, wrong + repair):
        engine = make.engine(
            {
                "payments": [make.payment("p")],
                "users": [{"user_id": "a"}],
                "coverage": make.all_shown(balances="not_read"),
                "verdicts": [make.verdict("p", "confirmed", "a", "a", 0.01)],
                "ledger": ledger,
            }
        )
        engine.materialize("credited", credited(Tables()))
        found.append(run_findings(engine)["finding"].tolist())
    assert found == [["duplicate_credit", "unknown_user"], []]
