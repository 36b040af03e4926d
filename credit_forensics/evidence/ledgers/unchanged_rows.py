"""Makes the reads of a ledger smaller without missing a change in what is not read.

The database itself digests the rows that are older than a bound; where the digest is what it was,
those rows are, and only the newer ones are read. Where rows cannot be told apart (no counting id
and no time, a key that repeats, entries linked through the shop's bookkeeping) the table is read
whole every time; so are balances, which change in place.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from credit_forensics.databases.bulk_read import VIEW_SECONDS, endless, named_views
from credit_forensics.databases.read_only import (
    STATEMENT_SECONDS,
    ReadOnlyDatabase,
    UnreadableError,
)
from credit_forensics.databases.relations import quote_identifier
from credit_forensics.evidence.ledgers.only_newer import (
    ID_OVERLAP,
    TIME_OVERLAP,
    TIMES,
    rows_above,
    rows_after,
)
from credit_forensics.evidence.ledgers.read_plan import Read

# The table that a part fills.
TABLES = {
    "entries": "ledger",
    "users": "users",
    "customers": "customers",
    "balances": "balances",
    "aliases": "user_links",
    "mergers": "user_links",
    "memberships": "memberships",
}
_KEYS = {"entries": ("entry_id",), "users": ("user_id",), "customers": ("customer_id", "user_id")}
# Entries are linked, and their kinds told, through these; they change under old entries.
_BOOKKEEPING = ("payments", "processed_events", "admin_actions")


@dataclass(frozen=True)
class Mark:
    """How far a read went: SQL for the rows after it, and the digest of those before."""

    newer: str
    digest: str


@dataclass
class UnchangedRows:
    """Narrows the reads of one refresh; give ``narrow`` to ``load_ledgers``.

    Parameters
    ----------
    before
        the marks that the last refresh left, by the ledger's prefix and the part.
    view_seconds
        how long a query over a view may take.

    Afterwards ``marks`` are those to keep, ``whole`` and ``narrowed`` name the parts that were
    read so, and ``rows`` counts the rows that there are in all of each narrowed part.
    """

    before: Mapping[str, Mark]
    view_seconds: int = VIEW_SECONDS
    marks: dict[str, Mark] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)
    narrowed: set[str] = field(default_factory=set)
    rows: dict[str, int] = field(default_factory=dict)
    _bookkept: bool = False

    def narrow(self, prefix: str, database: ReadOnlyDatabase, read: Read) -> Read:
        """The read of what is newer than the last mark, or the read itself.

        Raises
        ------
        UnreadableError
            when a view has no end.
        """
        views = named_views(database, read.query)
        seconds = self.view_seconds if views else STATEMENT_SECONDS
        began = time.monotonic()
        if read.part in _BOOKKEEPING:
            self._bookkept = True
        key = f"{prefix}{read.part}"
        before = self.before.get(key)
        try:
            newer, rows = self._bound(database, read, seconds)
            if newer:
                self.marks[key] = Mark(newer, digest_of_older(database, read.query, newer))
                if before and digest_of_older(database, read.query, before.newer) == before.digest:
                    self.narrowed.add(read.part)
                    self.rows[read.part] = self.rows.get(read.part, 0) + rows
                    query = f"SELECT * FROM (\n{read.query}\n) AS part WHERE {before.newer}"
                    return Read(read.part, read.label, query, read.own)
        except UnreadableError:
            if views and time.monotonic() - began >= seconds:
                raise endless(views, seconds) from None
            # What cannot be digested may still be read; if not, the reader says so.
            self.marks.pop(key, None)
        self.whole.add(read.part)
        return read

    def _bound(self, database: ReadOnlyDatabase, read: Read, seconds: int) -> tuple[str, int]:
        """SQL for the rows near the end of the table, none where that cannot be told; and all."""
        keys = _KEYS.get(read.part, ())
        columns = dict(database.describe(read.query))
        if (
            not keys
            or not columns.keys() >= set(keys)
            or (read.part == "entries" and self._bookkept)
        ):
            return "", 0
        named = " || ' ' || ".join(f"CAST({quote_identifier(key)} AS text)" for key in keys)
        rows, distinct = database.fetch_row(
            f"SELECT count(*), count(DISTINCT {named}) FROM (\n{read.query}\n) AS part", seconds
        )
        if rows != distinct or not rows:
            return "", 0
        if read.part == "entries":
            newer = _by_id(database, read, columns)
            if newer:
                return newer, rows
        return _by_time(database, read, columns), rows


def digest_of_older(database: ReadOnlyDatabase, query: str, newer: str) -> str:
    """Number and digest of the rows that are not newer; the order of rows does not count.

    Raises
    ------
    UnreadableError
        when the database cannot tell.
    """
    older = f"FROM (\n{query}\n) AS part WHERE NOT ({newer})"
    if database.dialect == "sqlite":
        database.driver.create_aggregate("digest_of_rows", -1, _RowDigest)
        named = ", ".join(quote_identifier(name) for name, _ in database.describe(query))
        rows, digest = database.fetch_row(f"SELECT count(*), digest_of_rows({named}) {older}")
    else:
        rows, digest = database.fetch_row(
            f"SELECT count(*), sum(hashtextextended(part::text, 0)::numeric)::text {older}"
        )
    return f"{rows} {digest or 0}"


class _RowDigest:
    """SQLite's aggregate: the sum of the rows' hashes, modulo 2^64."""

    def __init__(self) -> None:
        self._sum = 0

    def step(self, *values: object) -> None:
        """Add a row."""
        digest = hashlib.blake2b(repr(values).encode("utf-8", "replace"), digest_size=8).digest()
        self._sum = (self._sum + int.from_bytes(digest)) % 2**64

    def finalize(self) -> str:
        """The sum as text, which no integer of SQLite's overflows."""
        return f"{self._sum:016x}"


def _by_id(database: ReadOnlyDatabase, read: Read, columns: dict[str, str]) -> str:
    whole = "typeof(entry_id) = 'integer'" if database.dialect == "sqlite" else "true"
    if database.dialect != "sqlite" and columns["entry_id"] not in ("int2", "int4", "int8"):
        return ""
    greatest, others = database.fetch_row(
        f"SELECT max(entry_id), sum(CASE WHEN {whole} THEN 0 ELSE 1 END) "
        f"FROM (\n{read.query}\n) AS part"
    )
    return "" if others else rows_above(database, columns, int(greatest) - ID_OVERLAP)


def _by_time(database: ReadOnlyDatabase, read: Read, columns: dict[str, str]) -> str:
    column = TIMES[read.part]
    if column not in columns:
        return ""
    sane = f"typeof({column}) = 'text'" if database.dialect == "sqlite" else "true"
    if database.dialect != "sqlite":
        if columns[column] not in ("timestamptz", "timestamp"):
            return ""
        sane = f"isfinite({column})"
    (latest,) = database.fetch_row(
        f"SELECT CAST(max({column}) AS text) FROM (\n{read.query}\n) AS part WHERE {sane}"
    )
    try:
        moment = dt.datetime.fromisoformat(str(latest)[:10]).replace(tzinfo=dt.UTC)
    except ValueError:
        return ""
    return rows_after(database, columns, column, moment - TIME_OVERLAP)
