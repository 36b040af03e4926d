"""Signs a webhook body as Stripe does."""

from __future__ import annotations

import hashlib
import hmac


def sign(body: bytes, secret: str, timestamp: int) -> str:
    """The ``Stripe-Signature`` header for a body: ``t=…,v1=…``.

    HMAC-SHA256 over ``"{timestamp}.{body}"``, keyed with the endpoint's secret as it is written
    (``whsec_`` included), in hex; see https://docs.stripe.com/webhooks#verify-manually.

    Examples
    --------
    >>> sign(b"{}", "whsec_example", 1700000000)[:16]
    't=1700000000,v1='
    """
    signed = str(timestamp).encode() + b"." + body
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"
