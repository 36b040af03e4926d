"""Rows by hand are cast to a table's columns, or refused without quoting what they hold."""

from __future__ import annotations

import pandas as pd
import pytest

from credit_forensics.tables.catalogue import conform


@pytest.mark.parametrize(
    ("table", "column", "kind"),
    [("balances", "balance", "int64"), ("payments", "created_at", "timestamp[us, tz=UTC]")],
)
def test_a_value_that_a_column_cannot_hold_is_refused_and_not_quoted(table, column, kind):
    with pytest.raises(ValueError, match=f"{table}.{column} is ") as refused:
        conform(table, pd.DataFrame({column: ["ann@example.com"]}))
    assert kind in str(refused.value)
    assert "ann@" not in str(refused.value)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("balance", [5, "ann@example.com"]),
        ("balance", [2**70, 1]),
        ("user_id", ["ann@example.com", 7]),
        ("user_id", [["ann@example.com"], []]),
    ],
)
def test_values_that_do_not_go_together_are_refused_and_not_quoted(column, values):
    with pytest.raises(ValueError, match=f"balances.{column} is .* cannot hold") as refused:
        conform("balances", pd.DataFrame({column: values}))
    assert "ann@" not in str(refused.value)
    assert refused.value.__suppress_context__


def test_ids_stay_texts_and_times_become_utc():
    rows = pd.DataFrame(
        {
            "payment_id": ["00123", "7"],
            "created_at": ["2025-09-01T12:00:00+02:00", "2025-09-01T12:00:00"],
        }
    )
    payments = conform("payments", rows).select(["payment_id", "created_at"]).to_pylist()
    assert [row["payment_id"] for row in payments] == ["00123", "7"]
    told = [row["created_at"].isoformat() for row in payments]
    assert told == ["2025-09-01T10:00:00+00:00", "2025-09-01T12:00:00+00:00"]
