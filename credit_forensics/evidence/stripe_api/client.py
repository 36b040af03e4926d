"""Asks Stripe's API for pages of a list through the SDK, patiently and without a trace of the key.

Only ``list`` calls are made, which are GETs. Stripe's messages are never passed on: they may
quote the key or what it may not read.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import stripe

from credit_forensics.case_file import CaseFile, from_environment
from credit_forensics.errors import CaseError

TRIES = 8
TIMEOUT = 60.0
FIRST_WAIT = 0.5
LONGEST_WAIT = 60.0


class RefusedError(Exception):
    """Stripe will not list this, now or later; ``reason`` says why in a few words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class StripeLists:
    """The lists that a pull reads. Open it by ``open_stripe``."""

    def __init__(self, client: stripe.StripeClient, sleep: Callable[[float], None]) -> None:
        self._lists: dict[str, Callable[..., Any]] = {
            "sessions": client.v1.checkout.sessions.list,
            "events": client.v1.events.list,
            "charges": client.v1.charges.list,
            "refunds": client.v1.refunds.list,
            "disputes": client.v1.disputes.list,
            "customers": client.v1.customers.list,
            "invoices": client.v1.invoices.list,
            "subscriptions": client.v1.subscriptions.list,
            "credit_grants": client.v1.billing.credit_grants.list,
        }
        self._sleep = sleep
        self.requests = dict.fromkeys(self._lists, 0)

    def page(self, name: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """One page as Stripe's JSON, by as many tries as it takes up to ``TRIES``.

        Waits double from half a second to a minute; a longer ``Retry-After`` is respected up to
        that minute, and beyond it the pull ends and says when to come back.

        Raises
        ------
        RefusedError
            when the key may not read the list, or Stripe does not take the parameters.
        CaseError
            when the key is refused, or Stripe cannot be reached or keeps failing.
        """
        wait = FIRST_WAIT
        problem = ""
        for attempt in range(1, TRIES + 1):
            self.requests[name] += 1
            try:
                body = self._lists[name](params=dict(params)).last_response.data
                return body if isinstance(body, dict) else {}
            except stripe.AuthenticationError:
                raise CaseError(
                    "Stripe refused the API key (HTTP 401); check the one that is set."
                ) from None
            except stripe.StripeError as error:
                problem = f"HTTP {error.http_status}" if error.http_status else "no connection"
                if isinstance(error, stripe.PermissionError):
                    raise RefusedError(f"may not be read with this key ({problem})") from None
                if not _passing(error):
                    if isinstance(error, stripe.InvalidRequestError):
                        raise RefusedError(f"cannot be listed ({problem})") from None
                    raise CaseError(f"Stripe cannot be asked for {name} ({problem}).") from None
                asked = _retry_after(error)
            except (AttributeError, TypeError, ValueError, KeyError):
                return {}
            if asked > LONGEST_WAIT:
                raise CaseError(
                    f"Stripe asks to wait {asked:.0f} seconds; what was fetched is kept, ask "
                    "again after that."
                )
            if attempt < TRIES:
                self._sleep(max(asked, wait))
            wait = min(wait * 2, LONGEST_WAIT)
        raise CaseError(
            f"Stripe kept failing on {name} ({problem}, {TRIES} tries); what was fetched is kept, "
            "ask again to go on."
        )


@contextlib.contextmanager
def open_stripe(
    case_file: CaseFile, sleep: Callable[[float], None] = time.sleep
) -> Iterator[StripeLists]:
    """The lists of the case's account, by its key and base address.

    Raises
    ------
    CaseError
        when there is no usable key or address.
    """
    with open_lists(_api_key(case_file), api_base(case_file), sleep) as lists:
        yield lists


@contextlib.contextmanager
def open_lists(
    key: str,
    base: str,
    sleep: Callable[[float], None] = time.sleep,
    *,
    account: str | None = None,
    timeout: float = TIMEOUT,
) -> Iterator[StripeLists]:
    """The lists of an account, or of one that is connected to it; ``timeout`` in seconds."""
    # The SDK's telemetry writes an identifier into the home folder; a reader leaves no traces.
    telemetry, stripe.enable_telemetry = stripe.enable_telemetry, False
    http_client = stripe.RequestsClient(timeout=timeout)
    client = stripe.StripeClient(
        key,
        base_addresses={"api": base},
        http_client=http_client,
        max_network_retries=0,
        stripe_account=account,
    )
    try:
        yield StripeLists(client, sleep)
    finally:
        stripe.enable_telemetry = telemetry
        http_client.close()


def api_base(case_file: CaseFile) -> str:
    """The API's base address; Stripe's own by default.

    Raises
    ------
    CaseError
        as ``checked_base``.
    """
    return checked_base(case_file.stripe.api_base, "stripe.api_base")


def checked_base(base: str | None, setting: str) -> str:
    """A base address without a slash at its end; Stripe's own where none is set.

    Raises
    ------
    CaseError
        when it is not an address, or would send the key unencrypted to another machine.

    Examples
    --------
    >>> checked_base(None, "stripe.api_base")
    'https://api.stripe.com'
    """
    base = (base or "https://api.stripe.com").rstrip("/")
    try:
        parts = urlsplit(base)
    except ValueError:
        raise CaseError(f"{setting} is not an https address.") from None
    if parts.username or not parts.hostname or parts.scheme not in ("https", "http"):
        raise CaseError(f"{setting} is not an https address.")
    if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise CaseError(f"{setting} would send the key unencrypted; use https.")
    return base


def key_mode(case_file: CaseFile) -> str:
    """``test`` or ``live``, as the key says.

    Raises
    ------
    CaseError
        when there is no usable key.
    """
    return "test" if "_test_" in _api_key(case_file) else "live"


def _api_key(case_file: CaseFile) -> str:
    if not case_file.stripe.api_key:
        raise CaseError('A pull needs stripe.api_key in the case file, as "env:STRIPE_API_KEY".')
    key = from_environment(case_file.stripe.api_key, "stripe.api_key")
    return checked_key(key, "stripe.api_key")


def checked_key(key: str, setting: str) -> str:
    """A key without blanks around it.

    Raises
    ------
    CaseError
        when it is no secret or restricted key.

    Examples
    --------
    >>> checked_key(" rk_test_local ", "stripe.api_key")
    'rk_test_local'
    """
    # What does not fit a header would be quoted in full by the HTTP library's error.
    if not re.fullmatch(r"(sk|rk)_[A-Za-z0-9_]{5,}", key.strip()):
        raise CaseError(f"{setting} is not a secret or restricted key (sk_… or rk_…).")
    return key.strip()


def _passing(error: Any) -> bool:
    """Whether trying again can help: throttled, a fault of the server, or a broken answer."""
    if isinstance(error, stripe.APIConnectionError):
        return "SSLError" not in type(error.__cause__).__name__
    status = error.http_status or 0
    return status in (200, 408, 409, 429) or status >= 500


def _retry_after(error: Any) -> float:
    """Seconds that ``Retry-After`` asks for: a number, or a date against the answer's own."""
    headers: Mapping[str, str] = error.headers or {}
    if not headers and isinstance(error.json_body, Mapping):
        # The SDK passes the headers in the body's place when the answer is not JSON.
        headers = error.json_body
    value = headers.get("Retry-After") or headers.get("retry-after")
    if not isinstance(value, str):
        return 0.0
    if re.fullmatch(r"\s*\d{1,9}(\.\d+)?\s*", value):
        return float(value)
    with contextlib.suppress(ValueError, TypeError, KeyError):
        until = parsedate_to_datetime(value)
        return max((until - parsedate_to_datetime(headers["Date"])).total_seconds(), 0.0)
    return 0.0
