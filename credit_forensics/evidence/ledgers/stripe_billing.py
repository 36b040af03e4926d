"""Reads the credits of Stripe Billing as a ledger: credit grants, and what became of them.

Credits are minor units of money. A grant is an entry of its customer's account: of the kind
``purchase`` where its category is ``paid``, ``grant`` where it is promotional. What was applied to
invoices, expired or was voided are entries that take. A grant's payment is the one that its
metadata names; where grants name none they are paired by amount and time (``pair_by_time``), which
is inferred and accuses nobody.
"""

from __future__ import annotations

from collections.abc import Sequence

from credit_forensics.case_file import CaseFile
from credit_forensics.databases.values import count_rows
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.fold_and_match import PLACEHOLDERS
from credit_forensics.evidence.ledgers.inference.decisions import MARK
from credit_forensics.evidence.ledgers.load import cover_ledger
from credit_forensics.evidence.ledgers.read_until import moment
from credit_forensics.evidence.metadata_keys import ACCOUNT_KEY, OTHERS_KEY, key_words
from credit_forensics.evidence.stripe.merge_snapshots import merge_snapshots
from credit_forensics.evidence.stripe_api.pulled_files import pulled_until

# Whose account a customer is: the shop's binding, else what the customer's metadata names, else
# the customer itself. Where the shop has accounts, metadata name one of them or nobody.
_ACCOUNTS = f"""
CREATE OR REPLACE TEMP TABLE credit_accounts AS
WITH owners AS (
    SELECT customer_id FROM merged_credit_grants UNION SELECT customer_id FROM merged_customers
    UNION SELECT customer_id FROM payments
), entries AS (
    SELECT m.customer_id, unnest(map_keys(s.metadata)) AS key,
        trim(unnest(map_values(s.metadata))) AS value,
        unnest(range(len(map_keys(s.metadata)))) AS place
    FROM merged_customers m JOIN stripe_customers s ON s.rowid = m.metadata_row
), named AS (
    SELECT customer_id, arg_min(value, (coalesce(list_position($keys, key), 1000),
        CASE WHEN {key_words("key")} = 'user_id' THEN 0 ELSE 1 END, place)) AS user_id
    FROM entries
    WHERE lower(value) NOT IN ({", ".join(f"'{word}'" for word in PLACEHOLDERS)})
        AND length(value) <= 200
        AND (list_contains($keys, key) OR (regexp_matches({key_words("key")}, '{ACCOUNT_KEY}')
            AND NOT regexp_matches({key_words("key")}, '{OTHERS_KEY}')))
        AND (NOT $accounts OR value IN (SELECT user_id FROM users))
    GROUP BY 1
)
SELECT o.customer_id, coalesce(n.user_id, o.customer_id) AS user_id, c.created_at, c.email, c.name
FROM owners o LEFT JOIN named n USING (customer_id) LEFT JOIN merged_customers c USING (customer_id)
WHERE o.customer_id IS NOT NULL
    AND o.customer_id NOT IN (SELECT customer_id FROM customers WHERE customer_id IS NOT NULL)
"""
_ENTRIES = """
CREATE OR REPLACE TEMP TABLE credit_entries AS
WITH bound AS (
    SELECT customer_id, user_id, bound_at FROM customers
), grants AS (
    -- A shop that grants nothing as paid grants what was bought as promotional.
    SELECT g.*, CASE WHEN category = 'paid' OR payment_id IS NOT NULL
            AND NOT bool_or(coalesce(category = 'paid', false)) OVER ()
        THEN 'purchase' ELSE 'grant' END AS kind,
        coalesce((SELECT arg_max(b.user_id, b.bound_at) FROM bound b
                WHERE b.customer_id = g.customer_id AND b.bound_at <= g.created_at),
            (SELECT arg_min(b.user_id, (b.bound_at, b.user_id)) FROM bound b
                WHERE b.customer_id = g.customer_id)) AS user_id
    FROM merged_credit_grants g WHERE customer_id IS NOT NULL AND amount IS NOT NULL
), moved AS (
    SELECT t.*, g.user_id, g.payment_id, g.event_id
    FROM merged_credit_transactions t JOIN grants g USING (grant_id)
    WHERE t.amount IS NOT NULL AND t.type <> 'credits_granted'
)
SELECT grant_id AS entry_id, user_id, amount AS delta,
    concat_ws(': ', coalesce(category, 'credit') || ' credit grant', name) AS reason,
    kind, event_id, payment_id, created_at FROM grants
UNION ALL
SELECT transaction_id, user_id,
    CASE WHEN type IN ('credits_applied', 'credits_expired', 'credits_voided')
        THEN -amount ELSE amount END,
    replace(type, '_', ' '), CASE WHEN type = 'credits_voided' THEN 'reversal' ELSE 'usage' END,
    NULL, CASE WHEN type = 'credits_voided' THEN payment_id END,
    coalesce(created_at, effective_at) FROM moved
UNION ALL
-- The grant alone tells that it was voided; whether some of it was used before, it does not.
SELECT grant_id || ':void', user_id, -amount, 'credits voided', 'reversal', NULL, payment_id,
    voided_at
FROM grants WHERE voided_at IS NOT NULL
    AND grant_id NOT IN (SELECT grant_id FROM moved WHERE type = 'credits_voided')
"""


