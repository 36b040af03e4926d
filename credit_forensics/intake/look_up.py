"""Keeps events and looks up what the database knows about their sessions, in one statement."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from credit_forensics.intake.checkout_object import Checkout
from credit_forensics.intake.resolution import Known, candidate_emails, candidate_ids

_KEEP_AND_LOOK_UP = sa.text(
    """
    WITH patience AS MATERIALIZED (
        SELECT set_config('lock_timeout', coalesce(:patience, current_setting('lock_timeout')),
            true)
    ), asked AS MATERIALIZED (
        SELECT a.*, b.body FROM patience,
            json_to_recordset(CAST(:asked AS json)) AS a (n bigint, event_id text, type text,
                ids text[], folded text[], emails text[], customer_id text, payment_id text)
            JOIN unnest(:bodies) WITH ORDINALITY AS b (body, n) USING (n)
    ), kept AS (
        INSERT INTO intake_events (event_id, type, body)
        SELECT event_id, type, body FROM asked ORDER BY event_id
        ON CONFLICT (event_id) DO NOTHING
    )
    SELECT
        (SELECT json_agg(json_build_array(id, lower(btrim(email)))) FROM users
         WHERE id = ANY(asked.ids) OR lower(id) = ANY(asked.folded)
            OR lower(btrim(email)) = ANY(asked.emails)
        ) AS accounts,
        (SELECT json_agg(json_build_array(user_id, extract(epoch FROM created_at))
                         ORDER BY created_at)
         FROM stripe_customers WHERE stripe_customer_id = asked.customer_id) AS bindings,
        (SELECT json_agg(json_build_array(user_id, extract(epoch FROM created_at))
                         ORDER BY created_at)
         FROM (SELECT user_id, created_at FROM intake_payments AS p
               WHERE p.customer_id = asked.customer_id AND p.payment_id <> asked.payment_id
               ORDER BY created_at DESC LIMIT 100) AS latest) AS other_payments
    FROM asked ORDER BY n
    """
).bindparams(
    sa.bindparam("bodies", type_=sa.ARRAY(sa.LargeBinary)),
    sa.bindparam("patience", type_=sa.Text),
)


@dataclass(frozen=True)
class Arrival:
    """An event to keep, and the session or invoice that it tells of, if any."""

    event_id: str
    kind: str
    body: bytes
    checkout: Checkout | None


async def keep_and_look_up(
    connection: AsyncConnection, arrivals: Sequence[Arrival], patience: str | None = None
) -> list[Known]:
    """Keep events, and look up what the database knows about their sessions.

    ``patience`` is the ``lock_timeout`` of the statement, the connection's own without.

    Returns
    -------
    The facts for each event, in order.
    """
    asked = []
    for number, arrival in enumerate(arrivals, start=1):
        checkout = arrival.checkout
        ids = candidate_ids(checkout) if checkout else []
        asked.append(
            {
                "n": number,
                "event_id": arrival.event_id,
                "type": arrival.kind,
                "ids": ids,
                "folded": [value.lower() for value in ids],
                "emails": candidate_emails(checkout) if checkout else [],
                "customer_id": checkout.customer_id if checkout else None,
                "payment_id": checkout.payment_id if checkout else None,
            }
        )
    values = {
        "asked": json.dumps(asked),
        "bodies": [arrival.body for arrival in arrivals],
        "patience": patience,
    }
    rows = (await connection.execute(_KEEP_AND_LOOK_UP, values)).all()
    return [known_of(row.accounts, row.bindings, row.other_payments) for row in rows]


def known_of(accounts: object, bindings: object, other_payments: object) -> Known:
    """Facts from the JSON that the look-up gives; absent is empty."""
    return Known(
        accounts=dict(accounts or ()),  # type: ignore[call-overload]
        bindings=[(user, _at(at)) for user, at in bindings or ()],  # type: ignore[attr-defined]
        other_payments=[
            (user, datetime.fromtimestamp(float(at), UTC))
            for user, at in other_payments or ()  # type: ignore[attr-defined]
        ],
    )


def _at(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(float(seconds), UTC)
