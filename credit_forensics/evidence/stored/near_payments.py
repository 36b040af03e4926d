"""Payments that bear on the touched ones: their histories, and what moved accounts speak of."""

from __future__ import annotations

from collections.abc import Callable

# A shared test card would bring the whole history along.
MOST_OF_A_HISTORY = 200


def add_histories(run: Callable[..., object]) -> None:
    """Add to ``around`` the payments of the customers and cards in ``core``, the latest of each.

    Parameters
    ----------
    run
        executes SQL where the stored rows are ``stored``, with the tables ``core`` and ``around``.
    """
    run(
        """CREATE OR REPLACE TEMP TABLE near_customers AS SELECT DISTINCT h FROM (
            SELECT hash_customer_id AS h FROM stored.stripe_sessions
            WHERE hash_session_id IN (SELECT h FROM core)
            UNION ALL SELECT hash_customer_id FROM stored.stripe_invoices
            WHERE hash_invoice_id IN (SELECT h FROM core)
            UNION ALL SELECT hash_customer_id FROM stored.stripe_intents
            WHERE hash_payment_intent_id IN (SELECT h FROM core)
            UNION ALL SELECT hash_customer_id FROM stored.stripe_charges
            WHERE hash_charge_id IN (SELECT h FROM core)) WHERE h IS NOT NULL"""
    )
    cards = "SELECT hash_card_fingerprint FROM stored.stripe_charges WHERE hash_charge_id IN"
    latest = f"ORDER BY created_at DESC NULLS LAST) <= {MOST_OF_A_HISTORY}"
    run(
        f"""CREATE OR REPLACE TEMP TABLE more AS
        SELECT hash_session_id AS h FROM (
            SELECT hash_session_id, hash_customer_id, max(created_at) AS created_at
            FROM stored.stripe_sessions
            WHERE hash_customer_id IN (SELECT h FROM near_customers) GROUP BY ALL)
        QUALIFY row_number() OVER (PARTITION BY hash_customer_id {latest}
        UNION
        SELECT object_hash FROM (
            SELECT DISTINCT hash_invoice_id AS object_hash, hash_customer_id, created_at
            FROM stored.stripe_invoices
            WHERE hash_customer_id IN (SELECT h FROM near_customers)
            UNION
            SELECT coalesce(hash_payment_intent_id, hash_charge_id), hash_customer_id, created_at
            FROM stored.stripe_charges
            WHERE hash_customer_id IN (SELECT h FROM near_customers)
            UNION
            SELECT hash_payment_intent_id, hash_customer_id, created_at
            FROM stored.stripe_intents
            WHERE hash_customer_id IN (SELECT h FROM near_customers))
        WHERE object_hash IS NOT NULL
        QUALIFY row_number() OVER (PARTITION BY hash_customer_id {latest}
        UNION
        SELECT hash_charge_id AS h FROM (
            SELECT hash_charge_id, hash_card_fingerprint, max(created_at) AS created_at
            FROM stored.stripe_charges
            WHERE hash_card_fingerprint IN ({cards} (SELECT h FROM core)) GROUP BY ALL)
        QUALIFY row_number() OVER (PARTITION BY hash_card_fingerprint {latest}"""
    )
    run("INSERT INTO around SELECT h FROM more WHERE h NOT IN (SELECT h FROM around)")


def add_moved(run: Callable[..., object]) -> None:
    """Add to ``around`` what the entries of accounts in ``moved`` speak of.

    Without them such an entry would look like an orphan. ``run`` as for ``add_histories``.
    """
    run(
        """CREATE OR REPLACE TEMP TABLE more AS SELECT DISTINCT h FROM (
            SELECT unnest([hash_event_id, hash_payment_id]) AS h FROM stored.ledger
            WHERE hash_user_id IN (SELECT h FROM moved)) WHERE h IS NOT NULL"""
    )
    run("INSERT INTO around SELECT h FROM more WHERE h NOT IN (SELECT h FROM around)")
