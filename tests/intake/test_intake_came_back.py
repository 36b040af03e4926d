"""A refund that fails, or a dispute that is won after it was lost: the credits are a person's to give."""

from __future__ import annotations

import itertools
import time
from typing import Any

import pytest
from intake_shop import REVIEWER_TOKEN, Shop, completed

REVIEWER = {"authorization": f"Bearer {REVIEWER_TOKEN}"}


def event(
    number: str, kind: str, about: dict[str, Any], created: int | None = None
) -> dict[str, Any]:
    return {
        "id": f"evt_{number}",
        "object": "event",
        "type": kind,
        "created": int(time.time()) if created is None else created,
        "livemode": True,
        "data": {"object": about},
    }


def charge(refunded: int) -> dict[str, Any]:
    return {
        "id": "ch_1",
        "object": "charge",
        "amount": 500,
        "amount_refunded": refunded,
        "payment_intent": "pi_1",
    }


def refund(status: str, amount: int = 250) -> dict[str, Any]:
    return {
        "id": "re_1",
        "object": "refund",
        "charge": "ch_1",
        "payment_intent": "pi_1",
        "amount": amount,
        "currency": "eur",
        "status": status,
    }


def dispute(status: str) -> dict[str, Any]:
    about = {"id": "dp_1", "object": "dispute", "payment_intent": "pi_1", "amount": 500}
    return about | {"status": status}


async def outcome(shop: Shop, told: dict[str, Any]) -> str:
    return str((await shop.deliver(told)).json()["outcome"])


def waiting(shop: Shop) -> list[tuple[Any, ...]]:
    return shop.rows("SELECT payment_id, problem, suggested_user_id, credits FROM review_queue")


def test_a_refund_that_fails_is_put_before_a_person_once_who_gives_the_credits(
    in_shop: Any,
) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")
        await shop.deliver(completed("1", "ada", "ada@example.com"))
        await shop.deliver(event("2", "charge.refunded", charge(250)))
        assert shop.ledger() == [("ada", 50), ("ada", -25)]
        # Three kinds of events tell of one refund.
        assert await outcome(shop, event("3", "refund.updated", refund("pending"))) == "ignored"
        assert await outcome(shop, event("4", "refund.failed", refund("failed"))) == "queued"
        await shop.deliver(event("5", "charge.refund.updated", refund("failed")))
        assert waiting(shop) == [("re_1", "refund_failed", "ada", 25)]
        (item,) = (await shop.client.get("/api/v1/review", headers=REVIEWER)).json()
        order = {"action": "credit", "user_id": "ada", "why": "the refund failed"}
        path = f"/api/v1/review/{item['id']}/decide"
        done = await shop.client.post(path, json=order, headers=REVIEWER)
        assert (done.status_code, done.json()["credits"]) == (200, 25)
        await shop.deliver(event("4", "refund.failed", refund("failed")))
        assert shop.rows("SELECT sum(delta) FROM credit_ledger") == [(50,)]
        assert shop.rows("SELECT total_credits FROM user_credits") == [(50,)]

    in_shop(story)


@pytest.mark.parametrize(
    ("before", "told", "waits"),
    [
        (["lost"], "won", [("dp_1", "dispute_won", "ada", 50)]),
        # What was won at once took nothing.
        ([], "won", []),
        (["lost"], "lost", []),
    ],
)
def test_a_dispute_that_is_won_after_it_was_lost_is_put_before_a_person(
    in_shop: Any, before: list[str], told: str, waits: list[tuple[Any, ...]]
) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")
        await shop.deliver(completed("1", "ada", "ada@example.com"))
        for number, status in enumerate([*before, told]):
            await shop.deliver(event(f"d{number}", "charge.dispute.closed", dispute(status)))
        assert waiting(shop) == waits

    in_shop(story)


FIRST, FAILED, ANEW = (
    event("first", "charge.refunded", charge(250), 100),
    event("failed", "refund.failed", refund("failed") | {"created": 100}, 200),
    event("anew", "charge.refunded", charge(250), 300),
)


async def decide(shop: Shop, action: str = "credit") -> int:
    """What a reviewer is answered who decides the one item that waits."""
    (item,) = (await shop.client.get("/api/v1/review", headers=REVIEWER)).json()
    order = {"action": action, "why": "the refund failed"}
    order |= {"user_id": item["suggested_user_id"]} if action == "credit" else {}
    path = f"/api/v1/review/{item['id']}/decide"
    return (await shop.client.post(path, json=order, headers=REVIEWER)).status_code


async def support_gives(shop: Shop) -> None:
    shop.run("INSERT INTO credit_ledger (user_id, delta, reason) VALUES ('ada', 25, 'sorry cs_1')")


@pytest.mark.parametrize(
    ("meanwhile", "entries"),
    [
        (decide, [50, -25, 25, -25]),
        # The shop sent the money another way, or sends it anew: the credits stay taken.
        (lambda shop: decide(shop, "refuse"), [50, -25]),
        (support_gives, [50, -25, 25, -25]),
    ],
)
def test_a_refund_anew_after_one_that_failed_takes_what_was_given_again(
    in_shop: Any, meanwhile: Any, entries: list[int]
) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")
        await shop.deliver(completed("1", "ada", "ada@example.com"))
        await shop.deliver(FIRST)
        await shop.deliver(FAILED)
        await meanwhile(shop)
        for told in (ANEW, FIRST, FAILED, ANEW):
            await shop.deliver(told)
        assert shop.ledger() == [("ada", delta) for delta in entries]

    in_shop(story)


@pytest.mark.parametrize("order", list(itertools.permutations([FIRST, FAILED, ANEW])))
def test_refunds_and_their_failure_come_in_any_order(in_shop: Any, order: Any) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")
        await shop.deliver(order[0])
        await shop.deliver(completed("1", "ada", "ada@example.com"))
        for told in (*order[1:], *order):
            await shop.deliver(told)
        assert shop.ledger() == [("ada", 50), ("ada", -25)]
        # Somebody was asked where the failure came when credits were taken that were owed then;
        # by now none are.
        if waiting(shop):
            assert await decide(shop) == 409
            assert len(shop.ledger()) == 2

    in_shop(story)


def test_a_failure_that_is_told_before_its_refund_takes_nothing_and_asks_nobody(
    in_shop: Any,
) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")
        await shop.deliver(completed("1", "ada", "ada@example.com"))
        assert await outcome(shop, FAILED) == "ignored"
        await shop.deliver(FIRST)
        assert shop.ledger() == [("ada", 50)]
        assert waiting(shop) == []

    in_shop(story)


def test_a_refund_after_a_dispute_that_was_won_takes_what_was_given_again(in_shop: Any) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")
        await shop.deliver(completed("1", "ada", "ada@example.com"))
        await shop.deliver(event("lost", "charge.dispute.closed", dispute("lost"), 100))
        await shop.deliver(event("won", "charge.dispute.closed", dispute("won"), 200))
        assert await decide(shop) == 200
        await shop.deliver(event("back", "charge.dispute.funds_reinstated", dispute("won"), 201))
        await shop.deliver(event("r", "charge.refunded", charge(500), 300))
        assert shop.ledger() == [("ada", delta) for delta in (50, -50, 50, -50)]

    in_shop(story)


def test_a_refund_of_what_sold_no_credits_is_nobodys(in_shop: Any) -> None:
    async def story(shop: Shop) -> None:
        assert await outcome(shop, event("4", "refund.failed", refund("failed"))) == "ignored"
        assert waiting(shop) == []

    in_shop(story)
