"""Writes what the original handler's webhook handler logs, message by message, for the log tests."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

START = datetime(2025, 9, 1, 14, 39, 7, tzinfo=UTC)
STRIPE = "Stripe/1.0 (+https://stripe.com/docs/webhooks)"
OUTCOMES = (
    "credited",
    "ignored",
    "signature_refused",
    "resolution_failed",
    "no_credits",
    "database_error",
    "not_found",
)
TRACEBACK = """Traceback (most recent call last):
  File "/srv/app/base.py", line 190, in handler
    await db.commit()
  File "/srv/app/db.py", line 7, in commit
    raise IntegrityError("UNIQUE constraint failed")
IntegrityError: UNIQUE constraint failed: stripe_customers.user_id"""


def user_id(number: int) -> str:
    """A made-up user."""
    return str(uuid.UUID(int=number + 1, version=4))


@dataclass
class Message:
    """One call of the logger: level, text (perhaps of several lines), traceback after it."""

    text: str
    level: str = "INFO"
    after: str = ""


@dataclass
class Logged:
    """One delivery: its ids and its messages."""

    number: int
    outcome: str = "credited"
    method: str = "PRIMARY_METADATA"
    at: datetime = START
    metadata: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.request_id = f"req-{self.number}"
        self.event_id = f"evt_{self.number:04d}"
        self.session_id = f"cs_live_{self.number:04d}"
        self.user_id = user_id(self.number)
        if not self.metadata:
            self.metadata = {
                "user_id": self.user_id,
                "credits": "50",
                "session_email": f"ada{self.number}@example.com",
            }

    def messages(self) -> list[Message]:
        """What the handler logs, in order."""
        agent = "Mozilla/5.0" if self.outcome == "not_found" else STRIPE
        out = [
            Message(f"🔍 WEBHOOK REQUEST ANALYSIS [ID: {self.request_id}]"),
            Message(f"   User-Agent: {agent}"),
            Message("   Client IP: 192.0.2.7"),
            Message(f"   Headers: {{'host': 'api.example.com', 'user-agent': '{agent}'}}"),
        ]
        if self.outcome == "not_found":
            return [*out, Message(f"❌ Invalid user agent for webhook: {agent}", "WARNING")]
        if self.outcome == "signature_refused":
            text = "❌ Stripe signature verification failed: No signatures found matching"
            return [*out, Message(text, "ERROR")]
        out.append(Message(f"✅ Stripe signature verified [Event: {self.event_id}]"))
        if self.outcome == "ignored":
            return [*out, Message("ℹ️ Ignoring event type: charge.succeeded")]
        out += [
            Message(f"🔍 FORENSIC EVENT ANALYSIS [Event: {self.event_id}]"),
            Message(f"   Session ID: {self.session_id}"),
            Message(f"   Customer ID: cus_{self.number:04d}"),
            Message("   Payment Status: paid"),
            Message(f"   Payment Intent: pi_{self.number:04d}"),
            Message(f"   Metadata Keys: {list(self.metadata)}"),
            Message(f"   Full Metadata: {json.dumps(self.metadata, indent=2)}"),
        ]
        if self.outcome == "resolution_failed":
            failed = {"event_id": self.event_id, "metadata": self.metadata}
            out += [
                Message("🚨 CRITICAL: TOTAL USER RESOLUTION FAILURE", "ERROR"),
                Message(f"   Event ID: {self.event_id}", "ERROR"),
                Message(f"   Session ID: {self.session_id}", "ERROR"),
                Message(f"   Customer ID: cus_{self.number:04d}", "ERROR"),
                Message("   Metadata Type: <class 'dict'>", "ERROR"),
                Message(f"   Metadata Content: {self.metadata}", "ERROR"),
                Message(f"🚨 FAILED EVENT DATA: {json.dumps(failed, indent=2)}", "ERROR"),
            ]
            return out
        out.append(self._resolved())
        if self.outcome == "no_credits":
            text = f"❌ No valid credits in metadata: {self.metadata}"
            return [*out, Message(text, "ERROR")]
        out += [
            Message("✅ USER RESOLUTION SUCCESS:"),
            Message(f"   User ID: {self.user_id}"),
            Message(f"   Method: {self.method}"),
            Message("   Credits: 50"),
            Message("🔍 PRE-TRANSACTION VALIDATION:"),
            Message("   User credits before: 0"),
        ]
        if self.outcome == "database_error":
            return [
                *out,
                Message(
                    "❌ CRITICAL DATABASE ERROR: UNIQUE constraint failed: "
                    "stripe_customers.user_id\n[SQL: INSERT INTO stripe_customers]",
                    "ERROR",
                    TRACEBACK,
                ),
                Message(f"   Event: {self.event_id}", "ERROR"),
                Message(f"   User: {self.user_id}", "ERROR"),
                Message("   Credits: 50", "ERROR"),
            ]
        return [
            *out,
            Message("✅ POST-TRANSACTION VALIDATION:"),
            Message("   User credits after: 50"),
            Message("   Credits added: 50"),
            Message("   Transaction successful: True"),
            Message(f"🎉 PERFECT SUCCESS: 50 credits added to user {self.user_id}"),
            Message(f"   Event: {self.event_id}"),
            Message(f"   Session: {self.session_id}"),
            Message(f"   Resolution: {self.method}"),
        ]

    def _resolved(self) -> Message:
        if self.method.startswith("EMERGENCY_SCAN_"):
            key = self.method.removeprefix("EMERGENCY_SCAN_").lower()
            text = f"⚠️ RESOLUTION METHOD 5: UUID found in {key} = {self.user_id}"
            return Message(text, "WARNING")
        number, what = {
            "PRIMARY_METADATA": (1, "user_id from metadata"),
            "BACKUP_METADATA": (2, "user_id_backup"),
            "SESSION_METADATA": (3, "session_user_id"),
            "DATABASE_LOOKUP": (4, "database lookup"),
        }[self.method]
        return Message(f"✅ RESOLUTION METHOD {number}: {what} = {self.user_id}")


def line(message: Message, at: datetime = START, request_id: str | None = None) -> str:
    """A message as the original handler's logger writes it, the suffix before the traceback."""
    suffix = f" request_id={request_id}" if request_id else ""
    after = f"\n{message.after}" if message.after else ""
    stamp = at.strftime("%Y-%m-%dT%H:%M:%S%z")
    return f"[{stamp} - app.base - {message.level}] {message.text}{suffix}{after}\n"


def text_of(logged: Logged, *, suffix: bool = False) -> str:
    """A whole delivery's log."""
    request_id = logged.request_id if suffix else None
    return "".join(line(message, logged.at, request_id) for message in logged.messages())


def log_of(deliveries: list[Logged], *, suffix: bool = False) -> str:
    """Deliveries one after the other, a minute apart."""
    parts = []
    for place, logged in enumerate(deliveries):
        logged.at = START + timedelta(minutes=place)
        parts.append(text_of(logged, suffix=suffix))
    return "".join(parts)
