"""Writes the events of a world, and their deliveries as the handler's log tells them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from credit_forensics.arrays import Ints
from credit_forensics.scenarios.faults import Fault
from credit_forensics.scenarios.handler import (
    CREDITED,
    DATABASE_ERROR,
    METHODS,
    NOT_HANDLED,
    OUTCOMES,
    REFUSED,
    UNRESOLVED,
)
from credit_forensics.scenarios.identifiers import instants, take, tokens
from credit_forensics.scenarios.scene import Scene

API_VERSION = "2025-08-27.basil"
REFUSED_ERROR = "No signatures found matching the expected signature for payload"
DATABASE_ERROR_TEXT = (
    "(psycopg.errors.UniqueViolation) duplicate key value violates unique constraint "
    '"stripe_customers_stripe_customer_id_key"'
)
_ERRORS = [
    None,
    None,
    REFUSED_ERROR,
    "total user resolution failure",
    "no valid credits in metadata",
    DATABASE_ERROR_TEXT,
]
_HOUR = 3_600 * 1_000_000


@dataclass(frozen=True)
class EventIds:
    """Ids of events: of a payment's completion, of its second event, and of each return."""

    completion: pa.Array
    second: pa.Array
    returned: pa.Array
    again_at: Ints


def draw_event_ids(scene: Scene, rng: np.random.Generator) -> EventIds:
    """Draw the ids, and when what is handled twice is handled again."""
    count = len(scene.fault)
    hours = rng.uniform(0.05, 3.0, count)
    return EventIds(
        completion=tokens(rng, "evt_1", count, 23),
        second=tokens(rng, "evt_1", count, 23),
        returned=tokens(rng, "evt_3", len(scene.returns.payment), 23),
        again_at=scene.handling.booked + (hours * _HOUR).astype(np.int64),
    )


