"""Lets members stand for the organisations that own the credits."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

# A member of one account stands for it; one of several names none of them.
_MEMBERS = """SELECT lower(user_id) AS folded_id, min(account_id) AS account_id,
    count(DISTINCT account_id) AS accounts FROM memberships GROUP BY 1"""


def members_in_references(connection: duckdb.DuckDBPyConnection) -> None:
    """Give values that are no account's but a member's the account that the member stands for.

    Parameters
    ----------
    connection
        with ``memberships``, and the temporary table ``id_references``.
    """
    connection.execute(
        f"""UPDATE id_references SET detail = 'member', valid = m.accounts = 1,
            user_id = CASE WHEN m.accounts = 1 THEN m.account_id ELSE value END
        FROM ({_MEMBERS}) m WHERE detail = 'unknown' AND m.folded_id = lower(value)"""
    )


def members_by_key(connection: duckdb.DuckDBPyConnection, person_keys: Sequence[str]) -> None:
    """The same where persons and organisations have the same numbers.

    A key that speaks of a person names a member. A ``client_reference_id`` does where more of the
    credits stand with the members' organisations than with those of that number.

    Parameters
    ----------
    connection
        with ``memberships``, and ``payments`` and ``metadata`` prepared, and the ledger tied.
    person_keys
        metadata keys whose words speak of a person.

    Examples
    --------
    >>> from credit_forensics.evidence.evidence import Evidence
    >>> members_by_key(Evidence().connection, ["user_id"])
    """
    [(members,)] = connection.execute("SELECT count(*) FROM memberships").fetchall()
    if not members:
        return
    connection.execute(
        f"""UPDATE metadata SET detail = 'member', valid = m.accounts = 1,
            user_id = CASE WHEN m.accounts = 1 THEN m.account_id ELSE value END
        FROM ({_MEMBERS}) m
        WHERE list_contains(?::VARCHAR[], key) AND m.folded_id = lower(trim(value))""",
        [list(person_keys)],
    )
    [(as_person, as_account)] = connection.execute(
        f"""SELECT count(*) FILTER (m.accounts = 1 AND m.account_id = l.user_id),
            count(*) FILTER (lower(l.user_id) = m.folded_id)
        FROM payments p JOIN ({_MEMBERS}) m ON m.folded_id = lower(trim(client_reference_id))
        JOIN ledger l USING (payment_id) WHERE l.kind = 'purchase' AND l.delta > 0"""
    ).fetchall()
    if as_person > as_account:
        connection.execute(
            f"""UPDATE payments SET reference_detail = 'member', reference_valid = m.accounts = 1,
                reference_user_id = CASE WHEN m.accounts = 1 THEN m.account_id
                    ELSE client_reference_id END
            FROM ({_MEMBERS}) m WHERE m.folded_id = lower(trim(client_reference_id))"""
        )
