"""Turns log bytes into text, and mends text that was read in a wrong encoding."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from credit_forensics.evidence.logs.lines import LineTable

_RUN = re.compile(r"[^\x00-\x7f]{2,}")
# What the first bytes of an emoji's UTF-8 become, written again as UTF-8.
_MARKS = {"Latin-1": (b"\xc3\xb0", b"\xc3\xa2"), "MacRoman": (b"\xef\xa3\xbf", b"\xe2\x80\x9a")}
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def repair_text(text: str) -> tuple[str, str | None]:
    """Undo "UTF-8 read as MacRoman or Latin-1"; and the name of the wrong encoding, if any.

    Each run of characters beyond ASCII is changed only where the whole of it turns back into
    valid UTF-8, which text that was never damaged practically never does.

    Examples
    --------
    >>> repair_text("J√∂rg")
    ('Jörg', 'MacRoman')
    >>> repair_text("JÃ¶rg")
    ('Jörg', 'Latin-1')
    >>> repair_text("Jörg")
    ('Jörg', None)
    """
    if text.isascii():
        return text, None
    found: list[str] = []

    def one(match: re.Match[str]) -> str:
        for name, raw in (("Latin-1", _windows(match[0])), ("MacRoman", _mac(match[0]))):
            if raw is None:
                continue
            try:
                mended = raw.decode("utf-8")
            except UnicodeDecodeError:
                continue
            found.append(name)
            return mended
        return match[0]

    mended = _RUN.sub(one, text)
    return mended, found[0] if found else None


def _windows(text: str) -> bytes | None:
    """Text as bytes in Latin-1 as Windows has it; the five bytes that it leaves out as they are."""
    raw = bytearray()
    for character in text:
        if ord(character) < 256:
            raw.append(ord(character))
            continue
        try:
            raw += character.encode("cp1252")
        except UnicodeEncodeError:
            return None
    return bytes(raw)


def _mac(text: str) -> bytes | None:
    try:
        return text.encode("mac_roman")
    except UnicodeEncodeError:
        return None


@dataclass
class TextReader:
    """Reads values of a log as text and counts what it mended, by the wrong encoding."""

    mended: Counter[str] = field(default_factory=Counter)
    rejected: list[int] = field(default_factory=list)

    def text(self, raw: bytes) -> str:
        """Bytes as text: UTF-8, or where that fails Latin-1 as Windows has it; mended.

        Examples
        --------
        >>> TextReader().text("Zoë".encode("latin-1"))
        'Zoë'
        """
        if raw.isascii():
            return raw.decode("ascii")
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            return raw.decode("cp1252", "replace")
        text, wrong = repair_text(text)
        if wrong:
            self.mended[wrong] += 1
        return text

    def inspect(self, lines: LineTable) -> None:
        """Count lines whose mark shows a wrong encoding, and note lines that are no text."""
        heads = lines.words[lines.message]
        for name, marks in _MARKS.items():
            for mark in marks:
                mask = np.uint64((1 << (8 * len(mark))) - 1)
                marked = (heads & mask) == int.from_bytes(mark, "little")
                count = int(np.count_nonzero(marked))
                if count:
                    self.mended[name] += count
        size = len(lines.buffer)
        suspects: list[npt.NDArray[np.int64]] = []
        if b"\0" in lines.buffer:
            suspects.append(np.flatnonzero(lines.data == 0))
        if not _is_utf8(lines.buffer):
            suspects.append(np.flatnonzero(lines.data[:size] >= 128))
        if not suspects:
            return
        rows = np.unique(np.searchsorted(lines.ends, np.concatenate(suspects)))
        for row in rows[rows < len(lines.starts)].tolist():
            raw = lines.buffer[int(lines.starts[row]) : int(lines.ends[row])]
            if _CONTROLS.search(raw):
                self.rejected.append(int(lines.numbers[row]))
            elif not _is_utf8(raw):
                self.mended["Latin-1 bytes"] += 1

    def notes(self) -> list[str]:
        """What was mended, for the custody of the file."""
        return [
            f"{count} lines or values that are Latin-1, not UTF-8, read as such"
            if name == "Latin-1 bytes"
            else f"{count} lines or values repaired: UTF-8 that was read as {name}"
            for name, count in sorted(self.mended.items())
        ]


def _is_utf8(raw: bytes) -> bool:
    offsets = pa.py_buffer(np.array([0, len(raw)], np.int64))
    text = pa.Array.from_buffers(pa.large_utf8(), 1, [None, offsets, pa.py_buffer(raw)])
    try:
        text.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True
