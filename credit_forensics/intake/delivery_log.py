"""Logs each delivery as one JSON object on one line, which the log loader reads as it is.

Ids only: no e-mail, no name, no header, no secret.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

LOGGER = "credit_forensics.intake.deliveries"
_LOGGER = logging.getLogger("credit_forensics.intake")
_ERROR_LENGTH = 200


class DeliveryFile(logging.FileHandler):
    """The file of the lines. One that cannot be written is told once, until it can be again.

    A traceback a delivery would fill the next disk; what was verified stands in the database.
    """

    _failing = _told = False

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line."""
        self._failing = False
        super().emit(record)
        self._told = self._told and self._failing

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Say what is wrong with the file, once."""
        self._failing = True
        if not self._told:
            self._told = True
            _LOGGER.error(
                "the delivery log cannot be written; its lines are in the view intake_delivery_log"
            )


def log_delivery(
    *,
    at: datetime,
    request_id: str,
    outcome: str,
    event_id: str | None = None,
    payment_id: str | None = None,
    signature_valid: bool | None = None,
    method: str | None = None,
    resolved_user_id: str | None = None,
    credits: int | None = None,
    error: str | None = None,
) -> None:
    """Write one delivery: what came, what was made of it, and why not if not.

    Parameters
    ----------
    at
        when it arrived.
    outcome
        credited, ignored, signature_refused, resolution_failed, no_credits, database_error,
        duplicate, queued, unpaid or incomplete.
    error
        what went wrong, in the house's own words (an exception's name, never its text: database
        errors quote the values they were given).
    """
    line = {
        "event": "webhook_delivery",
        "event_id": event_id,
        "payment_id": payment_id,
        "request_id": request_id,
        "timestamp": at.astimezone(UTC).isoformat(timespec="milliseconds"),
        "signature_valid": signature_valid,
        "method": method,
        "resolved_user_id": resolved_user_id,
        "credits": credits,
        "outcome": outcome,
        "error": error[:_ERROR_LENGTH] if error else None,
    }
    level = logging.ERROR if outcome in ("database_error", "incomplete") else logging.INFO
    logging.getLogger(LOGGER).log(level, "%s", json.dumps(line, ensure_ascii=True))
