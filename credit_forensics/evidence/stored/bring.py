"""Brings stored rows back as evidence: all of it, or what was touched and what bears on it.

What bears on a payment: all objects, events, deliveries and entries of its own; other payments of
its customer and of its card (the latest of them), whose history votes; the accounts that any of
these name, by id, e-mail or name; and all entries of accounts that moved, for their balances.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Sequence

from credit_forensics.case_file import CaseFile
from credit_forensics.evidence.complete import (
    BOOKED_BY,
    GRANTS,
    REFERENCES,
    TIERS,
    UNITS,
    finish,
    link_ids,
    link_payments,
    link_persons,
    note_rules,
)
from credit_forensics.evidence.custody import Custody
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.fold_and_match import prepare
from credit_forensics.evidence.folding_sql import email_key, typed_name_key
from credit_forensics.evidence.ledgers.load import cover_ledger
from credit_forensics.evidence.ledgers.match_returns import match_returns
from credit_forensics.evidence.ledgers.pair_by_time import pair_by_time
from credit_forensics.evidence.ledgers.pair_left_over import pair_left_over
from credit_forensics.evidence.ledgers.settle_entries import settle_entries
from credit_forensics.evidence.ledgers.summed_days import split_summed_days
from credit_forensics.evidence.ledgers.worth_by_tier import leave_tiers_open
from credit_forensics.evidence.logs.as_the_log_states import take_what_the_log_states
from credit_forensics.evidence.logs.shipped_twice import count_shipped_once
from credit_forensics.evidence.stored import tables as stored_tables
from credit_forensics.evidence.stored.custody import add_databases
from credit_forensics.evidence.stored.refresh_ledgers import CUSTODY, UNTIL
from credit_forensics.evidence.stored.rows import StoredRows
from credit_forensics.evidence.stored.same_practice import add_same_practice
from credit_forensics.evidence.stored.tables import hash_of
from credit_forensics.evidence.stored.untied_entries import (
    add_left_over,
    add_neighbours,
    add_takers,
    bring_moves,
    bring_untied,
    has_left_over,
    pairs_by_time,
)
from credit_forensics.evidence.stripe.for_credits import settle_for_credits
from credit_forensics.evidence.stripe.payments import assemble_payments
from credit_forensics.evidence.stripe_api.pulled_files import note_gaps, payments_until

# What was settled on all payments (``complete.link_payments``), for a reading of a part.
SETTLED = "settled"
# A shared test card would bring the whole history along.
MOST_OF_A_HISTORY = 200


def bring_custody(stored: StoredRows, case_file: CaseFile) -> Custody:
    """The custody of all stored rows, as ``load_evidence`` has it before it reads aliases."""
    custody = stored.custody.restore(stored.order)
    note_gaps(case_file, custody)
    add_databases(custody, stored.get(CUSTODY) or "")
    return custody


def bring_whole(stored: StoredRows, case_file: CaseFile) -> Evidence:
    """All stored rows as evidence, as ``load_evidence`` would have loaded it; just refreshed."""
    evidence = stored.clear()
    stored_tables.bring_all(stored.connection)
    evidence.custody = bring_custody(stored, case_file)
    evidence.connection.execute(
        """INSERT INTO spans BY NAME
        SELECT 'deliveries' AS source, min(first_at) AS first_at, max(last_at) AS last_at,
            sum(row_count)::BIGINT AS row_count
        FROM stored.spans HAVING count(*) > 0"""
    )
    if case_file.ledger_databases:
        until = stored.get(UNTIL)
        evidence.ledger_until = dt.datetime.fromisoformat(until) if until else None
        cover_ledger(evidence)
    stored.put(SETTLED, json.dumps(link_payments(evidence, case_file)))
    link_ids(evidence, case_file)
    return evidence


def bring_part(stored: StoredRows, case_file: CaseFile, standing: Sequence[str]) -> Evidence:
    """The touched payments and what bears on them, loaded and prepared.

    Leaves the hashes of the ids of the touched payments in the temporary table ``core``, and
    those of accounts that moved in ``moved``.

    Parameters
    ----------
    standing
        ids of payments, events or users that are to be looked at again although nothing is new.
    """
    run = stored.connection.execute
    evidence = stored.clear()
    run(
        """CREATE OR REPLACE TEMP TABLE core AS
        SELECT h FROM stored.touched WHERE NOT is_user
        UNION SELECT h FROM stored.pending
        UNION SELECT hash(u) FROM (SELECT unnest(?::VARCHAR[]) AS u)""",
        [list(standing)],
    )
    run(
        """CREATE OR REPLACE TEMP TABLE moved AS
        SELECT h FROM stored.touched WHERE is_user
        UNION SELECT hash(lower(u)) FROM (SELECT unnest(?::VARCHAR[]) AS u)""",
        [list(standing)],
    )
    _complete(run, "core")
    by_time = pairs_by_time(stored)
    untied = by_time or has_left_over(stored)
    if untied:
        (add_neighbours if by_time else add_left_over)(run)
        _complete(run, "core")
    run("CREATE OR REPLACE TEMP TABLE around AS SELECT h FROM core")
    if by_time:
        run("INSERT INTO around SELECT h FROM neighbours WHERE h NOT IN (SELECT h FROM around)")
    _add_histories(run)
    _add_moved(run)
    add_takers(run)
    add_same_practice(run)
    _complete(run, "around")
    _bring_objects(stored)
    if untied:
        bring_untied(stored)
    count_shipped_once(evidence, whole="stored.deliveries")
    take_what_the_log_states(evidence, case_file)
    known = json.loads(stored.get(SETTLED) or "{}")
    units = [tuple(unit) for unit in json.loads(known.get(UNITS, "[]"))]
    assemble_payments(evidence, case_file.prices, units)
    bring_moves(stored)
    # Who got what was moved is told by e-mail too.
    _bring_accounts(stored)
    settle_entries(evidence)
    if by_time:
        split_summed_days(evidence)
        pair_by_time(evidence, [k.removeprefix(GRANTS) for k in known if k.startswith(GRANTS)])
    pair_left_over(evidence)
    match_returns(evidence)
    leave_tiers_open(evidence, json.loads(known.get(TIERS, "[]")))
    settle_for_credits(evidence, known=known)
    link_persons(evidence, case_file)
    note_rules(evidence, case_file)
    prepare(
        evidence,
        case_file.ids.shape,
        case_file.ids.user_keys,
        order_numbers=REFERENCES in known,
        booked_keys=[k.removeprefix(BOOKED_BY) for k in known if k.startswith(BOOKED_BY)],
    )
    finish(evidence, payments_until(case_file))
    _cover(run)
    return evidence


def _complete(run: Callable[..., object], table: str) -> None:
    """Add the other ids of the same payments: from events and refunds to charges to sessions."""
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


def _add_histories(run: Callable[..., object]) -> None:
    """Payments of the same customers and cards, the latest of each."""
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


def _add_moved(run: Callable[..., object]) -> None:
    """Payments that the entries of moved accounts speak of, so that none looks like an orphan."""
    run(
        """CREATE OR REPLACE TEMP TABLE more AS SELECT DISTINCT h FROM (
            SELECT unnest([hash_event_id, hash_payment_id]) AS h FROM stored.ledger
            WHERE hash_user_id IN (SELECT h FROM moved)) WHERE h IS NOT NULL"""
    )
    run("INSERT INTO around SELECT h FROM more WHERE h NOT IN (SELECT h FROM around)")


def _bring_objects(stored: StoredRows) -> None:
    connection = stored.connection
    around = "SELECT h FROM around"

    def bring(name: str, *found_by: tuple[str, str]) -> None:
        stored_tables.bring(connection, name, found_by)

    bring("stripe_sessions", ("session_id", around))
    bring("stripe_intents", ("payment_intent_id", around))
    bring("stripe_charges", ("charge_id", around), ("payment_intent_id", around))
    for name in ("stripe_refunds", "stripe_disputes"):
        bring(name, ("charge_id", around), ("payment_intent_id", around))
    bring("stripe_events", ("event_id", around), ("object_id", around))
    bring("stripe_invoices", ("invoice_id", around))
    bring("stripe_invoice_payments", ("invoice_id", around))
    begun = (
        "SELECT hash(subscription_id) FROM main.stripe_invoices WHERE subscription_id IS NOT NULL "
        "UNION SELECT hash(subscription_id) FROM main.stripe_sessions "
        "WHERE subscription_id IS NOT NULL"
    )
    bring("stripe_subscriptions", ("subscription_id", begun))
    for name in ("stripe_prices", "stripe_products"):
        body = stored_tables.columns(name)
        connection.execute(f"INSERT INTO main.{name} BY NAME SELECT {body} FROM stored.{name}")
    customers = " UNION ".join(
        f"SELECT hash(customer_id) FROM main.stripe_{name} WHERE customer_id IS NOT NULL"
        for name in ("sessions", "invoices", "intents", "charges")
    )
    bring("stripe_customers", ("customer_id", customers))
    bring("customers", ("customer_id", customers))
    events = f"{around} UNION SELECT hash(event_id) FROM main.stripe_events"
    bring("deliveries", ("event_id", events), ("payment_id", around))
    bring("logged_sessions", ("session_id", around))
    told = f"{events} UNION SELECT hash(event_id) FROM main.deliveries WHERE event_id IS NOT NULL"
    moved = "SELECT h FROM moved"
    takers = f"{moved} UNION SELECT h FROM takers"
    bring("ledger", ("event_id", told), ("payment_id", around), ("user_id", takers))
    bring("balances", ("user_id", moved))


def _bring_accounts(stored: StoredRows) -> None:
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


def _cover(run: Callable[..., object]) -> None:
    """What the sources cover is told by all that is stored, not by the part."""
    run(
        """CREATE OR REPLACE TEMP TABLE covered AS
        SELECT source, min(first_at) AS first_at, max(last_at) AS last_at,
            coalesce(max(row_count), 0) AS row_count
        FROM (SELECT source, first_at, last_at, row_count FROM main.spans
              UNION ALL SELECT source, first_at, last_at, NULL FROM stored.coverage)
        GROUP BY source"""
    )
    run("DELETE FROM main.spans")
    run("INSERT INTO main.spans BY NAME SELECT * FROM covered")
