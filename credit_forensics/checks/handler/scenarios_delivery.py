"""Scenarios about deliveries: repeated, doubled, out of order, forged, or with no database."""

from __future__ import annotations

from credit_forensics.checks.handler.stage import Stage

_AT_ONCE = 8


def redelivery(stage: Stage) -> None:
    """One event arrives three times."""
    payer = stage.person("payer")
    event = stage.completed(stage.session(payer))
    for _ in range(3):
        stage.deliver(event)
    stage.expect({payer: 50})


def two_events_one_fact(stage: Stage) -> None:
    """Two events tell of one payment."""
    payer = stage.person("payer")
    session = stage.session(payer)
    stage.deliver(stage.completed(session))
    stage.deliver(stage.completed(session))
    stage.expect({payer: 50})


def concurrent_duplicates(stage: Stage) -> None:
    """A returning customer's event arrives eight times at once."""
    payer = stage.person("payer")
    first = stage.session(payer)
    stage.deliver(stage.completed(first))
    stage.later()
    second = stage.session(payer, customer=first["customer"], given=True)
    stage.deliver(stage.completed(second), times=_AT_ONCE)
    stage.expect({payer: 100}, held=second)


def out_of_order(stage: Stage) -> None:
    """The success of a delayed method overtakes its completion."""
    payer = stage.person("payer")
    session = stage.session(payer, payment_status="unpaid")
    completion = stage.completed(session)
    session["payment_status"] = "paid"
    stage.charge(session)
    success = stage.event("checkout.session.async_payment_succeeded", session)
    stage.deliver(success)
    stage.expect({payer: 50})
    stage.deliver(completion)
    stage.expect({payer: 50})


def forged_signature(stage: Stage) -> None:
    """A body signed with another secret, and one signed properly an hour ago."""
    payer = stage.person("payer")
    event = stage.completed(stage.session(payer))
    # What is forged never happened, so it belongs to no analysis.
    stage.events.remove(event)
    stage.sessions.clear()
    stage.charges.clear()
    answers = [stage.forge(event, "whsec_of_somebody_else"), stage.forge(event, stage.secret, 3600)]
    refused = all(400 <= answer.status < 500 for answer in answers)
    statuses = " and ".join(str(answer.status) for answer in answers)
    stage.note(refused, "both refused", f"answered {statuses}")
    stage.expect({payer: 0})


def database_down(stage: Stage) -> None:
    """The database goes away while a payment is delivered, and comes back."""
    payer = stage.person("payer")
    stage.deliver(stage.completed(stage.session(payer)))
    session = stage.session(payer)
    event = stage.completed(session)
    with stage.books.outage():
        stage.deliver(event)
    stage.expect({payer: 100}, held=session)
