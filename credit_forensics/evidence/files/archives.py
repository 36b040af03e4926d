"""Reads files that may be compressed, to the last byte that can be had.

DuckDB reads gzip and zstandard itself, and faster, but does not check gzip's checksum and takes
a cut zstandard file for a whole one. So an archive is checked here first, and read here when it
is not sound.
"""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import zstandard

_READ = 1 << 18
_SMALL_READ = 1 << 14
_MAGIC = {"gz": b"\x1f\x8b", "zst": b"\x28\xb5\x2f\xfd"}
_BROKEN = (zlib.error, zstandard.ZstdError)


def compression(path: Path) -> str:
    """``plain``, ``gz`` or ``zst``, by the file's first bytes; its name may say anything.

    Raises
    ------
    OSError
        when the file cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(4)
    return next((name for name, magic in _MAGIC.items() if head.startswith(magic)), "plain")


def as_utf8(chunks: Iterator[bytes], notes: list[str] | None = None) -> Iterator[bytes]:
    """Chunks in UTF-8 without a byte order mark; UTF-16 with one is converted, and noted.

    Examples
    --------
    >>> b"".join(as_utf8(iter([b"\\xff", b"\\xfea\\x00", b"b\\x00"])))
    b'ab'
    """
    first = next(chunks, b"")
    while 0 < len(first) < 3:
        more = next(chunks, b"")
        if not more:
            break
        first += more
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        if notes is not None:
            notes.append("read as UTF-16")
        decoder = codecs.getincrementaldecoder("utf-16")(errors="replace")
        yield decoder.decode(first).encode("utf-8", "replace")
        for chunk in chunks:
            yield decoder.decode(chunk).encode("utf-8", "replace")
        return
    yield first.removeprefix(codecs.BOM_UTF8)
    yield from chunks


class Archive:
    """The bytes of a file, unpacked, in chunks.

    ``problem`` says after reading what was wrong with the archive (empty when it was sound);
    what came before the damage is handed out all the same.

    Examples
    --------
    >>> import gzip, tempfile
    >>> path = Path(tempfile.mkdtemp()) / "cut.jsonl.gz"
    >>> _ = path.write_bytes(gzip.compress(b'{"id": "cs_1"}')[:-4])
    >>> archive = Archive(path)
    >>> b"".join(archive)
    b'{"id": "cs_1"}'
    >>> archive.problem
    'the gz archive is truncated'
    """

    def __init__(self, path: Path, progress: Callable[[int], None] | None = None) -> None:
        self.path = path
        self.kind = compression(path)
        self.problem = ""
        self._progress = progress

    def __iter__(self) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            if self.kind == "plain":
                yield from self._read(file, _READ)
            else:
                yield from self._unpack(file)

    def text(self) -> Iterator[bytes]:
        """Chunks in UTF-8 without a byte order mark; UTF-16 with one is converted."""
        return as_utf8(iter(self))

    def _read(self, file: IO[bytes], size: int) -> Iterator[bytes]:
        while block := file.read(size):
            if self._progress:
                self._progress(file.tell())
            yield block

    def _decoder(self) -> Any:
        if self.kind == "gz":
            return zlib.decompressobj(31)
        return zstandard.ZstdDecompressor().decompressobj()

    def _unpack(self, file: IO[bytes]) -> Iterator[bytes]:
        decoder, begun = self._decoder(), False
        for read in self._read(file, _SMALL_READ):
            block = read
            while block:
                if decoder.eof:
                    if not block.strip(b"\0"):
                        break
                    if not (begun := block.startswith(_MAGIC[self.kind][: len(block)])):
                        self.problem = f"bytes that are no {self.kind} follow the archive"
                        return
                    decoder = self._decoder()
                before = decoder.copy() if self.kind == "gz" else None
                try:
                    text = decoder.decompress(block)
                except _BROKEN:
                    self.problem = f"the {self.kind} archive is damaged"
                    yield from _salvage(before, block)
                    return
                begun = True
                if text:
                    yield text
                block = decoder.unused_data if decoder.eof else b""
        if begun and not decoder.eof:
            if self.kind == "gz" and (rest := decoder.flush()):
                yield rest
            self.problem = f"the {self.kind} archive is truncated"


def _salvage(decoder: Any, block: bytes) -> Iterator[bytes]:
    # An error loses all that its call had unpacked; byte by byte, only what is truly broken.
    if decoder is None:
        return
    try:
        for i in range(len(block)):
            if text := decoder.decompress(block[i : i + 1]):
                yield text
    except _BROKEN:
        return


def archive_problem(path: Path) -> str:
    """What is wrong with a compressed file; empty for a sound one and for a plain file."""
    archive = Archive(path)
    if archive.kind == "plain":
        return ""
    for _ in archive:
        pass
    return archive.problem


def head(path: Path, size: int = 1 << 17) -> bytes:
    """The first bytes of a file's text, unpacked."""
    found = bytearray()
    for chunk in Archive(path).text():
        found += chunk
        if len(found) >= size:
            break
    return bytes(found[:size])
