"""Which front end made a session: a mark that payments of one release share.

A release that breaks the session breaks it for whoever pays through it, and for nobody else; so
wrong sessions that share a release have a cause in common (``common_cause``).
"""

from __future__ import annotations

from functools import reduce
from operator import add, or_

from credit_forensics.judgement.pattern_arrays import most_marks
from credit_forensics.resolution.method import SESSION
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ir

VERSION_KEYS = ("frontendversion", "clientversion", "appversion", "webversion", "release", "build")
"""Keys of a session's metadata under which shops write it, in small letters and without marks."""
_WORDS = ("version", "release", "build")

# A version is told by its length and last characters; each of them weighs another prime number.
_WEIGHTS = (7919, 6841, 5867, 4861, 3911, 2969, 2003, 1103)


def front_end_versions(tables: Tables) -> ir.Table:
    """``payment_id, version``: the front end of each payment whose session names it.

    Examples
    --------
    >>> front_end_versions(Tables()).columns
    ('payment_id', 'version')
    """
    metadata = tables.metadata
    key = metadata.key.lower().replace("_", "").replace("-", "").replace(" ", "")
    # Each of these keys holds one of these words; to fold all keys takes five times as long.
    likely = reduce(or_, (metadata.key.ilike(f"%{word}%") for word in _WORDS))
    named = metadata.filter((metadata.source == SESSION) & likely & key.isin(VERSION_KEYS))
    # An empty text is nothing, and shared by nobody.
    named = named.filter(named.value.nullif("").notnull())
    return named.group_by("payment_id").agg(version=named.value.min())


def front_end_marks(tables: Tables, families: int) -> ir.Table:
    """``payment_id, mark``: a number from 1 for each payment whose session names its front end.

    The number follows from the version alone, so that it is the same in a part of the evidence as
    in the whole. Two versions seldom have the same; they then count as one.

    Parameters
    ----------
    tables
        the evidence: its metadata.
    families
        how many there are; the more, the fewer numbers.

    Examples
    --------
    >>> front_end_marks(Tables(), 5).columns
    ('payment_id', 'mark')
    """
    version = front_end_versions(tables)
    last = version.version.right(len(_WEIGHTS))
    number = reduce(
        add,
        (
            last.substr(place, 1).ascii_str().cast("int64") * weight
            for place, weight in enumerate(_WEIGHTS)
        ),
    )
    number += version.version.length().cast("int64")
    marks = most_marks(families) - 1
    return version.select("payment_id", mark=(number % max(marks, 1) + min(marks, 1)).cast("int64"))
