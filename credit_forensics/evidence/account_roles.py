"""Says which entry of an object's metadata is the account that it is for."""

from __future__ import annotations

from collections.abc import Sequence

from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.metadata_keys import quoted_keys


def name_recipients(evidence: Evidence, recipients: Sequence[str]) -> None:
    """Give a recipient's e-mail its account, and mark payments whose recipient is an account."""
    run = evidence.connection.execute
    run(
        f"""UPDATE metadata SET user_id = u.user_id, valid = true, detail = 'exact'
        FROM (SELECT email_key, min(user_id) AS user_id FROM users WHERE email_key IS NOT NULL
            GROUP BY 1 HAVING count(*) = 1) u
        WHERE metadata.key IN ({quoted_keys(recipients)}) AND u.email_key = metadata.email_key"""
        if recipients
        else "SELECT 1"
    )
    run(
        f"""UPDATE payments SET for_recipient = payment_id IN (
            SELECT payment_id FROM metadata JOIN users USING (user_id)
            WHERE key IN ({quoted_keys(recipients) or "NULL"}) AND source <> 'customer')"""
    )


def give_roles(
    evidence: Evidence, keys: Sequence[str], user_keys: Sequence[str], recipients: Sequence[str]
) -> None:
    """Take one key of an object for its ``user_id``, where no key of that name has an account.

    A key that the case file settles counts whatever its value; one that only its words name
    counts where the value is a known id, a recipient's before the others.
    """
    run = evidence.connection.execute
    run(
        f"""CREATE OR REPLACE TEMP TABLE roles AS
        SELECT m.payment_id, m.source, m.position, 'user_id' AS role
        FROM (SELECT *, coalesce(list_position(?::VARCHAR[], key), 0) AS settled,
                list_contains(?::VARCHAR[], key) AND user_id IN (SELECT user_id FROM users)
                    AS received
            FROM metadata WHERE key IN ({quoted_keys(keys)}) AND valid) m
        WHERE (m.settled > 0 OR m.detail IN ('exact', 'case', 'wildcard', 'wrapped', 'member'))
            AND (m.settled > 0 OR m.received OR NOT EXISTS (SELECT 1 FROM metadata n
                WHERE n.payment_id = m.payment_id AND n.source = m.source AND n.valid
                    AND n.key = 'user_id'
                    -- The account itself says more than one of its members.
                    AND (n.detail <> 'member' OR m.detail = 'member')
                    -- Where organisations own the credits, who signed in has no account.
                    AND (n.user_id IN (SELECT user_id FROM users)
                        OR m.user_id NOT IN (SELECT user_id FROM users))))
        QUALIFY row_number() OVER (PARTITION BY m.payment_id, m.source
            ORDER BY m.settled = 0, m.settled, NOT m.received, m.detail = 'member',
                m.position) = 1""",
        [list(user_keys), list(recipients)],
    )
    run(
        """CREATE OR REPLACE TABLE metadata AS
        SELECT m.* REPLACE (CASE WHEN r.role IS NOT NULL THEN r.role
            -- What stood under the name gives way to the key that is settled, or a recipient's.
            WHEN m.key = 'user_id' AND o.role IS NOT NULL THEN '' END AS role)
        FROM metadata m LEFT JOIN roles r USING (payment_id, source, position)
        LEFT JOIN roles o ON m.key = 'user_id' AND o.payment_id = m.payment_id
            AND o.source = m.source"""
    )
    run("DROP TABLE roles")
