"""Renewals are booked by their paid invoice, once, in both shapes of Stripe's API."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from intake_shop import HELD, REVIEWER_TOKEN, SECRET, Shop, completed, prepared

from credit_forensics.checks.handler import run_kit
from credit_forensics.checks.handler.scenarios import SUBSCRIPTION_SCENARIOS
from credit_forensics.intake.app import WEBHOOK_PATH, create_app
from credit_forensics.intake.settings import IntakeSettings


def paid(number: str, user: str | None, email: str | None, **more: Any) -> dict[str, Any]:
    """The event of a paid invoice as of 2025-03-31 and later; keywords change the invoice."""
    invoice = {
        "id": f"in_{number}",
        "object": "invoice",
        "created": int(time.time()) + 60,
        "billing_reason": "subscription_cycle",
        "status": "paid",
        "amount_paid": 500,
        "subtotal": 500,
        "currency": "eur",
        "customer": "cus_1",
        "customer_email": email,
        "livemode": True,
        "parent": {
            "subscription_details": {
                "subscription": "sub_1",
                "metadata": {"user_id": user} if user else {},
            }
        },
        "lines": {"data": [{"pricing": {"price_details": {"price": "price_small"}}}]},
    } | more
    return event(f"evt_{number}", "invoice.paid", invoice)


def event(event_id: str, kind: str, about: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": event_id,
        "object": "event",
        "type": kind,
        "created": int(time.time()),
        "livemode": True,
        "data": {"object": about},
    }


def payment_of(invoice: str, intent: str) -> dict[str, Any]:
    about = {
        "id": "inpay_1",
        "object": "invoice_payment",
        "invoice": invoice,
        "payment": {"type": "payment_intent", "payment_intent": intent},
    }
    return event(f"evt_{intent}", "invoice_payment.paid", about)


def refund_of(intent: str, amount: int = 500) -> dict[str, Any]:
    charge = {
        "id": f"ch_{intent}",
        "object": "charge",
        "amount": 500,
        "amount_refunded": amount,
        "payment_intent": intent,
    }
    return event(f"evt_refund_{intent}", "charge.refunded", charge)


async def outcome(shop: Shop, told: dict[str, Any]) -> str:
    return (await shop.deliver(told)).json()["outcome"]


def test_a_renewal_is_booked_once_by_whichever_event_comes_first(in_shop: Any) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")
        first = paid("1", "ada", "ada@example.com")
        again = first | {"id": "evt_other", "type": "invoice.payment_succeeded"}
        assert await outcome(shop, again) == "credited"
        assert await outcome(shop, first) == "duplicate"
        assert shop.ledger() == [("ada", 50)]
        booked = shop.rows("SELECT payment_id, families FROM intake_payments")
        assert booked == [("in_1", "session,email")]

    in_shop(story)


def test_the_older_shape_of_an_invoice_is_read_as_well(in_shop: Any) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")
        told = paid(
            "1",
            None,
            "ada@example.com",
            parent=None,
            subscription_details={"metadata": {"user_id": "ada"}},
            payment_intent="pi_1",
            lines={"data": [{"price": {"id": "price_large"}}]},
            subtotal=3990,
            amount_paid=3990,
        )
        assert await outcome(shop, told) == "credited"
        assert shop.rows("SELECT payment_intent_id, credits FROM intake_payments") == [
            ("pi_1", 500)
        ]

    in_shop(story)


def test_the_customers_earlier_payments_speak_for_a_renewal_without_metadata(in_shop: Any) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")
        bought = completed(
            "1", "ada", "ada@example.com", customer="cus_1", customer_creation="always"
        )
        assert await outcome(shop, bought) == "credited"
        assert await outcome(shop, paid("2", None, "ada@example.com")) == "credited"
        assert shop.ledger() == [("ada", 50), ("ada", 50)]

    in_shop(story)


@pytest.mark.parametrize(
    ("user", "email", "change", "problem"),
    [
        ("bo", "ada@example.com", {}, "disagreement"),
        (None, "ada@example.com", {}, "single_family"),
        ("ada", "ada@example.com", {"billing_reason": "subscription_update"}, "no_renewal"),
        ("ada", "ada@example.com", {"billing_reason": "manual"}, "no_renewal"),
        ("ada", "ada@example.com", {"amount_paid": 0}, "underpaid"),
        ("ada", "ada@example.com", {"subtotal": 1000}, "amount_differs"),
        ("ada", "ada@example.com", {"lines": {"data": [{}, {}]}, "subtotal": 7}, "price_unknown"),
    ],
)
def test_what_is_not_clear_waits_for_a_person(
    in_shop: Any, user: str | None, email: str, change: dict[str, Any], problem: str
) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")
        shop.account("bo")
        assert await outcome(shop, paid("1", user, email, **change)) == "queued"
        assert shop.rows("SELECT payment_id, problem FROM review_queue") == [("in_1", problem)]
        assert shop.ledger() == []

    in_shop(story)


@pytest.mark.parametrize(
    "change",
    [
        {"billing_reason": "subscription_create"},
        {"subtotal": 0, "amount_paid": 0},
        {"lines": {"data": [{"price": {"id": "price_plan"}}, {"price": {"id": "price_seat"}}]}},
    ],
    ids=["its session books it", "a trial", "another product"],
)
def test_what_is_no_payment_of_its_own_is_left(in_shop: Any, change: dict[str, Any]) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")
        assert await outcome(shop, paid("1", "ada", "ada@example.com", **change)) == "ignored"
        assert shop.ledger() == [] and shop.rows("SELECT * FROM review_queue") == []

    in_shop(story)


def test_a_queued_renewal_is_booked_by_a_reviewer(in_shop: Any) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")
        assert await outcome(shop, paid("1", None, "ada@example.com")) == "queued"
        (item,) = shop.rows("SELECT id FROM review_queue")
        answer = await shop.client.post(
            f"/api/v1/review/{item[0]}/decide",
            json={"action": "credit", "user_id": "ada", "why": "asked her"},
            headers={"authorization": f"Bearer {REVIEWER_TOKEN}"},
        )
        assert answer.status_code == 200, answer.text
        assert shop.ledger() == [("ada", 50)]
        assert shop.rows("SELECT payment_id FROM intake_payments") == [("in_1",)]

    in_shop(story)


@pytest.mark.parametrize("order", ["named last", "named first", "refunded before all"])
def test_a_refund_finds_its_renewal_in_whatever_order_the_events_come(
    in_shop: Any, order: str
) -> None:
    renewal = paid("1", "ada", "ada@example.com")
    named, refunded = payment_of("in_1", "pi_1"), refund_of("pi_1", 250)
    told = {
        "named last": (renewal, refunded, named),
        "named first": (named, renewal, refunded),
        "refunded before all": (refunded, named, renewal),
    }[order]

    async def story(shop: Shop) -> None:
        shop.account("ada")
        for one in told:
            assert (await shop.deliver(one)).status_code == 200
        assert shop.ledger() == [("ada", 50), ("ada", -25)]
        assert shop.rows("SELECT payment_intent_id FROM intake_payments") == [("pi_1",)]

    in_shop(story)


@pytest.mark.parametrize(
    "invoice",
    [
        {"object": "invoice", "id": "in_1", "amount_paid": "500", "currency": "eur"},
        {"object": "invoice", "id": "in_1", "amount_paid": 500},
        {"object": "invoice", "id": ["in_1"], "amount_paid": 500, "currency": "eur"},
        {"object": "invoice", "lines": {"data": "x"}, "parent": [], "payments": 7},
    ],
)
def test_an_invoice_that_cannot_be_read_waits_and_is_not_lost(
    in_shop: Any, invoice: dict[str, Any]
) -> None:
    async def story(shop: Shop) -> None:
        assert await outcome(shop, event("evt_1", "invoice.paid", invoice)) == "resolution_failed"
        assert shop.rows("SELECT payment_id, problem FROM review_queue") == [
            ("evt_1", "unreadable")
        ]

    in_shop(story)


def test_parts_of_an_invoice_that_are_nonsense_are_as_if_absent(in_shop: Any) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")
        told = paid(
            "1", "ada", "ada@example.com", lines={"data": ["x", 7]}, payments={"data": [None, 5]}
        )
        # Without a price named, the one price of that amount counts.
        assert await outcome(shop, told) == "credited"

    in_shop(story)


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 1, 0), (1, 2, 0), (2, 0, 1)])
@pytest.mark.parametrize("shape", ["as of 2025-03-31", "before"])
def test_a_refund_of_a_subscriptions_first_invoice_finds_its_session(
    in_shop: Any, order: tuple[int, ...], shape: str
) -> None:
    session = completed(
        "1",
        "ada",
        "ada@example.com",
        mode="subscription",
        payment_intent=None,
        invoice="in_1",
        customer="cus_1",
        customer_creation="always",
    )
    # The session names its invoice, and the invoice, or its payment, the PaymentIntent.
    naming = payment_of("in_1", "pi_1")
    if shape == "before":
        naming = paid("9", "ada", "ada@example.com", id="in_1", payment_intent="pi_1")
        naming["data"]["object"]["billing_reason"] = "subscription_create"
    events = (session, naming, refund_of("pi_1", 500))

    async def story(shop: Shop) -> None:
        shop.account("ada")
        for place in order:
            assert (await shop.deliver(events[place])).status_code == 200
        assert shop.ledger() == [("ada", 50), ("ada", -50)]
        booked = shop.rows("SELECT payment_id, payment_intent_id FROM intake_payments")
        assert booked == [("cs_1", "pi_1")]

    in_shop(story)


def test_intake_passes_the_kits_scenarios_of_subscriptions(
    intake_settings: Callable[..., IntakeSettings], tmp_path: Any
) -> None:
    config = intake_settings()
    prepared(config)
    names = [scenario.name for scenario in SUBSCRIPTION_SCENARIOS]
    report = run_kit(
        create_app(config),
        config.database_url,
        SECRET,
        path=WEBHOOK_PATH,
        held=HELD,
        scenarios=names,
        out=tmp_path / "case",
    )
    assert report.all_right, str(report)
    # The upgrade waits for a person, so that its credits are missing; nothing else is found.
    found = {result.scenario: set(result.findings) for result in report.results}
    assert found.pop("upgrade") <= {"missing_renewal", "missing_credit"}
    assert not any(found.values()), found


@pytest.mark.parametrize(
    ("words", "taken"),
    # An invoice that an entry by hand names is one that it is for; part of a word names nothing.
    [("Kulanz zu in_1AbCdEfGhIjK", 0), ("Kulanz login_1AbCdEfGhIjK", 50), ("Kulanz in_bar", 50)],
)
def test_what_a_person_took_for_an_invoice_by_name_is_not_taken_again(
    in_shop: Any, words: str, taken: int
) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")
        told = paid(
            "1",
            "ada",
            "ada@example.com",
            id="in_1AbCdEfGhIjK",
            payment_intent="pi_1",
            customer=None,
        )
        assert await outcome(shop, told) == "credited"
        shop.run(
            "INSERT INTO credit_ledger (user_id, delta, reason) VALUES ('ada', -50, :words)",
            words=words,
        )
        await outcome(shop, refund_of("pi_1"))
        assert shop.rows("SELECT coalesce(-sum(delta), 0) FROM credit_ledger WHERE delta < 0") == [
            (50 + taken,)
        ]

    in_shop(story)
