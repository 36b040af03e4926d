"""Scenarios about subscriptions: renewals in both shapes of the API, repeated, free, changed."""

from __future__ import annotations

from typing import Any

from credit_forensics.checks.handler.cast import Person
from credit_forensics.checks.handler.stage import Stage


def _subscribe(stage: Stage, payer: Person) -> dict[str, Any]:
    """Begin a subscription by a checkout; Stripe tells of its session and of its invoice."""
    return stage.session(payer, subscription=stage.token("sub"))


def _running(stage: Stage) -> tuple[Person, dict[str, Any]]:
    """A payer, and the session of a subscription that runs since the second before."""
    payer = stage.person("payer")
    session = _subscribe(stage, payer)
    stage.deliver(stage.completed(session))
    stage.later()
    return payer, session


def renewal(stage: Stage) -> None:
    """A subscription begins and is renewed; each period is one payment."""
    payer = stage.person("payer")
    session = _subscribe(stage, payer)
    stage.deliver(stage.event("invoice.paid", stage.invoice(session, first=True)))
    stage.deliver(stage.completed(session))
    stage.expect({payer: 50})
    stage.later()
    stage.deliver(stage.event("invoice.paid", stage.invoice(session)))
    stage.expect({payer: 100})


def renewal_of_the_older_api(stage: Stage) -> None:
    """The same, told in the shape before 2025-03-31, and the session before its invoice."""
    payer = stage.person("payer")
    session = _subscribe(stage, payer)
    stage.deliver(stage.completed(session))
    stage.deliver(stage.event("invoice.paid", stage.invoice(session, first=True, older=True)))
    stage.expect({payer: 50})
    stage.later()
    stage.deliver(stage.event("invoice.paid", stage.invoice(session, older=True)))
    stage.expect({payer: 100})


def renewal_told_twice(stage: Stage) -> None:
    """A renewal's two events, the first of them delivered three times."""
    payer, session = _running(stage)
    invoice = stage.invoice(session)
    told = stage.event("invoice.paid", invoice)
    for event in (told, told, stage.event("invoice.payment_succeeded", invoice), told):
        stage.deliver(event)
    stage.expect({payer: 100})


def free_period(stage: Stage) -> None:
    """A trial's invoice of nothing is told as paid."""
    payer, session = _running(stage)
    stage.deliver(stage.event("invoice.paid", stage.invoice(session, amount=0)))
    stage.expect({payer: 50})


def upgrade(stage: Stage) -> None:
    """An upgrade in the middle of a period: the difference is paid, and no further period."""
    payer, session = _running(stage)
    changed = stage.invoice(session, reason="subscription_update", amount=217)
    stage.deliver(stage.event("invoice.paid", changed))
    stage.expect({payer: 50})


def refunded_renewal(stage: Stage) -> None:
    """A renewal is refunded; the charge names the PaymentIntent alone."""
    payer, session = _running(stage)
    invoice = stage.invoice(session)
    stage.deliver(stage.event("invoice.paid", invoice))
    payment = invoice["payments"]["data"][0] | {"livemode": True}
    stage.deliver(stage.event("invoice_payment.paid", payment))
    stage.expect({payer: 100})
    stage.deliver(stage.event("charge.refunded", stage.charge_of(invoice, refunded=500)))
    stage.expect({payer: 50})
