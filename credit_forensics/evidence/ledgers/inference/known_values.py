"""What Stripe's side of the case knows, to recognise in a ledger's columns: accounts, credits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from credit_forensics.case_file import Price
from credit_forensics.evidence.evidence import Evidence

# One row a key and value of metadata, with the session it stands for.
_METADATA = """SELECT session_id AS owner, unnest(map_entries(metadata)) AS entry
    FROM {sessions} WHERE metadata IS NOT NULL
    UNION ALL SELECT payment_intent_id, unnest(map_entries(metadata))
    FROM {intents} WHERE metadata IS NOT NULL"""
_ACCOUNT_KEY = (
    "(^|[^a-z])(user|account|org|organi[sz]ation|team|workspace|tenant|owner|member|customer|uid)"
)
# What several sessions share by nature names none of them, though it may be in one alone so far.
_NO_REFERENCE = "credit|amount|price|quantity|total|count|mail|name|date|time|phone|plan|product"
_CREDIT_KEY = "credit|token|point|coin|quantity"
MOST = 20_000


@dataclass(frozen=True)
class KnownValues:
    """Ids that sessions give to accounts, credits that were sold, and values that name one session.

    ``references`` are values that one payment alone carries (an order number, say).
    """

    accounts: frozenset[str] = frozenset()
    credits: frozenset[Decimal] = frozenset()
    references: frozenset[str] = frozenset()


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
        ) WHERE value IS NOT NULL AND value <> '' ORDER BY 1 LIMIT {MOST}"""
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
    )


def create_reference_keys(evidence: Evidence) -> None:
    """The table ``_reference_keys``: each value that one session alone carries, and that session.

    A value that is shared by several (a user's id) names none of them.
    """
    sessions, metadata = _sources(evidence)
    evidence.connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE _reference_keys AS
        SELECT value, min(owner) AS payment_id FROM (
            SELECT DISTINCT owner, entry.value AS value FROM ({metadata})
            WHERE NOT regexp_matches(lower(entry.key), '{_NO_REFERENCE}')
            UNION SELECT session_id, client_reference_id FROM {sessions})
        WHERE length(value) >= 4 AND regexp_matches(value, '[0-9]') AND owner IS NOT NULL
        GROUP BY value HAVING count(DISTINCT owner) = 1"""
    )


def _sources(evidence: Evidence) -> tuple[str, str]:
    """The table of sessions, and the query of metadata: of what is stored where only the ledger
    is read anew, so that what is inferred stays the same.
    """
    stored = evidence.connection.execute(
        "SELECT count(*) FROM duckdb_tables() WHERE database_name = 'stored' "
        "AND table_name IN ('stripe_sessions', 'stripe_intents')"
    ).fetchall()[0][0]
    here = evidence.count("stripe_sessions") + evidence.count("stripe_intents")
    prefix = "stored." if stored == 2 and not here else ""
    sessions, intents = f"{prefix}stripe_sessions", f"{prefix}stripe_intents"
    return sessions, _METADATA.format(sessions=sessions, intents=intents)
