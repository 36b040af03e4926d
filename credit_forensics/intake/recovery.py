"""Takes up again what was kept and never finished: a process died, a row was held, data was bad."""

from __future__ import annotations

from credit_forensics.intake import kept_events
from credit_forensics.intake.webhook import Webhook


async def finish_unfinished(
    webhook: Webhook,
    *,
    older_than: float = 60.0,
    most: int = 1000,
    within: float = kept_events.FOUR_DAYS,
) -> int:
    """Handle events that were kept and have no delivery that ended, when it is their turn.

    Running twice, or beside a redelivery, books nothing twice.

    Parameters
    ----------
    older_than
        seconds since the event was kept, so that what is being handled now is left alone.
    most
        how many at once.
    within
        seconds back from now in which one that was never tried is looked for.

    Returns
    -------
    How many were taken up.
    """
    async with webhook.engine.connect() as connection:
        rows = await kept_events.due(connection, older_than=older_than, most=most, within=within)
    for kept in rows:
        await webhook.handle_stored(kept)
    return len(rows)
