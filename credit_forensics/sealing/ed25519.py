"""Ed25519 signatures (RFC 8032, section 5.1), in plain Python.

For a file that is signed on its owner's own machine once in a while. It takes some milliseconds and
does not hide from who measures them on the same machine; a service that signs for others needs a
library that does.
"""

from __future__ import annotations

import hashlib

_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_ROOT = pow(2, (_P - 1) // 4, _P)
_Point = tuple[int, int, int, int]
"""x, y, z, t with x/z and y/z on the curve and x·y = z·t."""
_BASE_Y = 4 * pow(5, _P - 2, _P) % _P
_NEUTRAL: _Point = (0, 1, 1, 0)


def public_key(secret: bytes) -> bytes:
    """The 32 bytes of the public key of 32 secret bytes.

    Examples
    --------
    >>> public_key(bytes(32)).hex()[:16]
    '3b6a27bcceb6a42d'
    """
    return _packed(_times(_expanded(secret)[0], _BASE))


def sign(secret: bytes, message: bytes) -> bytes:
    """The signature, 64 bytes; the same for the same message.

    Examples
    --------
    >>> verify(public_key(bytes(32)), b"list", sign(bytes(32), b"list"))
    True
    """
    scalar, prefix = _expanded(secret)
    public = _packed(_times(scalar, _BASE))
    nonce = _hashed(prefix + message)
    commitment = _packed(_times(nonce, _BASE))
    answer = (nonce + _hashed(commitment + public + message) * scalar) % _ORDER
    return commitment + answer.to_bytes(32, "little")


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether a signature of a message is by a key.

    Examples
    --------
    >>> verify(public_key(bytes(32)), b"another list", sign(bytes(32), b"list"))
    False
    """
    if len(public) != 32 or len(signature) != 64:
        return False
    key, commitment = _unpacked(public), _unpacked(signature[:32])
    answer = int.from_bytes(signature[32:], "little")
    # A key of small order would fit any message.
    if key is None or commitment is None or answer >= _ORDER or _equal(_times(8, key), _NEUTRAL):
        return False
    challenge = _hashed(signature[:32] + public + message)
    return _equal(_times(answer, _BASE), _sum(commitment, _times(challenge, key)))


def _expanded(secret: bytes) -> tuple[int, bytes]:
    if len(secret) != 32:
        raise ValueError("a secret key has 32 bytes")
    digest = hashlib.sha512(secret).digest()
    scalar = int.from_bytes(digest[:32], "little")
    return (scalar & (1 << 254) - 8) | 1 << 254, digest[32:]


def _hashed(data: bytes) -> int:
    return int.from_bytes(hashlib.sha512(data).digest(), "little") % _ORDER


def _sum(one: _Point, other: _Point) -> _Point:
    a = (one[1] - one[0]) * (other[1] - other[0]) % _P
    b = (one[1] + one[0]) * (other[1] + other[0]) % _P
    c = 2 * one[3] * other[3] * _D % _P
    d = 2 * one[2] * other[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(scalar: int, point: _Point) -> _Point:
    found = _NEUTRAL
    while scalar:
        if scalar & 1:
            found = _sum(found, point)
        point = _sum(point, point)
        scalar >>= 1
    return found


def _equal(one: _Point, other: _Point) -> bool:
    return (one[0] * other[2] - other[0] * one[2]) % _P == 0 and (
        one[1] * other[2] - other[1] * one[2]
    ) % _P == 0


def _packed(point: _Point) -> bytes:
    inverse = pow(point[2], _P - 2, _P)
    x, y = point[0] * inverse % _P, point[1] * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _unpacked(data: bytes) -> _Point | None:
    whole = int.from_bytes(data, "little")
    y, sign_bit = whole & (1 << 255) - 1, whole >> 255
    if y >= _P:
        return None
    x = _x_of(y, sign_bit)
    return None if x is None else (x, y, 1, x * y % _P)


def _x_of(y: int, sign_bit: int) -> int | None:
    square = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT % _P
    if (x * x - square) % _P or (x == 0 and sign_bit):
        return None
    return x if x & 1 == sign_bit else _P - x


_BASE_X = _x_of(_BASE_Y, 0) or 0
_BASE: _Point = (_BASE_X, _BASE_Y, 1, _BASE_X * _BASE_Y % _P)
