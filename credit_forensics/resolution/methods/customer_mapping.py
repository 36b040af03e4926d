"""The original handler's method 4: whom the Stripe customer is bound to, as of the payment.

A binding that the payment itself wrote is no witness for it. Where the session gave the customer
(preset), the binding says again whom the session meant, and belongs to its family.
"""

from __future__ import annotations

from datetime import datetime

from credit_forensics.resolution.method import MAPPING, Method
from credit_forensics.resolution.one_session import OneSession
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.columns import TIME
from credit_forensics.tables.expressions import ibis, ir

_NEVER = "2262-01-01"


def binding_intervals(tables: Tables) -> ir.Table:
    """``customer_id, user_id, bound_at, valid_to``: after and until when each binding held.

    A binding of no known time is taken to be written by the customer's first payment, which it
    is then no witness for. Two bindings at one time name nobody.

    Examples
    --------
    >>> binding_intervals(Tables()).columns
    ('customer_id', 'user_id', 'bound_at', 'valid_to')
    """
    customers = tables.customers
    payments = tables.payments
    known = customers.filter(customers.customer_id.notnull() & customers.user_id.notnull())
    timeless = known.filter(known.bound_at.isnull()).select("customer_id", "user_id")
    theirs = payments.semi_join(timeless, "customer_id")
    first_payment = theirs.group_by("customer_id").agg(bound_at=theirs.created_at.min())
    bindings = ibis.union(
        known.filter(known.bound_at.notnull()).select("customer_id", "user_id", "bound_at"),
        timeless.left_join(first_payment, "customer_id").select(
            "customer_id", "user_id", "bound_at"
        ),
    )
    at_once = bindings.group_by("customer_id", "bound_at").agg(
        user_id=bindings.user_id.min(), other_id=bindings.user_id.max()
    )
    single = at_once.filter(at_once.user_id == at_once.other_id)
    ordered = ibis.window(group_by=single.customer_id, order_by=single.bound_at)
    following = single.bound_at.lead().over(ordered)
    # Never absent, so that engines can hash the customer and check the times on the way.
    valid_to = ibis.coalesce(following, ibis.literal(_NEVER, TIME))
    return single.select("customer_id", "user_id", "bound_at", valid_to=valid_to)


def bound_users(tables: Tables) -> ir.Table:
    """Name the user to whom the payment's customer was bound before the payment began.

    Returns
    -------
    payment_id, user_id, echo: the binding is later than a payment of the customer, so that a
    payment's session may have written it. What those payments are worth, their history says.

    Examples
    --------
    >>> bound_users(Tables()).columns
    ('payment_id', 'user_id', 'echo')
    """
    payments = tables.payments.select("payment_id", "created_at", "customer_id")
    began = payments.group_by(first_customer="customer_id").agg(began=payments.created_at.min())
    bindings = binding_intervals(tables)
    bindings = bindings.left_join(began, bindings.customer_id == began.first_customer).select(
        bindings, echo=ibis.coalesce(began.began <= bindings.bound_at, False)
    )
    joined = payments.inner_join(
        bindings,
        [
            payments.customer_id == bindings.customer_id,
            bindings.bound_at < payments.created_at,
            payments.created_at <= bindings.valid_to,
        ],
    )
    return joined.select("payment_id", "user_id", "echo")


def bound_user(session: OneSession) -> str | None:
    """The same for one session: the rules of ``binding_intervals`` on its customer's bindings.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> day = [datetime(2025, 9, number, tzinfo=UTC) for number in (1, 2, 3)]
    >>> bindings = [("a", day[0]), ("b", day[1]), ("c", day[1]), ("d", None)]
    >>> bound_user(OneSession(created_at=day[2], bindings=bindings))
    'a'
    """
    first_payment = min([session.created_at, *(at for _, at in session.other_payments)])
    at_once: dict[datetime, set[str]] = {}
    for user, at in session.bindings:
        at_once.setdefault(at or first_payment, set()).add(user)
    held = {
        at: min(users)
        for at, users in at_once.items()
        if len(users) == 1 and at < session.created_at
    }
    return held[max(held)] if held else None


METHOD = Method(
    "customer_mapping",
    MAPPING,
    "the Stripe customer's binding, as of the payment",
    reads_de="die Zuordnung des Stripe-Kunden zur Zeit der Zahlung",
    rows=bound_users,
    for_session=bound_user,
    session_when="customer_preset",
    echo_when="mapping_echo",
    cause="customer_mapping",
    cascade=4,
    logged_as=("DATABASE_LOOKUP",),
    place=80,
)
