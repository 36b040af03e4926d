"""Opens log files: plain, gzip, zstandard; UTF-16 too; in chunks that end at a line's end."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import zstandard

from credit_forensics.errors import CaseError
from credit_forensics.evidence.files.archives import as_utf8
from credit_forensics.evidence.logs.partial_lines import PartialLines

CHUNK = 4 << 20
LONGEST_LINE = 8 << 20
_READ = 4 << 20
_MAGIC_GZIP = b"\x1f\x8b"
_MAGIC_ZSTD = b"\x28\xb5\x2f\xfd"


def log_paths(files: str | list[str], folder: Path) -> list[Path]:
    """The files that ``webhook_log.files`` names, in order and without repeats.

    A name may be a path, a pattern (``logs/*.gz``) or a folder, relative to the case file.

    Raises
    ------
    CaseError
        when a name matches nothing or cannot be read.
    """
    found: dict[Path, None] = {}
    for name in [files] if isinstance(files, str) else files:
        path = folder / name
        if path.is_dir():
            matches = sorted(p for p in path.rglob("*") if p.is_file())
        elif path.is_file():
            matches = [path]
        elif path.exists():
            raise CaseError(
                f"webhook_log.files names {name}, which is no file: a pipe or a device has no end."
            )
        else:
            pattern = path.relative_to(path.anchor).as_posix()
            matches = sorted(p for p in Path(path.anchor).glob(pattern) if p.is_file())
        if not matches:
            raise CaseError(f"webhook_log.files names {name}, and there is no such file.")
        found.update(dict.fromkeys(matches))
    for path in found:
        try:
            path.open("rb").close()
        except OSError as error:
            raise CaseError(
                f"webhook_log.files names {path.name}, which cannot be read: {error.strerror}."
            ) from None
    return list(found)


class LogStream:
    """The text of a log file as bytes, in chunks of whole lines.

    ``problem`` is filled when the file ends early; what came before it is handed out all the
    same. A line longer than ``LONGEST_LINE`` is cut there, so that one without an end cannot fill
    the memory; ``cut`` is then true for the chunk that begins with it.
    """

    def __init__(self, path: Path, chunk: int = CHUNK) -> None:
        self.path = path
        self.problem: str | None = None
        self.cut = False
        self.bytes_read = 0
        self.notes: list[str] = []
        self._chunk = chunk

    def __iter__(self) -> Iterator[bytes]:
        """Chunks; each ends with a newline. Lines that came in parts are whole."""
        parts = PartialLines()
        for chunk in self._chunks():
            yield parts.joined(chunk)
        if rest := parts.rest():
            yield rest

    def _chunks(self) -> Iterator[bytes]:
        pieces: list[bytes] = []
        held = 0
        ended = dropping = False
        for piece in self._pieces():
            end = piece.find(b"\n")
            if dropping and end < 0:
                continue
            pieces.append(piece[end:] if dropping else piece)
            held += len(pieces[-1])
            dropping = False
            ended = ended or end >= 0
            if held < self._chunk or (not ended and held <= LONGEST_LINE):
                continue
            whole = b"".join(pieces)
            end = whole.rfind(b"\n") + 1
            rest = whole[end:]
            if end:
                yield whole[:end]
                self.cut = False
            if len(rest) > LONGEST_LINE:
                self.cut = True
                rest = rest[:LONGEST_LINE]
                dropping = True
            pieces, held, ended = [rest], len(rest), False
        last = b"".join(pieces)
        if last:
            yield last if last.endswith(b"\n") else last + b"\n"

    def whole(self, most: int) -> bytes:
        """The text in one piece, at most so many bytes of it."""
        pieces: list[bytes] = []
        size = 0
        for piece in self._pieces():
            pieces.append(piece)
            size += len(piece)
            if size > most:
                self.problem = f"larger than {most >> 20} MB, read to there"
                break
        return b"".join(pieces)[:most]

    def _pieces(self) -> Iterator[bytes]:
        """The text in pieces no larger than a chunk: archives may unfold to any size."""
        for block in as_utf8(self._unpacked(), self.notes):
            for at in range(0, len(block), self._chunk):
                yield block[at : at + self._chunk] if len(block) > self._chunk else block

    def _unpacked(self) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            head = file.read(4)
            file.seek(0)
            if head.startswith(_MAGIC_GZIP):
                yield from self._inflate(file, lambda: zlib.decompressobj(31), 8 << 10)
            elif head == _MAGIC_ZSTD:
                # A block of four bytes may unfold to 128 KB.
                yield from self._inflate(
                    file, lambda: zstandard.ZstdDecompressor().decompressobj(), 512
                )
            else:
                while block := file.read(_READ):
                    self.bytes_read += len(block)
                    yield block

    def _inflate(self, file: IO[bytes], start: Callable[[], Any], step: int) -> Iterator[bytes]:
        decoder = start()
        fresh = True
        # Small steps keep what one of them unfolds to within bounds, also for hostile archives.
        while block := file.read(step):
            self.bytes_read += len(block)
            while block:
                if decoder.eof:
                    if not block.strip(b"\0"):
                        break
                    decoder, fresh = start(), True
                try:
                    text = decoder.decompress(block)
                except Exception:
                    # zlib and zstandard each raise their own kind for damaged bytes.
                    self.problem = "the archive is damaged here; what came before it was read"
                    return
                fresh = False
                if text:
                    yield text
                block = decoder.unused_data if decoder.eof else b""
        if not decoder.eof and not fresh:
            self.problem = "the archive ends early; what came before its end was read"
