"""Who is asking: the signed-in user's token, and the tokens of services and reviewers."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt
from pydantic import SecretStr

# The algorithm is ours to choose, never the token's.
_ALGORITHM = "HS256"
_MOST_TOKEN = 8192
_ANY_TIME = 253_402_300_800
"""The year 10000, in seconds."""
# The caller's clock decides about times, so that a test can set it.
_OPTIONS: jwt.types.Options = {
    "require": ["exp", "sub", "email"],
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
}


@dataclass(frozen=True)
class SignedIn:
    """A signed-in user as the token tells it."""

    user_id: str
    email: str


def read_user_token(
    token: str,
    keys: Sequence[SecretStr],
    *,
    now: float,
    audience: str | None = None,
    issuer: str | None = None,
    leeway: float = 0,
) -> SignedIn | None:
    """The user of a JSON Web Token (HS256 only; ``sub``, ``email`` and ``exp`` are required).

    Anything that is not a valid token gives None: the caller learns nothing about why.

    Parameters
    ----------
    now
        seconds since the epoch.
    audience, issuer
        what ``aud`` must have and ``iss`` must be. A token with an audience is for somebody else
        where none is given here.
    leeway
        by how many seconds the clocks of who signs and who reads may differ.

    Examples
    --------
    >>> read_user_token("not.a.token", [SecretStr("k" * 32)], now=0) is None
    True
    >>> token = make_user_token("u1", "ada@example.com", SecretStr("k" * 32), expires_at=60)
    >>> read_user_token(token, [SecretStr("k" * 32)], now=0)
    SignedIn(user_id='u1', email='ada@example.com')
    """
    if len(token) > _MOST_TOKEN or not token.isascii():
        return None
    for key in keys:
        try:
            claims = jwt.decode(
                token,
                key.get_secret_value(),
                algorithms=[_ALGORITHM],
                options=_OPTIONS,
                audience=audience,
                issuer=issuer,
            )
        except jwt.InvalidSignatureError:
            continue
        except (jwt.PyJWTError, ValueError, RecursionError):
            return None
        return _user(claims, now, leeway)
    return None


def _user(claims: Mapping[str, Any], now: float, leeway: float) -> SignedIn | None:
    expires, starts = claims["exp"], claims.get("nbf", 0)
    if not all(isinstance(t, int | float) and not isinstance(t, bool) for t in (expires, starts)):
        return None
    # JSON libraries read Infinity and numbers of any length, and a token that never expires is
    # nobody's to make.
    if not all(-_ANY_TIME < t < _ANY_TIME for t in (expires, starts)):
        return None
    if not starts - leeway <= now < expires + leeway:
        return None
    user_id, email = claims["sub"], claims["email"]
    if not isinstance(user_id, str) or not isinstance(email, str) or not user_id or not email:
        return None
    return SignedIn(user_id, email)


def make_user_token(
    user_id: str, email: str, key: SecretStr, *, expires_at: int, **claims: Any
) -> str:
    """A token that ``read_user_token`` takes: for tests, and for front ends written in Python.

    ``claims`` are what else it has, ``aud`` and ``iss`` for example.
    """
    told = {"sub": user_id, "email": email, "exp": expires_at, **claims}
    return jwt.encode(told, key.get_secret_value(), algorithm=_ALGORITHM)


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
