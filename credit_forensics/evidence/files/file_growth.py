"""Tells whether a file is as it was, has grown at its end, or is another one now."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, Literal

_PROBE = 1 << 16
_CHUNK = 1 << 22
_BLOCKS, _BLOCK = 64, 1 << 12
_NOT_TEXT = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1", b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Seen:
    """What a file looked like when it was read up to ``offset``, the end of a line.

    ``lines`` are the line ends before the offset; ``head`` and ``tail`` hash the first bytes and
    those before the offset, ``between`` blocks spread evenly between them. ``sha256`` is of the
    first ``hashed`` bytes.
    """

    size: int
    modified: int
    inode: int
    offset: int
    lines: int
    head: str
    tail: str
    between: str
    hashed: int = 0
    sha256: str = ""

    @property
    def whole(self) -> bool:
        """Whether all of it was hashed."""
        return bool(self.sha256) and self.hashed == self.size

    def to_json(self) -> str:
        """As text, for keeping."""
        return json.dumps(asdict(self))


def from_json(text: str) -> Seen:
    """What ``Seen.to_json`` wrote."""
    return Seen(**json.loads(text))


def compare(path: Path, seen: Seen | None) -> Literal["same", "touched", "grown", "other"]:
    """How a file compares with what was seen; ``other`` where nothing was.

    Text that only grew at its end has the bytes it had at the beginning, before the offset, and in
    blocks between. A file of the same size that was written since is ``touched`` where all of it
    was hashed: whether its bytes are the same, ``look`` finds.
    """
    if seen is None:
        return "other"
    now = path.stat()
    if (now.st_size, now.st_mtime_ns, now.st_ino) == (seen.size, seen.modified, seen.inode):
        return "same"
    if now.st_size == seen.size and seen.whole:
        return "touched"
    if now.st_size <= seen.size:
        return "other"
    with path.open("rb") as file:
        probes = _head(file, seen.offset), _tail(file, seen.offset), _between(file, seen.offset)
        same = probes == (seen.head, seen.tail, seen.between)
    return "grown" if same else "other"


def is_text(path: Path) -> bool:
    """Whether a file can grow line by line: no archive, no Parquet, no UTF-16."""
    with path.open("rb") as file:
        return not file.read(4).startswith(_NOT_TEXT)


def look(path: Path, before: Seen | None = None, *, whole: bool = False) -> Seen | None:
    """What a file looks like now, read up to its last line end.

    Parameters
    ----------
    before
        what it looked like, if it has only grown; then only what is new is read.
    whole
        hash all of it; nothing is returned where the bytes that were hashed before are others now.
    """
    now = path.stat()
    offset, lines = (before.offset, before.lines) if before else (0, 0)
    hashed, sha256 = (before.hashed, before.sha256) if before else (0, "")
    if whole:
        digests = _digests(path, (hashed, now.st_size))
        if sha256 and digests[0] != sha256:
            return None
        hashed, sha256 = now.st_size, digests[1]
    with path.open("rb") as file:
        file.seek(offset)
        place = offset
        for chunk in _chunks(file, now.st_size - offset):
            end = chunk.rfind(b"\n")
            if end >= 0:
                offset = place + end + 1
                lines += chunk.count(b"\n")
            place += len(chunk)
        return Seen(
            size=now.st_size,
            modified=now.st_mtime_ns,
            inode=now.st_ino,
            offset=offset,
            lines=lines,
            head=_head(file, offset),
            tail=_tail(file, offset),
            between=_between(file, offset),
            hashed=hashed,
            sha256=sha256,
        )


def _digests(path: Path, ends: tuple[int, int]) -> tuple[str, str]:
    """SHA-256 of a file's first bytes up to each of two places, in one reading."""
    digest = hashlib.sha256()
    found = []
    with path.open("rb") as file:
        place = 0
        for end in ends:
            for chunk in _chunks(file, end - place):
                digest.update(chunk)
            place = end
            found.append(digest.hexdigest())
    return found[0], found[1]


def line_start(path: Path, seen: Seen, back: int) -> tuple[int, int]:
    """The place of a line that starts some ``back`` bytes before the offset, and its number from 0.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "x"
    >>> _ = path.write_text("one\\ntwo\\nthree\\n")
    >>> line_start(path, look(path), 7), line_start(path, look(path), 99)
    ((8, 2), (0, 0))
    """
    start = max(seen.offset - back, 0)
    with path.open("rb") as file:
        file.seek(start)
        block = file.read(seen.offset - start)
    if start == 0:
        return 0, 0
    first = block.find(b"\n") + 1
    return start + first, seen.lines - block.count(b"\n") + 1


def copy_from(path: Path, start: int, end: int, to: Path) -> None:
    """Copy the bytes from ``start`` to ``end`` into a file of the owner's alone."""
    to.touch(mode=0o600)
    with path.open("rb") as file, to.open("wb") as out:
        file.seek(start)
        for chunk in _chunks(file, end - start):
            out.write(chunk)


def _chunks(file: BinaryIO, size: int) -> Iterator[bytes]:
    while size > 0:
        chunk = file.read(min(_CHUNK, size))
        if not chunk:
            return
        size -= len(chunk)
        yield chunk


def _head(file: BinaryIO, offset: int) -> str:
    file.seek(0)
    return hashlib.sha256(file.read(min(_PROBE, offset))).hexdigest()


def _tail(file: BinaryIO, offset: int) -> str:
    start = max(offset - _PROBE, 0)
    file.seek(start)
    return hashlib.sha256(file.read(offset - start)).hexdigest()


def _between(file: BinaryIO, offset: int) -> str:
    digest = hashlib.sha256()
    for number in range(1, _BLOCKS):
        file.seek(offset * number // _BLOCKS)
        digest.update(file.read(min(_BLOCK, offset - file.tell())))
    return digest.hexdigest()
