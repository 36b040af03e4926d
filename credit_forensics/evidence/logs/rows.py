"""Rows that logs give, on their way into the tables."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pandas as pd
import pyarrow as pa

from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.folding_sql import email_key
from credit_forensics.evidence.logs.delivery import Delivery
from credit_forensics.evidence.logs.encoding import TextReader
from credit_forensics.evidence.logs.metadata_text import parse_metadata


class Span:
    """The span of all lines with a time."""

    def __init__(self) -> None:
        self.first = 2**63 - 1
        self.last = -(2**63)
        self.lines = 0

    def add(self, first: int, last: int, lines: int) -> None:
        """Widen by lines whose times run from first to last, in microseconds."""
        self.first, self.last = min(self.first, first), max(self.last, last)
        self.lines += lines

    def row(self) -> pd.DataFrame:
        """The row of ``spans``."""
        return pd.DataFrame(
            {
                "source": ["deliveries"],
                "first_at": pd.to_datetime([self.first], unit="us", utc=True),
                "last_at": pd.to_datetime([self.last], unit="us", utc=True),
                "row_count": [self.lines],
            }
        )


@dataclass
class LogRows:
    """Rows waiting to be put into the tables: many small inserts would cost more than reading."""

    deliveries: list[pa.Table] = field(default_factory=list)
    sessions: list[pa.Table] = field(default_factory=list)
    sign_ins: list[tuple[str, str, int | None]] = field(default_factory=list)
    count: int = 0

    def store(self, evidence: Evidence, file: str, reader: TextReader) -> None:
        """Put the rows into the tables, metadata as JSON."""
        if self.deliveries:
            table = pa.concat_tables(self.deliveries, promote_options="default")
            evidence.add("deliveries", _with_file(table, file))
        if self.sessions:
            table = pa.concat_tables(self.sessions)
            texts = [_object(reader.text(raw)) for raw in table.column("metadata").to_pylist()]
            place = table.column_names.index("metadata")
            table = table.set_column(place, "metadata", pa.array(texts, pa.string()))
            evidence.add("logged_sessions", _with_file(table, file))
        if self.sign_ins:
            _add_sign_ins(evidence, self.sign_ins)


def delivery_table(deliveries: list[Delivery]) -> pa.Table:
    """Deliveries as rows of their table, but for the file."""
    return pa.table(
        {
            "event_id": pa.array([d.event_id for d in deliveries], pa.string()),
            "payment_id": pa.array([d.payment_id for d in deliveries], pa.string()),
            "received_at": pa.array([d.time for d in deliveries], pa.timestamp("us", tz="UTC")),
            "signature_valid": pa.array([d.signature_valid for d in deliveries], pa.bool_()),
            "method": pa.array([d.method for d in deliveries], pa.string()),
            "resolved_user_id": pa.array([d.user_id for d in deliveries], pa.string()),
            "credits": pa.array([d.credits for d in deliveries], pa.int64()),
            "outcome": pa.array([d.outcome or "incomplete" for d in deliveries], pa.string()),
            "error": pa.array([_first_line(d.error) for d in deliveries], pa.string()),
            "request_id": pa.array([d.request_id for d in deliveries], pa.string()),
            "source_line": pa.array([d.line for d in deliveries], pa.int64()),
        }
    )


def session_table(deliveries: list[Delivery]) -> pa.Table:
    """What deliveries tell of their sessions; metadata as bytes, as logged."""
    texts = [(d.metadata_text or "").encode("utf-8", "replace") for d in deliveries]
    return pa.table(
        {
            "session_id": pa.array([d.payment_id for d in deliveries], pa.string()),
            "customer_id": pa.array([d.customer_id for d in deliveries], pa.string()),
            "payment_status": pa.array([d.payment_status for d in deliveries], pa.string()),
            "payment_intent_id": pa.array([d.payment_intent_id for d in deliveries], pa.string()),
            "metadata": pa.array(texts, pa.binary()),
            "logged_at": pa.array([d.time for d in deliveries], pa.timestamp("us", tz="UTC")),
            "source_line": pa.array([d.line for d in deliveries], pa.int64()),
        }
    )


def _add_sign_ins(evidence: Evidence, rows: list[tuple[str, str, int | None]]) -> None:
    table = pa.table(
        {
            "user_id": pa.array([row[0] for row in rows], pa.string()),
            "email": pa.array([row[1] for row in rows], pa.string()),
            "signed_in_at": pa.array([row[2] for row in rows], pa.timestamp("us", tz="UTC")),
        }
    )
    connection = evidence.connection
    connection.register("_sign_in_rows", table)
    try:
        connection.execute(
            f"""INSERT INTO sign_ins BY NAME
            SELECT user_id, {email_key("email")} AS email_key, signed_in_at FROM _sign_in_rows
            WHERE {email_key("email")} IS NOT NULL"""
        )
    finally:
        connection.unregister("_sign_in_rows")


def _first_line(text: str | None) -> str | None:
    """The first line of an error, at most 500 characters."""
    if not text:
        return None
    line = text.strip().split("\n", 1)[0].strip()
    return line[:500] or None


def _object(text: str) -> str | None:
    """Metadata as JSON, from whatever a language wrote; JSON itself stays as it is."""
    if text.startswith('{\n  "') and text.endswith("\n}"):
        return text
    found = parse_metadata(text)
    return json.dumps(found, ensure_ascii=False) if found or text.strip() == "{}" else None


def _with_file(table: pa.Table, file: str) -> pa.Table:
    return table.append_column("source_file", pa.array([file] * len(table), pa.string()))