def settled_at(scene: Scene) -> Ints:
    """When each payment's delayed method would settle, in microseconds: within 60 hours."""
    booked = scene.handling.booked
    left = np.maximum(scene.end - booked, 0)
    settled: Ints = booked + np.minimum(60 * _HOUR, left * 3 // 4) + 1_000_000
    return settled


def events_and_deliveries(
    scene: Scene, ids: EventIds, rng: np.random.Generator
) -> tuple[pa.Table, pa.Table]:
    """The tables ``events`` and ``deliveries``."""
    events = _Events(scene)
    _tell(events, scene, ids, rng)
    return pa.concat_tables(events.blocks), _deliveries(events, scene, ids)


class _Events:
    """Collects events, and the deliveries of those that the handler ignores."""

    def __init__(self, scene: Scene) -> None:
        self.labels, self.fault = scene.labels, scene.fault
        self.blocks: list[pa.Table] = []
        self.ignored: list[pa.Table] = []

    def add(
        self,
        kind: str,
        rows: Ints,
        at: Ints,
        event_id: pa.Array,
        *,
        object_id: pa.Array | None = None,
        ignored: bool = True,
    ) -> None:
        payment_id = take(self.labels.payment_id, rows)
        self.blocks.append(
            pa.table(
                {
                    "event_id": event_id,
                    "type": pa.repeat(kind, len(rows)),
                    "created_at": instants(at),
                    "payment_id": payment_id,
                    "object_id": payment_id if object_id is None else object_id,
                    "livemode": pa.array(self.fault[rows] != Fault.TEST_MODE),
                    "api_version": pa.repeat(API_VERSION, len(rows)),
                }
            )
        )
        if ignored:
            self.ignored.append(_delivery(event_id, None, at + 1_500_000, "ignored", error=None))


def _tell(events: _Events, scene: Scene, ids: EventIds, rng: np.random.Generator) -> None:
    checkouts, fault = scene.checkouts, scene.fault
    returns, second, returned = scene.returns, ids.second, ids.returned
    done = "checkout.session.completed"
    rows = np.flatnonzero(fault != Fault.ABANDONED)
    events.add(done, rows, checkouts.completed[rows], take(ids.completion, rows), ignored=False)
    twice = np.flatnonzero(fault == Fault.TWO_EVENTS)
    later = checkouts.completed[twice] + 1_000_000
    events.add(done, twice, later, take(second, twice), ignored=False)
    for kind, which in (
        ("checkout.session.async_payment_succeeded", Fault.ASYNC_PAID),
        ("checkout.session.async_payment_failed", Fault.ASYNC_FAILED),
    ):
        rows = np.flatnonzero(fault == which)
        settled = settled_at(scene)[rows]
        events.add(kind, rows, settled, take(second, rows))
    charges = tokens(rng, "ch_3", len(fault), 23)
    rows = np.flatnonzero(rng.random(len(fault)) < scene.settings.other_events_share)
    rows = rows[(fault[rows] != Fault.ABANDONED) & (fault[rows] != Fault.SIGNATURE_REFUSED)]
    rows = rows[~np.isin(fault[rows], [Fault.UNPAID, Fault.ASYNC_FAILED, Fault.ASYNC_PAID])]
    other = tokens(rng, "evt_3", len(rows), 23)
    paid_at = checkouts.completed[rows] - 1_000_000
    events.add("charge.succeeded", rows, paid_at, other, object_id=take(charges, rows))
    refund, dispute = np.flatnonzero(~returns.dispute), np.flatnonzero(returns.dispute)
    disputes = tokens(rng, "du_1", len(returns.payment), 23)
    opening = tokens(rng, "evt_1", len(returns.payment), 23)
    events.add(
        "charge.refunded", returns.payment[refund], returns.opened[refund],
        take(returned, refund), object_id=take(charges, returns.payment[refund]),
    )  # fmt: skip
    events.add(
        "charge.dispute.created", returns.payment[dispute], returns.opened[dispute],
        take(opening, dispute), object_id=take(disputes, dispute),
    )  # fmt: skip
    events.add(
        "charge.dispute.closed", returns.payment[dispute], returns.closed[dispute],
        take(returned, dispute), object_id=take(disputes, dispute),
    )  # fmt: skip


def _delivery(
    event_id: pa.Array | None,
    payment_id: pa.Array | None,
    at: Ints,
    outcome: str | pa.Array,
    *,
    error: str | pa.Array | None,
    method: pa.Array | None = None,
    resolved: pa.Array | None = None,
    credits_: pa.Array | None = None,
    valid: bool = True,
) -> pa.Table:
    count = len(at)
    nothing = pa.nulls(count, pa.string())
    seconds = pa.array(at // 1_000_000).cast(pa.string())

    def text(value: str | pa.Array | None) -> pa.Array:
        if value is None:
            return nothing
        return pa.repeat(value, count) if isinstance(value, str) else value

    return pa.table(
        {
            "event_id": text(event_id),
            "payment_id": text(payment_id),
            "received_at": instants(at),
            "signature_valid": pa.repeat(valid, count),
            "method": text(method),
            "resolved_user_id": text(resolved),
            "credits": pa.nulls(count, pa.int64()) if credits_ is None else credits_,
            "outcome": text(outcome),
            "error": text(error),
            "request_id": pc.binary_join_element_wise("webhook-", seconds, ""),
            "source_file": pa.repeat("webhook.log", count),
        }
    )


def _deliveries(events: _Events, scene: Scene, ids: EventIds) -> pa.Table:
    accounts, labels, handling, fault = (scene.accounts, scene.labels, scene.handling, scene.fault)

    def handled(rows: Ints, at: Ints, event_id: pa.Array, outcome: Ints) -> pa.Table:
        credited = outcome == CREDITED
        error = take(pa.array(_ERRORS), outcome)
        return _delivery(
            take(event_id, rows),
            take(labels.payment_id, rows),
            at[rows],
            take(pa.array(OUTCOMES), outcome),
            error=error,
            method=take(
                pa.array(METHODS), np.where(outcome == UNRESOLVED, 0, handling.method[rows])
            ),
            resolved=take(accounts.text, handling.resolved[rows]),
            credits_=pa.array(labels.stated_credits[rows], mask=~credited),
        )

    outcome = handling.outcome.copy()
    outcome[(fault == Fault.RETRIED) & (outcome == CREDITED)] = DATABASE_ERROR
    first = np.flatnonzero((outcome != NOT_HANDLED) & (outcome != REFUSED))
    blocks = [handled(first, handling.received, ids.completion, outcome[first])]
    refused = np.flatnonzero(outcome == REFUSED)
    blocks.append(
        _delivery(
            None,
            None,
            handling.received[refused],
            "signature_refused",
            error=REFUSED_ERROR,
            valid=False,
        )
    )
    retried = np.flatnonzero((fault == Fault.RETRIED) & (handling.outcome == CREDITED))
    blocks.append(handled(retried, handling.booked, ids.completion, handling.outcome[retried]))
    for which, event_id in ((Fault.REDELIVERED, ids.completion), (Fault.TWO_EVENTS, ids.second)):
        rows = np.flatnonzero((fault == which) & (handling.outcome == CREDITED))
        blocks.append(handled(rows, ids.again_at, event_id, handling.outcome[rows]))
    return pa.concat_tables([*blocks, *events.ignored])
