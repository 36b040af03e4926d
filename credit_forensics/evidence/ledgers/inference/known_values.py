"""What Stripe's side of the case knows, to recognise in a ledger's columns: accounts, credits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from credit_forensics.case_file import Price
from credit_forensics.evidence.evidence import Evidence

# One row a key and value of metadata, with the session it stands for.
_METADATA = """SELECT session_id AS owner, unnest(map_entries(metadata)) AS entry
    FROM {sessions} WHERE metadata IS NOT NULL
    UNION ALL SELECT payment_intent_id, unnest(map_entries(metadata))
    FROM {intents} WHERE metadata IS NOT NULL"""
# "sub" is the account of whoever signed in, as sign-in services write it.
_ACCOUNT_KEY = (
    "(^|[^a-z])(user|account|org|organi[sz]ation|team|workspace|tenant|owner|member|customer|uid)"
    "|^sub$"
)
# What several sessions share by nature names none of them, though it may be in one alone so far.
_NO_REFERENCE = "credit|amount|price|quantity|total|count|mail|name|date|time|phone|plan|product"
_CREDIT_KEY = "credit|token|point|coin|quantity"
MOST = 20_000


@dataclass(frozen=True)
class KnownValues:
    """Ids that sessions give to accounts, credits that were sold, and values that name one session.

    ``references`` are values that one payment alone carries (an order number, say). ``paid`` leads
    from each object that stands for paid money to the payment; ``returned`` are those of them of
    which money went back, ``returned_whole`` those of which all of it did. ``tests`` are sessions,
    intents, invoices and charges of test mode.
    """

    accounts: frozenset[str] = frozenset()
    credits: frozenset[Decimal] = frozenset()
    references: frozenset[str] = frozenset()
    paid: Mapping[str, str] = field(default_factory=dict)
    returned: frozenset[str] = frozenset()
    returned_whole: frozenset[str] = frozenset()
    tests: frozenset[str] = frozenset()


def known_values(evidence: Evidence, prices: Mapping[str, int | Price]) -> KnownValues:
    """Collect them from the Stripe objects that were loaded, ``MOST`` of each at most.

    Examples
    --------
    >>> known_values(Evidence(), {"price_1": 50}).credits
    frozenset({Decimal('50')})
    """
    run = evidence.connection.execute
    create_reference_keys(evidence)
    sessions, metadata = _sources(evidence)
    accounts = run(
        f"""SELECT DISTINCT value FROM (
            SELECT client_reference_id AS value FROM {sessions}
            UNION ALL SELECT entry.value FROM ({metadata})
            WHERE regexp_matches(lower(entry.key), '{_ACCOUNT_KEY}')
        ) WHERE value <> '' AND NOT starts_with(value, 'sub_') ORDER BY 1 LIMIT {MOST}"""
    ).fetchall()
    sold = run(
        f"""SELECT DISTINCT entry.value FROM ({metadata})
        WHERE regexp_matches(lower(entry.key), '{_CREDIT_KEY}')
            AND regexp_full_match(entry.value, '[0-9]{{1,12}}') ORDER BY 1 LIMIT {MOST}"""
    ).fetchall()
    references = run(f"SELECT value FROM _reference_keys ORDER BY 1 LIMIT {MOST}").fetchall()
    listed = {price if isinstance(price, int) else price.credits for price in prices.values()}
    credits = {Decimal(value) for value in listed} | {Decimal(v) for (v,) in sold}
    return KnownValues(
        frozenset(value for (value,) in accounts),
        frozenset(credit for credit in credits if credit > 0),
        frozenset(value for (value,) in references),
        *_paid(evidence),
        _tests(evidence),
    )


def _paid(evidence: Evidence) -> tuple[dict[str, str], frozenset[str], frozenset[str]]:
    """The payment that each object of paid money stands for, those with money sent back, and those
    with all of it sent back.
    """
    p = _prefix(evidence)
    paid = evidence.connection.execute(
        f"""WITH by_invoice AS (
            SELECT invoice_id, min(payment_intent_id) AS intent FROM (
                SELECT invoice_id, payment_intent_id FROM {p}stripe_invoices
                UNION ALL SELECT invoice_id, payment_intent_id FROM {p}stripe_invoice_payments
                UNION ALL SELECT invoice_id, payment_intent_id FROM {p}stripe_intents
                UNION ALL SELECT invoice_id, payment_intent_id FROM {p}stripe_charges)
            WHERE invoice_id IS NOT NULL GROUP BY invoice_id)
        SELECT session_id, coalesce(s.payment_intent_id, b.intent, s.invoice_id, session_id)
        FROM {p}stripe_sessions AS s LEFT JOIN by_invoice AS b USING (invoice_id)
        WHERE payment_status = 'paid'
        UNION SELECT i.invoice_id, coalesce(b.intent, i.invoice_id)
        FROM {p}stripe_invoices AS i JOIN by_invoice AS b USING (invoice_id)
        WHERE status = 'paid' AND amount_paid > 0
        UNION SELECT payment_intent_id, payment_intent_id
        FROM {p}stripe_intents WHERE status = 'succeeded'
        UNION SELECT charge_id, coalesce(payment_intent_id, charge_id)
        FROM {p}stripe_charges WHERE paid
        -- An export without intents names them all the same, and entries may name nothing else.
        UNION SELECT payment_intent_id, payment_intent_id FROM {p}stripe_sessions
        WHERE payment_status = 'paid'
        UNION SELECT payment_intent_id, payment_intent_id FROM {p}stripe_charges WHERE paid
        ORDER BY ALL LIMIT {4 * MOST}"""
    ).fetchall()
    returned = evidence.connection.execute(
        f"""SELECT coalesce(payment_intent_id, charge_id) FROM {p}stripe_charges
        WHERE amount_refunded > 0 OR disputed
        UNION SELECT coalesce(payment_intent_id, charge_id) FROM {p}stripe_refunds
        UNION SELECT coalesce(payment_intent_id, charge_id) FROM {p}stripe_disputes"""
    ).fetchall()
    whole = evidence.connection.execute(
        f"""SELECT coalesce(payment_intent_id, charge_id) FROM {p}stripe_charges
        WHERE amount > 0 AND amount_refunded >= amount
        UNION SELECT coalesce(payment_intent_id, charge_id) FROM {p}stripe_disputes
        WHERE status = 'lost'
        UNION SELECT payment_intent_id FROM (
            SELECT payment_intent_id, sum(amount) AS refunded FROM (
                SELECT DISTINCT refund_id, payment_intent_id, amount FROM {p}stripe_refunds
                WHERE status IS NULL OR status = 'succeeded') GROUP BY payment_intent_id)
        JOIN {p}stripe_sessions USING (payment_intent_id)
        WHERE amount_total > 0 AND refunded >= amount_total"""
    ).fetchall()
    return (
        {one: payment for one, payment in paid if one},
        frozenset(one for (one,) in returned),
        frozenset(one for (one,) in whole),
    )


def _tests(evidence: Evidence) -> frozenset[str]:
    p = _prefix(evidence)
    found = evidence.connection.execute(
        f"""SELECT session_id FROM {p}stripe_sessions
        WHERE livemode = false OR starts_with(session_id, 'cs_test_')
        UNION SELECT payment_intent_id FROM {p}stripe_sessions
        WHERE livemode = false OR starts_with(session_id, 'cs_test_')
        UNION SELECT payment_intent_id FROM {p}stripe_intents WHERE livemode = false
        UNION SELECT invoice_id FROM {p}stripe_invoices WHERE livemode = false
        UNION SELECT charge_id FROM {p}stripe_charges WHERE livemode = false
        ORDER BY ALL LIMIT {4 * MOST}"""
    ).fetchall()
    return frozenset(one for (one,) in found if one)


def create_reference_keys(evidence: Evidence) -> None:
    """The table ``_reference_keys``: each value that one payment alone carries, and its object.

    In the metadata or the reference of a session or an intent, as an invoice's number, or as an
    order's number in a description. What is shared by several (a user's id) names none of them.
    """
    sessions, metadata = _sources(evidence)
    p = _prefix(evidence)
    evidence.connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE _reference_keys AS
        SELECT value, min(owner) AS payment_id FROM (
            SELECT DISTINCT owner, entry.value AS value FROM ({metadata})
            WHERE NOT regexp_matches(lower(entry.key), '{_NO_REFERENCE}')
            UNION SELECT session_id, client_reference_id FROM {sessions}
            UNION SELECT invoice_id, invoice_number FROM {p}stripe_invoices
            UNION SELECT payment_intent_id, order_number FROM {p}stripe_intents
            UNION SELECT coalesce(payment_intent_id, charge_id), order_number
            FROM {p}stripe_charges)
        WHERE length(value) >= 4 AND regexp_matches(value, '[0-9]') AND owner IS NOT NULL
        GROUP BY value HAVING count(DISTINCT owner) = 1"""
    )


def _sources(evidence: Evidence) -> tuple[str, str]:
    """The table of sessions, and the query of metadata: of what is stored where only the ledger
    is read anew, so that what is inferred stays the same.
    """
    prefix = _prefix(evidence)
    sessions, intents = f"{prefix}stripe_sessions", f"{prefix}stripe_intents"
    return sessions, _METADATA.format(sessions=sessions, intents=intents)


def _prefix(evidence: Evidence) -> str:
    stored = evidence.connection.execute(
        "SELECT count(*) FROM duckdb_tables() WHERE database_name = 'stored' "
        "AND table_name IN ('stripe_sessions', 'stripe_intents')"
    ).fetchall()[0][0]
    here = evidence.count("stripe_sessions") + evidence.count("stripe_intents")
    return "stored." if stored == 2 and not here else ""
