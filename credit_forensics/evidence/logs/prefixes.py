"""Strips what platforms and loggers put before a line, down to the original handler's own form.

What comes out has as many lines as what went in, so line numbers stay true. A line whose text
already has the original handler's prefix loses only what stands before it; another line with a time
gets that prefix with its time; continuation lines (indented or quoted text, braces, the end of a
traceback) get none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from credit_forensics.evidence.logs.lines import Positions, line_ends

_TIME = rb"\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?"
_LEVEL = (
    rb"(?:TRACE|DEBUG|INFO|NOTICE|WARNING|WARN|ERROR|CRITICAL|FATAL|SUCCESS"
    rb"|trace|debug|info|notice|warning|warn|error|critical|fatal|log)"
)
_MONTH = rb"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"

# The application's own forms other than the original handler's.
_APPLICATION = (
    rb"(?:"
    # [time] LEVEL in module: ; [time +0000] [pid] [LEVEL]
    rb"\[(?P<{0}1>" + _TIME + rb")\] ?(?:\[\d+\] ?)?(?:\[?" + _LEVEL + rb"\]?:? ?)?"
    rb"(?:in \w+: )?(?:\[?[a-z_][\w.]*\]?: )?"
    # time - name - LEVEL - ; time - LEVEL - ; time - name - [LEVEL]
    rb"|(?P<{0}2>" + _TIME + rb") - (?:[\w.]+ - )?\[?" + _LEVEL + rb"\]?(?: - |: | )"
    # time | LEVEL | place -
    rb"|(?P<{0}3>" + _TIME + rb") ?\| ?" + _LEVEL + rb" *\| ?(?:[\w.:<>]+ ?[-|] )?"
    # time [LEVEL] name: ; time LEVEL name:
    rb"|(?P<{0}4>" + _TIME + rb")[ \t]+(?:\[\d+\][ \t]*)?\[?" + _LEVEL + rb" *\]?:?[ \t]"
    rb"(?:\[?[a-z_][\w.]*\]?: ?(?:- )?)?"
    # LEVEL:name: ; LEVEL:
    rb"|" + _LEVEL + rb":(?:[a-z_][\w.]*:| {1,8})"
    rb")"
)
_ANY_APPLICATION = re.sub(rb"\?P<\{0\}\d>", b"", _APPLICATION)

# What a platform puts before the application's own line.
_PLATFORM = (
    rb"(?:"
    # compose, with or without time; kubectl --prefix
    rb"(?:\[pod/[^\]\n]+\] |[A-Za-z0-9][\w./-]*[ \t]*\| )(?:(?="
    + _ANY_APPLICATION
    + rb")|(?P<compose>"
    + _TIME
    + rb")(?: (?:stdout|stderr) [FP])? )?"
    # journald and syslog: time, host, unit[pid]
    rb"|(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) )?(?P<journal>" + _TIME + rb") [\w.-]+ [\w./@-]+"
    rb"(?:\[[\w.-]+\])?: "
    rb"|" + _MONTH + rb" [ \d]\d \d\d:\d\d:\d\d(?:\.\d+)? [\w.-]+ [\w./@-]+(?:\[\d+\])?: "
    # RFC 5424
    rb"|<\d{1,3}>1 (?P<syslog>\S+) \S+ \S+ \S+ \S+ (?:-|\[[^\]\n]*\]) (?:\xef\xbb\xbf)?"
    # Heroku and Fly: time, source[process]:
    rb"|(?P<dyno>" + _TIME + rb") [a-z]+\[[\w.-]+\](?:: | [a-z]{3} \[[a-z]+\] ?)"
    # the dashboard of Render: Sep 1 02:39:07 PM  [instance]  text
    rb"|" + _MONTH + rb" {1,2}\d{1,2} \d\d:\d\d:\d\d [AP]M(?:  ?\[[\w-]+\])?[ \t]{1,2}"
    # Docker, Kubernetes, Render, Lambda: time, then the stream or level
    rb"|(?P<plain>" + _TIME + rb")(?: (?:stdout|stderr) [FP] |\t[0-9a-f-]{36}\t" + _LEVEL + rb"\t"
    rb"|[ \t])"
    rb")"
)
_ORIGINAL = rb"\[\d{4}-\d\d-\d\d[T ][^\]\n]{8,40} - [^\]\n]*\]"
_LINE = re.compile(
    rb"^(?:(?P<original>(?="
    + _ORIGINAL
    + rb"))|(?P<application>"
    + _APPLICATION.replace(b"{0}", b"a")
    + rb")|(?P<platform>"
    + _PLATFORM
    + rb")(?:(?="
    + _ORIGINAL
    + rb")|(?P<inner>"
    + _APPLICATION.replace(b"{0}", b"b")
    + rb"))?)",
    re.MULTILINE,
)
_TIME_GROUPS = tuple(letter + digit for letter in "ab" for digit in "1234")
_PLATFORM_TIMES = ("journal", "syslog", "dyno", "compose", "plain")
_CONTINUES = re.compile(
    rb"[ \t\r\n\"'{}\]\)]|$|Traceback \(most|[\w.]+(?:Error|Exception|Exit|Interrupt|Violation)\b|"
    rb"During handling of|The above exception"
)
_COLOUR = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")
_DIGIT = re.compile(rb"[0-9]")
_MOST_SHAPES = 16
_SHAPE_BYTES = np.arange(256, dtype=np.uint8)
_SHAPE_BYTES[48:58] = 48
_AS_THEY_ARE = np.zeros(256, bool)
_AS_THEY_ARE[[*b" \t\"'{}])\n\r"]] = True


_ORIGINAL_START = re.compile(_ORIGINAL)


def _has_own_time(match: re.Match[bytes]) -> bool:
    if match["original"] is not None or any(match[group] for group in _TIME_GROUPS):
        return True
    return _ORIGINAL_START.match(match.string, match.end()) is not None


@dataclass
class PrefixReader:
    """Brings the chunks of one file to the original handler's form.

    ``own_times`` is whether the application's own times were seen in the file; then the
    platform's times are not used. ``yearless`` counts lines whose only time has no year.
    """

    own_times: bool = False
    yearless: int = 0

    def normalise(self, chunk: bytes, newlines: Positions) -> tuple[bytes, Positions]:
        """A chunk of whole lines in the original handler's form, and where its newlines are."""
        if b"\x1b" in chunk:
            chunk = _COLOUR.sub(b"", chunk)
            newlines = line_ends(chunk)
        if not self._needed(chunk, newlines):
            return chunk, newlines
        if not self.own_times:
            head = _LINE.finditer(chunk, 0, min(len(chunk), 1 << 20))
            self.own_times = any(_has_own_time(match) for match in head)
        if self.own_times:
            chunk, odd = self._strip_known(chunk, newlines)
            if odd is not None and len(odd) < len(newlines) // 4:
                chunk = self._rewrite_lines(chunk, odd)
                return chunk, line_ends(chunk)
        chunk = _LINE.sub(self._rewrite, chunk)
        return chunk, line_ends(chunk)

    def _strip_known(self, chunk: bytes, newlines: Positions) -> tuple[bytes, Positions | None]:
        """Take platform prefixes of a known shape off, all lines of that shape at once.

        Only lines that begin, after it, with the original prefix or like a continuation lose it
        here; the numbers of the others are given back. A platform writes a few shapes, which are
        learnt from the chunk's first lines.
        """
        starts = np.concatenate([np.zeros(1, np.int64), newlines[:-1] + 1])
        shapes: dict[bytes, bytes] = {}
        for start in starts[:400].tolist():
            match = _LINE.match(chunk, start)
            if match is not None and match["platform"] and match["inner"] is None:
                shapes.setdefault(_DIGIT.sub(b"0", match["platform"]), match["platform"])
        if not shapes or len(shapes) > _MOST_SHAPES:
            return chunk, None
        padded = chunk + b"\n" * 256
        data = np.frombuffer(padded, np.uint8)
        shape_of = _SHAPE_BYTES[data]
        left = np.arange(len(starts))
        width = np.zeros(len(starts), np.int64)
        for shape in sorted(shapes, key=len, reverse=True):
            at = starts[left]
            same = np.ones(len(left), bool)
            for offset, byte in enumerate(shape):
                same &= shape_of[at + offset] == byte
            after = at + len(shape)
            bracket = data[after] == 91
            original = (
                bracket
                & (data[after + 1] == 50)
                & ((data[after + 25] == 45) | (data[after + 26] == 45))
            )
            same &= original | (_AS_THEY_ARE[data[after]] & ~bracket)
            width[left[same]] = len(shape)
            left = left[~same]
        marks = np.zeros(len(chunk) + 1, np.int8)
        stripped = np.flatnonzero(width)
        np.add.at(marks, starts[stripped], 1)
        np.add.at(marks, starts[stripped] + width[stripped], -1)
        keep = np.cumsum(marks, dtype=np.int8)[:-1] == 0
        return data[: len(chunk)][keep].tobytes(), left

    def _rewrite_lines(self, chunk: bytes, rows: Positions) -> bytes:
        """Bring some lines of a chunk to the original handler's form."""
        newlines = line_ends(chunk)
        starts = np.concatenate([np.zeros(1, np.int64), newlines[:-1] + 1])
        parts: list[bytes] = []
        done = 0
        for start in starts[rows].tolist():
            match = _LINE.match(chunk, start)
            if match is None:
                continue
            parts += [chunk[done:start], self._rewrite(match)]
            done = match.end()
        parts.append(chunk[done:])
        return b"".join(parts)

    def _needed(self, chunk: bytes, newlines: Positions) -> bool:
        """Whether any line begins with something other than the original handler's prefix."""
        data = np.frombuffer(chunk, np.uint8)
        starts = np.concatenate([np.zeros(1, np.int64), newlines[:-1] + 1])
        odd = starts[~_AS_THEY_ARE[data[starts]]]
        bracket = data[odd] == 91
        # "[2025-09-01T14:39:07+0000 - " has its dash 26 bytes on, a time with milliseconds 25.
        dash = np.minimum(odd + 25, len(data) - 2)
        original = bracket & ((data[dash] == 45) | (data[dash + 1] == 45))
        for start in odd[~original].tolist():
            match = _LINE.match(chunk, start)
            if match is not None and match.end() > start:
                return True
        return False

    def _rewrite(self, match: re.Match[bytes]) -> bytes:
        if match["original"] is not None:
            return b""
        following = match.string[match.end() : match.end() + 120]
        inner = match["application"] or match["inner"]
        if inner is None and _ORIGINAL_START.match(following):
            return b""
        time = next((match[g] for g in _TIME_GROUPS if match[g]), None)
        if time is None:
            time = next((match[g] for g in _PLATFORM_TIMES if match[g]), None)
            if time is None:
                self.yearless += match["platform"] is not None and match["compose"] is None
                return b""
            if inner is None and self.own_times:
                return b""
        if _CONTINUES.match(following):
            return b""
        return b"[" + time.replace(b"/", b"-") + b" - log - INFO] "
