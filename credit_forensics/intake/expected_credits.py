"""Says what a payment is worth by the price list. Metadata credits are not believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from credit_forensics.intake.checkout_object import Checkout
from credit_forensics.intake.settings import SoldPrice

UNDERPAID = "underpaid"
_NEXT_TO_NOTHING = 1


@dataclass(frozen=True)
class Expected:
    """Credits, or the problem that a person must look at."""

    credits: int | None
    problem: str | None = None


def expected_credits(checkout: Checkout, prices: Mapping[str, SoldPrice]) -> Expected:
    """Credits of a payment.

    The session names its price in the metadata, but only what was charged decides: the price's
    amount and currency must be those of the session. Where no price is named, the one price of
    that amount counts.

    Examples
    --------
    >>> from credit_forensics.intake.checkout_object import read_checkout
    >>> prices = {"price_small": SoldPrice(credits=50, amount=500)}
    >>> session = {"id": "cs_1", "object": "checkout.session", "amount_total": 500,
    ...            "currency": "eur", "metadata": {"price_id": "price_small", "credits": "9000"}}
    >>> expected_credits(read_checkout(session, {}), prices)
    Expected(credits=50, problem=None)
    >>> expected_credits(read_checkout(session | {"amount_total": 1}, {}), prices)
    Expected(credits=None, problem='amount_differs')
    >>> discounted = session | {"amount_subtotal": 500, "amount_total": 1}
    >>> expected_credits(read_checkout(discounted, {}), prices).problem
    'underpaid'
    """
    named = checkout.metadata.get("price_id")
    if named is not None:
        price = prices.get(named)
        if price is None:
            return Expected(None, "price_unknown")
        if (price.amount, price.currency) != (checkout.list_amount, checkout.currency):
            return Expected(None, "amount_differs")
        return _charged(checkout, price)
    fitting = {
        price
        for price in prices.values()
        if (price.amount, price.currency) == (checkout.list_amount, checkout.currency)
    }
    if len({price.credits for price in fitting}) != 1:
        return Expected(None, "price_unknown")
    return _charged(checkout, min(fitting, key=lambda price: price.least or 0))


def _charged(checkout: Checkout, price: SoldPrice) -> Expected:
    """The price's credits, where what was charged after discounts can be its price.

    A session that is paid with next to nothing is a coupon that the shop knows of, or a hole.
    """
    least = min(price.amount, _NEXT_TO_NOTHING + 1) if price.least is None else price.least
    return Expected(price.credits) if checkout.amount >= least else Expected(None, UNDERPAID)
