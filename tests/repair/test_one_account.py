"""A repair of the intake's own ledger, and Stripe's deliveries after it: money moves once."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from credit_forensics.intake.app import create_app
from credit_forensics.intake.settings import IntakeSettings, SoldPrice
from credit_forensics.repair import make_plan
from credit_forensics.repair.apply import apply_plan
from credit_forensics.scenarios.demo import ORIGINAL_PAYER as PAYER
from credit_forensics.scenarios.demo import ORIGINAL_WRONG_USER as WRONG
from credit_forensics.scenarios.signing import sign

SECRET = "whsec_one_account"


def event(event_id: str, kind: str, about: dict[str, Any], created: int) -> dict[str, Any]:
    envelope = {"id": event_id, "object": "event", "type": kind, "created": created}
    return envelope | {"livemode": True, "data": {"object": about}}


class Shop:
    """A case whose ledger is the intake's, and the intake's deliveries."""

    def __init__(self, books: Any) -> None:
        self.books = books
        self.sessions = {
            one["id"]: one for one in map(json.loads, (books.path.parent / "sessions.jsonl").open())
        }
        self.settings = IntakeSettings(
            database_url=books.url,
            webhook_secrets=[SECRET],  # type: ignore[arg-type]
            prices={
                one["metadata"].get("price_id", "?"): SoldPrice(
                    credits=50, amount=one["amount_subtotal"], currency=one["currency"]
                )
                for one in self.sessions.values()
            },
        )
        self.deliver()
        self.take_over()

    def take_over(self) -> None:
        """What was booked before was booked by the intake."""
        for event in map(json.loads, (self.books.path.parent / "events.jsonl").open()):
            self.books.run(
                "UPDATE credit_ledger SET payment_id = ?, entry_key = 'purchase:' || ?, reason = "
                "'stripe_purchase:method_m:event_' || stripe_event_id || ':payment_' || ? "
                "WHERE stripe_event_id = ? AND delta > 0",
                values=(*[event["data"]["object"]["id"]] * 3, event["id"]),
            )
        self.books.run(
            "SELECT setval(pg_get_serial_sequence('credit_ledger', 'id'), "
            "(SELECT max(id) FROM credit_ledger))"
        )
        for payment, user, credits in self.books.rows(
            "SELECT payment_id, user_id, delta FROM credit_ledger WHERE entry_key IS NOT NULL"
        ):
            one = self.sessions[payment]
            self.books.run(
                "INSERT INTO intake_payments (payment_id, payment_intent_id, customer_id, user_id,"
                " credits, amount, currency, event_id, method, families, created_at) VALUES "
                "(?, ?, ?, ?, ?, ?, ?, 'evt', 'm', 'session,email', now())",
                values=(
                    payment,
                    one["payment_intent"],
                    one["customer"],
                    user,
                    credits,
                    one["amount_total"],
                    one["currency"],
                ),
            )

    def deliver(self, *events: dict[str, Any]) -> list[str]:
        """Outcomes of signed deliveries, one after the other, in a started intake."""
        app = create_app(self.settings)

        async def run() -> list[str]:
            async with app.router.lifespan_context(app):
                outcomes = []
                for event in events:
                    body = json.dumps(event).encode()
                    header = sign(body, SECRET, int(time.time()))
                    outcomes.append((await app.state.webhook.deliver(body, header)).outcome)
                return outcomes

        return asyncio.run(run())

    def completed(self, payment: str, event_id: str = "evt_resent") -> dict[str, Any]:
        return {
            "id": event_id,
            "object": "event",
            "type": "checkout.session.completed",
            "created": self.sessions[payment]["created"],
            "livemode": True,
            "data": {"object": self.sessions[payment]},
        }

    def refunded(self, payment: str, share: float = 1.0, number: int = 1) -> dict[str, Any]:
        one = self.sessions[payment]
        return {
            "id": f"evt_refund_{number}",
            "object": "event",
            "type": "charge.refunded",
            "created": one["created"] + 60,
            "livemode": True,
            "data": {
                "object": {
                    "id": f"ch_{payment}",
                    "object": "charge",
                    "payment_intent": one["payment_intent"],
                    "amount_refunded": int(one["amount_total"] * share),
                }
            },
        }

    def held(self, payment: str) -> dict[str, int]:
        """Credits of a payment, an account, as its entries say."""
        return dict(
            self.books.rows(
                "SELECT user_id, sum(delta)::int FROM credit_ledger "
                f"WHERE payment_id = '{payment}' OR strpos(reason, '{payment}') > 0 "
                "GROUP BY 1 HAVING sum(delta) <> 0"
            )
        )

    def drift(self) -> list[tuple[Any, ...]]:
        return self.books.rows(
            "SELECT user_id, total_credits, s FROM user_credits FULL JOIN (SELECT user_id, "
            "sum(delta) AS s FROM credit_ledger GROUP BY 1) l USING (user_id) "
            "WHERE coalesce(total_credits, 0) <> coalesce(s, 0)"
        )

    def charge(self, payment: str) -> dict[str, Any]:
        """The charge of a payment, as Stripe has it."""
        charges = map(json.loads, (self.books.path.parent / "charges.jsonl").open())
        intent = self.sessions[payment]["payment_intent"]
        return next(one for one in charges if one["payment_intent"] == intent)

    def in_stripe(self, charge: dict[str, Any], *events: dict[str, Any]) -> None:
        """What Stripe has by now: a charge as it is, and events more."""
        path = self.books.path.parent / "charges.jsonl"
        charges = [json.loads(line) for line in path.open()]
        told = [charge if one["id"] == charge["id"] else one for one in charges]
        path.write_text("".join(json.dumps(one) + "\n" for one in told))
        with (self.books.path.parent / "events.jsonl").open("a") as lines:
            lines.writelines(json.dumps(one) + "\n" for one in events)

    def findings(self, payment: str) -> set[str]:
        found = self.books.case().findings
        return set(found.loc[found["payment_id"] == payment, "finding"])

    def payment_of(self, finding: str) -> str:
        found = self.books.case().findings
        return str(found.loc[found["finding"] == finding, "payment_id"].iloc[0])


def test_a_repaired_payment_that_stripe_sends_again_is_booked_once(postgres_books):
    shop = Shop(postgres_books("not_delivered"))
    payment = shop.payment_of("missing_credit")
    assert apply_plan(make_plan(shop.books.case())).complete
    assert sum(shop.held(payment).values()) == 50
    assert shop.deliver(shop.completed(payment)) == ["duplicate"]
    assert sum(shop.held(payment).values()) == 50
    # And what was repaired is known to the refund that comes later.
    shop.deliver(shop.refunded(payment, 0.4))
    assert sum(shop.held(payment).values()) == 30
    assert shop.drift() == []


def test_a_refund_that_was_repaired_and_comes_late_takes_once(postgres_books):
    shop = Shop(postgres_books("refund_unreversed"))
    payment = shop.payment_of("refund_not_reversed")
    assert apply_plan(make_plan(shop.books.case())).complete
    assert shop.held(payment) == {}
    shop.deliver(shop.refunded(payment))
    assert shop.held(payment) == {}
    assert shop.drift() == []


def test_a_refund_anew_after_one_that_failed_is_one_account_too(postgres_books):
    shop = Shop(postgres_books("refund_unreversed"))
    payment = shop.payment_of("refund_not_reversed")
    assert apply_plan(make_plan(shop.books.case())).complete
    charge = shop.charge(payment)
    at = charge["created"] + 86_400
    refund = {"id": "re_1", "object": "refund", "charge": charge["id"], "status": "failed"}
    refund |= {"payment_intent": charge["payment_intent"], "amount": charge["amount"]}
    failed = event("evt_failed", "refund.failed", refund, at)
    shop.in_stripe(charge | {"amount_refunded": 0}, failed)
    # The audit sees that too much is taken, a repair gives it, and the intake owes nothing more.
    assert "refund_over_reversed" in shop.findings(payment)
    assert apply_plan(make_plan(shop.books.case())).complete
    assert sum(shop.held(payment).values()) == 50
    shop.deliver(failed, shop.refunded(payment) | {"data": {"object": charge}})
    assert shop.books.rows("SELECT payment_id FROM review_queue WHERE state = 'open'") == []
    assert sum(shop.held(payment).values()) == 50
    # Refunded anew: the audit sees what is to be taken, and the intake takes it.
    anew = event("evt_anew", "charge.refunded", charge, at + 60)
    shop.in_stripe(charge, anew)
    assert "refund_not_reversed" in shop.findings(payment)
    shop.deliver(anew, failed, anew)
    assert shop.held(payment) == {}
    assert not shop.findings(payment) & {"refund_not_reversed", "refund_over_reversed"}
    assert shop.drift() == []


def test_a_refund_after_a_repaired_wrong_user_is_taken_from_who_has_the_credits(postgres_books):
    shop = Shop(postgres_books("stale_session"))
    payment = shop.payment_of("wrong_user")
    before = shop.books.balance(WRONG)
    assert apply_plan(make_plan(shop.books.case())).complete
    assert shop.books.balance(WRONG) == before - 50
    assert shop.held(payment) == {PAYER: 50}
    assert shop.books.rows(
        f"SELECT user_id FROM intake_payments WHERE payment_id = '{payment}'"
    ) == [(PAYER,)]
    shop.deliver(shop.refunded(payment, 0.5), shop.refunded(payment, 1.0, number=2))
    assert shop.held(payment) == {}
    assert shop.books.balance(WRONG) == before - 50
    assert shop.drift() == []


def test_a_repair_does_not_overrule_the_reviewer_who_gave_the_credits(postgres_books):
    shop = Shop(postgres_books("stale_session"))
    payment = shop.payment_of("wrong_user")
    decided = (
        "INSERT INTO review_queue (payment_id, event_id, problem, claims, amount, currency, state) "
        f"VALUES ('{payment}', 'evt', 'disagreement', '[]', 500, 'eur', 'credited')"
    )
    shop.books.run(decided)
    plan = make_plan(shop.books.case())
    rows = plan.rows[plan.rows["payment_id"] == payment]
    assert set(rows["status"]) == {"needs a person"}
    assert rows["note"].str.contains("a reviewer of the intake's queue gave the credits").all()
    shop.books.run("DELETE FROM review_queue")
    plan = make_plan(shop.books.case())
    assert {one.finding for one in plan.corrections} == {"wrong_user", "poisoned_mapping"}


@pytest.mark.parametrize("words", ["Storno", "refund by support", "money back, see mail"])
def test_a_refund_that_was_taken_by_hand_is_not_taken_again(postgres_books, words):
    shop = Shop(postgres_books("clean"))
    payment, user = shop.books.rows("SELECT payment_id, user_id FROM intake_payments LIMIT 1")[0]
    shop.books.run(
        f"INSERT INTO credit_ledger (user_id, delta, reason) "
        f"VALUES ('{user}', -50, '{words} {payment}')",
        f"UPDATE user_credits SET total_credits = total_credits - 50 WHERE user_id = '{user}'",
    )
    shop.deliver(shop.refunded(payment))
    assert shop.held(payment) == {}
    assert shop.drift() == []
