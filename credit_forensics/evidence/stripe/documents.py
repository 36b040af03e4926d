"""Reads Stripe objects one document at a time, where a file cannot be read at once.

Python finds where each document begins and ends and decodes its bytes; DuckDB judges, opens and
reads a batch of them. Every document ends in a staging table, in the count of objects that are
not needed, or in custody's rejects with its line and the reason.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import duckdb
import pyarrow as pa

from credit_forensics.evidence.custody import UNREAD, Input
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.files.archives import Archive
from credit_forensics.evidence.files.identify_input import NAMES
from credit_forensics.evidence.files.json_documents import decode, split_documents
from credit_forensics.evidence.files.json_lines import NOT_JSON, STRAY, Document, lines
from credit_forensics.evidence.stripe.credit_objects import take_credit_objects
from credit_forensics.evidence.stripe.envelopes import (
    EVENT_FIELDS,
    PLAIN,
    THIN,
    insert_envelopes,
    take_thin_events,
    unwrap_sql,
)
from credit_forensics.evidence.stripe.nested_fields import (
    take_expanded,
    take_invoice_payments,
    take_nested_charges,
)
from credit_forensics.evidence.stripe.objects import (
    CREDIT_PREFIXES,
    INTENT,
    INVOICE,
    KINDS,
    NESTED,
    NESTED_PAYMENTS,
    WIDE,
    Type,
    insert_sql,
    kind_sql,
    structure,
)

NOT_NEEDED = frozenset((
    "account", "application_fee", "balance", "balance_transaction", "bank_account",
    "billing_portal.session", "card", "coupon", "discount", "file", "file_link", "line_item",
    "mandate", "payment_link", "payment_method", "payout", "person", "plan", "price", "product",
    "promotion_code", "setup_attempt", "setup_intent", "source", "tax_id", "tax_rate", "topup",
    "transfer", "transfer_reversal", "webhook_endpoint",
))  # fmt: skip
"""Kinds of Stripe's objects that tell nothing of a payment and whom it is for."""

_BATCH = 16 << 20
_SCHEMA = pa.schema([("line", pa.int64()), ("text", pa.string()), ("normal", pa.bool_())])
_KNOWN = ", ".join(f"'{kind.object}'" for kind in KINDS)
_CREDITS = ", ".join(f"'{name}'" for name in CREDIT_PREFIXES)


def _judged_sql() -> str:
    fields: dict[str, Type] = {**WIDE, **NESTED, **NESTED_PAYMENTS}
    return f"""
    CREATE OR REPLACE TEMP TABLE judged AS
    WITH seen AS (
        -- Invalid JSON is an error here, and nothing after TRY.
        SELECT *, TRY(json_extract_string(text, ['$.object', '$.id'])) AS head FROM batch
    ), valid AS (
        SELECT *, CASE WHEN head IS NOT NULL THEN text END AS body,
            coalesce(head[1] IN ({PLAIN}), false) AS plain
        FROM seen
    ), once AS (
        SELECT * REPLACE (CASE WHEN plain THEN body ELSE {unwrap_sql("body")} END AS body)
        FROM valid
    ), twice AS (
        SELECT * REPLACE (CASE WHEN plain THEN body ELSE {unwrap_sql("body")} END AS body)
        FROM once
    ), looked AS (
        SELECT * REPLACE (
                CASE WHEN plain THEN head ELSE json_extract_string(body, ['$.object', '$.id']) END
                AS head),
            CASE WHEN plain THEN 'OBJECT' ELSE json_type(body) END AS type
        FROM twice
    ), named AS (
        SELECT line, normal, text, body, type, head[2] AS id,
            CASE WHEN type = 'OBJECT' THEN {kind_sql("head[1]", "head[2]")} END AS kind
        FROM looked
    ), opened AS (
        SELECT *,
            CASE WHEN kind IN ({_KNOWN}) AND id IS NOT NULL
                THEN from_json(body, '{structure(fields)}') END AS object,
            CASE WHEN kind = 'event' AND id IS NOT NULL
                THEN from_json(body, '{structure(EVENT_FIELDS)}') END AS envelope
        FROM named
    )
    SELECT line, type, kind, object, envelope,
        CASE
            -- A key that repeats empties the whole map; Python, where the last counts, mends it.
            WHEN object IS NOT NULL THEN CASE
                WHEN NOT normal AND object.metadata IS NULL
                    AND json_type(body, '$.metadata') = 'OBJECT' THEN 'repeating'
                ELSE 'good' END
            WHEN envelope IS NOT NULL THEN CASE
                WHEN NOT normal AND envelope.data.object.metadata IS NULL
                    AND json_type(body, '$.data.object.metadata') = 'OBJECT' THEN 'repeating'
                ELSE 'good' END
            WHEN type IS NULL THEN 'invalid'
            WHEN kind IN ({_CREDITS}) AND id IS NOT NULL THEN 'credits'
            WHEN type = 'ARRAY' OR kind IN ('list', 'search_result')
                OR json_type(body, '$.data') = 'ARRAY' THEN 'list'
            WHEN kind IS NULL THEN 'foreign'
            WHEN starts_with(kind, '{THIN}') THEN CASE
                WHEN json_type(body, '$.related_object.id') = 'VARCHAR'
                    AND json_extract_string(body, '$.related_object.type') IN ({_KNOWN})
                    THEN 'related'
                ELSE 'thin' END
            WHEN kind <> 'event' AND kind NOT IN ({_KNOWN}) THEN 'unused'
            ELSE 'nameless'
        END AS verdict,
        CASE WHEN verdict IN ('related', 'credits') THEN body
            WHEN verdict IN ('invalid', 'list', 'repeating') THEN text
            -- Events of credits hold what their own structure has no place for.
            WHEN verdict = 'good' AND envelope.data.object.object IN ({_CREDITS}) THEN body
        END AS text
    FROM opened
    """


