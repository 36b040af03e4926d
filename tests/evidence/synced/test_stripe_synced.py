"""Stripe's objects out of databases that a tool keeps in step, in each tool's own shape."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
import pytest

from credit_forensics.case_file import CaseFile
from credit_forensics.errors import CaseError
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.synced.load import load_synced_tables

CREATED = 1756737547  # 2025-09-01T14:39:07Z
AT = pd.Timestamp("2025-09-01 14:39:07", tz="UTC")

SESSION = {
    "id": "cs_test_1",
    "object": "checkout.session",
    "amount_total": 1900,
    "client_reference_id": "00123",
    "created": CREATED,
    "currency": "eur",
    "customer": "cus_1",
    "customer_creation": "always",
    "customer_details": {"email": "ada@example.com", "name": "Ada Example"},
    "customer_email": None,
    "livemode": True,
    "metadata": {"user_id": "00123", "credits": "50"},
    "mode": "payment",
    "payment_intent": "pi_1",
    "payment_status": "paid",
    "status": "complete",
}
CHARGE = {
    "id": "ch_1",
    "object": "charge",
    "amount": 1900,
    "amount_refunded": 500,
    "billing_details": {"email": "ada@example.com", "name": "Ada Example"},
    "created": CREATED,
    "currency": "eur",
    "customer": "cus_1",
    "disputed": False,
    "livemode": True,
    "metadata": {},
    "paid": True,
    "payment_intent": "pi_1",
    "payment_method_details": {"card": {"fingerprint": "fp_1"}, "type": "card"},
    "status": "succeeded",
}
INTENT = {
    "id": "pi_1",
    "object": "payment_intent",
    "amount": 1900,
    "created": CREATED,
    "currency": "eur",
    "customer": "cus_1",
    "livemode": True,
    "metadata": {"user_id": "00123"},
    "status": "succeeded",
}
EVENT = {
    "id": "evt_1",
    "object": "event",
    "api_version": "2024-06-20",
    "created": CREATED,
    "data": {"object": SESSION},
    "livemode": True,
    "type": "checkout.session.completed",
}
CUSTOMER = {
    "id": "cus_1",
    "object": "customer",
    "created": CREATED,
    "email": "ada@example.com",
    "name": "Ada Example",
    "metadata": {},
}


def text(value: Any) -> str:
    """A value as an SQL literal."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    body = json.dumps(value) if isinstance(value, dict) else str(value)
    return "'" + body.replace("'", "''") + "'"


def insert(table: str, row: dict[str, Any]) -> str:
    names = ", ".join(f'"{name}"' for name in row)
    return f"INSERT INTO {table} ({names}) VALUES ({', '.join(map(text, row.values()))});\n"


def load(url: str, script: str, **stripe: Any) -> Evidence:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(script.encode())
    evidence = Evidence()
    load_synced_tables(evidence, CaseFile.model_validate({"stripe": {"database": url, **stripe}}))
    return evidence


def first(frame: pd.DataFrame) -> dict[str, Any]:
    assert len(frame) == 1
    row = frame.astype(object).where(frame.notna(), None).to_dict("records")[0]
    row.pop("snapshot_at", None)
    row.pop("source", None)
    return {str(key): value for key, value in row.items()}


def metadata(row: dict[str, Any]) -> dict[str, str]:
    return dict(row["metadata"] or [])


def check_session(evidence: Evidence, *, snapshots: int = 1) -> None:
    frame = evidence.frame("stripe_sessions")
    frame = frame[frame["source"] == "synced"] if snapshots > 1 else frame
    row = first(frame)
    assert metadata(row) == {"user_id": "00123", "credits": "50"}
    del row["metadata"]
    assert row == {
        "session_id": "cs_test_1",
        "created_at": AT,
        "livemode": True,
        "mode": "payment",
        "status": "complete",
        "payment_status": "paid",
        "amount_total": 1900,
        "currency": "eur",
        "customer_id": "cus_1",
        "customer_creation": "always",
        "customer_email": None,
        "details_email": "ada@example.com",
        "details_name": "Ada Example",
        "client_reference_id": "00123",
        "payment_intent_id": "pi_1",
        "price_id": None,
        "amount_subtotal": None,
        "invoice_id": None,
        "lines": None,
        "subscription_id": None,
    }


