"""Lets members stand for the organisations that own the credits."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

SLACK_DAYS = 1
"""A purchase may open an account, and clocks differ: so long before and after a membership."""
_SLACK = f"INTERVAL {SLACK_DAYS} DAY"
# A member of one account stands for it; one of several names none of them.
_MEMBERS = """SELECT lower(user_id) AS folded_id, min(account_id) AS account_id,
    count(DISTINCT account_id) AS accounts FROM memberships GROUP BY 1"""

# Without a date: who paid into one organisation twice or more, and only then into today's, moved.
_SWITCHED = """
UPDATE memberships SET since = w.first_here FROM (
    SELECT s.folded_id, min(s.created_at) FILTER (l.user_id = m.account_id) AS first_here
    FROM (SELECT DISTINCT payment_id, folded_id, created_at FROM said_members) s
    JOIN (SELECT lower(user_id) AS folded_id, min(account_id) AS account_id FROM memberships
        GROUP BY 1 HAVING count(DISTINCT account_id) = 1 AND count(since) = 0) m USING (folded_id)
    JOIN ledger l USING (payment_id)
    WHERE l.kind = 'purchase' AND l.delta > 0
    GROUP BY 1
    HAVING count(*) FILTER (l.user_id <> m.account_id) >= 2
        AND count(DISTINCT l.user_id) FILTER (l.user_id <> m.account_id) = 1
        AND max(s.created_at) FILTER (l.user_id <> m.account_id) < first_here
        AND bool_and(l.user_id IN (SELECT account_id FROM memberships))
) w WHERE lower(memberships.user_id) = w.folded_id
"""


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


def members_by_time(connection: duckdb.DuckDBPyConnection) -> None:
    """Let a member stand for the account that the member belonged to when the payment was made.

    Who belonged to none then, or to several, names none: a table that holds only where people are
    now does not tell where they were. Where more of the credits of such earlier payments stand
    with the account of today than elsewhere, ``since`` is when the table was filled, and is taken
    out of ``memberships``. Where nobody says since when, who paid into one organisation and only
    then into today's is taken to have moved.

    Parameters
    ----------
    connection
        with ``memberships``, and ``payments`` and ``metadata`` prepared, and the ledger tied.

    Examples
    --------
    >>> from credit_forensics.evidence.evidence import Evidence
    >>> members_by_time(Evidence().connection)
    """
    run = connection.execute
    [(members,)] = run("SELECT count(*) FROM memberships").fetchall()
    if not members:
        return
    run(
        """CREATE OR REPLACE TEMP TABLE said_members AS
        SELECT payment_id, value, lower(trim(value)) AS folded_id, created_at
        FROM (SELECT payment_id, value FROM metadata WHERE detail = 'member'
            UNION SELECT payment_id, client_reference_id FROM payments
            WHERE reference_detail = 'member') JOIN payments USING (payment_id)"""
    )
    [(as_now, elsewhere)] = run(
        f"""SELECT count(*) FILTER (l.user_id = m.account_id),
            count(*) FILTER (l.user_id <> m.account_id)
        FROM (SELECT DISTINCT payment_id, folded_id, created_at FROM said_members) s
        JOIN (SELECT lower(user_id) AS folded_id, min(account_id) AS account_id,
                min(since) AS since
            FROM memberships GROUP BY 1 HAVING count(DISTINCT account_id) = 1) m
            ON m.folded_id = s.folded_id AND s.created_at < m.since - {_SLACK}
        JOIN ledger l USING (payment_id) WHERE l.kind = 'purchase' AND l.delta > 0"""
    ).fetchall()
    if as_now > elsewhere:
        run("UPDATE memberships SET since = NULL")
    run(_SWITCHED)
    run(
        f"""CREATE OR REPLACE TEMP TABLE members_then AS
        SELECT payment_id, value, count(DISTINCT account_id) FILTER (in_force) AS accounts,
            min(account_id) FILTER (in_force) AS account_id
        FROM (SELECT s.payment_id, s.value, m.account_id,
                coalesce(s.created_at >= m.since - {_SLACK}, true)
                AND coalesce(s.created_at <= m.until + {_SLACK}, true) AS in_force
            FROM said_members s JOIN memberships m ON lower(m.user_id) = s.folded_id)
        GROUP BY ALL"""
    )
    run(
        """UPDATE metadata SET valid = t.accounts = 1,
            user_id = CASE WHEN t.accounts = 1 THEN t.account_id ELSE metadata.value END
        FROM members_then t WHERE metadata.detail = 'member'
            AND t.payment_id = metadata.payment_id AND t.value = metadata.value"""
    )
    run(
        """UPDATE payments SET reference_valid = t.accounts = 1,
            reference_user_id = CASE WHEN t.accounts = 1 THEN t.account_id
                ELSE client_reference_id END
        FROM members_then t WHERE reference_detail = 'member'
            AND t.payment_id = payments.payment_id AND t.value = client_reference_id"""
    )
    for name in ("said_members", "members_then"):
        run(f"DROP TABLE {name}")
