"""Brings entries that name no payment beside the payments that they may be paired with."""

from __future__ import annotations

from collections.abc import Callable

from credit_forensics.evidence.ledgers.moved_unnamed import APART_SECONDS, MOVES_UNNAMED
from credit_forensics.evidence.ledgers.pair_by_time import (
    AFTER_ON_ITS_ACCOUNT_SECONDS,
    AFTER_SECONDS,
)
from credit_forensics.evidence.ledgers.pair_left_over import LEFT_OVER
from credit_forensics.evidence.stored import tables as stored_tables
from credit_forensics.evidence.stored.refresh_ledgers import CUSTODY
from credit_forensics.evidence.stored.rows import StoredRows

# As far as an entry that is left over may lie after its payment, with three days for the payment
# to complete.
_LEFT_OVER_HOURS = AFTER_SECONDS // 3600 + 72
# Twice as far as an entry may lie from its payment: what competes for it comes along.
NEAR_DAYS = 2 * AFTER_ON_ITS_ACCOUNT_SECONDS / 86_400
# What payments are made of, and the values by which each may name an account.
_PAID_BY = (
    ("session", "session"),
    ("intent", "payment_intent"),
    ("invoice", "invoice"),
    ("charge", "charge"),
)
_NAMES = {
    "session": "list_append(map_values(metadata), client_reference_id)",
    "intent": "map_values(metadata)",
    # Its lines and its subscription's metadata are JSON, in which an id is a text.
    "invoice": "list_concat(map_values(metadata), regexp_extract_all("
    'concat(subscription_metadata, lines), \'"([^"]+)"\', 1))',
}
UNTIED = "payment_id IS NULL AND event_id IS NULL AND delta > 0"


def pairs_by_time(stored: StoredRows) -> bool:
    """Whether the entries of the stored ledger name no payments, and are paired by time."""
    if "ledger (inferred)" not in (stored.get(CUSTODY) or ""):
        return False
    named = "kind = 'purchase' AND (payment_id IS NOT NULL OR event_id IS NOT NULL)"
    query = f"SELECT 1 FROM stored.ledger WHERE {named} LIMIT 1"
    return not stored.connection.execute(query).fetchall()


def has_left_over(stored: StoredRows) -> bool:
    """Whether entries that name no payment may each be of one that nothing else books."""
    query = f"SELECT 1 FROM stored.ledger WHERE {LEFT_OVER} LIMIT 1"
    return bool(stored.connection.execute(query).fetchall())


def add_neighbours(run: Callable[..., object]) -> None:
    """Payments that an entry of ``core`` or ``moved`` may be of, into ``core``.

    What is near them, and so may compete for those entries, goes into ``neighbours`` (payments)
    and ``untied`` (entries).
    """
    run(
        f"""CREATE OR REPLACE TEMP TABLE hours AS
        SELECT DISTINCT date_trunc('hour', moment) AS moment FROM (
            SELECT created_at AS moment FROM stored.stripe_sessions
                WHERE hash_session_id IN (SELECT h FROM core)
            UNION ALL SELECT created_at FROM stored.stripe_charges
                WHERE hash_charge_id IN (SELECT h FROM core)
            UNION ALL SELECT created_at FROM stored.ledger
                WHERE {UNTIED} AND hash_user_id IN (SELECT h FROM moved))
        WHERE moment IS NOT NULL"""
    )
    before, near = _within(-NEAR_DAYS / 2, 0), _within(-NEAR_DAYS, NEAR_DAYS)
    for name, test in (("before", before), ("neighbours", near)):
        run(
            f"""CREATE OR REPLACE TEMP TABLE {name} AS
            SELECT hash_session_id AS h FROM stored.stripe_sessions WHERE {test}
            UNION SELECT hash_charge_id FROM stored.stripe_charges WHERE {test}"""
        )
    run("INSERT INTO core SELECT h FROM before WHERE h NOT IN (SELECT h FROM core)")
    run(
        f"""CREATE OR REPLACE TEMP TABLE untied AS SELECT DISTINCT hash_entry_id AS h
        FROM stored.ledger WHERE {UNTIED} AND {near}"""
    )


def _within(first: float, last: float) -> str:
    """Whether a row was made so many days from one of the hours."""
    low, high = f"{int(first * 24)} HOUR", f"{int(last * 24) + 1} HOUR"
    between = f"hours.moment + INTERVAL '{low}' AND hours.moment + INTERVAL '{high}'"
    return f"EXISTS (SELECT 1 FROM hours WHERE created_at BETWEEN {between})"