def check_charge(evidence: Evidence) -> None:
    row = first(evidence.frame("stripe_charges"))
    assert metadata(row) == {}
    del row["metadata"]
    assert row == {
        "charge_id": "ch_1",
        "invoice_id": None,
        "created_at": AT,
        "livemode": True,
        "payment_intent_id": "pi_1",
        "customer_id": "cus_1",
        "status": "succeeded",
        "paid": True,
        "amount": 1900,
        "currency": "eur",
        "amount_refunded": 500,
        "disputed": False,
        "card_fingerprint": "fp_1",
        "order_number": None,
        "billing_email": "ada@example.com",
        "billing_name": "Ada Example",
    }


def check_event(evidence: Evidence) -> None:
    row = first(evidence.frame("stripe_events"))
    assert row == {
        "account": None,
        "event_id": "evt_1",
        "type": "checkout.session.completed",
        "created_at": AT,
        "object_id": "cs_test_1",
        "object_type": "checkout.session",
        "payment_intent_id": "pi_1",
        "livemode": True,
        "api_version": "2024-06-20",
    }
    carried = evidence.frame("stripe_sessions")
    assert carried[carried["source"] == "events"]["snapshot_at"].tolist() == [AT]


ENGINE_COLUMNS = """
CREATE SCHEMA stripe;
CREATE TABLE stripe.checkout_sessions (id text PRIMARY KEY, object text, amount_total integer,
  client_reference_id text, created integer, currency text, customer text,
  customer_creation text, customer_details jsonb, customer_email text, livemode boolean,
  metadata jsonb, mode text, payment_intent text, payment_status text, status text,
  updated_at timestamptz DEFAULT now(), last_synced_at timestamptz);
CREATE TABLE stripe.charges (id text PRIMARY KEY, object text, amount bigint,
  amount_refunded bigint, billing_details jsonb, created integer, currency text, customer text,
  dispute text, livemode boolean, metadata jsonb, paid boolean, payment_intent text,
  payment_method_details jsonb, status text, updated_at timestamptz DEFAULT now());
CREATE TABLE stripe.events (id text PRIMARY KEY, object text, data jsonb, type text,
  created integer, request text, updated integer, livemode boolean, api_version text,
  pending_webhooks bigint, updated_at timestamptz DEFAULT now());
CREATE TABLE public.events (id serial PRIMARY KEY, type text, data jsonb, updated_at timestamptz);
INSERT INTO public.events (type, data) VALUES ('page_view', '{}');
"""


def test_stripe_sync_engine_with_a_column_a_field(postgres_database: str) -> None:
    charge = {k: v for k, v in CHARGE.items() if k != "disputed"}
    script = (
        ENGINE_COLUMNS
        + insert("stripe.checkout_sessions", SESSION)
        + insert("stripe.charges", charge)
        + insert("stripe.events", EVENT)
    )
    evidence = load(postgres_database, script)
    check_session(evidence, snapshots=2)
    check_charge(evidence)
    check_event(evidence)
    source = evidence.custody.inputs[0]
    assert source.taken_for == "synced stripe tables (stripe-sync-engine)"
    assert (source.rows, source.rejects) == (3, 0)
    assert evidence.custody.gaps().empty


def test_stripe_sync_engine_with_the_object_whole(postgres_database: str) -> None:
    script = "CREATE SCHEMA stripe;"
    for table, body in (
        ("checkout_sessions", SESSION),
        ("charges", CHARGE),
        ("events", EVENT),
        ("payment_intents", {**INTENT, "latest_charge": {**CHARGE, "id": "ch_2"}}),
    ):
        script += f"""CREATE TABLE stripe.{table} (_raw_data jsonb, _account_id text,
          _last_synced_at timestamptz, id text GENERATED ALWAYS AS (_raw_data->>'id') STORED);
          INSERT INTO stripe.{table} (_raw_data) VALUES ({text(body)});"""
    evidence = load(postgres_database, script, schema="stripe")
    check_session(evidence, snapshots=2)
    check_event(evidence)
    assert first(evidence.frame("stripe_intents"))["payment_intent_id"] == "pi_1"
    # A charge that an intent holds is taken as well.
    assert evidence.frame("stripe_charges")["charge_id"].tolist() == ["ch_1", "ch_2"]


