"""Takes a line of text apart: its time, level and request, and the text without the time.

Nothing but the time is taken out of the text: an instance, a region or a logger's name does no
harm to a search for words, and what looks like one may be the message.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from credit_forensics.evidence.logs.container_fields import Record, level_of
from credit_forensics.evidence.logs.facts import WORDINGS
from credit_forensics.evidence.logs.times import TimeReader

_HEADER = 200
_LEVEL_WORD = (
    r"TRACE|DEBUG|INFO|LOG|NOTICE|WARN|WARNING|ERROR|ERR|CRITICAL|CRIT|FATAL|SEVERE|PANIC|ALERT"
)
_LEVEL = re.compile(
    rf"(?<![\w.])(?:[\w-]{{1,40}}\.)?(?:\[ ?(?P<first>{_LEVEL_WORD}) ?\]"
    rf"|(?:level|lvl|severity)[=:] ?\"?(?P<second>{_LEVEL_WORD})\b|"
    rf"(?P<third>{_LEVEL_WORD}):(?=\s|[\w.]+:))",
    re.IGNORECASE,
)
_LOUD = re.compile(rf"(?<![\w\"'.])(?:[a-z]{{1,20}}\.)?({_LEVEL_WORD})(?![\w\"'])")
_REQUEST = re.compile(
    r"(?:request|req|trace|correlation|invocation|execution)[_ -]?(?:id)?[\"']?\s{0,2}[=:]\s{0,2}"
    r"[\"'\[]?(?P<id>[A-Za-z0-9][\w.:/+=@-]{2,199})",
    re.IGNORECASE,
)
_UUID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_TOKEN = re.compile(
    rf"\[(?P<first>[A-Za-z0-9][\w.:@#/-]{{3,80}})\]|(?<![\w-])(?P<second>{_UUID})(?![\w-])"
)
_PAIR = re.compile(
    r"(?<!\S)(?P<key>[A-Za-z@][\w.@-]{0,40})=(?:\"(?P<quoted>(?:[^\"\\]|\\.){0,4000})\""
    r"|(?P<bare>[^\s\"]{1,400}))"
)
# What may stand before a handler's own words: the end of a header, never a sentence.
_HEADER_END = re.compile(rf"(?:^|[\]|>)}}:#-]|(?<!\w)(?:{_LEVEL_WORD}))[^\w\"'{{}}]*$")
_WORD = re.compile(r"[A-Za-z]{2,}")
_DIGIT = re.compile(r"\d")
_STRIPE_ID = re.compile(r"(?:evt|cs|pi|in|ch|sub)_")
_SURE = {wording for wording in WORDINGS if len(wording) > 18 or wording.isupper()}


class Header(NamedTuple):
    """A line taken apart. ``request`` is what the line itself calls its request; ``tokens`` are
    values that may be one: in brackets, or UUIDs, before the message."""

    time: int | None
    dated: bool
    level: str | None
    request: str | None
    tokens: tuple[str, ...]
    text: str


def dissect(text: str, times: TimeReader) -> Header:
    """Take a line apart.

    Examples
    --------
    >>> dissect("I, [2025-09-01T22:00:00Z #42]  INFO -- : [req-aaa1] Received", TimeReader())[2:]
    ('info', None, ('req-aaa1',), 'I, [ #42]  INFO -- : [req-aaa1] Received')
    """
    found = times.find(text)
    time = None
    if found is not None:
        time, start, end = found
        text = f"{text[:start].rstrip()} {text[end:].lstrip()}".strip() if start else text[end:]
    head = text[:_HEADER]
    level = next(
        (level_of(word) for match in _LEVEL.finditer(head) for word in match.groups() if word), None
    )
    if level is None:
        loud = _LOUD.search(head[:80])
        level = level_of(loud[1]) if loud else None
    named = _REQUEST.search(text[:_HEADER]) or _REQUEST.search(text[-_HEADER:])
    # A UUID after words is of whom they speak.
    shown = [
        match["first"] or match["second"]
        for match in _TOKEN.finditer(head[:120])
        if match["first"] or len(_WORD.findall(head[: match.start()])) <= 2
    ]
    tokens = tuple(t for t in shown if _DIGIT.search(t) and not _STRIPE_ID.match(t))
    text = text.strip() if found else text.rstrip()
    return Header(time, found is not None, level, named["id"] if named else None, tokens, text)


def pairs_of(text: str) -> Record | None:
    """The ``key=value`` pairs of a line that is made of them: three or more; else None.

    Examples
    --------
    >>> pairs_of('at=info method=POST path="/hook" status=200')
    {'at': 'info', 'method': 'POST', 'path': '/hook', 'status': '200'}
    """
    if text.count("=") < 3:
        return None
    found: Record = {
        match["key"]: match["bare"] if match["quoted"] is None else match["quoted"]
        for match in _PAIR.finditer(text[:8000])
    }
    return found if len(found) >= 3 else None


def from_wording(text: str) -> str:
    """The text from the known handler's wording on, where only a header stands before it.

    Examples
    --------
    >>> from_wording("app[148e]  iad [info]PERFECT SUCCESS: 100 credits added to user a")
    'PERFECT SUCCESS: 100 credits added to user a'
    >>> from_wording('{"note": "PERFECT SUCCESS: 9 credits added to user a"}')[:7]
    '{"note"'
    """
    head = text[:_HEADER]
    places = [(at, w) for w in WORDINGS if (at := head.find(w)) > 0]
    if not places:
        return text
    at, wording = min(places)
    before = head[:at]
    if _HEADER_END.search(before) or (wording in _SURE and not any(c in before for c in "\"'{}")):
        return text[at:]
    return text