def add_left_over(run: Callable[..., object]) -> None:
    """Payments that an entry which is left over may be of, into ``core``; those into ``untied``.

    Entries of ``moved`` and near a payment of ``core``. Only payments that name an entry's account
    may be its own, so others do not come along; and of those that do, the entries that lie near
    them are looked for once more, as they compete.
    """
    run(
        """CREATE OR REPLACE TEMP TABLE untied
        (h UBIGINT, user_id VARCHAR, created_at TIMESTAMP WITH TIME ZONE)"""
    )
    moments = " UNION ALL ".join(
        f"SELECT created_at AS moment FROM stored.stripe_{name}s "
        f"WHERE hash_{key}_id IN (SELECT h FROM core)"
        for name, key in _PAID_BY
    )
    hour = "date_trunc('hour', created_at)"
    for _ in range(2):
        run(
            f"""CREATE OR REPLACE TEMP TABLE hours AS
            SELECT DISTINCT unnest(range(moment - INTERVAL 1 HOUR,
                moment + INTERVAL {_LEFT_OVER_HOURS} HOUR, INTERVAL 1 HOUR)) AS hour
            FROM (SELECT DISTINCT date_trunc('hour', moment) AS moment FROM ({moments})
                WHERE moment IS NOT NULL)"""
        )
        run(
            f"""INSERT INTO untied SELECT hash_entry_id, user_id, created_at FROM stored.ledger
            WHERE {LEFT_OVER} AND hash_entry_id NOT IN (SELECT h FROM untied)
                AND (hash_user_id IN (SELECT h FROM moved) OR {hour} IN (SELECT hour FROM hours))"""
        )
        run(
            f"""CREATE OR REPLACE TEMP TABLE before AS
            SELECT DISTINCT user_id, unnest(range({hour} - INTERVAL {_LEFT_OVER_HOURS} HOUR,
                {hour} + INTERVAL 2 HOUR, INTERVAL 1 HOUR)) AS hour FROM untied"""
        )
        for name, key in _PAID_BY[:3]:
            run(
                f"""INSERT INTO core SELECT DISTINCT h FROM (
                    SELECT hash_{key}_id AS h, {hour} AS hour, unnest({_NAMES[name]}) AS user_id
                    FROM stored.stripe_{name}s WHERE {hour} IN (SELECT hour FROM before)
                ) JOIN before USING (hour, user_id) WHERE h NOT IN (SELECT h FROM core)"""
            )


def add_takers(run: Callable[..., object]) -> None:
    """Accounts of ``core`` with refunds or voids that name no payment: into ``takers``.

    What else they bought comes along into ``around``, as a refund may be of any of it.
    """
    run(
        """CREATE OR REPLACE TEMP TABLE takers AS SELECT DISTINCT hash_user_id AS h
        FROM stored.ledger WHERE hash_user_id IN (
            SELECT hash_user_id FROM stored.ledger
            WHERE payment_id IS NULL AND delta < 0 AND kind IN ('refund', 'reversal'))
        AND (hash_payment_id IN (SELECT h FROM core) OR hash_event_id IN (
            SELECT h FROM core UNION SELECT hash_event_id FROM stored.stripe_events
            WHERE hash_object_id IN (SELECT h FROM core)))"""
    )
    run(
        """CREATE OR REPLACE TEMP TABLE more AS SELECT DISTINCT h FROM (
            SELECT unnest([hash_event_id, hash_payment_id]) AS h FROM stored.ledger
            WHERE hash_user_id IN (SELECT h FROM takers)) WHERE h IS NOT NULL"""
    )
    run("INSERT INTO around SELECT h FROM more WHERE h NOT IN (SELECT h FROM around)")


def bring_untied(stored: StoredRows) -> None:
    """Put the entries in ``untied`` into the evidence, besides those that are there."""
    body = stored_tables.columns("ledger")
    stored.connection.execute(
        f"""INSERT INTO main.ledger BY NAME SELECT {body} FROM stored.ledger
        WHERE hash_entry_id IN (SELECT h FROM untied)
            AND entry_id NOT IN (SELECT entry_id FROM main.ledger)"""
    )


def bring_moves(stored: StoredRows) -> None:
    """Put into the evidence what moves the credits of an entry there on to another account.

    Both sides, where neither names a payment; besides what is there.
    """
    body = stored_tables.columns("ledger")
    run = stored.connection.execute
    run(
        f"""CREATE OR REPLACE TEMP TABLE sides AS
        WITH taken AS (
            SELECT t.hash_entry_id AS h, t.user_id, t.delta, t.created_at
            FROM stored.ledger AS t JOIN (SELECT DISTINCT user_id, delta FROM main.ledger
                WHERE kind = 'purchase' AND delta > 0) AS b
                ON t.user_id = b.user_id AND t.delta = -b.delta
            WHERE {MOVES_UNNAMED.replace("created_at", "t.created_at")})
        SELECT t.h AS taking, g.hash_entry_id AS giving
        FROM taken AS t JOIN stored.ledger AS g ON g.delta = -t.delta AND g.user_id <> t.user_id
            AND g.created_at BETWEEN t.created_at - INTERVAL {APART_SECONDS} SECOND
                AND t.created_at + INTERVAL {APART_SECONDS} SECOND
        WHERE {MOVES_UNNAMED.replace("created_at", "g.created_at")}"""
    )
    run(
        f"""INSERT INTO main.ledger BY NAME SELECT {body} FROM stored.ledger
        WHERE hash_entry_id IN (SELECT taking FROM sides UNION SELECT giving FROM sides)
            AND entry_id NOT IN (SELECT entry_id FROM main.ledger)"""
    )