TRIGGER = """
CREATE TABLE djstripe_webhookeventtrigger (id bigint PRIMARY KEY, remote_ip inet, headers jsonb,
  body text, valid boolean, processed boolean, exception varchar(128), traceback text,
  djstripe_version varchar(32), created timestamptz, updated timestamptz, event_id {key});
"""


def test_dj_stripe_with_its_own_keys_and_decimal_charges(postgres_database: str) -> None:
    script = """
    CREATE TABLE djstripe_customer (djstripe_id bigint PRIMARY KEY, id text, email text, name text,
      created timestamptz, livemode boolean, metadata jsonb, subscriber_id integer,
      djstripe_created timestamptz, djstripe_updated timestamptz);
    CREATE TABLE djstripe_paymentintent (djstripe_id bigint, id text, amount bigint, status text,
      created timestamptz, currency text, customer_id bigint, livemode boolean, metadata jsonb,
      djstripe_updated timestamptz);
    CREATE TABLE djstripe_session (djstripe_id bigint, id text, amount_total bigint,
      client_reference_id text, created timestamptz, currency text, customer_id bigint,
      customer_creation text, customer_details jsonb, customer_email text, livemode boolean,
      metadata jsonb, mode text, payment_intent_id bigint, payment_status text, status text,
      djstripe_created timestamptz, djstripe_updated timestamptz);
    CREATE TABLE djstripe_charge (djstripe_id bigint, id text, amount numeric(11, 2),
      amount_refunded numeric(11, 2), billing_details jsonb, created timestamptz, currency text,
      customer_id bigint, disputed boolean, livemode boolean, metadata jsonb, paid boolean,
      payment_intent_id bigint, payment_method_details jsonb, status text,
      djstripe_updated timestamptz);
    CREATE TABLE djstripe_event (djstripe_id bigint, id text, type text, data jsonb,
      api_version text, created timestamptz, livemode boolean, djstripe_updated timestamptz);
    """ + TRIGGER.format(key="bigint")
    created = "2025-09-01 16:39:07+02"
    session = {**SESSION, "created": created, "djstripe_id": 5}
    session["customer_id"], session["payment_intent_id"] = 7, 8
    for name in ("customer", "payment_intent", "object"):
        del session[name]
    charge = {**CHARGE, "created": created, "djstripe_id": 6, "customer_id": 7}
    charge.update({"payment_intent_id": 8, "amount": "19.00", "amount_refunded": "5.00"})
    for name in ("customer", "payment_intent", "object"):
        del charge[name]
    intent = {**INTENT, "created": created, "djstripe_id": 8, "customer_id": 7}
    del intent["customer"], intent["object"]
    event = {**EVENT, "created": created, "djstripe_id": 9}
    del event["object"]
    customer = {**CUSTOMER, "created": created, "djstripe_id": 7, "subscriber_id": 42}
    customer["djstripe_created"] = "2025-09-01 14:40:00+00"
    del customer["object"]
    script += (
        insert("djstripe_customer", customer)
        + insert("djstripe_paymentintent", intent)
        + insert("djstripe_session", session)
        + insert("djstripe_charge", charge)
        + insert("djstripe_event", event)
    )
    refused = {**EVENT, "id": "evt_forged"}
    rows: list[dict[str, Any]] = [
        {"id": 1, "body": json.dumps(EVENT), "valid": True, "processed": True, "exception": ""},
        {"id": 2, "body": json.dumps(refused), "valid": False, "processed": False},
        {
            "id": 3,
            "body": json.dumps(EVENT),
            "valid": True,
            "processed": False,
            "exception": "duplicate key value\nDETAIL: Key (email)=(ada@example.com)",
        },
        {"id": 4, "body": "(error decoding body)", "valid": False, "processed": False},
    ]
    for row in rows:
        script += insert("djstripe_webhookeventtrigger", {**row, "created": created})
    evidence = load(postgres_database, script)
    check_session(evidence, snapshots=2)
    check_charge(evidence)
    check_event(evidence)
    assert first(evidence.frame("stripe_intents"))["customer_id"] == "cus_1"
    binding = first(evidence.customers)
    assert (binding["customer_id"], binding["user_id"]) == ("cus_1", "42")
    assert binding["bound_at"] == pd.Timestamp("2025-09-01 14:40:00", tz="UTC")
    log = evidence.deliveries.sort_values("source_line")
    log = log.astype(object).where(log.notna(), None)
    columns = ["event_id", "payment_id", "signature_valid", "outcome", "error"]
    assert log[columns].to_numpy().tolist() == [
        ["evt_1", "cs_test_1", True, "ignored", None],
        [None, "cs_test_1", False, "signature_refused", None],
        ["evt_1", "cs_test_1", True, "incomplete", "duplicate key value"],
        [None, None, False, "signature_refused", None],
    ]
    assert evidence.spans["source"].tolist() == ["deliveries"]
    assert evidence.custody.inputs[0].taken_for == "synced stripe tables (dj-stripe)"


