"""Finds the payment that an id of Stripe's tells of: any of its objects' ids stands for it."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from credit_forensics.errors import CaseError


def payments_of(connection: duckdb.DuckDBPyConnection, ids: Sequence[str]) -> dict[str, str]:
    """The payment of each id that names one by an invoice, intent, charge, refund or dispute.

    Parameters
    ----------
    connection
        where the table ``payment_objects`` lies.
    ids
        any ids; a payment's own id is not in the result, nor is one that nothing is known of.

    Examples
    --------
    >>> connection = duckdb.connect()
    >>> _ = connection.execute(
    ...     "CREATE TABLE payment_objects AS SELECT 'in_1' AS payment_id, 'ch_1' AS object_id")
    >>> payments_of(connection, ["ch_1", "in_1", "pi_9"])
    {'ch_1': 'in_1'}
    """
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return {}
    marks = ", ".join(["?"] * len(wanted))
    found = connection.execute(
        "SELECT object_id, min(payment_id) FROM payment_objects"
        f" WHERE object_id IN ({marks}) GROUP BY 1 ORDER BY 1",
        wanted,
    ).fetchall()
    return {str(alias): str(payment) for alias, payment in found}


SHORTEST_PREFIX = 6
_SHOWN = 3


def payment_meant(connection: duckdb.DuckDBPyConnection, text: str) -> str | None:
    """The one payment that has an id which begins with a text of at least six characters.

    Parameters
    ----------
    connection
        where the tables ``payment_objects`` and ``verdicts`` lie.
    text
        the beginning of an id, or the id of an account.

    Raises
    ------
    CaseError
        when several payments have such an id, or the text is an account's id: they are named.

    Examples
    --------
    >>> connection = duckdb.connect()
    >>> _ = connection.execute(
    ...     "CREATE TABLE payment_objects AS"
    ...     " SELECT 'in_1abc' AS payment_id, 'ch_1xyz' AS object_id")
    >>> _ = connection.execute("CREATE TABLE verdicts AS SELECT 'in_1abc' AS payment_id, "
    ...     "'u1' AS credited_user_id, NULL::TEXT AS rightful_user_id")
    >>> payment_meant(connection, "ch_1xy"), payment_meant(connection, "ch_9"), SHORTEST_PREFIX
    ('in_1abc', None, 6)
    """
    of_account = _payments(
        connection,
        "SELECT payment_id FROM verdicts WHERE credited_user_id = $1 OR rightful_user_id = $1",
        text,
    )
    if of_account:
        raise CaseError(f"{text} is an account, with {_listed(of_account)}; explain one of them.")
    if len(text) < SHORTEST_PREFIX:
        return None
    found = _payments(
        connection,
        "SELECT payment_id FROM verdicts WHERE starts_with(payment_id, $1) UNION"
        " SELECT payment_id FROM payment_objects WHERE starts_with(object_id, $1)",
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
