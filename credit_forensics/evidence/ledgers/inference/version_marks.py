"""The columns that tell the versions of a row apart."""

from __future__ import annotations

from dataclasses import dataclass

from credit_forensics.databases.read_only import ReadOnlyDatabase
from credit_forensics.databases.relations import quote_identifier, quote_text
from credit_forensics.evidence.ledgers.inference import words as w
from credit_forensics.evidence.ledgers.inference.probes import as_text
from credit_forensics.evidence.ledgers.inference.samples import Field, SampledTable

TRUE = ("1", "true", "t", "y", "yes")
# What capture of changes, audits and histories call a row that is gone, and one as it was before.
GONE = frozenset(["d", "del", "delete", "deleted", "removed", "truncate", "t", "2", "-"])
BEFORE = frozenset(["update_preimage", "preimage", "update_before"])
_DONE = frozenset(
    ("c", "i", "u", "r", "s", "ins", "upd", "insert", "update", "create", "read", "replace",
     "upsert", "snapshot", "update_postimage", "postimage", "created", "updated", "inserted",
     "modify", "+", "~", "0", "1")
)  # fmt: skip
_PERIOD = {"valid", "validity", "effective", "system", "sys", "row", "dbt", "fivetran", "version"}
_MADE_AT = {"created", "occurred", "booked", "inserted", "posted", "happened"}
# So many seconds since 1970 are a time of this century.
_EPOCH = 10**9
_TAKEN_AT = {"captured", "extracted", "emitted", "history", "audit", "commit", "dms", "ingested",
             "ts", "lsn", "rev", "changed", "snapshot", "recorded", "as", "of", "cdc"}  # fmt: skip


@dataclass(frozen=True)
class Mark:
    """A column that tells versions apart: ``kind`` is end, flag, next, previous, number or done.

    ``weak`` ones also stand in tables that store one row a key.
    """

    field: Field
    kind: str
    weak: bool = False

    def current(self, database: ReadOnlyDatabase) -> str:
        """The rows that this column alone calls current, in SQL."""
        column = quote_identifier(self.field.column)
        text = as_text(database, column)
        if self.kind == "flag":
            true = ", ".join(quote_text(word, database.dialect) for word in TRUE)
            return f"lower({text}) IN ({true})"
        if self.kind == "next":
            return f"nullif({text}, '') IS NULL"
        if self.kind == "end" and self.field.words & {"period", "range"} and _is_range(self.field):
            return f"({column} IS NULL OR {text} LIKE '%,)' OR {text} LIKE '%infinity%')"
        # "9999-12-31" and "infinity" are as open as nothing is.
        return f"coalesce(nullif({text}, ''), '9999') >= '9999'"


def version_mark(field: Field, table: SampledTable) -> Mark | None:
    """What a column tells of versions; none where it tells nothing."""
    own = field.words
    order = field.words_in_order
    said = {value.lower() for value in field.values}
    if _is_range(field) and own & (_PERIOD | {"period", "range"}):
        return Mark(field, "end")
    if own & {"to", "end", "until", "thru", "till"} and own & _PERIOD:
        return Mark(field, "end")
    flag = field.type.startswith("bool") or said <= {*TRUE, "0", "false", "f", "n", "no"}
    if flag and own & {"current", "latest", "newest"} and not own & (w.UNIT | {"balance"}):
        return Mark(field, "flag")
    if flag and "fivetran" in own and "active" in own:
        return Mark(field, "flag")
    if own & {"superseded", "replaced", "overwritten"} and not flag:
        return Mark(field, "next")
    if own & {"supersede", "replace"} or (own & {"previous", "prior"} and own & {"version"}):
        return Mark(field, "previous")
    if _is_done(field, said):
        return Mark(field, "done")
    rest = own - {"version", "revision", "rev", "row", "lock", "no", "number", "num"} - w.ENTRY
    # In a store of events the version is the stream's: each row is an event of its own.
    streams = any(f.words & {"stream", "aggregate"} for f in table.columns)
    if own & {"version", "revision", "rev", "lsn"} and not rest - table.words - {"source"}:
        return None if streams else Mark(field, "number")
    if own & {"ts"} and _is_when(field):
        # The only time of a table is that of its entries, and so is the one that says it.
        alone = not any(_is_when(f) for f in table.columns if f != field)
        if own & _MADE_AT or (alone and not own & {"ms"}):
            return Mark(field, "number", weak=True)
    numbered = bool(field.numbers) or field.is_time
    named = own & _TAKEN_AT - {"as", "of"} or order == ("as", "of") or own >= {"as", "of"}
    if numbered and named and not own & (w.UNIT | {"id", "deleted"}):
        return Mark(field, "number", weak=not own & {"lsn", "rev", "ts", "history", "audit", "cdc"})
    if field.is_time and own & {"updated", "modified"}:
        return Mark(field, "number", weak=True)
    daily = table.words & {"snapshot", "daily", "history"} and table.words & {"balance", "wallet"}
    if daily and field.is_time and own & {"date", "day", "at", "on"}:
        return Mark(field, "number", weak=True)
    return None


def _is_when(field: Field) -> bool:
    """A time, also as the seconds of an epoch."""
    epoch = bool(field.numbers) and min(field.numbers) > _EPOCH and not field.words & w.KEY
    return field.is_time or epoch


def _is_range(field: Field) -> bool:
    typed = "range" in field.type
    return typed or field.share(lambda text: text[:1] in "[(" and text[-1:] in ")]") > 0.9


def _is_done(field: Field, said: set[str]) -> bool:
    """What was done to the row ("op"); "credit" and "debit" as ``c`` and ``d`` are no such."""
    own = field.words
    if "deleted" in own and not own - {"deleted", "cdc", "fivetran", "dms"}:
        flags = {*TRUE, "0", "false", "f", "n", "no"}
        return field.column.startswith("_") and bool(said) and said <= flags
    if not said or not said <= GONE | BEFORE | _DONE:
        return False
    if own & {"history", "revtype", "cdc", "dml", "change", "audit"} or own == {"rev", "type"}:
        return True
    if not own & {"op", "operation", "action", "event"}:
        return False
    return bool(said & (_DONE - {"c", "i", "+", "0", "1", "s"})) or "op" in own
