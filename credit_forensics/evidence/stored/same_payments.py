"""The other ids of the same payments: from events and refunds to charges to sessions."""

from __future__ import annotations

from collections.abc import Callable


def complete(run: Callable[..., object], table: str) -> None:
    """Add the other ids of the payments that a table holds one of.

    Parameters
    ----------
    run
        executes SQL where the stored rows are ``stored``.
    table
        of hashes of ids, in the column ``h``.
    """
    wanted = f"SELECT h FROM {table}"
    # Where entries name the subscription alone, all of its payments are looked at together. Asked
    # for twice: what intents lead to, and what sessions do, may name one.
    by_subscription = [
        *(
            f"SELECT hash_subscription_id FROM stored.stripe_{name}s WHERE hash_{name}_id IN "
            f"({wanted}) AND hash_subscription_id IN (SELECT hash_payment_id FROM stored.ledger)"
            for name in ("invoice", "session")
        ),
        *(
            f"SELECT hash_{name}_id FROM stored.stripe_{name}s "
            f"WHERE hash_subscription_id IN ({wanted})"
            for name in ("invoice", "session")
        ),
    ]
    steps = [
        f"SELECT unnest([hash_object_id, hash_payment_intent_id]) FROM stored.stripe_events "
        f"WHERE hash_event_id IN ({wanted})",
        *(
            f"SELECT unnest([hash_charge_id, hash_payment_intent_id]) FROM stored.stripe_{name}s "
            f"WHERE hash_{name}_id IN ({wanted})"
            for name in ("refund", "dispute")
        ),
        f"SELECT unnest([hash_charge_id, hash_payment_intent_id, hash_invoice_id]) "
        f"FROM stored.stripe_charges WHERE hash_charge_id IN ({wanted})",
        f"SELECT hash_invoice_id FROM stored.stripe_intents "
        f"WHERE hash_payment_intent_id IN ({wanted})",
        *by_subscription,
        *(
            f"SELECT unnest([hash_invoice_payment_id, hash_invoice_id, hash_payment_intent_id, "
            f"hash_charge_id]) FROM stored.stripe_invoice_payments WHERE hash_{key} IN ({wanted})"
            for key in ("invoice_payment_id", "invoice_id", "payment_intent_id", "charge_id")
        ),
        *(
            f"SELECT unnest([hash_invoice_id, hash_payment_intent_id, hash_charge_id]) "
            f"FROM stored.stripe_invoices WHERE hash_{key} IN ({wanted})"
            for key in ("invoice_id", "payment_intent_id", "charge_id")
        ),
        *(
            f"SELECT unnest([hash_session_id, hash_payment_intent_id, hash_invoice_id]) "
            f"FROM stored.stripe_sessions WHERE hash_{key} IN ({wanted})"
            for key in ("session_id", "payment_intent_id", "invoice_id")
        ),
        *by_subscription,
        # A session that names no invoice began the subscription of its first one.
        f"SELECT unnest([s.hash_session_id, i.hash_invoice_id]) FROM stored.stripe_sessions AS s "
        f"JOIN stored.stripe_invoices AS i ON s.hash_subscription_id = i.hash_subscription_id "
        f"WHERE i.billing_reason = 'subscription_create' "
        f"AND (s.hash_session_id IN ({wanted}) OR i.hash_invoice_id IN ({wanted}))",
        *(
            f"SELECT {found} FROM stored.stripe_{name} WHERE hash_invoice_id IN ({wanted})"
            for found, name in (
                ("unnest([hash_charge_id, hash_payment_intent_id])", "charges"),
                ("hash_payment_intent_id", "intents"),
            )
        ),
        f"SELECT hash_charge_id FROM stored.stripe_charges "
        f"WHERE hash_payment_intent_id IN ({wanted})",
    ]
    for step in steps:
        # Collected first: a look-up reads the table that it adds to.
        run(f"CREATE OR REPLACE TEMP TABLE more AS SELECT DISTINCT h FROM ({step}) AS s(h)")
        run(f"INSERT INTO {table} SELECT h FROM more WHERE h IS NOT NULL AND h NOT IN ({wanted})")
