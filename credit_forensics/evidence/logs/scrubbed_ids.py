"""Finds the one known id that a scrubbed id can be.

A log scrubber replaced part of an id by ``<phone>``, ``<email>``, ``[REDACTED]`` or ``***``. Such
a value is a pattern with wildcards. It names an id only where exactly one known id fits.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right

import pandas as pd

from credit_forensics.evidence.evidence import Evidence

_WILDCARD = re.compile(
    r"<(?P<angle>[A-Za-z][\w -]*)>|[\[{(](?:REDACTED|FILTERED|MASKED|SCRUBBED|HIDDEN|PHONE|EMAIL|"
    r"[A-Z][A-Z_]+)[\]})]|\*{3,}|(?:REDACTED|FILTERED)|\u2026|\.{3,}"
)
# A telephone number is digits and what stands between them; other marks may hide anything.
_PHONE = r"[0-9(][0-9 ().+-]*"
_ANYTHING = r".+"
_LEAST_LEFT = 3
_GRAM = 3
_COLUMNS = ["value", "user_id", "detail"]


def is_scrubbed(value: str) -> bool:
    """Whether a value bears a scrubber's mark.

    Examples
    --------
    >>> [is_scrubbed(v) for v in ("af71df5d-f<phone>f5", "user-***", "00123")]
    [True, True, False]
    """
    return _WILDCARD.search(value) is not None


def match_scrubbed(values: pd.Series, known: pd.Series) -> pd.DataFrame:
    """The known id of each scrubbed value.

    Parameters
    ----------
    values
        ids as found, scrubbed or whole; empty ones and repeats are left out of the result.
    known
        ids that are known; repeats do not count.

    Returns
    -------
    DataFrame
        ``value``, ``user_id`` (absent unless exactly one fits) and ``detail``: ``exact``,
        ``unknown``; for a scrubbed value ``wildcard`` (one known id fits),
        ``wildcard_ambiguous`` (several), ``wildcard_unknown`` (none, or too little is left of it
        to say: fewer than three letters or digits). Sorted by value. Case does not count in a
        scrubbed value.

    Examples
    --------
    >>> known = pd.Series(["af71df5d-f123-41f5-9abc-0123456789ab", "beef", "beer"])
    >>> scrubbed = pd.Series(["af71df5d-f<phone>f5-9abc-0123456789ab", "bee***"])
    >>> match_scrubbed(scrubbed, known)["detail"].tolist()
    ['wildcard', 'wildcard_ambiguous']
    """
    distinct = sorted({str(value) for value in values.dropna()} - {""})
    index = _KnownIds(sorted({str(value) for value in known.dropna()} - {""}))
    rows = [(value, *index.match(value)) for value in distinct]
    return (
        pd.DataFrame(rows, columns=_COLUMNS)
        .astype("str" if rows else "object")
        .where(lambda frame: frame != "", None)
    )


class _KnownIds:
    """Known ids, indexed so that a pattern is tried only on those that share a piece with it."""

    def __init__(self, known: list[str]) -> None:
        self._exact = set(known)
        pairs = sorted((value.lower(), value) for value in known)
        self._folded = [folded for folded, _ in pairs]
        self._ids = [value for _, value in pairs]
        self._grams: dict[str, list[int]] | None = None

    def match(self, value: str) -> tuple[str, str]:
        """User id (empty for none) and detail of one value."""
        if value in self._exact:
            return value, "exact"
        if not is_scrubbed(value):
            return "", "unknown"
        pattern, literals = _pattern(value.lower())
        if sum(character.isalnum() for text in literals for character in text) < _LEAST_LEFT:
            return "", "wildcard_unknown"
        fitting: list[str] = []
        for place in self._candidates(literals):
            if pattern.fullmatch(self._folded[place]):
                fitting.append(self._ids[place])
                if len(fitting) > 1:
                    return "", "wildcard_ambiguous"
        return (fitting[0], "wildcard") if fitting else ("", "wildcard_unknown")

    def _candidates(self, literals: list[str]) -> list[int] | range:
        """Places of the ids that can fit, by the beginning or the rarest piece."""
        head = literals[0]
        by_head = range(len(self._folded))
        if head:
            low = bisect_left(self._folded, head)
            high = bisect_right(self._folded, head + "\U0010ffff")
            by_head = range(low, high)
        if len(by_head) <= 64:
            return by_head
        best: list[int] | range = by_head
        for text in literals:
            for at in range(len(text) - _GRAM + 1):
                places = self._pieces().get(text[at : at + _GRAM], [])
                if len(places) < len(best):
                    best = places
        return best

    def _pieces(self) -> dict[str, list[int]]:
        if self._grams is None:
            grams: dict[str, list[int]] = {}
            for place, folded in enumerate(self._folded):
                for gram in {folded[at : at + _GRAM] for at in range(len(folded) - _GRAM + 1)}:
                    grams.setdefault(gram, []).append(place)
            self._grams = grams
        return self._grams


def _pattern(value: str) -> tuple[re.Pattern[str], list[str]]:
    """A folded value as a pattern, and the text between its wildcards, ends included."""
    parts: list[str] = []
    literals: list[str] = []
    at = 0
    for match in re.finditer(_WILDCARD.pattern, value, re.IGNORECASE):
        literals.append(value[at : match.start()])
        parts.append(re.escape(literals[-1]))
        parts.append(_PHONE if match["angle"] == "phone" else _ANYTHING)
        at = match.end()
    literals.append(value[at:])
    parts.append(re.escape(literals[-1]))
    return re.compile("".join(parts), re.DOTALL), literals


def match_scrubbed_deliveries(evidence: Evidence) -> int:
    """Give the scrubbed ids of deliveries their owners, as far as the known ids tell; how many.

    Known are the ids of ``users``, ``customers`` and ``ledger``, and of the whole values under
    keys that name a user in the metadata. May be called again when more is known.
    """
    connection = evidence.connection
    values = connection.execute(
        """SELECT DISTINCT resolved_user_id AS value FROM deliveries
        WHERE regexp_matches(resolved_user_id, '[<>*{}()\\[\\]…]|REDACTED|FILTERED|\\.\\.\\.')"""
    ).df()["value"]
    values = values[[is_scrubbed(value) for value in values]]
    if values.empty:
        return 0
    known = connection.execute(
        """SELECT DISTINCT user_id FROM (
            SELECT user_id FROM users UNION ALL SELECT user_id FROM customers
            UNION ALL SELECT user_id FROM ledger
            UNION ALL SELECT trim(value) FROM metadata
                WHERE key IN ('user_id', 'user_id_backup', 'session_user_id', 'userId'))
        WHERE user_id IS NOT NULL AND user_id <> ''"""
    ).df()["user_id"]
    known = known[[not is_scrubbed(value) for value in known]]
    matched = match_scrubbed(values, known)
    connection.register("_matched_ids", matched)
    try:
        connection.execute(
            """UPDATE deliveries SET
                resolved_user_id = coalesce(m.user_id, deliveries.resolved_user_id),
                resolved_user_detail = m.detail
            FROM _matched_ids m WHERE m.value = deliveries.resolved_user_id"""
        )
    finally:
        connection.unregister("_matched_ids")
    return int(matched["user_id"].notna().sum())