class _Reader:
    """Takes batches of documents, and tells what became of each."""

    def __init__(self, evidence: Evidence, source: Input, origin: str | None) -> None:
        self.connection: duckdb.DuckDBPyConnection = evidence.connection
        self.custody = evidence.custody
        self.source = source
        self.origin = origin
        self.unused: Counter[str] = Counter()
        self.repeating = 0
        self.rejects: dict[tuple[int, str], None] = {}

    def take(self, documents: Iterable[Document]) -> None:
        """Take documents, whatever they are."""
        batch: list[Document] = []
        size = 0
        for document in documents:
            if document.problem:
                self.rejects[document.line, document.problem] = None
                continue
            batch.append(document)
            size += len(document.text)
            if size >= _BATCH:
                self._take_batch(batch, normal=False)
                batch, size = [], 0
        if batch:
            self._take_batch(batch, normal=False)

    def _take_batch(self, batch: list[Document], *, normal: bool) -> None:
        rows = pa.Table.from_arrays(
            [
                pa.array([document.line for document in batch], pa.int64()),
                pa.array([document.text for document in batch], pa.string()),
                pa.array([normal] * len(batch), pa.bool_()),
            ],
            schema=_SCHEMA,
        )
        self.connection.register("batch", rows)
        self.connection.execute(_judged_sql())
        self.connection.unregister("batch")
        self._insert()
        others = self.connection.execute(
            "SELECT line, verdict, kind, type, text FROM judged"
            " WHERE verdict <> 'good' OR text IS NOT NULL ORDER BY line, verdict, text"
        ).fetchall()
        again: list[Document] = []
        opened: list[Document] = []
        thin: list[str] = []
        credits: list[str] = []
        carried: list[str] = []
        for line, verdict, kind, type_, text in others:
            if verdict == "unused":
                self.unused[kind] += 1
            elif verdict == "related":
                thin.append(text)
            elif verdict == "credits":
                credits.append(text)
            elif verdict == "good":
                carried.append(text)
            elif verdict == "thin":
                reason = f"a thin event ({THIN}), which does not carry the object it tells of"
                self.rejects[line, reason] = None
            elif verdict == "nameless":
                self.rejects[line, f"a {kind} without an id"] = None
            elif verdict == "foreign":
                self.rejects[line, f"not a Stripe object: {_shape(type_)}"] = None
            elif verdict == "repeating":
                again.append(_in_order(line, text))
            else:
                opened += self._open(line, text, is_list=verdict == "list")
        self.source.rows += take_thin_events(self.connection, thin)
        self.source.rows += take_credit_objects(self.connection, credits, self.origin)
        take_credit_objects(self.connection, carried, "events")
        self.repeating += len(again)
        if again:
            self._take_batch(again, normal=True)
        self.take(opened)

    def _open(self, line: int, text: str, *, is_list: bool) -> list[Document]:
        """The whole objects in a list, or in a line that is not one JSON value."""
        found = list(split_documents(iter([text])))
        if [document.text for document in found] == [text]:
            # It begins and ends like an object, but DuckDB does not take it.
            self.rejects[line, _why_refused(text)] = None
            return []
        for document in found:
            if document.problem:
                other = "a list of other things" if is_list else NOT_JSON
                self.rejects[line, other if document.problem == STRAY else document.problem] = None
        return [d._replace(line=line + d.line - 1) for d in found if d.text]

    def _insert(self) -> None:
        for kind in KINDS:
            label = self.origin or NAMES[kind.object]
            self.connection.execute(
                f"CREATE OR REPLACE TEMP TABLE objects AS SELECT object AS o,"
                f" ? AS source, NULL::TIMESTAMPTZ AS snapshot_at FROM judged"
                f" WHERE verdict = 'good' AND kind = '{kind.object}'",
                [label],
            )
            insert = insert_sql(kind, "objects", "source", "snapshot_at")
            [(inserted,)] = self.connection.execute(insert).fetchall()
            self.source.rows += int(inserted)
            if kind is INTENT:
                take_nested_charges(self.connection, "objects")
            if kind is INVOICE:
                take_invoice_payments(self.connection, "objects")
        self.connection.execute(
            "CREATE OR REPLACE TEMP TABLE envelopes AS SELECT envelope AS o FROM judged"
            " WHERE verdict = 'good' AND kind = 'event'"
        )
        self.source.rows += insert_envelopes(self.connection)

    def finish(self, problem: str, last_line: int) -> None:
        """Hand the rejects to custody, and note what was not needed.

        Where the archive ended early, the document that it cut is not told of a second time.
        """
        if problem:
            self.rejects = {key: None for key in self.rejects if key[0] != last_line}
            self.rejects[last_line, f"{problem}; what came before was read"] = None
        for line, reason in self.rejects:
            self.custody.reject(self.source, line, reason)
        for kind, count in sorted(self.unused.items()):
            what = "are not needed" if kind in NOT_NEEDED else UNREAD
            self.source.notes.append(f"{count} objects of the kind {kind} {what}")
        if self.repeating:
            self.source.notes.append(
                f"{self.repeating} objects repeat a metadata key; its last value counts"
            )
        for name in ("judged", "objects", "envelopes"):
            self.connection.execute(f"DROP TABLE IF EXISTS {name}")


