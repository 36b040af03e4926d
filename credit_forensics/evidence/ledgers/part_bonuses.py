"""Parts bonuses from the purchases that they were given for.

A referrer's bonus names the friend's payment, a cash-back the order that earned it. Neither is what
the payment bought: left with it, the referrer would seem to hold the friend's credits.
"""

from __future__ import annotations

from credit_forensics.evidence.evidence import Evidence

_BONUS = (
    "(^|[^a-z0-9])(bonus|referr(al|er|ed)|affiliate|commission|cash_?back|reward|loyalty"
    "|invit(e|ed|ation)|promo|promotion|welcome|sign_?-?up)($|[^a-z])"
)
# "first_purchase_bonus": a bonus, though it speaks of what was bought.
_BONUS_ALONE = "(^|[^a-z0-9])(bonus|bonificaci(o|ó)n)($|[^a-z])"
# What makes good for a purchase is one.
_MADE_GOOD = (
    "(^|[^a-z0-9])(admin|manual(ly)?|support|re_?-?grant(ed)?|compensation|correct(ion|ed)?"
    "|refund(ed)?)($|[^a-z])"
)


def part_bonuses(evidence: Evidence) -> None:
    """Untie entries that call themselves a bonus from a payment that another entry books.

    Beside a purchase, what calls itself the purchase's bonus is a grant, no second purchase. Untied
    is it where the bonus is on another account than the purchase, or the purchase alone is what the
    payment is worth. A bonus that is all that a payment brought stays with it.

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
