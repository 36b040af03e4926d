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
from credit_forensics.evidence.stripe.payments import assemble_payments


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


PAIRS = pa.list_(pa.struct([("key", pa.string()), ("value", pa.string())]))


@pytest.mark.parametrize(
    "metadata",
    [
        pa.array([[("user_id", "00123")]], pa.map_(pa.string(), pa.string())),
        pa.array([[{"key": "user_id", "value": "00123"}]], PAIRS),
        pa.array(['{"user_id": "00123"}']),
        pa.array(['[{"key": "user_id", "value": "00123"}]']),
    ],
    ids=["a map", "pairs", "text", "text of pairs"],
)
def test_metadata_as_warehouses_keep_it(load, metadata):
    table = pa.table({"id": ["cs_1"], "metadata": metadata})
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


def flat_tables(tmp_path, kind="parquet", **tables):
    """A folder of flat tables, loaded as ``files`` in the order given."""
    evidence = Evidence()
    for name, rows in tables.items():
        path = tmp_path / f"{name}.{kind}"
        frame = pd.DataFrame(rows)
        if kind == "csv":
            frame.replace({True: "true"}).to_csv(path, index=False)
        else:
            frame.to_parquet(path)
        load_stripe_file(evidence, path, f"testmode/{name}.{kind}")
    assemble_payments(evidence, {"price_small": 50})
    return evidence


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_flat_tables_with_metadata_and_lines_beside_them_are_one_payment(tmp_path, kind):
    created = pd.Timestamp("2025-09-01 12:00")
    evidence = flat_tables(
        tmp_path,
        kind,
        checkout_sessions=[
            {
                "id": "cs_1",
                "created": created,
                "customer_id": "cus_1",
                "payment_intent_id": "pi_1",
                "payment_status": "paid",
                "amount_total": 900,
                "customer_details_email": "ada@example.org",
            }
        ],
        charges=[
            {
                "id": "ch_1",
                "created": created,
                "payment_intent_id": "pi_1",
                "paid": True,
                "status": "succeeded",
                "amount": 900,
                "amount_refunded": 0,
            }
        ],
        checkout_sessions_metadata=[
            {"checkout_session_id": "cs_1", "key": "user_id", "value": "u1"},
            {"checkout_session_id": "cs_1", "key": "plan", "value": "small"},
        ],
        payment_intents_metadata=[{"payment_intent_id": "pi_1", "key": "uid", "value": "u1"}],
        checkout_sessions_line_items=[
            {"checkout_session_id": "cs_1", "price_id": "price_small", "quantity": 3, "amount": 900}
        ],
    )
    (row,) = evidence.payments.to_dict("records")
    assert (row["payment_id"], row["created_at"]) == ("cs_1", created.tz_localize("UTC"))
    assert (row["customer_id"], row["payer_email"]) == ("cus_1", "ada@example.org")
    assert (row["expected_credits"], row["livemode"]) == (150, False)
    metadata = evidence.metadata[["source", "key", "value"]].values.tolist()
    assert ["session", "user_id", "u1"] in metadata
    assert ["intent", "uid", "u1"] in metadata
    assert evidence.custody.gaps()["object"].tolist() == [f"testmode/charges.{kind}"]


def test_metadata_alone_make_no_payment(tmp_path):
    rows = [{"payment_intent_id": "pi_1", "key": "user_id", "value": "u1"}]
    assert flat_tables(tmp_path, payment_intents_metadata=rows).payments.empty