def test_dj_stripe_with_the_object_whole(postgres_database: str) -> None:
    script = ""
    for table, body in (
        ("djstripe_session", SESSION),
        ("djstripe_charge", CHARGE),
        ("djstripe_event", EVENT),
    ):
        script += f"""CREATE TABLE {table} (djstripe_id bigint, id varchar(255), stripe_data jsonb,
          created timestamptz, customer_id varchar(255), djstripe_updated timestamptz);
          INSERT INTO {table} VALUES (1, {text(body["id"])}, {text(body)});"""
    script += TRIGGER.format(key="varchar(255)")
    evidence = load(postgres_database, script)
    check_session(evidence, snapshots=2)
    check_charge(evidence)
    check_event(evidence)
    assert evidence.count("deliveries") == 0


@pytest.mark.parametrize("kind", ["jsonb", "text"])
def test_airbyte_with_typed_tables(postgres_database: str, kind: str) -> None:
    script = f"""
    CREATE TABLE checkout_sessions (_airbyte_raw_id text, _airbyte_extracted_at timestamptz,
      _airbyte_meta jsonb, id text, object text, amount_total bigint, client_reference_id text,
      created bigint, currency text, customer text, customer_creation text,
      customer_details {kind}, customer_email text, livemode boolean, metadata {kind}, mode text,
      payment_intent text, payment_status text, status text);
    CREATE TABLE charges (_airbyte_extracted_at timestamptz, id text, object text,
      amount numeric(38, 9), amount_refunded bigint, billing_details {kind}, created bigint,
      currency text, customer text, disputed boolean, livemode boolean, metadata {kind},
      paid boolean, payment_intent text, payment_method_details {kind}, status text);
    """
    script += insert("checkout_sessions", SESSION) + insert("charges", CHARGE)
    evidence = load(postgres_database, script)
    check_session(evidence)
    check_charge(evidence)
    assert evidence.custody.inputs[0].taken_for == "synced stripe tables (Airbyte)"
    assert evidence.custody.gaps()["object"].tolist() == ["event"]


def test_airbyte_with_raw_tables(postgres_database: str) -> None:
    script = "CREATE SCHEMA airbyte_internal;"
    for stream, body in (("checkout_sessions", SESSION), ("events", EVENT)):
        table = f"airbyte_internal.stripe_raw__stream_{stream}"
        script += f"""CREATE TABLE {table} (_airbyte_raw_id text, _airbyte_extracted_at timestamptz,
          _airbyte_data jsonb); INSERT INTO {table} VALUES ('x', now(), {text(body)});"""
    evidence = load(postgres_database, script)
    check_session(evidence, snapshots=2)
    check_event(evidence)


