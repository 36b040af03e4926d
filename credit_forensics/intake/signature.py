"""Verifies Stripe's webhook signature, against several secrets so that one can be rotated."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pydantic import SecretStr
from stripe import SignatureVerificationError, WebhookSignature

# Stripe's library takes any whole number for the time, the first of several and a header of any
# length; one plain time in a header of a sensible length is all that Stripe ever sends.
_MOST_HEADER = 4096
_TIME = re.compile(r"(?:^|,)t=(0|[1-9][0-9]{0,11})(?=,|$)")
_ANY_TIME = re.compile(r"(?:^|,)\s*t\s*=")


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
    """Check ``Stripe-Signature: t=…,v1=…[,v1=…]`` with Stripe's own library.

    Any ``v1`` may match any secret, which are tried in turn; other schemes are not looked at, so
    that nobody can ask for a weaker one.

    Parameters
    ----------
    now
        seconds since the epoch.
    tolerance
        how far the timestamp may lie from ``now``, in seconds, either way: Stripe's library would
        take any time of the future.

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
    time = _TIME.search(header)
    plain = header.isascii() and len(header) <= _MOST_HEADER
    if not plain or time is None or len(_ANY_TIME.findall(header)) != 1:
        raise SignatureRefusedError("malformed signature")
    try:
        # Stripe signs text; what is not UTF-8 it never sent.
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise SignatureRefusedError("body is not UTF-8") from None
    if not any(_holds(text, header, secret) for secret in secrets):
        raise SignatureRefusedError("signature does not match")
    if abs(now - int(time[1])) > tolerance:
        raise SignatureRefusedError("timestamp outside the tolerance")


def _holds(body: str, header: str, secret: SecretStr) -> bool:
    try:
        return bool(WebhookSignature.verify_header(body, header, secret.get_secret_value()))
    except SignatureVerificationError:
        return False
