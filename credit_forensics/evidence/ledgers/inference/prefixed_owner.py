"""The owner of entries that name their account behind a word which all of them share.

A store of events calls the stream of an account ``account-<id>``, a store of keys ``user:<id>``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from credit_forensics.databases.read_only import ReadOnlyDatabase
from credit_forensics.databases.relations import quote_text
from credit_forensics.evidence.ledgers.inference.probes import as_text
from credit_forensics.evidence.ledgers.inference.samples import Field
from credit_forensics.evidence.ledgers.inference.table_roles import EntriesTable

_BETWEEN = "-:_/|#."
_TEXTS = ("text", "char", "varchar", "character", "string")
# So many of what stands behind the word must be accounts.
_ACCOUNTS = 0.9


@dataclass(frozen=True)
class BehindPrefix(Field):
    """A column of which the part behind a prefix counts; its sampled values are without it."""

    prefix: str = ""

    def sql(self, database: ReadOnlyDatabase, alias: str) -> str:
        """That part as an expression in the database's own SQL; empty where the prefix is not."""
        whole, length = as_text(database, super().sql(database, alias)), len(self.prefix)
        begins = f"substr({whole}, 1, {length}) = {quote_text(self.prefix, database.dialect)}"
        return f"CASE WHEN {begins} THEN substr({whole}, {length + 1}) END"


def prefixed_owner(
    entries: EntriesTable, accounts: Callable[[Sequence[str]], float]
) -> tuple[BehindPrefix, float] | None:
    """The one column that names accounts behind a prefix, and the part of them that is known.

    Parameters
    ----------
    entries
        of which the rows that move credits are looked at: other streams have other words.
    accounts
        the part of some ids that are accounts.

    Examples
    --------
    >>> prefixes(["account-acme-1", "account-acme-2"])
    ['account-acme-', 'account-']
    >>> prefixes(["17-4", "17-5"]), prefixes(["user_1"]), prefixes(["a1", "b2"])
    ([], ['user_'], [])
    """
    moved = entries.amount or entries.debit
    found = []
    for field in entries.table.columns:
        if field == moved or field.is_json or not field.type.startswith(_TEXTS):
            continue
        rows = zip(field.texts, moved.texts, strict=True) if moved else ()
        values = sorted({text for text, amount in rows if text and amount})
        for prefix in prefixes(values) if len(values) > 1 else ():
            share = accounts([value.removeprefix(prefix) for value in values])
            if share >= _ACCOUNTS:
                texts = tuple(_behind(text, prefix) for text in field.texts)
                column = BehindPrefix(field.column, field.type, texts, field.path, prefix)
                found.append((column, share))
                break
    return found[0] if len(found) == 1 else None


def prefixes(values: Sequence[str]) -> list[str]:
    """The words that all values begin with, up to a separator, the longest first."""
    first, last = min(values, default=""), max(values, default="")
    same = takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    ends = [place + 1 for place, (letter, _) in enumerate(same) if letter in _BETWEEN]
    words = [first[:end] for end in reversed(ends)]
    return [word for word in words if word[0].isalpha() and not any(map(str.isdigit, word))]


def _behind(text: str | None, prefix: str) -> str | None:
    return text.removeprefix(prefix) if text and text.startswith(prefix) else None
