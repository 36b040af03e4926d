"""One message of a log, whatever held it."""

from __future__ import annotations

from typing import NamedTuple

from credit_forensics.evidence.logs.container_fields import Http, Record


class Line(NamedTuple):
    """One message of a log, whatever held it.

    ``number`` is its line in the file (in a document, which may be one line, its place among the
    records), ``time`` microseconds since 1970 in UTC, ``level`` info, warning or error,
    ``request`` what the log calls its request, ``tokens`` what may be its request, ``http`` what
    the record states of its request, ``fields`` the record's fields by folded name.
    """

    number: int
    time: int | None
    level: str | None
    request: str | None
    tokens: tuple[str, ...]
    text: str
    http: Http | None
    fields: Record
