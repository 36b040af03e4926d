"""Events as they were delivered: kept first, booked from the table when at once did not do.

An event is *done* when a delivery of it ended. Until then it is taken up again, each time after a
longer wait, and is *dead* when it failed too often: it waits for a person, and is never dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

MOST_ATTEMPTS = 8
"""Failures after which an event is dead; the waits between them are some four hours together."""
MOST_ATTEMPTS_WITH_ITS_DATA = 3
"""The same for failures of the data or of our own, which time does not mend."""
_FIRST_WAIT, _LONGER = 5, 3
FOUR_DAYS = 4 * 86_400.0

_KEEP = sa.text(
    "INSERT INTO intake_events (event_id, type, body, signed) "
    "VALUES (:event_id, :type, :body, :signed) ON CONFLICT (event_id) DO NOTHING"
)
_KNOWN = sa.text("SELECT event_id FROM intake_events WHERE event_id = ANY(:ids)").bindparams(
    sa.bindparam("ids", type_=sa.ARRAY(sa.Text))
)
_FAILED = sa.text(
    """
    UPDATE intake_events SET attempts = attempts + 1, last_error = :error,
        next_attempt_at = now() + make_interval(secs => :wait * power(:longer, attempts)),
        dead_at = CASE WHEN attempts + 1 >= :most THEN now() END
    WHERE event_id = :event_id AND dead_at IS NULL RETURNING dead_at IS NOT NULL
    """
).bindparams(sa.bindparam("longer", type_=sa.Float), sa.bindparam("wait", type_=sa.Float))
_DUE = sa.text(
    """
    SELECT event_id, body, signed FROM (
        SELECT * FROM intake_events WHERE next_attempt_at <= now() AND dead_at IS NULL
        UNION ALL
        SELECT * FROM intake_events WHERE next_attempt_at IS NULL AND dead_at IS NULL
          AND received_at > now() - make_interval(secs => :within)
          -- What was received in the future was so by a clock that was set right since.
          AND (received_at < now() - make_interval(secs => :older_than)
               OR received_at > now() + interval '1 minute')
    ) AS e
    WHERE NOT EXISTS (SELECT FROM intake_deliveries d WHERE d.event_id = e.event_id)
    ORDER BY received_at, event_id LIMIT :most
    """
)
_BETWEEN = sa.text(
    "SELECT event_id, body, signed FROM intake_events "
    "WHERE received_at >= :since AND received_at < :until AND event_id > :after "
    "ORDER BY event_id LIMIT :most"
).bindparams(
    sa.bindparam("since", type_=sa.DateTime(timezone=True)),
    sa.bindparam("until", type_=sa.DateTime(timezone=True)),
)
_DEAD = sa.text(
    "SELECT event_id, type, received_at, dead_at, attempts, last_error FROM intake_events "
    "WHERE dead_at IS NOT NULL AND event_id > :after ORDER BY event_id LIMIT :most"
)
_REVIVE = sa.text(
    "UPDATE intake_events SET dead_at = NULL, attempts = 0, next_attempt_at = now() "
    "WHERE event_id = :event_id AND dead_at IS NOT NULL RETURNING event_id, body, signed"
)
_WAITING = sa.text(
    """
    SELECT count(*) AS unbooked,
        (SELECT count(*) FROM intake_events WHERE dead_at IS NOT NULL) AS dead,
        coalesce(max(extract(epoch FROM now() - received_at)), 0) AS oldest
    FROM (
        SELECT * FROM intake_events WHERE next_attempt_at IS NOT NULL AND dead_at IS NULL
        UNION ALL
        SELECT * FROM intake_events WHERE next_attempt_at IS NULL AND dead_at IS NULL
          AND received_at > now() - interval '1 hour'
    ) AS e
    WHERE NOT EXISTS (SELECT FROM intake_deliveries d WHERE d.event_id = e.event_id)
    """
)


@dataclass(frozen=True)
class Kept:
    """A kept event. ``signed`` where it was delivered, not where it was read from Stripe's list."""

    event_id: str
    body: bytes
    signed: bool = True


async def keep(
    engine: AsyncEngine, event_id: str, kind: str, body: bytes, *, signed: bool = True
) -> None:
    """Keep an event, whatever else cannot be done with it now."""
    values = {"event_id": event_id, "type": kind, "body": body, "signed": signed}
    async with engine.connect() as connection:
        await connection.execute(_KEEP, values)


async def known(engine: AsyncEngine, event_ids: Sequence[str]) -> set[str]:
    """Which of some events are kept."""
    async with engine.connect() as connection:
        return set((await connection.execute(_KNOWN, {"ids": list(event_ids)})).scalars())


async def failed(engine: AsyncEngine, event_id: str, error: str, *, lasting: bool) -> bool:
    """Note that a kept event could not be handled, and when it is tried again.

    Parameters
    ----------
    lasting
        whether time alone will not mend it.

    Returns
    -------
    Whether it is dead now.
    """
    most = MOST_ATTEMPTS_WITH_ITS_DATA if lasting else MOST_ATTEMPTS
    values = {
        "event_id": event_id,
        "error": error[:200],
        "wait": _FIRST_WAIT,
        "longer": _LONGER,
        "most": most,
    }
    async with engine.connect() as connection:
        return bool((await connection.execute(_FAILED, values)).scalar_one_or_none())


async def due(
    connection: AsyncConnection, *, older_than: float, most: int, within: float = FOUR_DAYS
) -> list[Kept]:
    """Events whose turn it is: never finished, or failed and waited long enough; oldest first.

    ``within`` is how many seconds back one is looked for that was never tried. Stripe gives up
    after three days, and so need nobody look further back than four.
    """
    values = {"older_than": older_than, "most": most, "within": within}
    return [_kept(row) for row in await connection.execute(_DUE, values)]


async def between(
    connection: AsyncConnection, since: datetime, until: datetime, *, after: str, most: int
) -> list[Kept]:
    """Events that were received in a time, done or not, by id."""
    values = {"since": since, "until": until, "after": after, "most": most}
    return [_kept(row) for row in await connection.execute(_BETWEEN, values)]


async def dead(connection: AsyncConnection, *, after: str, most: int) -> list[dict[str, object]]:
    """Dead events, by id."""
    rows = await connection.execute(_DEAD, {"after": after, "most": most})
    return [dict(row._mapping) for row in rows]


async def revive(connection: AsyncConnection, event_id: str) -> Kept | None:
    """Let a dead event be tried again; None where it is not dead."""
    row = (await connection.execute(_REVIVE, {"event_id": event_id})).one_or_none()
    return None if row is None else _kept(row)


async def waiting(connection: AsyncConnection) -> tuple[int, int, float]:
    """How many events are kept and not booked, how many are dead, seconds of the oldest."""
    row = (await connection.execute(_WAITING)).one()
    return int(row.unbooked), int(row.dead), float(row.oldest)


def _kept(row: sa.Row[tuple[str, bytes, bool]]) -> Kept:
    return Kept(row.event_id, bytes(row.body), row.signed)
