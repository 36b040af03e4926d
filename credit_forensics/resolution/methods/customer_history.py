"""Whom this Stripe customer's other payments belong to, by the posterior of each."""

from __future__ import annotations

from credit_forensics.resolution.method import MAPPING, Method
from credit_forensics.resolution.one_session import OneSession


def most_of_customer(session: OneSession) -> str | None:
    """Whom most earlier bookings of the customer went to, the smallest id on a tie.

    A booking stands for what the audit's posterior says of the payment.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> day = [datetime(2025, 9, number, tzinfo=UTC) for number in (1, 2, 3)]
    >>> others = [("b", day[0]), ("a", day[1])]
    >>> most_of_customer(OneSession(created_at=day[2], other_payments=others))
    'a'
    """
    users = [user for user, at in session.other_payments if at < session.created_at]
    return max(sorted(set(users)), key=users.count) if users else None


METHOD = Method(
    "customer_history",
    MAPPING,
    "the other payments of the same Stripe customer",
    reads_de="die anderen Zahlungen desselben Stripe-Kunden",
    history="customer_id",
    for_session=most_of_customer,
    session_when="customer_preset",
    voice="history",
    cause="customer_mapping",
    place=90,
)
