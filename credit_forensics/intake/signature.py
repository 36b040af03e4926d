"""Verifies Stripe's webhook signature, against several secrets so that one can be rotated."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from pydantic import SecretStr


class SignatureRefusedError(Exception):
    """The signature does not hold; the message says which gate stopped it and nothing secret."""


def verify_signature(
    body: bytes,
    header: str | None,
    secrets: Sequence[SecretStr],
    *,
    now: float,
    tolerance: int = 300,
) -> None:
    """Check ``Stripe-Signature: t=…,v1=…[,v1=…]`` over ``"{t}.{body}"``.

    Any ``v1`` may match any secret; other schemes are not looked at, so that nobody can ask for a
    weaker one. See https://docs.stripe.com/webhooks#verify-manually.

    Parameters
    ----------
    now
        seconds since the epoch.
    tolerance
        how far the timestamp may lie from ``now``, in seconds, either way.

    Raises
    ------
    SignatureRefusedError
        with the reason.

    Examples
    --------
    >>> verify_signature(b"{}", None, [SecretStr("whsec_1")], now=0)
    Traceback (most recent call last):
        ...
    credit_forensics.intake.signature.SignatureRefusedError: no signature
    """
    if not header:
        raise SignatureRefusedError("no signature")
    timestamp, signatures = _parts(header)
    if timestamp is None or not signatures:
        raise SignatureRefusedError("malformed signature")
    signed = str(timestamp).encode() + b"." + body
    expected = [
        hmac.new(secret.get_secret_value().encode(), signed, hashlib.sha256).hexdigest().encode()
        for secret in secrets
    ]
    # Every pair is compared, so the time taken tells nothing.
    matches = [hmac.compare_digest(e, s) for e in expected for s in signatures]
    if not any(matches):
        raise SignatureRefusedError("signature does not match")
    if abs(now - timestamp) > tolerance:
        raise SignatureRefusedError("timestamp outside the tolerance")


def _parts(header: str) -> tuple[int | None, list[bytes]]:
    timestamp: int | None = None
    signatures: list[bytes] = []
    for part in header[:4096].split(","):
        key, _, value = part.strip().partition("=")
        # The text of the timestamp is what is signed, so only its plain form is taken.
        if key == "t" and value.isascii() and value.isdigit() and len(value) <= 12:
            timestamp = int(value) if str(int(value)) == value else None
        elif key == "v1" and value.isascii():
            signatures.append(value.encode())
    return timestamp, signatures[:16]
