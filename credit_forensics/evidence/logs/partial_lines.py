"""Joins long lines that a container's runtime wrote in several, before anything else is read.

Kubernetes marks the parts with ``P`` and the last one with ``F``; Docker's own files have a record
a part of 16 KB, of which the last alone ends with a line's end. Each stream has its own parts.
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
_DOCKER_PART = re.compile(rb'^\{"log": ?"(?:[^"\\\n]|\\.){16384,}?(?<!\\n)", ?"stream": ?"', re.M)
# Docker cuts after so many bytes; a shorter record without a line's end is a whole one.
_DOCKER_BYTES = 16_384


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
        self._tail = b""

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
        return b"".join(b"".join(parts) + self._tail + b"\n" for parts in held.values())

    def _line(self, match: re.Match[bytes]) -> bytes:
        stream, text = match["stream"], match["text"]
        held = self._held.get(stream)
        if self._docker:
            last = text.endswith(rb"\n") or len(text) < _DOCKER_BYTES
            head, tail = match["head"], match["tail"]
        else:
            last = match["mark"] == b"F"
            head, tail = match["head"] + b" F ", b""
        if last and held is None:
            return match[0]
        self._tail = tail
        if held is None:
            held = self._held[stream] = [head]
        if sum(map(len, held)) + len(text) <= LONGEST_JOINED:
            held.append(text)
        if not last:
            return b""
        del self._held[stream]
        return b"".join(held) + tail
