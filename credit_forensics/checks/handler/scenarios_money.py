"""Scenarios about money: unpaid, failed, test mode, refunds, disputes, and a price lied about."""

from __future__ import annotations

from credit_forensics.checks.handler.stage import Stage
from credit_forensics.scenarios import stripe_objects


def unpaid_then_success(stage: Stage) -> None:
    """A delayed method: completed while unpaid, paid a moment later."""
    payer = stage.person("payer")
    session = stage.session(payer, payment_status="unpaid")
    stage.deliver(stage.completed(session))
    stage.expect({payer: 0})
    session["payment_status"] = "paid"
    stage.charge(session)
    stage.deliver(stage.event("checkout.session.async_payment_succeeded", session))
    stage.expect({payer: 50})


def async_failure(stage: Stage) -> None:
    """A delayed method: completed while unpaid, then failed."""
    payer = stage.person("payer")
    session = stage.session(payer, payment_status="unpaid")
    stage.deliver(stage.completed(session))
    stage.deliver(stage.event("checkout.session.async_payment_failed", session))
    stage.expect({payer: 0})


def test_mode(stage: Stage) -> None:
    """An event of Stripe's test mode reaches the live endpoint."""
    payer = stage.person("payer")
    session = stage.session(payer, livemode=False)
    stage.deliver(stage.completed(session))
    stage.expect({payer: 0})


# pytest would otherwise take the scenario for a test.
test_mode.__test__ = False  # type: ignore[attr-defined]


def inflated_credits(stage: Stage) -> None:
    """Metadata promises more credits than the price paid is worth."""
    payer = stage.person("payer")
    written = stage.metadata(payer, stage.prices[0]) | {"credits": "5000"}
    session = stage.session(payer, metadata=written)
    stage.deliver(stage.completed(session))
    stage.expect({payer: 50}, held=session)


def refund(stage: Stage) -> None:
    """Two refunds of one payment; Stripe tells the cumulative amount each time."""
    payer = stage.person("payer")
    session = stage.session(payer)
    stage.deliver(stage.completed(session))
    amount = session["amount_total"]
    stage.deliver(stage.event("charge.refunded", stage.charge(session, amount * 2 // 5)))
    stage.expect({payer: 30})
    whole = stage.event("charge.refunded", stage.charge(session, amount))
    stage.deliver(whole)
    stage.deliver(whole)
    stage.expect({payer: 0})


def dispute_lost(stage: Stage) -> None:
    """A dispute is opened and lost."""
    payer = stage.person("payer")
    session = stage.session(payer)
    stage.deliver(stage.completed(session))
    stage.expect({payer: 50})
    _dispute(stage, session, "lost")
    stage.expect({payer: 0})


def dispute_won(stage: Stage) -> None:
    """A dispute is opened and won: nothing is lost, so nothing may be taken."""
    payer = stage.person("payer")
    session = stage.session(payer)
    stage.deliver(stage.completed(session))
    stage.expect({payer: 50})
    _dispute(stage, session, "won")
    stage.expect({payer: 50})


def refund_first(stage: Stage) -> None:
    """The refund's event overtakes the purchase's."""
    payer = stage.person("payer")
    session = stage.session(payer)
    purchase = stage.completed(session)
    stage.deliver(stage.event("charge.refunded", stage.charge(session, session["amount_total"])))
    stage.deliver(purchase)
    stage.expect({payer: 0})


def _dispute(stage: Stage, session: dict[str, object], outcome: str) -> None:
    charge = stage.charges[str(session["id"])]
    charge["disputed"] = True
    dispute_id = stage.token("dp")
    created = int(charge["created"])
    for kind, status in (
        ("charge.dispute.created", "needs_response"),
        ("charge.dispute.closed", outcome),
    ):
        about = stripe_objects.dispute(dispute_id, created=created, of=charge, status=status)
        stage.deliver(stage.event(kind, about))
