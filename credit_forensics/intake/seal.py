"""Seals Checkout metadata: a keyed, verifiable signature over user, price, credits and time.

The original handler's ``validation_hash`` was sixteen characters of base64 over the id itself:
anyone could make one. A seal can only be made with the key, and says nothing about who holds the
card: it proves that the checkout guard wrote these values.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic import SecretStr

SEAL = "seal"
SEALED_KEYS = ("user_id", "session_email", "credits", "price_id", "purchase_timestamp")
_VERSION = "v1"


def seal(metadata: Mapping[str, str], key: SecretStr) -> str:
    """The seal over ``SEALED_KEYS``: ``v1.`` and 43 characters (HMAC-SHA256, base64url).

    Raises
    ------
    KeyError
        when one of the keys is not there.

    Examples
    --------
    >>> values = dict.fromkeys(SEALED_KEYS, "x")
    >>> len(seal(values, SecretStr("k" * 32)))
    46
    """
    # JSON keeps the borders between values, so that no two sets of values sign alike.
    signed = json.dumps([_VERSION, *(metadata[name] for name in SEALED_KEYS)], ensure_ascii=True)
    digest = hmac.new(key.get_secret_value().encode(), signed.encode(), hashlib.sha256).digest()
    return f"{_VERSION}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def is_sealed(
    metadata: Mapping[str, str],
    keys: Sequence[SecretStr],
    *,
    session_created: datetime,
    tolerance_seconds: int = 3600,
) -> bool | None:
    """Whether the metadata carries a seal that holds; None where it carries none.

    The sealed time must lie near the session's creation, so that sealed metadata cannot serve a
    second session a day later.

    Examples
    --------
    >>> from datetime import UTC
    >>> at = datetime(2025, 9, 1, tzinfo=UTC)
    >>> key = SecretStr("k" * 32)
    >>> values = dict.fromkeys(SEALED_KEYS, "x") | {"purchase_timestamp": at.isoformat()}
    >>> sealed = values | {"seal": seal(values, key)}
    >>> is_sealed(sealed, [key], session_created=at)
    True
    >>> is_sealed(sealed | {"user_id": "y"}, [key], session_created=at)
    False
    """
    given = metadata.get(SEAL)
    if given is None:
        return None
    if any(name not in metadata for name in SEALED_KEYS):
        return False
    matches = [
        hmac.compare_digest(seal(metadata, key).encode(), given.encode("utf-8", "replace"))
        for key in keys
    ]
    if not any(matches):
        return False
    try:
        sealed_at = datetime.fromisoformat(metadata["purchase_timestamp"])
        return abs((session_created - sealed_at).total_seconds()) <= tolerance_seconds
    except (ValueError, TypeError, OverflowError):
        return False
