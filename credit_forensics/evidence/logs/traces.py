"""Puts together what a logger wrote on several lines, each of which came with a time of its own:
a trace, and a message under its level and category.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from credit_forensics.evidence.logs.message import Line

_SPAN = 2_000_000
_MOST_LINES = 80
_LONGEST = 16_000
_MAY_GO_ON = re.compile(r"Traceback|\bat \S|Caused by|\.\.\. \d|#\d|from \S+:\d|stacktrace|File \"")
_BEFORE = r"^(?:[\w.-]{1,40}\s*\|\s*)?\s*"
_BEGINS = re.compile(_BEFORE + r"Traceback \(most recent", re.MULTILINE)
_ENDS = re.compile(
    _BEFORE + r"[A-Za-z_][\w.]{0,120}(?:Error|Exception|DoesNotExist|NotFound\w*|Exit"
    r"|Interrupt|Violation|Warning)\b",
    re.MULTILINE,
)
# Lines of a stack in Node, Java, Ruby, PHP, .NET: each says that it goes on.
_FRAME = re.compile(
    _BEFORE + r"(?:at [\w.$<>/\[]+[^\n]{0,300}[:(]\S*\)?\s*$|Caused by: |\.\.\. \d+ more|#\d+ \S"
    r"|from \S+:\d+:in |\[stacktrace\]|File \"[^\"]{1,300}\", line \d+)"
)
# .NET's console: "fail: Shop.Billing.Webhook[0]", and the message on the next line.
_CATEGORY = re.compile(r"(?P<level>trce|dbug|info|warn|fail|crit): [\w.+`]{1,200}\[\d+\]\s*$")
_LEVELS = {"warn": "warning", "fail": "error", "crit": "error"}


def joined_traces(lines: Iterable[Line]) -> Iterator[Line]:
    """Lines, with those of a trace put to the line before it, and no category without a message.

    Examples
    --------
    >>> texts = ["handler failed", "Traceback (most recent call last):", "user = meta['id']",
    ...          "KeyError: 'id'", "next"]
    >>> lines = [Line(n, n, None, None, (), text, None, {}) for n, text in enumerate(texts)]
    >>> [line.text.count("\\n") for line in joined_traces(lines)]
    [3, 0]
    """
    last: Line | None = None
    inside, joined = False, 0
    for line in lines:
        if not inside and (
            last is None or not (_MAY_GO_ON.search(line.text) or last.text.endswith("]"))
        ):
            # By far the most lines: nothing of a trace.
            if last is not None:
                yield last
            last, joined = line, 0
            continue
        near = (
            last is not None
            and joined < _MOST_LINES
            and len(last.text) < _LONGEST
            and (last.request == line.request or not line.request)
            and (last.time is None or line.time is None or abs(line.time - last.time) <= _SPAN)
        )
        category = _CATEGORY.match(last.text) if last is not None and near else None
        if category is not None:
            level = _LEVELS.get(category["level"], "info")
            last, joined, inside = line._replace(level=level), 0, False
            continue
        begins = _BEGINS.search(line.text[:400]) is not None
        if last is not None and near and (begins or inside or _FRAME.search(line.text[:400])):
            last = last._replace(text=f"{last.text}\n{line.text}", level=last.level or line.level)
            joined += 1
        else:
            if last is not None:
                yield last
            last, joined = line, 0
        ended = _ENDS.search(line.text[-400:] if begins else line.text[:400]) is not None
        inside = (begins or (inside and near)) and not ended
    if last is not None:
        yield last
