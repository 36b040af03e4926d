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
from credit_forensics.evidence.stored.bring_accounts import bring_accounts
from credit_forensics.evidence.stored.custody import add_databases
from credit_forensics.evidence.stored.near_payments import add_histories, add_moved
from credit_forensics.evidence.stored.refresh_ledgers import CUSTODY, UNTIL
from credit_forensics.evidence.stored.rows import StoredRows
from credit_forensics.evidence.stored.same_payments import complete
from credit_forensics.evidence.stored.same_practice import add_same_practice
from credit_forensics.evidence.stored.same_worth import add_same_worth
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
    complete(run, "core")
    by_time = pairs_by_time(stored)
    untied = by_time or has_left_over(stored)
    if untied:
        (add_neighbours if by_time else add_left_over)(run)
        complete(run, "core")
    run("CREATE OR REPLACE TEMP TABLE around AS SELECT h FROM core")
    if by_time:
        run("INSERT INTO around SELECT h FROM neighbours WHERE h NOT IN (SELECT h FROM around)")
    add_histories(run)
    add_moved(run)
    add_takers(run)
    add_same_practice(run)
    complete(run, "around")
    evidence = _read_around(stored, case_file, by_time=by_time, untied=untied)
    if add_same_worth(stored.connection):
        evidence = _read_around(stored, case_file, by_time=by_time, untied=untied)
    return evidence


def _read_around(
    stored: StoredRows, case_file: CaseFile, *, by_time: bool, untied: bool
) -> Evidence:
    """What ``around``, ``takers`` and ``moved`` name, loaded and prepared."""
    evidence = stored.clear()
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
    bring_accounts(stored)
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
    _cover(stored.connection.execute)
    return evidence


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
