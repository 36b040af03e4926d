"""Parts bonuses from the purchases that they were given for.

A referrer's bonus names the friend's payment, a cash-back the order that earned it. Neither is what
the payment bought: left with it, the referrer would seem to hold the friend's credits. So would the
seller whose share of a sale names the buyer's payment.
"""

from __future__ import annotations

from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers.entry_kinds import states_refund_sql

_BONUS = (
    "(^|[^a-z0-9])(bonus|referr(al|er|ed)|affiliate|commission|cash_?back|reward|loyalty"
    "|invit(e|ed|ation)|promo|promotion|welcome|sign_?-?up)($|[^a-z])"
)
# "first_purchase_bonus": a bonus, though it speaks of what was bought.
_BONUS_ALONE = "(^|[^a-z0-9])(bonus|bonificaci(o|ó)n)($|[^a-z])"
# What the seller has of a sale. It is one only where another entry books the purchase elsewhere.
_SHARE = (
    "(^|[^a-z0-9])(seller|sales?|earnings?|royalt(y|ies)|revenue|proceeds|payout|share|tips?)"
    "($|[^a-z])"
)
# What makes good for a purchase is one.
_MADE_GOOD = (
    "(^|[^a-z0-9])(admin|manual(ly)?|support|re_?-?grant(ed)?|compensation|correct(ion|ed)?"
    "|refund(ed)?)($|[^a-z])"
)


def part_bonuses(evidence: Evidence) -> None:
    """Untie entries that call themselves a bonus from a payment that another entry books.

    Beside a purchase, what calls itself the purchase's bonus is a grant, no second purchase. Untied
    is it where the bonus is on another account than the purchase, or the purchase alone is what the
    payment is worth. A bonus that is all that a payment brought stays with it. A seller's share is
    a grant where the purchase is on another account, and is just what the payment is worth.

    Parameters
    ----------
    evidence
        with the ledger tied to the payments.

    Examples
    --------
    >>> import pandas as pd
    >>> evidence = Evidence()
    >>> evidence.add("payments", pd.DataFrame({"payment_id": ["cs_1"]}))
    >>> evidence.add("ledger", pd.DataFrame({"entry_id": ["1", "2"], "payment_id": "cs_1",
    ...     "user_id": ["a", "b"], "delta": [50, 100], "kind": ["purchase", "grant"],
    ...     "reason": ["purchase", "referral_bonus"]}))
    >>> part_bonuses(evidence)
    >>> evidence.ledger["payment_id"].isna().tolist()
    [False, True]
    """
    run = evidence.connection.execute
    says_bonus = f"regexp_matches(lower(coalesce(reason, '')), '{_BONUS_ALONE}')"
    says_bonus += f" AND NOT regexp_matches(lower(coalesce(reason, '')), '{_MADE_GOOD}')"
    run(
        f"""UPDATE ledger SET kind = 'grant'
        WHERE kind = 'purchase' AND delta > 0 AND {says_bonus} AND payment_id IN (
            SELECT payment_id FROM ledger WHERE kind = 'purchase' AND delta > 0
                AND payment_id IS NOT NULL AND NOT ({says_bonus}))"""
    )
    says_share = f"regexp_matches(lower(coalesce(reason, '')), '{_SHARE}')"
    run(
        f"""CREATE OR REPLACE TEMP TABLE shares AS
        SELECT l.entry_id, l.payment_id, any_value(l.delta) AS share
        FROM ledger l JOIN payments p USING (payment_id) JOIN (
            SELECT payment_id, user_id AS buyer, sum(delta) AS bought FROM ledger
            WHERE kind = 'purchase' AND delta > 0 AND NOT ({says_share}) GROUP BY ALL
        ) USING (payment_id)
        WHERE l.kind = 'purchase' AND l.delta > 0 AND {says_share}
        GROUP BY ALL HAVING NOT bool_or(buyer = l.user_id)
            AND bool_or(bought = coalesce(p.expected_credits, bought))"""
    )
    # What the buyer spent on the sale went to the seller; nothing was taken back.
    run(
        f"""UPDATE ledger SET kind = 'usage', payment_id = NULL, tie = 'none'
        WHERE kind = 'refund' AND delta < 0 AND NOT ({states_refund_sql("coalesce(reason, '')")})
            AND payment_id IN (
                SELECT payment_id FROM shares GROUP BY 1 HAVING sum(share) <= -ledger.delta)"""
    )
    run(
        """UPDATE ledger SET kind = 'grant', payment_id = NULL, tie = 'none'
        WHERE entry_id IN (SELECT entry_id FROM shares)"""
    )
    run("DROP TABLE shares")
    run(
        f"""UPDATE ledger SET payment_id = NULL, tie = 'none'
        WHERE entry_id IN (
            WITH bought AS (
                SELECT payment_id, list(user_id) AS users,
                    list_append(list(delta), sum(delta)::BIGINT) AS sums
                FROM ledger WHERE kind = 'purchase' AND delta > 0 AND payment_id IS NOT NULL
                GROUP BY 1
            )
            SELECT l.entry_id FROM ledger l
            JOIN bought b USING (payment_id) JOIN payments p USING (payment_id)
            WHERE l.kind = 'grant' AND l.delta > 0
                AND regexp_matches(lower(l.reason), '{_BONUS}')
                AND NOT regexp_matches(lower(l.reason), '{_MADE_GOOD}')
                AND (NOT list_contains(b.users, l.user_id)
                    OR list_contains(b.sums, p.expected_credits)))"""
    )
