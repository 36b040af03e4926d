"""Takes up again what was kept and never finished: the process died between the two."""

from __future__ import annotations

import json

import sqlalchemy as sa

from credit_forensics.intake.webhook import Webhook

_UNFINISHED = sa.text(
    """
    SELECT event_id, body FROM intake_events e
    WHERE received_at < now() - make_interval(secs => :older_than)
      -- Stripe gives up after three days, and so need nobody look further back than that.
      AND received_at > now() - interval '4 days'
      AND NOT EXISTS (SELECT FROM intake_deliveries d WHERE d.event_id = e.event_id)
    ORDER BY received_at, event_id LIMIT :most
    """
)


async def finish_unfinished(webhook: Webhook, *, older_than: float = 60.0, most: int = 1000) -> int:
    """Handle events that were kept and have no delivery that ended.

    Stripe sends those again, too, for it was never answered; this finishes them when it no longer
    does. Running twice, or beside a redelivery, books nothing twice.

    Parameters
    ----------
    older_than
        seconds since the event was kept, so that what is being handled now is left alone.
    most
        how many at once.

    Returns
    -------
    How many were taken up.
    """
    async with webhook.engine.connect() as connection:
        rows = (
            await connection.execute(_UNFINISHED, {"older_than": older_than, "most": most})
        ).all()
    for row in rows:
        body = bytes(row.body)
        await webhook.handle_stored(json.loads(body), row.event_id, body)
    return len(rows)
