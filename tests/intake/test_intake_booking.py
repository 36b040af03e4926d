"""What one statement of the booking does, and what it never does twice."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from intake_shop import Shop, completed

from credit_forensics.intake import booking, reversals
from credit_forensics.intake.checkout_object import Checkout, read_checkout

CREATED = datetime(2025, 9, 1, 12, tzinfo=UTC)


def refund(number: int, amount: int, payment: str = "1") -> dict[str, Any]:
    """An event: of the payment's charge, so much is refunded so far."""
    charge = {
        "id": f"ch_{payment}",
        "object": "charge",
        "payment_intent": f"pi_{payment}",
        "amount_refunded": amount,
    }
    return {
        "id": f"evt_refund_{number}",
        "object": "event",
        "type": "charge.refunded",
        "livemode": True,
        "data": {"object": charge},
    }


def test_a_loss_never_shrinks(in_shop: Any) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")
        # Stripe sends events in no order: the later, larger sum may come first.
        for number, amount in enumerate((200, 400, 300)):
            assert (await shop.deliver(refund(number, amount))).status_code == 200
        assert shop.rows("SELECT amount, event_id FROM intake_losses") == [(400, "evt_refund_1")]
        await shop.deliver(completed("1", "ada", "ada@example.com"))
        assert shop.ledger() == [("ada", 50), ("ada", -40)]

    in_shop(story)


def test_what_was_taken_back_is_not_taken_again(in_shop: Any) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")
        await shop.deliver(completed("1", "ada", "ada@example.com"))
        for number, amount in enumerate((200, 200, 100, 300, 500)):
            await shop.deliver(refund(number, amount))
        assert shop.ledger() == [("ada", 50), ("ada", -20), ("ada", -10), ("ada", -20)]
        assert shop.rows("SELECT total_credits FROM user_credits") == [(0,)]

    in_shop(story)


def test_a_refund_waits_for_another_of_the_same_payment(in_shop: Any) -> None:
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"

    async def story(shop: Shop) -> None:
        shop.account("ada")
        await shop.deliver(completed("1", "ada", "ada@example.com"))
        with shop.engine.begin() as other:
            # Another process holds the payment, and takes 20 credits for a first refund.
            other.execute(sa.text("SELECT * FROM intake_payments FOR UPDATE"))
            second = asyncio.create_task(shop.deliver(refund(2, 500)))
            while not second.done() and shop.rows(waiting) == [(0,)]:
                await asyncio.sleep(0.01)
            other.execute(
                sa.text(
                    "INSERT INTO credit_ledger (user_id, delta, reason, payment_id, entry_key) "
                    "VALUES ('ada', -20, 'refund:event_evt_refund_1', 'cs_1', 'refund:cs_1:20')"
                )
            )
        assert (await second).status_code == 200
        assert shop.ledger() == [("ada", 50), ("ada", -20), ("ada", -30)]

    in_shop(story)


def checkout(number: str, minutes: int = 0, **more: Any) -> Checkout:
    session = {
        "id": f"cs_{number}",
        "object": "checkout.session",
        "created": int((CREATED + timedelta(minutes=minutes)).timestamp()),
        "amount_total": 500,
        "currency": "eur",
        "customer": "cus_1",
        "payment_intent": f"pi_{number}",
        "metadata": {},
    }
    return read_checkout(session | more, {})


async def booked(shop: Shop, paid: Checkout, user: str, **more: Any) -> str:
    async with shop.app.state.engine.connect() as connection:
        return await booking.book(
            connection,
            paid,
            event_id=f"evt_{paid.payment_id}",
            user_id=user,
            credits=50,
            method="client_reference_id",
            families=("session", "email"),
            **more,
        )


def test_a_payments_own_entry_is_no_history_of_its_customer(in_shop: Any) -> None:
    async def story(shop: Shop) -> None:
        first, second = checkout("1"), checkout("2", minutes=5)
        other = checkout("3", minutes=7, customer="cus_2")
        for paid, user in ((first, "ada"), (second, "ben"), (other, "cat")):
            assert await booked(shop, paid, user) == "credited"
        async with shop.app.state.engine.connect() as connection:
            _, facts = await booking.store_and_look_up(
                connection,
                event_id="evt_again",
                kind="checkout.session.completed",
                body=b"{}",
                checkout=first,
                ids=(),
                emails=(),
            )
        assert facts.other_payments == [("ben", second.created_at)]

    in_shop(story)


def test_a_payment_is_booked_once_and_binds_once(in_shop: Any) -> None:
    async def story(shop: Shop) -> None:
        paid = checkout("1")
        assert await booked(shop, paid, "ada") == "credited"
        assert await booked(shop, paid, "ada") == "duplicate"
        # The same money under another session's id.
        again = checkout("2", payment_intent="pi_1")
        assert await booked(shop, again, "ada") == "intent_booked"
        assert await booked(shop, checkout("3"), "ben") == "credited"
        assert shop.ledger() == [("ada", 50), ("ben", 50)]
        bound = shop.rows("SELECT user_id, stripe_customer_id FROM stripe_customers")
        assert bound == [("ada", "cus_1")]

    in_shop(story)


@pytest.mark.parametrize(("bind", "bindings"), [(True, [("ada",)]), (False, [])])
def test_a_customer_is_bound_only_where_it_may_be(
    in_shop: Any, bind: bool, bindings: list[tuple[str]]
) -> None:
    async def story(shop: Shop) -> None:
        assert await booked(shop, checkout("1"), "ada", bind=bind) == "credited"
        assert shop.rows("SELECT user_id FROM stripe_customers") == bindings

    in_shop(story)


@pytest.mark.parametrize(("decided", "outcome"), [(False, "queued"), (True, "credited")])
def test_what_waits_for_a_person_is_booked_by_a_person_only(
    in_shop: Any, decided: bool, outcome: str
) -> None:
    async def story(shop: Shop) -> None:
        async with shop.app.state.engine.connect() as connection:
            await booking.queue(
                connection,
                checkout("1"),
                event_id="evt_1",
                problem="disagreement",
                claims=(),
                credits=50,
            )
        assert await booked(shop, checkout("1"), "ada", decided=decided) == outcome

    in_shop(story)


@pytest.mark.parametrize(
    ("credits", "amount", "lost", "taken"),
    [(50, 500, 0, 0), (50, 500, 4, 0), (50, 500, 5, 1), (50, 500, 500, 50), (50, 500, 900, 50)],
)
def test_credits_go_in_proportion_half_a_credit_up_at_most_all(
    credits: int, amount: int, lost: int, taken: int
) -> None:
    assert reversals.credits_lost(credits, amount, lost) == taken
