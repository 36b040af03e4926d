"""Says whether an intake does its work: the database answers, connections are free, none waits."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from credit_forensics.intake import kept_events

PATIENCE_SECONDS = 1.0
"""How long the database may take to answer."""
LATE_SECONDS = 120.0
"""How long a kept event may wait for its booking."""


async def readiness(engine: AsyncEngine) -> dict[str, Any]:
    """``status`` is ``ok``, or the first thing that is not; counts beside it.

    ``dead`` events are told and are no reason to take the intake out of service.
    """
    pool = engine.pool
    found: dict[str, Any] = {
        "connections_in_use": pool.checkedout(),  # type: ignore[attr-defined]
        "connections": pool.size(),  # type: ignore[attr-defined]
    }
    try:
        async with asyncio.timeout(PATIENCE_SECONDS), engine.connect() as connection:
            unbooked, dead, oldest = await kept_events.waiting(connection)
    except TimeoutError:
        busy = found["connections_in_use"] >= found["connections"]
        return {"status": "no connection is free" if busy else "database is slow", **found}
    except (SQLAlchemyError, OSError):
        return {"status": "database does not answer", **found}
    found |= {"unbooked": unbooked, "dead": dead, "oldest_unbooked_seconds": round(oldest)}
    late = oldest > LATE_SECONDS
    return {"status": "events wait to be booked" if late else "ok", **found}