def take_stripe_billing(evidence: Evidence, case_file: CaseFile) -> bool:
    """Make ledger entries of the credits of Stripe Billing that were read.

    They count where the case has no other ledger, or names them as one (``stripe_billing``); else
    a gap says that they are there. Customers become accounts, where the shop's own tables bind
    them to none. Run once payments are assembled; running it again changes nothing.

    Returns
    -------
    bool
        whether entries of what was bought name no payment, and so may be paired.

    Examples
    --------
    >>> import pandas as pd
    >>> evidence = Evidence()
    >>> evidence.add("stripe_credit_grants", pd.DataFrame({"grant_id": ["credgr_1"],
    ...     "customer_id": ["cus_1"], "amount": [900], "category": ["paid"],
    ...     "payment_id": ["cs_1"]}))
    >>> take_stripe_billing(evidence, CaseFile())
    False
    >>> evidence.ledger[["entry_id", "user_id", "delta", "kind", "payment_id"]].values.tolist()
    [['credgr_1', 'cus_1', 900, 'purchase', 'cs_1']]
    """
    connection = evidence.connection
    grants = count_rows(connection, "FROM stripe_credit_grants")
    if not grants and not count_rows(connection, "FROM stripe_credit_transactions"):
        return False
    named = [ledger for ledger in case_file.all_ledgers if ledger.stripe_billing]
    if case_file.all_ledgers and not named:
        evidence.custody.gap(
            "stripe",
            "credit_grants",
            "absent",
            f"{grants} snapshots of credit grants of Stripe Billing were read and are not counted, "
            "for the case names another ledger; [[ledgers]] stripe_billing = true counts them too.",
        )
        return False
    merged = [
        merge_snapshots(connection, f"stripe_{name}")
        for name in ("credit_grants", "credit_transactions", "customers")
    ]
    made = ("credit_accounts", "credit_entries")
    try:
        _add_accounts(evidence, case_file.ids.user_keys)
        connection.execute(_ENTRIES)
        connection.execute(
            "DELETE FROM ledger WHERE entry_id IN (SELECT entry_id FROM credit_entries)"
        )
        connection.execute("INSERT INTO ledger BY NAME SELECT * FROM credit_entries")
        _note(evidence)
        said = named[0].until if named else None
        until = moment(said) if said else pulled_until(case_file, "credit_grants")
        if not case_file.ledger_databases:
            evidence.ledger_until = until
        elif evidence.ledger_until is not None:
            evidence.ledger_until = until and min(until, evidence.ledger_until)
        cover_ledger(evidence)
        return bool(
            count_rows(
                connection,
                "FROM credit_entries WHERE kind = 'purchase' AND payment_id IS NULL"
                " AND event_id IS NULL",
            )
        )
    finally:
        for name in (*merged, *made):
            connection.execute(f"DROP TABLE IF EXISTS temp.{name}")


def _add_accounts(evidence: Evidence, user_keys: Sequence[str]) -> None:
    """Bind customers that the shop binds to nobody, and make accounts of those of no account."""
    run = evidence.connection.execute
    accounts = bool(count_rows(evidence.connection, "FROM users"))
    run(_ACCOUNTS, {"keys": list(user_keys), "accounts": accounts})
    run(
        "INSERT INTO customers BY NAME SELECT customer_id, user_id, created_at AS bound_at"
        " FROM credit_accounts"
    )
    run(
        """INSERT INTO users BY NAME
        SELECT DISTINCT ON (user_id) user_id, email, name, created_at FROM credit_accounts
        WHERE user_id NOT IN (SELECT user_id FROM users WHERE user_id IS NOT NULL)
        ORDER BY user_id, created_at, customer_id"""
    )


def _note(evidence: Evidence) -> None:
    """Say in custody what was read as a ledger, and what of it could not be."""
    [(entries, granted, tied)] = evidence.connection.execute(
        """SELECT count(*), count(*) FILTER (kind = 'purchase' AND delta > 0),
            count(*) FILTER (kind = 'purchase' AND (payment_id IS NOT NULL OR event_id IS NOT NULL))
        FROM credit_entries"""
    ).fetchall()
    note = (
        f"{MARK}entries are credit grants of Stripe Billing, and what became of them: {entries},"
        f" in minor units of money; of {granted} paid grants {tied} name their payment"
    )
    source = next(
        (one for one in evidence.custody.inputs if one.taken_for.startswith("stripe")), None
    )
    if source is not None and note not in source.notes:
        source.notes.append(note)
    [(lost, nameless)] = evidence.connection.execute(
        """SELECT (SELECT count(*) FROM merged_credit_transactions WHERE grant_id IS NULL
                OR grant_id NOT IN (SELECT grant_id FROM merged_credit_grants)),
            (SELECT count(*) FROM merged_credit_grants WHERE customer_id IS NULL OR amount IS NULL)
        """
    ).fetchall()
    for count, object_, what in (
        (lost, "credit_balance_transactions", "are of credit grants that were not read"),
        (nameless, "credit_grants", "name no customer or no amount of money"),
    ):
        if count:
            evidence.custody.gap(
                "stripe", object_, "rejected", f"{count} {what}: they are no entries, and a "
                "payment that has no entry may have one of these."
            )  # fmt: skip
