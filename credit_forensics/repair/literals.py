"""Writes values into SQL text so that none of them can be anything but a value."""

from __future__ import annotations

import re
from collections.abc import Iterable

from credit_forensics.errors import CaseError
from credit_forensics.repair.columns import Column

_UNSEEN = re.compile(r"[^\x20-\x7e]")


def text_literal(value: str, dialect: str) -> str:
    r"""A text as an SQL literal.

    Quotes are doubled. A backslash in PostgreSQL takes the ``E'…'`` form, which means the same
    whatever ``standard_conforming_strings`` is set to.

    Raises
    ------
    CaseError
        for a NUL, which no literal can hold.

    Examples
    --------
    >>> text_literal("x'); DROP TABLE users; --", "sqlite")
    "'x''); DROP TABLE users; --'"
    >>> text_literal("a\\'b", "postgresql")
    "E'a\\\\''b'"
    """
    if "\x00" in value:
        raise CaseError("An id of this plan holds a NUL character, which SQL cannot be given.")
    quoted = value.replace("'", "''")
    if dialect == "postgresql" and "\\" in quoted:
        return "E'" + quoted.replace("\\", "\\\\") + "'"
    return f"'{quoted}'"


def typed_literal(value: str, column: Column, dialect: str) -> str:
    """A text as a literal of a column's type.

    SQLite applies the column's affinity by itself, and a cast would turn ``00123`` into 123 where
    the column keeps texts.

    Examples
    --------
    >>> typed_literal("7", Column("user_id", "bigint"), "postgresql")
    "CAST('7' AS bigint)"
    """
    literal = text_literal(value, dialect)
    return f"CAST({literal} AS {column.type})" if dialect == "postgresql" else literal


def comment(text: str) -> str:
    r"""A one-line SQL comment; whatever could end it is replaced.

    Examples
    --------
    >>> comment("cs_1\nDROP TABLE users;")
    '-- cs_1?DROP TABLE users;'
    """
    return "-- " + _UNSEEN.sub("?", text)


def listed(literals: Iterable[str]) -> str:
    """Literals as the inside of ``IN (…)``, a line each where they are many; none match none."""
    each = list(literals)
    return (", " if len(each) < 3 else ",\n  ").join(each) or "NULL"
