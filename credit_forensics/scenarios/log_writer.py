"""Writes the webhook log of a world in the wording of the original handler."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import pyarrow as pa

from credit_forensics.scenarios.stripe_export import StripeExport
from credit_forensics.scenarios.stripe_shapes import Json

# The handler's own marks, by name: its log holds them, this source does not.
_GLASS = "\N{LEFT-POINTING MAGNIFYING GLASS}"
_OK = "\N{WHITE HEAVY CHECK MARK}"
_BAD = "\N{CROSS MARK}"
_INFO = "\N{INFORMATION SOURCE}\N{VARIATION SELECTOR-16}"
_WARN = "\N{WARNING SIGN}\N{VARIATION SELECTOR-16}"
_SIREN = "\N{POLICE CARS REVOLVING LIGHT}"
_PARTY = "\N{PARTY POPPER}"
_AGENT = "Stripe/1.0 (+https://stripe.com/docs/webhooks)"

_RESOLUTION = {
    "PRIMARY_METADATA": (1, "user_id from metadata"),
    "BACKUP_METADATA": (2, "user_id_backup"),
    "SESSION_METADATA": (3, "session_user_id"),
    "DATABASE_LOOKUP": (4, "database lookup"),
    "EMAIL_LOOKUP": (6, "email lookup"),
}
_TRACEBACK = """Traceback (most recent call last):
  File "/app/app/base.py", line 214, in stripe_webhook_handler
    await credits_service.ensure_customer(user_id=resolved_user_id, stripe_customer_id=customer)
  File "/app/app/services/credits_service.py", line 61, in ensure_customer
    await self.db.flush()
