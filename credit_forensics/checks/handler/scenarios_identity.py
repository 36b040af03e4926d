"""Scenarios about who paid: what the session says is wrong, missing, or in another id scheme."""

from __future__ import annotations

import uuid

from credit_forensics.checks.handler.cast import Person
from credit_forensics.checks.handler.stage import Stage


def plain_purchase(stage: Stage) -> None:
    """A signed-in user pays; everything agrees."""
    payer = stage.person("payer")
    stage.deliver(stage.completed(stage.session(payer)))
    stage.expect({payer: 50})


def stale_session(stage: Stage) -> None:
    """The web session still holds another user's id; e-mail and card are the payer's."""
    payer, stale = _known_payer(stage)
    written = stage.metadata(stale, stage.prices[0]) | {"session_email": payer.email}
    session = stage.session(payer, signed_in=stale, metadata=written)
    stage.deliver(stage.completed(session))
    stage.expect({payer: 100}, held=session)


def agreeing_copies(stage: Stage) -> None:
    """Every field that the web session wrote agrees, and all of them are wrong."""
    payer, stale = _known_payer(stage)
    session = stage.session(payer, signed_in=stale)
    stage.deliver(stage.completed(session))
    stage.expect({payer: 100}, held=session)


def poisoned_mapping(stage: Stage) -> None:
    """A wrong payment bound the customer; the payer's next one, naming nobody, follows it."""
    payer, stale = _known_payer(stage)
    wrong = stage.session(payer, signed_in=stale)
    stage.deliver(stage.completed(wrong))
    stage.later()
    # The first payment is judged by stale_session; here only the second counts.
    payer_holds, stale_holds = stage.holds(payer), stage.holds(stale)
    price = stage.prices[0]
    nameless = {"credits": str(price.credits), "price_id": price.price_id}
    session = stage.session(
        payer, customer=wrong["customer"], given=True, metadata=nameless, reference=None
    )
    stage.deliver(stage.completed(session))
    stage.expect({payer: payer_holds + 50, stale: stale_holds}, held=session)


def rightful_user_blocked(stage: Stage) -> None:
    """A wrong payment bound the customer; the payer's next one, rightly named, must not be lost."""
    payer, stale = stage.person("payer"), stage.person("stale account")
    wrong = stage.session(payer, signed_in=stale)
    stage.deliver(stage.completed(wrong))
    stage.later()
    payer_holds, stale_holds = stage.holds(payer), stage.holds(stale)
    session = stage.session(payer, customer=wrong["customer"], given=True)
    stage.deliver(stage.completed(session))
    stage.expect({payer: payer_holds + 50, stale: stale_holds}, held=session)


def foreign_id_scheme(stage: Stage) -> None:
    """The account's id is of another scheme than the handler was written for."""
    payer = stage.person("payer", user_id=f"c{stage.random.getrandbits(96):024x}")
    session = stage.session(payer)
    stage.deliver(stage.completed(session))
    stage.expect({payer: 50}, held=session)


def scanned_foreign_uuid(stage: Stage) -> None:
    """The account's id is of another scheme, and another field holds a UUID that is no user."""
    payer = stage.person("payer", user_id=f"c{stage.random.getrandbits(96):024x}")
    cart = str(uuid.UUID(int=stage.random.getrandbits(128), version=4))
    written = stage.metadata(payer, stage.prices[0]) | {"cart_id": cart}
    session = stage.session(payer, metadata=written)
    stage.deliver(stage.completed(session))
    stage.expect({payer: 50}, held=session)


def guest(stage: Stage) -> None:
    """A payment without a Stripe customer."""
    payer = stage.person("payer")
    session = stage.session(payer, customer=None)
    stage.deliver(stage.completed(session))
    stage.expect({payer: 50}, held=session)


def missing_metadata(stage: Stage) -> None:
    """A first payment whose session carries no metadata at all; only the e-mail tells."""
    payer = stage.person("payer")
    session = stage.session(payer, metadata={}, reference=None)
    stage.deliver(stage.completed(session))
    stage.expect({payer: 50}, held=session)


def _known_payer(stage: Stage) -> tuple[Person, Person]:
    """A payer with one right payment behind, and the account that a stale session will name."""
    payer, stale = stage.person("payer"), stage.person("stale account")
    stage.deliver(stage.completed(stage.session(payer)))
    stage.later()
    return payer, stale
