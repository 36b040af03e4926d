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
from credit_forensics.intake.look_up import Arrival, keep_and_look_up

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


def test_credits_given_besides_are_not_taken_for_a_refund_that_was_settled() -> None:
    bought, besides, refunded = ("ada", 50, False), ("ada", 30, False), ("ada", -20, True)
    assert reversals.to_take([bought, besides, refunded], 20, 50) == []
    assert reversals.to_take([bought, besides, refunded], 30, 50) == [("ada", 10)]


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
        purchase = booking.Purchase(
            paid,
            f"evt_{paid.payment_id}",
            user,
            50,
            "client_reference_id",
            ("session", "email"),
            **more,
        )
        return await booking.book(connection, purchase)


def test_a_payments_own_entry_is_no_history_of_its_customer(in_shop: Any) -> None:
    async def story(shop: Shop) -> None:
        first, second = checkout("1"), checkout("2", minutes=5)
        other = checkout("3", minutes=7, customer="cus_2")
        for paid, user in ((first, "ada"), (second, "ben"), (other, "cat")):
            assert await booked(shop, paid, user) == "credited"
        async with shop.app.state.engine.connect() as connection:
            arrival = Arrival("evt_again", "checkout.session.completed", b"{}", first)
            (facts,) = await keep_and_look_up(connection, [arrival])
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


BEFORE = "2025-09-01T11:00+00:00"
AFTER = "2025-09-01T13:00+00:00"


def by_hand(shop: Shop, user: str, delta: int, reason: str, at: str = AFTER, **more: Any) -> None:
    columns = {"user_id": user, "delta": delta, "reason": reason, "created_at": at} | more
    shop.run(
        f"INSERT INTO credit_ledger ({', '.join(columns)}) "
        f"VALUES ({', '.join(':' + name for name in columns)})",
        **columns,
    )


@pytest.mark.parametrize(
    ("entry", "outcome"),
    [
        # It names the payment, has its credits and its account: it is the payment's booking.
        ({"reason": "Gutschrift cs_1"}, "duplicate"),
        ({"reason": "x", "payment_id": "cs_1"}, "duplicate"),
        ({"reason": "stripe_purchase:method_3:event_evt_cs_1", "event": "evt_cs_1"}, "duplicate"),
        # It names the payment, but is another's, or other credits: a person must look.
        ({"reason": "Gutschrift cs_1", "user": "ben"}, "granted_by_hand"),
        ({"reason": "Gutschrift cs_1", "delta": 40}, "granted_by_hand"),
        # It names nothing, but fits by account, credits and time.
        ({"reason": "ticket 4711"}, "granted_by_hand"),
        ({"reason": "ticket 4711", "delta": 49}, "credited"),
        ({"reason": "ticket 4711", "user": "ben"}, "credited"),
        ({"reason": "ticket 4711", "at": BEFORE}, "credited"),
        # It names another payment.
        ({"reason": "Gutschrift cs_2"}, "credited"),
    ],
)
def test_what_was_given_by_hand_is_not_given_again(
    in_shop: Any, entry: dict[str, Any], outcome: str
) -> None:
    async def story(shop: Shop) -> None:
        more = {"payment_id": entry["payment_id"]} if "payment_id" in entry else {}
        more |= {"stripe_event_id": entry["event"]} if "event" in entry else {}
        user, delta = entry.get("user", "ada"), entry.get("delta", 50)
        by_hand(shop, user, delta, entry["reason"], entry.get("at", AFTER), **more)
        assert await booked(shop, checkout("1"), "ada") == outcome
        assert len(shop.ledger()) == (2 if outcome == "credited" else 1)
        known = shop.rows("SELECT user_id, credits FROM intake_payments")
        assert known == ([] if outcome == "granted_by_hand" else [("ada", 50)])

    in_shop(story)


def test_a_habit_of_giving_is_no_fix(in_shop: Any) -> None:
    async def story(shop: Shop) -> None:
        for at in (BEFORE, AFTER):
            by_hand(shop, "ada", 50, "every month", at)
        assert await booked(shop, checkout("1"), "ada") == "credited"

    in_shop(story)


@pytest.mark.parametrize(
    ("reason", "delta", "taken_by_hand"),
    [
        ("Storno, see mail", -50, True),
        ("refund of the ninth", -50, True),
        ("usage: refund letter", -50, False),
        ("generated", -50, False),
        ("Storno, see mail", -49, False),
    ],
)
def test_what_was_taken_by_hand_is_not_taken_again(
    in_shop: Any, reason: str, delta: int, taken_by_hand: bool
) -> None:
    async def story(shop: Shop) -> None:
        await booked(shop, checkout("1"), "ada")
        by_hand(shop, "ada", delta, reason)
        await shop.deliver(refund(1, 500))
        assert len(shop.ledger()) == (2 if taken_by_hand else 3)

    in_shop(story)


def test_a_payment_whose_money_is_booked_under_another_session_waits(in_shop: Any) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")
        await shop.deliver(completed("1", "ada", "ada@example.com"))
        again = completed("2", "ada", "ada@example.com", payment_intent="pi_1")
        assert (await shop.deliver(again)).json() == {"outcome": "queued"}
        assert shop.rows("SELECT payment_id, problem FROM review_queue") == [
            ("cs_2", "intent_booked")
        ]
        assert shop.ledger() == [("ada", 50)]

    in_shop(story)
