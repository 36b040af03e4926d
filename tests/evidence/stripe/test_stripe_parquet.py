"""Parquet of API shapes, envelopes, flat tables and Dashboard exports."""

from __future__ import annotations

import json

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import stripe_shapes as shapes

from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.stripe.load import load_stripe_file


@pytest.fixture
def load(tmp_path):
    def _load(table: pa.Table | bytes, name: str = "export.parquet") -> Evidence:
        path = tmp_path / name
        if isinstance(table, bytes):
            path.write_bytes(table)
        else:
            pq.write_table(table, path, row_group_size=2)
        evidence = Evidence()
        load_stripe_file(evidence, path, name)
        return evidence

    return _load


def flat(i: int, **fields):
    session = shapes.session_2025(i)
    for name, value in session.items():
        if isinstance(value, dict | list):
            session[name] = json.dumps(value)
    return session | fields


def test_nested_columns(load):
    table = pa.Table.from_pylist([shapes.session_2022(i) for i in range(3)])
    evidence = load(table)
    found = evidence.frame("stripe_sessions")
    assert found["session_id"].tolist() == ["cs_live_a0", "cs_live_a1", "cs_live_a2"]
    assert found["details_name"].tolist() == ["Ada Exämple"] * 3
    assert dict(found["metadata"].iloc[0]) == shapes.METADATA


@pytest.mark.parametrize("time", ["seconds", "timestamp"])
def test_json_in_text_columns(load, time):
    frame = pd.DataFrame([flat(i) for i in range(3)])
    if time == "timestamp":
        frame["created"] = pd.to_datetime(frame["created"], unit="s", utc=True)
    evidence = load(pa.Table.from_pandas(frame))
    found = evidence.frame("stripe_sessions")
    assert found["details_email"].tolist() == ["ada@example.com"] * 3
    assert dict(found["metadata"].iloc[2]) == shapes.METADATA
    assert found["created_at"].iloc[0] == pd.Timestamp(1_756_700_000, unit="s", tz="UTC")


def test_events_with_their_data(load):
    rows = [shapes.event(shapes.session_2025(i), i) for i in range(2)]
    for row in rows:
        row["data"] = json.dumps(row["data"])
    evidence = load(pa.Table.from_pylist(rows))
    assert evidence.count("stripe_events") == 2
    assert evidence.frame("stripe_sessions")["source"].tolist() == ["events", "events"]


def test_a_map_of_metadata(load):
    table = pa.table(
        {
            "id": ["cs_1"],
            "metadata": pa.array([[("user_id", "00123")]], pa.map_(pa.string(), pa.string())),
        }
    )
    assert dict(load(table).frame("stripe_sessions")["metadata"].iloc[0]) == {"user_id": "00123"}


def test_a_dashboard_export(load):
    table = pa.table(
        {
            "id": ["ch_1", None],
            "Created date (UTC)": ["2025-09-01 14:39:07", ""],
            "Amount": ["399,00", "1"],
            "Currency": ["eur", "eur"],
            "Status": ["Paid", "Paid"],
            "PaymentIntent ID": ["pi_1", None],
            "user_id (metadata)": ["00123", None],
        }
    )
    evidence = load(table)
    found = evidence.frame("stripe_charges").iloc[0]
    assert found["amount"] == 39900
    assert dict(found["metadata"]) == {"user_id": "00123"}
    assert evidence.custody.rejects()[["line", "reason"]].values.tolist() == [[2, "no id"]]


def test_rows_that_are_none_are_rejected_by_number(load):
    table = pa.Table.from_pylist([{"id": "cs_1"}, {"id": None}, {"id": "x_1"}, {"id": "cs_2"}])
    evidence = load(table)
    assert evidence.frame("stripe_sessions")["session_id"].tolist() == ["cs_1", "cs_2"]
    assert evidence.custody.rejects()["line"].tolist() == [2, 3]


def test_other_tables_are_passed_over(load):
    evidence = load(pa.table({"name": ["x"]}))
    assert evidence.custody.inputs[0].taken_for == "unknown"
    assert evidence.custody.rejects().empty


def test_a_truncated_file_is_told(load, tmp_path):
    pq.write_table(pa.table({"id": ["cs_1"] * 1000}), tmp_path / "whole.parquet")
    content = (tmp_path / "whole.parquet").read_bytes()
    evidence = load(content[: len(content) // 2])
    assert evidence.custody.rejects()["reason"].tolist() == ["the Parquet file is damaged"]


def test_a_name_that_looks_like_a_pattern_is_one_file(load):
    evidence = load(pa.Table.from_pylist([{"id": "cs_1"}]), name="export[1].parquet")
    assert evidence.count("stripe_sessions") == 1
