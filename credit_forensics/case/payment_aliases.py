"""Finds the payment, or the account, that an id tells of: any object's or event's id will do."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from credit_forensics.errors import CaseError

NAMED_BY = ("payment_objects", "events")
"""The tables whose ids stand for a payment."""


class AccountMeantError(CaseError):
    """An id that was to name a payment is an account's; ``user_id`` is that account's."""

    def __init__(self, message: str, user_id: str) -> None:
        super().__init__(message)
        self.user_id = user_id


def payments_of(connection: duckdb.DuckDBPyConnection, ids: Sequence[str]) -> dict[str, str]:
    """The payment of each id that names one by an object of Stripe's or by an event.

    Parameters
    ----------
    connection
        where the tables ``NAMED_BY`` lie.
    ids
        any ids; a payment's own id is not in the result, nor is one that nothing is known of.

    Examples
    --------
    >>> connection = duckdb.connect()
    >>> _ = connection.execute(
    ...     "CREATE TABLE payment_objects AS SELECT 'in_1' AS payment_id, 'ch_1' AS object_id")
    >>> _ = connection.execute(
    ...     "CREATE TABLE events AS SELECT 'evt_1' AS event_id, 'in_1' AS payment_id")
    >>> payments_of(connection, ["ch_1", "in_1", "pi_9", "evt_1"])
    {'ch_1': 'in_1', 'evt_1': 'in_1'}
    """
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return {}
    marks = ", ".join(["?"] * len(wanted))
    found = connection.execute(
        "SELECT id, min(payment_id) FROM ("
        f"SELECT object_id AS id, payment_id FROM payment_objects WHERE object_id IN ({marks})"
        " UNION ALL SELECT event_id, payment_id FROM events"
        f" WHERE event_id IN ({marks}) AND payment_id IS NOT NULL) GROUP BY 1 ORDER BY 1",
        [*wanted, *wanted],
    ).fetchall()
    return {str(alias): str(payment) for alias, payment in found}


SHORTEST_PREFIX = 6
_SHOWN = 3


def payment_meant(connection: duckdb.DuckDBPyConnection, text: str) -> str | None:
    """The one payment that has an id which begins with a text of at least six characters.

    Parameters
    ----------
    connection
        where the tables ``NAMED_BY``, ``verdicts``, ``users`` and ``ledger`` lie.
    text
        the beginning of an id, or the id of an account.

    Raises
    ------
    AccountMeantError
        when the text is an account's id; its payments are named.
    CaseError
        when several payments have such an id; they are named.

    Examples
    --------
    >>> connection = duckdb.connect()
    >>> _ = connection.execute(
    ...     "CREATE TABLE payment_objects AS"
    ...     " SELECT 'in_1abc' AS payment_id, 'ch_1xyz' AS object_id")
    >>> _ = connection.execute(
    ...     "CREATE TABLE events AS SELECT 'evt_1' AS event_id, 'in_1abc' AS payment_id")
    >>> _ = connection.execute("CREATE TABLE verdicts AS SELECT 'in_1abc' AS payment_id, "
    ...     "'u1' AS credited_user_id, NULL::TEXT AS rightful_user_id")
    >>> for name in ("users", "ledger"):
    ...     _ = connection.execute(f"CREATE TABLE {name} AS SELECT 'u1' AS user_id")
    >>> payment_meant(connection, "ch_1xy"), payment_meant(connection, "ch_9"), SHORTEST_PREFIX
    ('in_1abc', None, 6)
    """
    of_account = _payments(
        connection,
        "SELECT payment_id FROM verdicts WHERE credited_user_id = $1 OR rightful_user_id = $1",
        text,
    )
    if of_account:
        raise AccountMeantError(
            f"{text} is an account, with {_listed(of_account)}; explain one of them.", text
        )
    known = (
        "SELECT count(*) FROM (SELECT user_id FROM users UNION ALL SELECT user_id FROM ledger)"
        " WHERE user_id = $1"
    )
    if connection.execute(known, [text]).fetchall()[0][0]:
        raise AccountMeantError(f"{text} is an account without payments.", text)
    if len(text) < SHORTEST_PREFIX:
        return None
    found = _payments(
        connection,
        "SELECT payment_id FROM verdicts WHERE starts_with(payment_id, $1) UNION"
        " SELECT payment_id FROM payment_objects WHERE starts_with(object_id, $1) UNION"
        " SELECT payment_id FROM events WHERE starts_with(event_id, $1)"
        " AND payment_id IS NOT NULL",
        text,
    )
    if len(found) > 1:
        raise CaseError(f"{text} begins an id of {_listed(found)}; give more of it.")
    return found[0] if found else None


def _payments(connection: duckdb.DuckDBPyConnection, query: str, text: str) -> list[str]:
    rows = connection.execute(f"SELECT DISTINCT payment_id FROM ({query}) ORDER BY 1", [text])
    return [str(row[0]) for row in rows.fetchall()]


def _listed(payments: Sequence[str]) -> str:
    more = len(payments) - _SHOWN
    rest = f" and {more:,} more" if more > 0 else ""
    noun = "payment" if len(payments) == 1 else "payments"
    return f"{len(payments):,} {noun}: {', '.join(payments[:_SHOWN])}{rest}"
