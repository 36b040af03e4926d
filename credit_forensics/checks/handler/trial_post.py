"""Posts signed events to a handler on loopback, one at a time: a trial of what it would do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from credit_forensics.case_file import from_environment
from credit_forensics.checks.handler.transport import Delivery, Handler, open_transport
from credit_forensics.scenarios.signing import sign


@contextmanager
def posting(handler: Handler, secret: str) -> Iterator[Callable[[bytes], int]]:
    """A function that posts an event's body and gives the answer's status (599: none came).

    Raises
    ------
    CaseError
        for a handler that is not on loopback, or a secret that is not set.

    Examples
    --------
    >>> with posting("http://shop.example.com/webhook", "whsec_example"):
    ...     pass
    Traceback (most recent call last):
        ...
    credit_forensics.errors.CaseError: The kit only speaks to a handler on loopback ...
    """
    key = from_environment(secret, "--handler-secret")
    transport = open_transport(handler)

    def post(body: bytes) -> int:
        headers = {
            "content-type": "application/json",
            # As Stripe's own; a handler may look for it.
            "user-agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "stripe-signature": sign(body, key, int(time.time())),
        }
        return transport.post([Delivery(body, headers)])[0].status

    try:
        yield post
    finally:
        transport.close()