def test_fivetran_flattens_and_writes_json_as_text(postgres_database: str) -> None:
    script = """
    CREATE SCHEMA stripe;
    CREATE TABLE stripe.checkout_session (id text, amount_total bigint, client_reference_id text,
      created timestamptz, currency text, customer_id text, customer_creation text,
      customer_details_email text, customer_details_name text, customer_email text,
      livemode boolean, metadata text, mode text, payment_intent_id text, payment_status text,
      status text, _fivetran_synced timestamptz);
    CREATE TABLE stripe.charge (id text, amount integer, amount_refunded integer,
      billing_detail_email text, billing_detail_name text, created timestamptz, currency text,
      customer_id text, disputed boolean, livemode boolean, metadata text, paid boolean,
      payment_intent_id text, card_fingerprint text, status text, _fivetran_synced timestamptz);
    CREATE TABLE stripe.refund (id text, amount integer, charge_id text, created timestamptz,
      currency text, status text, _fivetran_synced timestamptz);
    INSERT INTO stripe.refund VALUES ('re_1', 500, 'ch_1', '2025-09-01 14:39:07+00', 'EUR',
      'succeeded', '2025-09-02 00:00:00+00');
    """
    created = "2025-09-01 14:39:07+00"
    session = {
        k: v for k, v in SESSION.items() if k not in ("object", "customer", "payment_intent")
    }
    details = session.pop("customer_details")
    assert isinstance(details, dict)
    session.update({f"customer_details_{key}": value for key, value in details.items()})
    session.update({"customer_id": "cus_1", "payment_intent_id": "pi_1", "created": created})
    charge = {k: v for k, v in CHARGE.items() if k not in ("object", "customer", "payment_intent")}
    details = charge.pop("billing_details")
    assert isinstance(details, dict)
    charge.update({f"billing_detail_{key}": value for key, value in details.items()})
    del charge["payment_method_details"]
    charge.update({"customer_id": "cus_1", "payment_intent_id": "pi_1", "created": created})
    charge["card_fingerprint"] = "fp_1"
    script += insert("stripe.checkout_session", session) + insert("stripe.charge", charge)
    evidence = load(postgres_database, script)
    check_session(evidence)
    check_charge(evidence)
    refund = first(evidence.frame("stripe_refunds"))
    assert (refund["refund_id"], refund["charge_id"], refund["currency"]) == ("re_1", "ch_1", "eur")
    assert evidence.frame("stripe_refunds")["snapshot_at"][0] == pd.Timestamp(
        "2025-09-02", tz="UTC"
    )
    assert evidence.custody.inputs[0].taken_for == "synced stripe tables (Fivetran)"


def test_rows_that_are_not_stripe_s_are_rejects(postgres_database: str) -> None:
    script = (
        ENGINE_COLUMNS
        + """
    INSERT INTO stripe.charges (id, amount, status) VALUES ('17', 1, 'paid'), ('ch_9', 2, 'failed');
    """
    )
    evidence = load(postgres_database, script)
    assert evidence.frame("stripe_charges")["charge_id"].tolist() == ["ch_9"]
    assert evidence.custody.rejects()["reason"].tolist() == ["charges 17: not a Stripe charge"]


def test_a_table_that_may_not_be_read_is_a_gap(postgres_database: str) -> None:
    script = (
        ENGINE_COLUMNS
        + """
    CREATE ROLE synced_reader LOGIN;
    GRANT USAGE ON SCHEMA stripe TO synced_reader;
    GRANT SELECT ON stripe.checkout_sessions, stripe.charges TO synced_reader;
    """
    )
    url = postgres_database.replace("postgres:@", "synced_reader@")
    try:
        load(postgres_database, script)
        evidence = Evidence()
        load_synced_tables(evidence, CaseFile.model_validate({"stripe": {"database": url}}))
    finally:
        with psycopg.connect(postgres_database, autocommit=True) as connection:
            connection.execute("DROP OWNED BY synced_reader; DROP ROLE synced_reader")
    gaps = evidence.custody.gaps().set_index("object")
    assert gaps.loc["event", "problem"] == "unreadable"
    assert "permission denied" in gaps.loc["event", "consequence"]


def test_a_database_without_synced_tables(postgres_database: str) -> None:
    script = "CREATE TABLE charges (id serial, amount integer, status text);"
    with pytest.raises(CaseError, match=r"no synced Stripe tables.*it holds charges") as error:
        load(postgres_database, script)
    assert "\n" not in str(error.value)


def test_a_copy_in_sqlite_is_read_as_well(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "copy.db")
    connection.execute("CREATE TABLE charges (_raw_data TEXT, id TEXT, _last_synced_at TEXT)")
    connection.execute("INSERT INTO charges VALUES (?, 'ch_1', NULL)", [json.dumps(CHARGE)])
    connection.execute("INSERT INTO charges VALUES ('{broken', 'ch_2', NULL)")
    connection.commit()
    connection.close()
    case = {"stripe": {"database": "sqlite:///copy.db"}, "folder": tmp_path}
    evidence = Evidence()
    load_synced_tables(evidence, CaseFile.model_validate(case))
    check_charge(evidence)
    assert evidence.custody.rejects()["reason"].tolist() == ["charges ch_2: not a Stripe charge"]
    assert len(evidence.custody.inputs[0].sha256) == 64