sqlalchemy.exc.IntegrityError: {error}"""


def log_lines(
    deliveries: pa.Table, stripe: StripeExport, *, request_ids: bool = False
) -> Iterator[str]:
    """The log, a text a delivery (several lines, each with its line end).

    Parameters
    ----------
    deliveries
        the world's table; in the log they stand in order of ``received_at``.
    stripe
        the world's Stripe side.
    request_ids
        whether each message ends with `` request_id=…``, as some log formatters add it.
    """
    types = {told["event_id"]: told["type"] for told in stripe.events_of_world}
    balance: dict[str, int] = defaultdict(int)
    order = [("received_at", "ascending"), ("event_id", "ascending")]
    for number, row in enumerate(deliveries.sort_by(order).to_pylist()):
        log = _Log(row["received_at"], row["request_id"] if request_ids else None)
        _deliver(log, row, number, stripe, types, balance)
        yield log.text()


class _Log:
    def __init__(self, at: datetime, request_id: str | None) -> None:
        self._stamp = at.strftime("%Y-%m-%dT%H:%M:%S+0000")
        self._suffix = f" request_id={request_id}" if request_id else ""
        self._parts: list[str] = []

    def info(self, message: str, level: str = "INFO", after: str = "") -> None:
        self._parts.append(f"[{self._stamp} - app.base - {level}] {message}{self._suffix}\n{after}")

    def error(self, message: str, after: str = "") -> None:
        self.info(message, "ERROR", after)

    def text(self) -> str:
        return "".join(self._parts)


def _deliver(
    log: _Log,
    row: Mapping[str, Any],
    number: int,
    *told: Any,
) -> None:
    stripe, types, balance = told
    address = f"198.51.100.{1 + number % 250}"
    at = int(row["received_at"].timestamp())
    log.info(f"{_GLASS} WEBHOOK REQUEST ANALYSIS [ID: {row['request_id']}]")
    log.info(f"   User-Agent: {_AGENT}")
    log.info(f"   Client IP: {address}")
    log.info(f"   Headers: {_headers(at, number, address)}")
    if row["outcome"] == "signature_refused":
        log.error(f"{_BAD} Stripe signature verification failed: {row['error']}")
        return
    event = row["event_id"]
    log.info(f"{_OK} Stripe signature verified [Event: {event}]")
    if row["outcome"] == "ignored":
        log.info(f"{_INFO} Ignoring event type: {types[event]}")
        return
    payment = stripe.payments[row["payment_id"]]
    metadata = stripe.metadata.get((row["payment_id"], "session"), {})
    _analyse(log, row, payment, metadata)
    _resolve(log, row)
    if row["outcome"] == "resolution_failed":
        _fail(log, row, payment, metadata, address)
    elif row["outcome"] == "no_credits":
        log.error(f"{_BAD} No valid credits in metadata: {metadata}")
    else:
        _book(log, row, balance)


def _headers(at: int, number: int, address: str) -> dict[str, str]:
    signature = hashlib.sha256(f"{at}/{number}".encode()).hexdigest()
    return {
        "host": "api.example.com",
        "user-agent": _AGENT,
        "content-length": str(3_200 + number % 700),
        "accept": "*/*; q=0.5, application/xml",
        "content-type": "application/json; charset=utf-8",
        "stripe-signature": f"t={at},v1={signature}",
        "x-forwarded-for": address,
        "accept-encoding": "gzip",
    }


def _analyse(log: _Log, row: Mapping[str, Any], payment: Json, metadata: Mapping[str, str]) -> None:
    delayed = payment["delayed"] or payment["payment_status"] != "paid"
    log.info(f"{_GLASS} FORENSIC EVENT ANALYSIS [Event: {row['event_id']}]")
    log.info(f"   Session ID: {row['payment_id']}")
    log.info(f"   Customer ID: {payment['customer_id']}")
    log.info(f"   Payment Status: {'unpaid' if delayed else 'paid'}")
    log.info(f"   Payment Intent: {payment['payment_intent_id']}")
    log.info(f"   Metadata Keys: {list(metadata)}")
    log.info(f"   Full Metadata: {json.dumps(metadata, indent=2)}")


def _resolve(log: _Log, row: Mapping[str, Any]) -> None:
    method, user = row["method"], row["resolved_user_id"]
    if method in _RESOLUTION:
        place, what = _RESOLUTION[method]
        log.info(f"{_OK} RESOLUTION METHOD {place}: {what} = {user}")
    elif method and method.startswith("EMERGENCY_SCAN_"):
        key = method.removeprefix("EMERGENCY_SCAN_").lower()
        log.info(f"{_WARN} RESOLUTION METHOD 5: UUID found in {key} = {user}", "WARNING")


def _fail(
    log: _Log,
    row: Mapping[str, Any],
    payment: Json,
    metadata: Mapping[str, str],
    address: str,
) -> None:
    log.error(f"{_SIREN} CRITICAL: TOTAL USER RESOLUTION FAILURE")
    log.error(f"   Event ID: {row['event_id']}")
    log.error(f"   Session ID: {row['payment_id']}")
    log.error(f"   Customer ID: {payment['customer_id']}")
    log.error("   Metadata Type: <class 'dict'>")
    log.error(f"   Metadata Content: {metadata}")
    failed = {
        "event_id": row["event_id"],
        "session_id": row["payment_id"],
        "customer_id": payment["customer_id"],
        "metadata": dict(metadata),
        "timestamp": row["received_at"].strftime("%Y-%m-%dT%H:%M:%S.%f"),
        "client_ip": address,
        "user_agent": _AGENT,
    }
    log.error(f"{_SIREN} FAILED EVENT DATA: {json.dumps(failed, indent=2)}")


def _book(log: _Log, row: Mapping[str, Any], balance: dict[str, int]) -> None:
    user, credits_ = row["resolved_user_id"], row["credits"]
    before = balance[user]
    log.info(f"{_OK} USER RESOLUTION SUCCESS:")
    log.info(f"   User ID: {user}")
    log.info(f"   Method: {row['method']}")
    log.info(f"   Credits: {credits_}")
    log.info(f"{_GLASS} PRE-TRANSACTION VALIDATION:")
    log.info(f"   User credits before: {before}")
    if row["outcome"] == "database_error":
        traceback = _TRACEBACK.format(error=row["error"]) + "\n"
        log.error(f"{_BAD} CRITICAL DATABASE ERROR: {row['error']}", after=traceback)
        log.error(f"   Event: {row['event_id']}")
        log.error(f"   User: {user}")
        log.error(f"   Credits: {credits_}")
        return
    balance[user] = before + credits_
    log.info(f"{_OK} POST-TRANSACTION VALIDATION:")
    log.info(f"   User credits after: {before + credits_}")
    log.info(f"   Credits added: {credits_}")
    log.info("   Transaction successful: True")
    log.info(f"{_PARTY} PERFECT SUCCESS: {credits_} credits added to user {user}")
    log.info(f"   Event: {row['event_id']}")
    log.info(f"   Session: {row['payment_id']}")
    log.info(f"   Resolution: {row['method']}")
