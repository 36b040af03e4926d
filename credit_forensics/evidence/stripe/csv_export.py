"""Reads the CSV exports of Stripe's Dashboard: payments, refunds, disputes, customers.

Flat tables (Sigma, Data Pipeline, warehouses) are told by their headings and read as such.

Headings are known in any case and order, with or without a byte order mark; ``… (metadata)``
columns become metadata; amounts stand in major units, with a point or a comma. One row of the
payments export may tell of a charge, its PaymentIntent, its Checkout Session and a dispute.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from credit_forensics.databases.written_values import plain_columns
from credit_forensics.evidence.custody import Input
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.files.archives import Archive
from credit_forensics.evidence.files.csv_headings import in_small_letters
from credit_forensics.evidence.files.csv_records import Record, records, text_lines
from credit_forensics.evidence.stripe.csv_headings import ExportLayout, Row, created_sql
from credit_forensics.evidence.stripe.csv_payloads import payload_column, read_payloads
from credit_forensics.evidence.stripe.flat_csv import is_flat, read_flat_csv
from credit_forensics.tables.catalogue import spec

_BATCH = 50_000
_LOOKED_AT = 200

_CHARGE_STATUS = {
    "paid": "succeeded",
    "succeeded": "succeeded",
    "refunded": "succeeded",
    "partially refunded": "succeeded",
    "partial refund": "succeeded",
    "disputed": "succeeded",
    "failed": "failed",
    "blocked": "failed",
    "pending": "pending",
    "processing": "pending",
    "uncaptured": "pending",
}
_TABLES = {
    ("ch_", "py_"): "stripe_charges",
    ("pi_",): "stripe_intents",
    ("cs_",): "stripe_sessions",
    ("re_", "pyr_"): "stripe_refunds",
    ("dp_", "du_", "pdp_"): "stripe_disputes",
    ("cus_",): "stripe_customers",
}


def load_stripe_csv(evidence: Evidence, path: Path, source: Input) -> None:
    """Read a Dashboard export into the staging tables.

    Parameters
    ----------
    evidence
        whose staging tables take the rows, whose custody takes the rejects.
    path, source
        the file (plain or compressed), and its entry in custody.

    Notes
    -----
    The payments export gives the time of the charge, so ``created_at`` of the session stays
    empty unless another source tells it. Its metadata is the charge's (or the intent's).
    """
    archive = Archive(path)
    last = read_export(evidence, source, records(text_lines(archive.text())))
    if archive.problem:
        evidence.custody.reject(source, last, f"{archive.problem}; what came before was read")


def read_export(evidence: Evidence, source: Input, found: Iterator[Record]) -> int:
    """Read the records of an export, the heading first; returns the line of the last."""
    first = next(found, None)
    if first is None:
        return 0
    names = [text.strip() for text in first.fields]
    beginning = list(islice(found, _LOOKED_AT))
    found = chain(beginning, found)
    payloads = payload_column(names, beginning)
    if payloads is not None:
        return read_payloads(evidence, source, payloads, found)
    names = in_small_letters(names)
    if is_flat(names, beginning):
        return read_flat_csv(evidence, source, names, found)
    layout = ExportLayout(first.fields)
    batch: dict[str, list[Row]] = {}
    waiting = 0
    last = first.line
    for record in found:
        last = record.line
        problem = record.problem or _take(batch, layout.row(record.fields))
        if problem:
            evidence.custody.reject(source, record.line, problem)
            continue
        source.rows += 1
        waiting += 1
        if waiting >= _BATCH:
            _flush(evidence, batch, layout.zone)
            waiting = 0
    _flush(evidence, batch, layout.zone)
    if layout.unread_amounts:
        source.notes.append(f"{layout.unread_amounts} amounts could not be read and stay empty")
    if layout.contradictions:
        source.notes.append(
            f"{layout.contradictions} values of metadata stand twice and differ; they stay empty"
        )
    if "created" not in layout.places:
        source.notes.append("no column tells when an object was created")
    if "session_id" in layout.places and "payment_intent_id" not in layout.places:
        source.notes.append(
            "without the column PaymentIntent ID, cards, refunds and disputes of sessions are lost"
        )
    return last


def _take(batch: dict[str, list[Row]], row: Row) -> str:
    """Put a row where its id belongs; what is wrong with it, if it cannot be used."""
    identity = row.get("id", "")
    table = next((table for begins, table in _TABLES.items() if identity.startswith(begins)), "")
    if not table:
        return "no id of a Stripe object" if identity else "no id"
    mode = row.get("mode", "").lower()
    common = {
        "created": row.get("created"),
        "livemode": {"live": True, "true": True, "test": False, "false": False}.get(mode),
        "currency": row["currency"].lower() if "currency" in row else None,
        "amount": row.get("amount"),
        "customer_id": row.get("customer_id"),
        "payment_intent_id": row.get("payment_intent_id"),
    }
    for name, staged in _staged(table, identity, row, common):
        if row.get("session_id") and not staged["payment_intent_id"] and name == "stripe_charges":
            # Nothing leads from the session to this charge, which would look like a payment of
            # its own.
            continue
        batch.setdefault(name, []).append(staged)
    return ""


def _staged(
    table: str, identity: str, row: Row, common: Mapping[str, Any]
) -> Iterator[tuple[str, Row]]:
    status = row.get("status", "").lower()
    metadata = row["metadata"] or None
    if table == "stripe_sessions":
        yield (
            table,
            {
                **common,
                "session_id": identity,
                "amount_total": common["amount"],
                "status": status or None,
                "payment_status": row.get("payment_status", "").lower() or None,
                "details_email": row.get("email"),
                "details_name": row.get("name"),
                "client_reference_id": row.get("client_reference_id"),
                "price_id": row.get("price_id"),
                "mode": row["mode"].lower() if row.get("mode", "").lower() in _MODES else None,
                "metadata": metadata,
            },
        )
    elif table == "stripe_customers":
        yield (
            table,
            {
                **common,
                "customer_id": identity,
                "email": row.get("email"),
                "name": row.get("name"),
                "metadata": metadata,
            },
        )
    elif table in ("stripe_refunds", "stripe_disputes"):
        key = "refund_id" if table == "stripe_refunds" else "dispute_id"
        charge = row.get("charge_id", "")
        link = {"payment_intent_id": charge} if charge.startswith("pi_") else {}
        yield table, {**common, **link, key: identity, "charge_id": charge or None,
                      "status": status.replace(" ", "_") or None}  # fmt: skip
    else:
        yield from _payment(table, identity, row, common, status)


_MODES = ("payment", "subscription", "setup")


def _payment(
    table: str, identity: str, row: Row, common: Mapping[str, Any], status: str
) -> Iterator[tuple[str, Row]]:
    metadata = row["metadata"] or None
    charged = _CHARGE_STATUS.get(status)
    dispute = row.get("dispute_status", "").lower().replace(" ", "_")
    intent = row.get("payment_intent_id")
    if table == "stripe_charges":
        yield (
            table,
            {
                **common,
                "charge_id": identity,
                "status": charged,
                "paid": None if charged is None else charged == "succeeded",
                "amount_refunded": row.get("amount_refunded"),
                "disputed": True if dispute or row.get("disputed_amount") else None,
                "card_fingerprint": row.get("fingerprint"),
                "billing_email": row.get("email"),
                "billing_name": row.get("name"),
                "metadata": metadata,
            },
        )
        if dispute:
            # The export does not give the dispute's own id.
            yield (
                "stripe_disputes",
                {
                    **common,
                    "dispute_id": f"csv:{identity}",
                    "charge_id": identity,
                    "amount": row.get("disputed_amount") or common["amount"],
                    "status": dispute,
                    "created": None,
                },
            )
    else:
        intent = identity
        yield (
            table,
            {
                **common,
                "payment_intent_id": identity,
                "status": "succeeded" if charged == "succeeded" else status or None,
                "receipt_email": row.get("email"),
                "metadata": metadata,
            },
        )
        yield from _charge_of_intent(identity, row, common, charged)
    if session := row.get("session_id"):
        alone = {
            "amount_total": common["amount"],
            "details_email": row.get("email"),
            "details_name": row.get("name"),
            "payment_status": {"succeeded": "paid", None: None}.get(charged, "unpaid"),
        }
        yield (
            "stripe_sessions",
            {
                **common,
                "session_id": session,
                "created": None,
                "payment_intent_id": intent,
                "client_reference_id": row.get("client_reference_id"),
                "price_id": row.get("price_id"),
                "mode": "subscription" if "invoice_id" in row else "payment",
                # What the charge tells is read from the charge, where an intent leads there.
                **({} if intent else alone),
            },
        )


def _charge_of_intent(
    intent: str, row: Row, common: Mapping[str, Any], charged: str | None
) -> Iterator[tuple[str, Row]]:
    """What the export of all payments says of the charge and its refund, whose ids it lacks."""
    common = {**common, "payment_intent_id": intent}
    if charged and (row.get("fingerprint") or row.get("name")):
        yield (
            "stripe_charges",
            {
                **common,
                "charge_id": f"csv:{intent}",
                "status": charged,
                "paid": charged == "succeeded",
                "card_fingerprint": row.get("fingerprint"),
                "billing_email": row.get("email"),
                "billing_name": row.get("name"),
            },
        )
    if row.get("amount_refunded"):
        yield (
            "stripe_refunds",
            {
                **common,
                "refund_id": f"csv:{intent}",
                "amount": row["amount_refunded"],
                "status": "succeeded",
                "created": row.get("refunded_at"),
            },
        )


def _flush(evidence: Evidence, batch: dict[str, list[Row]], zone: str) -> None:
    connection = evidence.connection
    for table, rows in batch.items():
        schema = spec(table).arrow_schema
        fields = [f for f in schema if f.name not in ("created_at", "source", "snapshot_at")]
        columns = {f.name: pa.array([row.get(f.name) for row in rows], f.type) for f in fields}
        columns["created"] = pa.array([row["created"] for row in rows], pa.string())
        staged = pa.table(columns)
        connection.register("csv_rows", staged)
        names = ", ".join(field.name for field in fields)
        # An office's program writes times as people do: 28.05.2026 20:26.
        written = plain_columns(connection, "csv_rows", ["created"], ",").get("created", "created")
        connection.execute(
            f"INSERT INTO {table} (created_at, source, {names}) SELECT {created_sql(zone)}, 'csv',"
            f" {names} FROM (SELECT * REPLACE ({written} AS created) FROM csv_rows)"
        )
        connection.unregister("csv_rows")
    batch.clear()