def read_documents(
    evidence: Evidence,
    path: Path,
    source: Input,
    layout: str,
    *,
    origin: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Read a file document by document: ``layout`` ``lines``, else arrays, pages and documents."""
    archive = Archive(path, progress)
    text = archive.text()
    found = lines(text) if layout == "lines" else split_documents(decode(text))
    read_rows(evidence, source, found, origin, archive)


def read_rows(
    evidence: Evidence,
    source: Input,
    found: Iterator[Document],
    origin: str | None = None,
    archive: Archive | None = None,
) -> int:
    """Read documents into the staging tables; returns the line of the last.

    ``archive``, where they come from one, says after reading whether it was sound.
    """
    reader = _Reader(evidence, source, origin)
    last = 0

    def documents() -> Iterator[Document]:
        nonlocal last
        for document in found:
            last = document.line
            yield document

    reader.take(documents())
    take_expanded(reader.connection)
    reader.finish(archive.problem if archive else "", last)
    return last


def _in_order(line: int, text: str) -> Document:
    try:
        return Document(line, json.dumps(json.loads(text)))
    except (ValueError, RecursionError):
        return Document(line, text)


def _why_refused(text: str) -> str:
    try:
        json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return "text with half a surrogate pair"
    except (ValueError, RecursionError):
        return NOT_JSON
    return "JSON that DuckDB cannot read"


def _shape(type_: str) -> str:
    return {"OBJECT": "an object of another kind", "NULL": "null"}.get(type_, "a bare value")
