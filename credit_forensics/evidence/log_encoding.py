"""Turns log bytes into text, and mends text that was read in a wrong encoding."""

from __future__ import annotations

import re

# Two characters that a UTF-8 sequence becomes when it is read byte by byte.
_DAMAGE = {
    "cp1252": re.compile(r"[ÃÂâðÅÄ][\u0080-\u00bf\u0152-\u0192\u02c6\u02dc\u2013-\u2122]"),
    "latin-1": re.compile(r"[\u00c2-\u00f4][\u0080-\u00bf]"),
    "mac_roman": re.compile(r"[√¬‚\uf8ffƒ≈][\u00a0-\uf8ff]"),
}
_NAMES = {"cp1252": "Latin-1", "latin-1": "Latin-1", "mac_roman": "MacRoman"}


def readable(raw: bytes) -> str:
    """Bytes of a log as text: UTF-8, or where that fails Latin-1 as Windows has it; mended.

    Examples
    --------
    >>> readable("Zoë".encode("latin-1"))
    'Zoë'
    """
    if raw.isascii():
        return raw.decode("ascii")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", "replace")
    return repair_text(text)[0]


def repair_text(text: str) -> tuple[str, str | None]:
    """Undo "UTF-8 read as MacRoman or Latin-1"; and the name of the wrong encoding, if any.

    The text is changed only where the whole of it turns back into valid UTF-8.

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
    for encoding, damage in _DAMAGE.items():
        if not damage.search(text):
            continue
        try:
            mended = text.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
        if len(mended) < len(text):
            return mended, _NAMES[encoding]
    return text, None
