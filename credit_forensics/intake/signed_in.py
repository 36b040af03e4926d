"""Who is asking: the signed-in user's token, and the tokens of services and reviewers."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr


@dataclass(frozen=True)
class SignedIn:
    """A signed-in user as the token tells it."""

    user_id: str
    email: str


def read_user_token(token: str, keys: Sequence[SecretStr], *, now: float) -> SignedIn | None:
    """The user of a JSON Web Token (HS256 only; ``sub``, ``email`` and ``exp`` are required).

    Anything that is not a valid token gives None: the caller learns nothing about why.

    Examples
    --------
    >>> read_user_token("not.a.token", [SecretStr("k" * 32)], now=0) is None
    True
    >>> token = make_user_token("u1", "ada@example.com", SecretStr("k" * 32), expires_at=60)
    >>> read_user_token(token, [SecretStr("k" * 32)], now=0)
    SignedIn(user_id='u1', email='ada@example.com')
    """
    parts = token.split(".")
    if len(parts) != 3 or len(token) > 8192:
        return None
    try:
        header, claims = (_decode(part) for part in parts[:2])
        given = base64.urlsafe_b64decode(parts[2] + "=" * (-len(parts[2]) % 4))
        signed = f"{parts[0]}.{parts[1]}".encode("ascii")
    except (ValueError, binascii.Error, RecursionError):
        return None
    # The algorithm is ours to choose, never the token's.
    if not isinstance(header, dict) or header.get("alg") != "HS256":
        return None
    matches = [
        hmac.compare_digest(
            hmac.new(key.get_secret_value().encode(), signed, hashlib.sha256).digest(), given
        )
        for key in keys
    ]
    if not any(matches) or not isinstance(claims, dict):
        return None
    expires, starts = claims.get("exp"), claims.get("nbf", 0)
    if not all(isinstance(t, int | float) and not isinstance(t, bool) for t in (expires, starts)):
        return None
    if not starts <= now < expires:  # type: ignore[operator]
        return None
    user_id, email = claims.get("sub"), claims.get("email")
    if not isinstance(user_id, str) or not isinstance(email, str) or not user_id or not email:
        return None
    return SignedIn(user_id, email)


def make_user_token(user_id: str, email: str, key: SecretStr, *, expires_at: int) -> str:
    """A token that ``read_user_token`` takes: for tests, and for front ends written in Python."""
    head, body = (
        _encode(json.dumps(part).encode())
        for part in (
            {"alg": "HS256", "typ": "JWT"},
            {"sub": user_id, "email": email, "exp": expires_at},
        )
    )
    digest = hmac.new(
        key.get_secret_value().encode(), f"{head}.{body}".encode(), hashlib.sha256
    ).digest()
    return f"{head}.{body}.{_encode(digest)}"


def bearer(authorization: str | None) -> str | None:
    """The token of an ``Authorization: Bearer …`` header.

    Examples
    --------
    >>> bearer("Bearer abc"), bearer("Basic abc"), bearer(None)
    ('abc', None, None)
    """
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def name_of_token(token: str | None, tokens: Mapping[str, SecretStr]) -> str | None:
    """Whose token it is; every one is compared, so the time taken tells nothing.

    Examples
    --------
    >>> name_of_token("a" * 16, {"ada": SecretStr("a" * 16)})
    'ada'
    """
    given = hashlib.sha256((token or "").encode("utf-8", "replace")).digest()
    found = None
    for name, secret in tokens.items():
        known = hashlib.sha256(secret.get_secret_value().encode()).digest()
        if hmac.compare_digest(known, given) and token:
            found = name
    return found


def _decode(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
