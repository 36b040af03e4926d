"""Joins long lines that a container's runtime wrote in several, before anything else is read.

Kubernetes marks the parts with ``P`` and the last one with ``F``; Docker's own files have a record
a part, of which the last alone ends with a line's end. Each stream has its own parts.
"""

from __future__ import annotations

import re

LONGEST_JOINED = 8 << 20

_CRI = re.compile(
    rb"^(?P<head>\S+ (?P<stream>stdout|stderr)) (?P<mark>[PF])(?::\S*)? (?P<text>.*)$", re.M
)
_CRI_PART = re.compile(rb"^\S+ (?:stdout|stderr) P(?::\S*)? ", re.M)
_DOCKER = re.compile(
    rb'^(?P<head>\{"log": ?")(?P<text>(?:[^"\\\n]|\\.)*)'
    rb'(?P<tail>", ?"stream": ?"(?P<stream>\w+)".*)$',
    re.M,
)
_DOCKER_PART = re.compile(rb'^\{"log": ?"(?:[^"\\\n]|\\.)*(?<!\\n)", ?"stream": ?"', re.M)


class PartialLines:
    """Brings the chunks of one file to whole lines.

    As many lines come out as went in, so that their numbers stay true: the parts of a line are
    blank ones before it. What was begun and never ended stands behind the last chunk.

    Examples
    --------
    >>> parts = PartialLines()
    >>> parts.joined(b"1 stdout P ab\\n2 stderr F x\\n3 stdout F cd\\n")
    b'\\n2 stderr F x\\n1 stdout F abcd\\n'
    >>> parts.joined(b"4 stdout P e\\n"), parts.rest()
    (b'\\n', b'4 stdout F e\\n')
    """

    def __init__(self) -> None:
        self._held: dict[bytes, list[bytes]] = {}
        self._docker: bool | None = None

    def joined(self, chunk: bytes) -> bytes:
        """A chunk of whole lines, those in parts as one."""
        if self._docker is None:
            self._docker = chunk.startswith((b'{"log":"', b'{"log": "'))
        if not self._held and not (_DOCKER_PART if self._docker else _CRI_PART).search(chunk):
            return chunk
        return (_DOCKER if self._docker else _CRI).sub(self._line, chunk)

    def rest(self) -> bytes:
        """What was begun and not ended, a line a stream; empty at once after that."""
        held, self._held = self._held, {}
        tail = b"" if self._docker is None or not self._docker else b'"}'
        return b"".join(parts[0] + b"".join(parts[1:]) + tail + b"\n" for parts in held.values())

    def _line(self, match: re.Match[bytes]) -> bytes:
        stream, text = match["stream"], match["text"]
        held = self._held.get(stream)
        last = text.endswith(rb"\n") if self._docker else match["mark"] == b"F"
        if last and held is None:
            return match[0]
        if held is None:
            head = match["head"] if self._docker else match["head"] + b" F "
            held = self._held[stream] = [head]
        if sum(map(len, held)) + len(text) <= LONGEST_JOINED:
            held.append(text)
        if not last:
            return b""
        del self._held[stream]
        return b"".join(held) + (match["tail"] if self._docker else b"")
