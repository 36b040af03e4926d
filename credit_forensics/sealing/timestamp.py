"""Asks a time-stamping server for a token over a seal's signature (RFC 3161), when told to.

A seal's own time is this machine's. A token is another's word for it; its own signature is checked
by OpenSSL against that server's certificate, which nobody here can know to be the right one.
"""

from __future__ import annotations

import hashlib
import secrets
import urllib.error
import urllib.request
from urllib.parse import urlsplit

from credit_forensics.errors import CaseError

_SHA256 = bytes.fromhex("300d06096086480165030402010500")
"""AlgorithmIdentifier of SHA-256, with NULL."""
_MOST, _SECONDS = 1 << 20, 30
_GRANTED = (0, 1)


def fetch_token(url: str, signed: bytes) -> bytes:
    """A server's answer to a time-stamp query over some bytes, as it came.

    Raises
    ------
    CaseError
        when the address is none, the server does not answer, or it grants no token of these bytes.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise CaseError("A time-stamping server's address begins with https:// or http://.")
    digest = hashlib.sha256(signed).digest()
    nonce = secrets.token_bytes(8)
    request = urllib.request.Request(
        url, query(digest, nonce), {"Content-Type": "application/timestamp-query"}
    )
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as response:
            answer = response.read(_MOST + 1)
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise CaseError(
            f"The time-stamping server {parts.hostname} does not answer ({type(error).__name__}); "
            "the folder is sealed without a token."
        ) from None
    if len(answer) > _MOST or not is_token_of(answer, digest) or integer(nonce) not in answer:
        raise CaseError(
            f"The time-stamping server {parts.hostname} granted no token of this seal; the folder "
            "is sealed without one."
        )
    return bytes(answer)


def query(digest: bytes, nonce: bytes) -> bytes:
    """A TimeStampReq that asks for the server's certificate, too.

    Examples
    --------
    >>> query(bytes(32), b"\\x01").hex()[:10]
    '303c020101'
    """
    imprint = _der(0x30, _SHA256 + _der(0x04, digest))
    return _der(0x30, integer(b"\x01") + imprint + integer(nonce) + _der(0x01, b"\xff"))


def is_token_of(answer: bytes, digest: bytes) -> bool:
    """Whether an answer was granted, and its token stands over a hash.

    Examples
    --------
    >>> is_token_of(b"no answer", bytes(32))
    False
    """
    body = _inside(answer, 0x30)
    status = None if body is None else _inside(body, 0x30)
    number = None if status is None else _inside(status, 0x02)
    if number is None or int.from_bytes(number, "big") not in _GRANTED:
        return False
    return _SHA256 + _der(0x04, digest) in answer


def integer(value: bytes) -> bytes:
    """A positive INTEGER in DER.

    Examples
    --------
    >>> integer(b"\\x00\\x80").hex()
    '02020080'
    """
    plain = value.lstrip(b"\x00") or b"\x00"
    return _der(0x02, b"\x00" + plain if plain[0] & 0x80 else plain)


def _der(tag: int, body: bytes) -> bytes:
    size = len(body)
    if size < 0x80:
        return bytes([tag, size]) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + body


def _inside(data: bytes, tag: int) -> bytes | None:
    """The body of the first element, if it has this tag and all of it is there."""
    if len(data) < 2 or data[0] != tag:
        return None
    size, start = data[1], 2
    if size & 0x80:
        start += size & 0x7F
        size = int.from_bytes(data[2:start], "big")
    body = data[start : start + size]
    return body if len(body) == size else None
