"""What of a payment's money went back, as events tell it in any order, and what of that came back.

A charge tells how much of it is refunded *so far*, and a refund that fails lowers that again: so an
amount that a charge told counts less the refunds that were in it and failed since. A dispute that
was lost counts until it is told as won.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from credit_forensics.intake.checkout_object import moment, reference, text, whole

REFUND_CHANGES = ("refund.failed", "refund.updated", "charge.refund.updated")
DISPUTE_CHANGES = ("charge.dispute.closed", "charge.dispute.funds_reinstated")
"""Events by which money that had gone back may be the shop's again."""

REFUND_FAILED, DISPUTE_WON = "refund_failed", "dispute_won"
"""Money that had gone back is the shop's again, and its credits are taken: a person's to give."""

_KEEP = sa.text(
    """
    INSERT INTO intake_losses AS old
        (payment_intent_id, source, amount, event_id, told_at, made_at)
    VALUES (:payment_intent_id, :source, :amount, :event_id, :told_at, :made_at)
    ON CONFLICT (payment_intent_id, source) DO UPDATE SET amount = EXCLUDED.amount,
        event_id = EXCLUDED.event_id, told_at = EXCLUDED.told_at, made_at = EXCLUDED.made_at
    -- Money is told to be back again whenever its refund is changed: it was so from the first on.
    WHERE CASE WHEN EXCLUDED.source LIKE 'back:%' THEN EXCLUDED.told_at < old.told_at
        ELSE EXCLUDED.told_at > coalesce(old.told_at, '-infinity') END
    """
).bindparams(
    sa.bindparam("told_at", type_=sa.DateTime(timezone=True)),
    sa.bindparam("made_at", type_=sa.DateTime(timezone=True)),
)
# In the same second the refund counts as failed after the charge was told: then a person is asked,
# where otherwise nobody would be.
_LOST = sa.text(
    """
    WITH told AS (
        SELECT *, split_part(source, ':', 1) AS kind, split_part(source, ':', 2) AS object
        FROM intake_losses WHERE payment_intent_id = :id
    ), gone AS (
        SELECT max(amount - (
            SELECT coalesce(sum(b.amount), 0) FROM told AS b
            WHERE b.kind = 'back' AND (b.object = g.object OR b.object = '' AND g.kind = 'charge')
                AND coalesce(b.made_at <= g.told_at, true)
                AND coalesce(b.told_at >= g.told_at, true))) AS amount
        FROM told AS g WHERE kind <> 'back' GROUP BY kind, object
    )
    SELECT (SELECT coalesce(sum(greatest(amount, 0)), 0)::bigint FROM gone) AS lost,
        coalesce(sum(amount) FILTER (WHERE kind = 'back'), 0)::bigint AS back,
        (array_agg(event_id ORDER BY told_at DESC NULLS LAST, amount DESC, event_id)
            FILTER (WHERE kind <> 'back'))[1] AS event_id
    FROM told
    """
)


@dataclass(frozen=True)
class Loss:
    """What an event tells of a payment's money.

    Attributes
    ----------
    source
        ``charge:<charge>:<amount>``, refunds of a charge so far; ``dispute:<dispute>``, a dispute
        that was lost; ``back:<charge or dispute>:<refund or dispute>``, what came back of either.
    told_at
        when it was so.
    made_at
        when the refund or the dispute was made, of what came back.
    problem
        of what came back, why: ``REFUND_FAILED`` or ``DISPUTE_WON``.
    """

    intent: str
    source: str
    amount: int
    told_at: datetime | None
    made_at: datetime | None = None
    problem: str | None = None

    @property
    def object_id(self) -> str:
        """The refund, dispute or charge that it is about."""
        return self.source.split(":")[2 if self.problem else 1]


def read_loss(kind: str, about: Any, event: Mapping[str, Any]) -> Loss | None:
    """What an event tells of money that went back, or came back; None where it tells of neither.

    Examples
    --------
    >>> refund = {"id": "re_1", "object": "refund", "charge": "ch_1", "payment_intent": "pi_1",
    ...     "amount": 500, "created": 7}
    >>> found = read_loss("refund.failed", refund | {"status": "failed"}, {"created": 9})
    >>> found.source, found.amount, found.problem, found.object_id
    ('back:ch_1:re_1', 500, 'refund_failed', 're_1')
    >>> read_loss("refund.updated", refund | {"status": "succeeded"}, {})
    >>> charge = {"id": "ch_1", "payment_intent": "pi_1", "amount_refunded": 200}
    >>> read_loss("charge.refunded", charge, {}).source
    'charge:ch_1:200'
    """
    if not isinstance(about, Mapping):
        return None
    object_id, intent = text(about.get("id")), reference(about.get("payment_intent"))
    amount = whole(about.get("amount_refunded" if kind == "charge.refunded" else "amount"))
    if object_id is None or intent is None or amount is None or amount < 0:
        return None
    told_at, made_at = moment(event.get("created")), moment(about.get("created"))
    status = about.get("status")
    if kind == "charge.refunded":
        return Loss(intent, f"charge:{object_id}:{amount}", amount, told_at)
    if kind == "charge.dispute.closed" and status == "lost":
        return Loss(intent, f"dispute:{object_id}", amount, told_at)
    if kind in REFUND_CHANGES and status in ("failed", "canceled"):
        source = f"back:{reference(about.get('charge')) or ''}:{object_id}"
        return Loss(intent, source, amount, told_at, made_at, REFUND_FAILED)
    if kind in DISPUTE_CHANGES and status == "won":
        return Loss(intent, f"back:{object_id}:{object_id}", amount, told_at, made_at, DISPUTE_WON)
    return None


async def keep_loss(connection: AsyncConnection, loss: Loss, event_id: str) -> None:
    """Keep what an event tells; in whatever order events come, the same is kept."""
    await connection.execute(
        _KEEP,
        {
            "payment_intent_id": loss.intent,
            "source": loss.source,
            "amount": loss.amount,
            "event_id": event_id,
            "told_at": loss.told_at,
            "made_at": loss.made_at,
        },
    )


@dataclass(frozen=True)
class Lost:
    """Money of a payment that is lost by now, what came back, and the last event of a loss."""

    lost: int
    back: int
    event_id: str | None


async def lost_so_far(connection: AsyncConnection, intent: str) -> Lost:
    """What is kept of a payment's losses, summed."""
    row = (await connection.execute(_LOST, {"id": intent})).one()
    return Lost(int(row.lost), int(row.back), row.event_id)
