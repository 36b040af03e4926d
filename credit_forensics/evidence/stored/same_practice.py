"""Brings payments that show what the shop does with others like the touched ones.

Whether two entries for one payment are its parts, and whether a refund keeps a fee or costs one, is
told by what most others of the same price were granted, and by what other refunds took. Without
them a tick would call a practice a fault that a whole analysis does not.
"""

from __future__ import annotations

from collections.abc import Callable

MOST_OF_A_PRICE, MOST_REFUNDS = 60, 60
"""The latest payments of each price, and the latest refunds of a part, that come along."""


def add_same_practice(run: Callable[..., object]) -> None:
    """Add such payments to ``around``: of the prices of those in ``core`` that were granted twice.

    And where money of one in ``core`` went back, in part or whole, payments of which money did so
    too. Of each the latest, so that a tick does not grow with the history.

    Parameters
    ----------
    run
        executes SQL where the stored rows are ``stored``, with the tables ``core`` and ``around``.
    """
    # By whatever the entries name: a session, its intent or invoice, or an event of these.
    run(
        """CREATE OR REPLACE TEMP TABLE granted_twice AS
        WITH entries AS (
            SELECT coalesce(l.hash_payment_id, e.hash_object_id) AS h FROM stored.ledger AS l
            LEFT JOIN (SELECT hash_event_id, min(hash_object_id) AS hash_object_id
                FROM stored.stripe_events WHERE hash_event_id IN (SELECT h FROM core) GROUP BY 1
            ) AS e USING (hash_event_id)
            WHERE l.delta > 0 AND (l.hash_payment_id IN (SELECT h FROM core)
                OR l.hash_event_id IN (SELECT h FROM core))
        ) SELECT h FROM entries WHERE h IS NOT NULL GROUP BY h HAVING count(*) >= 2"""
    )
    for name, amount, keys in (
        ("session", "amount_total", ("session_id", "payment_intent_id", "invoice_id")),
        ("invoice", "amount_paid", ("invoice_id", "payment_intent_id", "charge_id")),
        ("intent", "amount", ("payment_intent_id",)),
    ):
        twice = " OR ".join(f"hash_{key} IN (SELECT h FROM granted_twice)" for key in keys)
        add_more(
            run,
            f"""SELECT hash_{keys[0]} FROM (
                SELECT hash_{keys[0]}, {amount} AS amount, currency, max(created_at) AS created_at
                FROM stored.stripe_{name}s WHERE ({amount}, currency) IN (
                    SELECT ({amount}, currency) FROM stored.stripe_{name}s WHERE {twice})
                GROUP BY ALL)
            QUALIFY row_number() OVER (PARTITION BY amount, currency
                ORDER BY created_at DESC NULLS LAST) <= {MOST_OF_A_PRICE}""",
        )
    for lost in (
        "amount_refunded > 0 AND amount_refunded < amount",
        "(disputed OR amount_refunded >= amount) AND amount > 0",
    ):
        add_more(
            run,
            f"""SELECT hash_charge_id FROM (
                SELECT hash_charge_id, max(created_at) AS created_at FROM stored.stripe_charges
                WHERE {lost} AND EXISTS (SELECT 1 FROM stored.stripe_charges
                    WHERE {lost} AND hash_charge_id IN (SELECT h FROM core)) GROUP BY 1)
            ORDER BY created_at DESC NULLS LAST LIMIT {MOST_REFUNDS}""",
        )


def add_more(run: Callable[..., object], query: str) -> None:
    """Add the hashes that a query gives to ``around``."""
    run(f"CREATE OR REPLACE TEMP TABLE more AS SELECT h FROM ({query}) AS s(h)")
    run(
        "INSERT INTO around SELECT DISTINCT h FROM more "
        "WHERE h IS NOT NULL AND h NOT IN (SELECT h FROM around)"
    )
