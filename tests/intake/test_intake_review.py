"""The review queue: listed, decided once, replayed; who and why is kept."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from intake_shop import REVIEWER_TOKEN, Shop, completed, user_token

REVIEWER = {"authorization": f"Bearer {REVIEWER_TOKEN}"}


async def disagree(shop: Shop, number: str = "1") -> int:
    """A payment whose session says ada and whose payer says bo."""
    if not shop.rows("SELECT 1 FROM users WHERE id = 'ada'"):
        shop.account("ada")
        shop.account("bo")
    event = completed(
        number, "ada", "bo@example.com", customer=f"cus_{number}", customer_creation="always"
    )
    assert (await shop.deliver(event)).json() == {"outcome": "queued"}
    query = "SELECT id FROM review_queue WHERE payment_id = :id"
    return int(shop.rows(query, id=f"cs_{number}")[0][0])


def test_decision_credits_once_and_says_who_and_why(in_shop: Any) -> None:
    async def story(shop: Shop) -> None:
        item = await disagree(shop)
        listed = (await shop.client.get("/api/v1/review", headers=REVIEWER)).json()
        assert [(i["id"], i["problem"], i["credits"]) for i in listed] == [
            (item, "disagreement", 50)
        ]
        path = f"/api/v1/review/{item}/decide"
        order = {"action": "credit", "user_id": "bo", "why": "the payer wrote in; card checked"}
        answers = await asyncio.gather(
            *(shop.client.post(path, json=order, headers=REVIEWER) for _ in range(6))
        )
        assert sorted(a.status_code for a in answers) == [200, 409, 409, 409, 409, 409]
        assert shop.ledger() == [("bo", 50)]
        assert shop.rows("SELECT reason FROM credit_ledger") == [
            ("stripe_purchase:method_review:event_evt_1:payment_cs_1",)
        ]
        assert shop.rows("SELECT action, user_id, decided_by, why FROM review_decisions") == [
            ("credit", "bo", "reviewer one", "the payer wrote in; card checked")
        ]
        assert (await shop.deliver(completed("1", "ada", "bo@example.com"))).json() == {
            "outcome": "duplicate"
        }
        assert shop.ledger() == [("bo", 50)]
        assert shop.rows("SELECT user_id FROM stripe_customers") == [("bo",)]
        assert (await shop.client.get("/api/v1/review", headers=REVIEWER)).json() == []
        done = await shop.client.get("/api/v1/review?state=credited", headers=REVIEWER)
        assert [i["id"] for i in done.json()] == [item]

    in_shop(story)


def test_refusal_books_nothing_ever_and_a_refund_before_a_decision_is_netted(in_shop: Any) -> None:
    async def story(shop: Shop) -> None:
        refused, credited = await disagree(shop, "1"), await disagree(shop, "2")
        answer = await shop.client.post(
            f"/api/v1/review/{refused}/decide",
            json={"action": "refuse", "why": "refunded by hand"},
            headers=REVIEWER,
        )
        assert answer.json()["state"] == "refused"
        assert (await shop.deliver(completed("1", "bo", "bo@example.com"))).json() == {
            "outcome": "duplicate"
        }
        # While it waits, an event that would be booked by itself waits with it.
        assert (await shop.deliver(completed("2", "bo", "bo@example.com"))).json() == {
            "outcome": "queued"
        }
        refund = {
            "id": "evt_refund",
            "object": "event",
            "type": "charge.refunded",
            "livemode": True,
            "data": {"object": {"id": "ch_2", "payment_intent": "pi_2", "amount_refunded": 250}},
        }
        assert (await shop.deliver(refund)).status_code == 200
        assert shop.ledger() == []
        await shop.client.post(
            f"/api/v1/review/{credited}/decide",
            json={"action": "credit", "user_id": "bo", "why": "checked"},
            headers=REVIEWER,
        )
        assert shop.ledger() == [("bo", 50), ("bo", -25)]
        assert shop.rows("SELECT total_credits FROM user_credits") == [(25,)]

    in_shop(story)


def test_replay_books_only_once_the_families_agree(in_shop: Any) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")
        shop.account("stranger", "bo@example.com")
        assert (await shop.deliver(completed("1", "ada", "bo@example.com"))).json() == {
            "outcome": "queued"
        }
        path = "/api/v1/review/1/replay"
        again = await shop.client.post(path, json={"why": "tried again"}, headers=REVIEWER)
        assert again.json()["state"] == "open"
        assert shop.ledger() == []
        shop.run("UPDATE users SET email = 'bo@example.com' WHERE id = 'ada'")
        shop.run("DELETE FROM users WHERE id = 'stranger'")
        done = await shop.client.post(path, json={"why": "e-mail corrected"}, headers=REVIEWER)
        assert done.json()["state"] == "credited"
        assert shop.ledger() == [("ada", 50)]
        decided = shop.rows("SELECT action, why FROM review_decisions ORDER BY id")
        assert decided == [("replay", "tried again"), ("replay", "e-mail corrected")]

    in_shop(story)


@pytest.mark.parametrize(
    ("order", "status"),
    [
        ({"action": "credit", "why": "no user"}, 422),
        ({"action": "credit", "user_id": "nobody", "why": "no such"}, 422),
        ({"action": "credit", "user_id": "a\x00", "why": "hostile"}, 422),
        ({"action": "credit", "user_id": "bo"}, 422),
        ({"action": "credit", "user_id": "bo", "why": "xx"}, 422),
        ({"action": "give", "user_id": "bo", "why": "unknown"}, 422),
    ],
)
def test_decision_that_cannot_be_done_changes_nothing(
    in_shop: Any, order: dict[str, str], status: int
) -> None:
    async def story(shop: Shop) -> None:
        item = await disagree(shop)
        answer = await shop.client.post(
            f"/api/v1/review/{item}/decide", json=order, headers=REVIEWER
        )
        assert answer.status_code == status
        assert shop.rows("SELECT state FROM review_queue") == [("open",)]
        assert shop.ledger() == []

    in_shop(story)


def test_unreadable_session_takes_credits_of_a_persons_own(in_shop: Any) -> None:
    async def story(shop: Shop) -> None:
        shop.account("bo")
        await shop.deliver(completed("1", "bo", "bo@example.com", amount_total=None))
        credit = {"action": "credit", "user_id": "bo", "why": "looks right"}
        path = "/api/v1/review/1"
        assert (
            await shop.client.post(f"{path}/decide", json=credit, headers=REVIEWER)
        ).status_code == 422
        again = await shop.client.post(f"{path}/replay", json={"why": "tried"}, headers=REVIEWER)
        assert again.status_code == 409
        done = await shop.client.post(
            f"{path}/decide", json=credit | {"credits": 50}, headers=REVIEWER
        )
        assert done.json() == {"state": "credited", "user_id": "bo", "credits": 50, "awaits": None}
        assert shop.ledger() == [("bo", 50)]

    in_shop(story)


def test_a_decision_says_what_was_booked_and_not_what_was_meant(in_shop: Any) -> None:
    async def story(shop: Shop) -> None:
        item = await disagree(shop)
        # Meanwhile somebody else booked the payment.
        shop.run(
            "INSERT INTO intake_payments (payment_id, user_id, credits, amount, currency, event_id,"
            " method, families, created_at) VALUES "
            "('cs_1', 'ada', 50, 500, 'eur', 'repair', 'repair', 'repair', now())"
        )
        order = {"action": "credit", "user_id": "bo", "why": "the payer wrote in"}
        answer = await shop.client.post(
            f"/api/v1/review/{item}/decide", json=order, headers=REVIEWER
        )
        assert answer.status_code == 409
        assert answer.json() == {"detail": "nothing was booked: the payment is booked already"}
        assert shop.ledger() == []
        assert shop.rows("SELECT state FROM review_queue") == [("open",)]
        assert shop.rows("SELECT 1 FROM review_decisions") == []

    in_shop(story)


@pytest.mark.parametrize(("credits", "needed"), [(100, False), (101, True)])
def test_a_large_decision_takes_a_second_person(in_shop: Any, credits: int, needed: bool) -> None:
    async def story(shop: Shop) -> None:
        item = await disagree(shop)
        order = {"action": "credit", "user_id": "bo", "why": "as agreed", "credits": credits}
        second = {"authorization": "Bearer second-reviewers-token"}

        async def decide(headers: dict[str, str], **more: Any) -> str:
            answer = await shop.client.post(
                f"/api/v1/review/{item}/decide", json=order | more, headers=headers
            )
            return str(answer.json()["state"])

        first = await decide(REVIEWER)
        assert first == ("open" if needed else "credited")
        if needed:
            # The same person twice is one person, and another sum is another decision.
            assert await decide(REVIEWER) == "open"
            assert await decide(second, credits=credits + 1) == "open"
            assert shop.ledger() == []
            assert await decide(second) == "credited"
        assert shop.ledger() == [("bo", credits)]

    in_shop(
        story,
        second_person_above=100,
        reviewers={"one": REVIEWER_TOKEN, "two": "second-reviewers-token"},
    )


def test_only_reviewers_get_in(in_shop: Any) -> None:
    async def story(shop: Shop) -> None:
        item = await disagree(shop)
        for headers in ({}, user_token("bo", "bo@example.com"), {"authorization": "Bearer x"}):
            for method, path in (
                ("GET", "/api/v1/review"),
                ("GET", f"/api/v1/review/{item}"),
                ("POST", f"/api/v1/review/{item}/decide"),
                ("POST", f"/api/v1/review/{item}/replay"),
            ):
                body = {"action": "refuse", "why": "because"} if method == "POST" else None
                answer = await shop.client.request(method, path, json=body, headers=headers)
                assert answer.status_code == 401
        missing = await shop.client.get("/api/v1/review/999", headers=REVIEWER)
        assert missing.status_code == 404

    in_shop(story)
