"""Infers what a price is worth from what the ledger booked for it most often."""

from __future__ import annotations

from dataclasses import dataclass

from credit_forensics.evidence.evidence import Evidence

LEAST_PAYMENTS, LEAST_SHARE = 2, 0.6
# A price that is sold for credits brings an entry for most of its payments.
LEAST_BOOKED = 0.5
# Of payments with one line: what was booked for one of it, so far as that is a whole number. What
# cost nothing, a trial, tells nothing of what its price is worth.
_BOOKED = """
WITH lines AS (
    SELECT payment_id, any_value(price_id) AS price_id, any_value(quantity) AS quantity
    FROM payment_items GROUP BY payment_id HAVING count(*) = 1),
paid AS (
    SELECT coalesce(i.price_id, p.price_id) AS price_id, p.payment_id,
        coalesce(i.quantity, 1) AS quantity, p.amount, p.currency
    FROM payments p LEFT JOIN lines i USING (payment_id)
    WHERE p.expected_credits IS NULL AND p.payment_status = 'paid' AND coalesce(p.amount, 1) > 0),
booked AS (
    SELECT price_id, payment_id, max(quantity) AS quantity, max(amount) AS amount,
        max(currency) AS currency,
        -- One of several went to an account each: a company's seats.
        CASE WHEN max(quantity) > 1 AND count(DISTINCT l.user_id) = max(quantity)
                AND min(l.delta) = max(l.delta) THEN max(quantity) * max(l.delta)
            -- Parts that differ are of one purchase: two kinds of credits.
            WHEN count(DISTINCT l.delta) FILTER (l.kind = 'purchase') = count(*)
            THEN sum(l.delta)::BIGINT ELSE max(l.delta) END AS delta
    FROM paid JOIN ledger l USING (payment_id) WHERE l.delta > 0 GROUP BY price_id, payment_id),
-- Credits that follow the money, of sums that differ: the payer chooses how much.
rates AS (
    SELECT price_id, count(*) AS payments, count(DISTINCT amount) AS amounts
    FROM booked WHERE amount > 0
    GROUP BY price_id, currency, round(delta / amount::DOUBLE, 6))
SELECT price_id, delta // quantity AS credits, count(*) AS payments,
    (SELECT count(*) FROM paid WHERE paid.price_id = booked.price_id) AS paid,
    (SELECT coalesce(max(rates.payments), 0) FROM rates
        WHERE rates.price_id = booked.price_id AND amounts > 1) AS at_one_rate
FROM booked
WHERE price_id IS NOT NULL AND quantity > 0 AND delta % quantity = 0
GROUP BY ALL ORDER BY price_id, payments DESC, credits DESC
"""


@dataclass(frozen=True)
class BookedCredits:
    """What was booked for a price: credits and for how many payments, the most frequent first.

    ``paid`` is how many payments of the price there are, booked or not; ``at_one_rate`` of how many
    the credits are the same share of the money, where they paid different sums.
    """

    price_id: str
    counts: tuple[tuple[int, int], ...]
    paid: int = 0
    at_one_rate: int = 0

    @property
    def payments(self) -> int:
        """Payments of the price that were booked."""
        return sum(count for _, count in self.counts)

    @property
    def certainty(self) -> float:
        """The share of the most frequent, less where few speak for it.

        Examples
        --------
        >>> BookedCredits("price_1", ((100, 3), (20, 1))).certainty
        0.6
        """
        return round(self.counts[0][1] / (self.payments + 1), 2)

    @property
    def sold_for_credits(self) -> bool:
        """Whether most of its payments were booked; else it may be the price of something else.

        Examples
        --------
        >>> BookedCredits("price_book", ((90, 1),), paid=4).sold_for_credits
        False
        """
        return self.payments >= LEAST_BOOKED * self.paid

    @property
    def by_amount(self) -> bool:
        """Whether its credits follow the money paid, so that no number of credits is its own.

        Examples
        --------
        >>> BookedCredits("price_any", ((50, 2), (70, 2), (10, 1)), 5, at_one_rate=5).by_amount
        True
        """
        return not self.sure and self.at_one_rate >= max(3, LEAST_SHARE * self.payments)

    @property
    def likely(self) -> bool:
        """Whether most of its payments were booked with one number of credits."""
        return 2 * self.counts[0][1] > self.payments and self.sold_for_credits

    @property
    def sure(self) -> bool:
        """Whether one number of credits stands out, as more than one payment shows."""
        first = self.counts[0][1]
        tied = len(self.counts) > 1 and self.counts[1][1] == first
        few = first < LEAST_PAYMENTS or not self.sold_for_credits
        return not few and first / self.payments >= LEAST_SHARE and not tied


def credits_of_prices(evidence: Evidence) -> list[BookedCredits]:
    """The prices that neither the case file nor metadata gives credits, with what was booked.

    Examples
    --------
    >>> credits_of_prices(Evidence())
    []
    """
    counts: dict[str, list[tuple[int, int]]] = {}
    paid: dict[str, tuple[int, int]] = {}
    for price, credits, payments, of, at_one_rate in evidence.connection.execute(
        _BOOKED
    ).fetchall():
        counts.setdefault(price, []).append((int(credits), payments))
        paid[price] = (of, at_one_rate)
    return [BookedCredits(price, tuple(found), *paid[price]) for price, found in counts.items()]
