"""Purchases whose row says that they were refunded, where no entry of its own takes the credits.

The row is then two movements: the credits were given, and taken back when the money went back.
"""

from __future__ import annotations

from collections.abc import Sequence

from credit_forensics.databases.read_only import ReadOnlyDatabase
from credit_forensics.databases.relations import quote_text
from credit_forensics.evidence.ledgers.inference.column_roles import time_of
from credit_forensics.evidence.ledgers.inference.known_values import KnownValues
from credit_forensics.evidence.ledgers.inference.payment_kinds import payments_of_rows
from credit_forensics.evidence.ledgers.inference.probes import as_text
from credit_forensics.evidence.ledgers.inference.samples import Field, SampledTable
from credit_forensics.evidence.ledgers.inference.signs import RETURNED
from credit_forensics.evidence.ledgers.inference.words import words

_IN_PART = frozenset({"partial", "partially", "part", "pending", "requested", "failed", "not"})


def is_given_back(value: str | None) -> bool:
    """Whether a state says that a purchase as a whole was refunded.

    Examples
    --------
    >>> [is_given_back(one) for one in ("REFUNDED", "charged_back", "partially_refunded", "paid")]
    [True, True, False, False]
    """
    own = set(words(value or ""))
    return bool(own & RETURNED or own >= {"charged", "back"}) and not own & _IN_PART


def given_back(
    table: SampledTable, field: Field, values: Sequence[str | None], known: KnownValues
) -> list[str]:
    """Those of a column's values that say of purchases that they were refunded.

    Each row must name a payment of which all the money went back, as Stripe says, and which no row
    of another state names: that one may be the entry that takes the credits.

    Parameters
    ----------
    field
        the column of the state, or of the kind.
    values
        those of which nothing else says what they do.
    """
    named = payments_of_rows(table, known)
    found = []
    for value in values:
        if value is None or not is_given_back(value):
            continue
        here = [p for text, p in zip(field.texts, named, strict=True) if text == value]
        others = [p for text, p in zip(field.texts, named, strict=True) if text != value]
        theirs = set().union(*here)
        once = sum(map(len, here)) == len(theirs)
        alone = once and not theirs & set().union(*others)
        if here and all(here) and alone and theirs <= known.returned_whole:
            found.append(value)
    return found


def is_one_of(database: ReadOnlyDatabase, field: Field, values: Sequence[str]) -> str:
    """SQL: whether an entry has one of some values."""
    listed = ", ".join(quote_text(value, database.dialect) for value in sorted(values))
    return f"coalesce({as_text(database, field.sql(database, 'e'))}, '') IN ({listed})"


def taken_at(table: SampledTable) -> Field | None:
    """The time at which a refunded purchase was taken back: its own, else when the row changed."""
    timed = [field for field in table.columns if field.is_time]
    for names in ({"refunded", "refund", "returned", "reversed"}, {"updated", "modified"}):
        for field in timed:
            if field.words & names:
                return field
    return time_of(table)
