"""Brings the accounts that payments, entries and deliveries name, by id, e-mail or name."""

from __future__ import annotations

from credit_forensics.evidence.folding_sql import email_key, typed_name_key
from credit_forensics.evidence.stored import tables as stored_tables
from credit_forensics.evidence.stored.rows import StoredRows
from credit_forensics.evidence.stored.tables import hash_of


def bring_accounts(stored: StoredRows) -> None:
    """Bring ``users`` and what links them, for the rows that ``bring_part`` brought.

    The tables ``payments``, ``metadata``, ``ledger``, ``customers`` and ``deliveries`` are read,
    and the temporary table ``moved``.
    """
    run = stored.connection.execute
    run(
        f"""CREATE OR REPLACE TEMP TABLE named AS SELECT DISTINCT h FROM (
            SELECT {hash_of("user_id")} AS h FROM main.ledger
            UNION ALL SELECT {hash_of("user_id")} FROM main.customers
            UNION ALL SELECT {hash_of("user_id", "resolved_user_id")} FROM main.deliveries
            UNION ALL SELECT {hash_of("user_id", "trim(client_reference_id)")} FROM main.payments
            UNION ALL SELECT {hash_of("user_id", "trim(value)")} FROM main.metadata
                WHERE length(value) <= 200
            -- The id that a reference may wrap.
            UNION ALL SELECT {hash_of("user_id", "part")} FROM (
                SELECT unnest(string_split_regex(url_decode(value), '[^A-Za-z0-9-]+')
                    || string_split_regex(url_decode(value), '[^A-Za-z0-9]+')) AS part
                FROM (SELECT client_reference_id AS value FROM main.payments
                    UNION ALL SELECT value FROM main.metadata)
                WHERE length(value) BETWEEN 4 AND 200)
            UNION ALL SELECT hash_user_id FROM stored.user_names WHERE hash_name IN (
                SELECT hash({typed_name_key("payer_name")}) FROM main.payments
                WHERE payer_name IS NOT NULL)
            UNION ALL SELECT h FROM moved) WHERE h IS NOT NULL"""
    )
    run(
        f"""CREATE OR REPLACE TEMP TABLE written AS SELECT DISTINCT h FROM (
            SELECT hash({email_key("payer_email")}) AS h FROM main.payments
                WHERE payer_email IS NOT NULL
            UNION ALL SELECT hash({email_key("value")}) FROM main.metadata
                WHERE contains(value, '@')
            UNION ALL SELECT hash_email_key FROM stored.users
                WHERE hash_user_id IN (SELECT h FROM named)
            UNION ALL SELECT hash_email_key FROM stored.sign_ins
                WHERE hash_user_id IN (SELECT h FROM named)) WHERE h IS NOT NULL"""
    )
    named, written = "SELECT h FROM named", "SELECT h FROM written"
    stored_tables.bring(
        stored.connection, "user_links", (("user_id", named), ("linked_user_id", named))
    )
    # All of them: whose e-mail or name was typed is told by each member's.
    stored_tables.bring(
        stored.connection,
        "memberships",
        (("user_id", "SELECT hash_user_id FROM stored.memberships"),),
    )
    stored_tables.bring(stored.connection, "sign_ins", (("user_id", named), ("email_key", written)))
    linked = " UNION ".join(
        [
            named,
            "SELECT hash(lower(user_id)) FROM main.user_links",
            "SELECT hash(lower(linked_user_id)) FROM main.user_links",
            "SELECT hash(lower(user_id)) FROM main.sign_ins",
            "SELECT hash(lower(user_id)) FROM main.memberships",
            "SELECT hash(lower(account_id)) FROM main.memberships",
        ]
    )
    stored_tables.bring(stored.connection, "users", (("user_id", linked), ("email_key", written)))
