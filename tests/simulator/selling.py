"""What is bought, given back and put right by hand in a simulated shop, and Stripe's events of it."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from typing import Any

from faults import Faults
from shop_truth import AMOUNT, CREDITS, Payment

USERS = 5
_NAMED = "substring(reason from '((cs_test|in_1Sim)[_A-Za-z0-9]+)')"


class Selling(Faults):
    """The steps of a run by which money and credits move."""

    seed: int
    now: int
    chance: random.Random
    payments: list[Payment]

    async def _buy(self) -> None:
        self._pays(self.chance.choice(("once", "once", "first")))

    async def _renew(self) -> None:
        self._pays("renewal")

    def _pays(self, kind: str) -> None:
        number = len(self.payments)
        user = f"user-{self.chance.randrange(USERS)}"
        # One in five is paid by another's address, so that a person must look.
        payer = user if self.chance.random() < 0.8 else f"user-{self.chance.randrange(USERS)}"
        key = f"{self.seed:04d}x{number:06d}"
        old = self.chance.random() < 0.5
        payment = Payment(number, key, kind, old, user, payer, self.now - 40_000 + number)
        self.payments.append(payment)
        for told, about in payment.tellings():
            self._event(told, about)
        if kind == "once" and self.chance.random() < 0.1:
            self._event("checkout.session.async_payment_succeeded", payment.session())

    async def _refund(self) -> None:
        payment = self._any()
        if payment is not None and payment.left > 0:
            self._give_back(payment, payment.left)

    async def _partial_refund(self) -> None:
        payment = self._any()
        if payment is not None and payment.left > 0:
            self._give_back(payment, max(1, payment.left // self.chance.choice((2, 3, 5))))

    def _give_back(self, payment: Payment, amount: int) -> None:
        payment.refunded += amount
        payment.refunds.append(amount)
        self._event("charge.refunded", payment.charge())

    async def _refunds_at_once(self) -> None:
        """Two parts of a payment's money go back; the second is told while the first is taken."""
        booked = {row[0] for row in self.rows("SELECT payment_id FROM intake_payments")}
        open_ = [p for p in self.payments if p.payment_id in booked and p.left > 3]
        if not open_:
            return
        payment, known = self.chance.choice(open_), len(self.events)
        for _ in range(2):
            self._give_back(payment, payment.left // 2)
        # Entries take their time, so that the second comes while the first is written.
        seconds = self.chance.choice((0, 0.1, 0.2))
        self.run("UPDATE simulator_faults SET seconds = :s", s=seconds)
        sending = []
        for number in range(known, len(self.events)):
            sending.append(asyncio.create_task(self.send([number])))
            await asyncio.sleep(self.chance.random() * max(seconds, 0.03))
        await asyncio.gather(*sending)
        self.run("UPDATE simulator_faults SET seconds = 0")

    async def _refund_fails(self) -> None:
        """A bank refuses a refund after days: the money is the shop's again."""
        able = [p for p in self.payments if len(p.failed) < len(p.refunds)]
        if not able:
            return
        payment = self.chance.choice(able)
        stand = [n for n in range(len(payment.refunds)) if n not in payment.failed]
        number = self.chance.choice(stand)
        payment.failed.add(number)
        payment.refunded -= payment.refunds[number]
        # One of them, or all three, tell of it.
        kinds = ["refund.failed", "refund.updated", "charge.refund.updated"]
        for kind in self.chance.sample(kinds, self.chance.choice((1, 3))):
            self._event(kind, payment.refund(number))

    async def _dispute_won(self) -> None:
        """A dispute that was lost is won after all."""
        lost = [p for p in self.payments if p.disputed]
        if lost:
            payment = self.chance.choice(lost)
            payment.disputed = 0
            kinds = ["charge.dispute.closed", "charge.dispute.funds_reinstated"]
            for kind in self.chance.sample(kinds, self.chance.choice((1, 2))):
                self._event(kind, payment.dispute("won"))

    async def _dispute(self) -> None:
        payment = self._any()
        if payment is None or payment.refunded or payment.disputed:
            return
        payment.disputes += 1
        self._event("charge.dispute.created", payment.dispute("needs_response"))
        status = self.chance.choice(("won", "lost", "lost"))
        if status == "lost":
            payment.disputed = AMOUNT
        self._event("charge.dispute.closed", payment.dispute(status))

    async def _grant_by_hand(self) -> None:
        """Support makes a payer whole whose payment is not booked, and names the payment."""
        known = self._known()
        open_ = [p for p in self.payments if p.payment_id not in known]
        if not open_:
            return
        payment = self.chance.choice(open_)
        payment.granted_by_hand = True
        words = self.chance.choice(("Gutschrift", "admin_grant:", "sorry"))
        self._by_hand(payment.user, CREDITS, f"{words} {payment.payment_id}")

    async def _take_by_hand(self) -> None:
        """Support takes back what a refund takes, before Stripe's event comes."""
        held = self.held()
        owing = [p for p in self.payments if held[p.payment_id].get(p.user, 0) > p.due]
        if owing:
            payment = self.chance.choice(owing)
            extra = held[payment.payment_id][payment.user] - payment.due
            words = self.chance.choice(("Storno", "refund", "money back"))
            self._by_hand(payment.user, -extra, f"{words} {payment.payment_id}")

    def _any(self) -> Payment | None:
        return self.chance.choice(self.payments) if self.payments else None

    def _event(self, kind: str, about: dict[str, Any]) -> None:
        number = len(self.events)
        event = {
            "id": f"evt_{self.seed}x{number}",
            "object": "event",
            "type": kind,
            "created": self.now - 30_000 + number,
            "livemode": True,
            # As it was then: later refunds are other events.
            "data": {"object": about},
        }
        self.events.append(event)
        self.unaccepted.append(number)
        self.say(f"{kind} {about['id']}")

    def _known(self) -> set[str]:
        """Payments that the intake or an entry knows."""
        return {
            row[0]
            for row in self.rows(
                "SELECT payment_id FROM intake_payments UNION SELECT payment_id FROM review_queue "
                f"UNION SELECT {_NAMED} FROM credit_ledger WHERE payment_id IS NULL"
            )
        }

    def held(self) -> defaultdict[str, dict[str, int]]:
        """Credits by payment and account, of whoever has some of it."""
        found: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for payment, user, credits in self.rows(
            f"SELECT coalesce(payment_id, {_NAMED}) AS payment, user_id, sum(delta)::int "
            "FROM credit_ledger GROUP BY 1, 2 HAVING sum(delta) <> 0"
        ):
            found[payment][user] = credits
        return found

    def _by_hand(self, user: str, delta: int, reason: str) -> None:
        # A table whose disk is full takes no entry by hand either.
        self.run(
            "WITH entry AS (INSERT INTO credit_ledger (user_id, delta, reason) "
            "VALUES (:user, :delta, :reason) RETURNING user_id, delta) "
            "INSERT INTO user_credits SELECT * FROM entry ON CONFLICT (user_id) DO UPDATE "
            "SET total_credits = user_credits.total_credits + EXCLUDED.total_credits",
            user=user,
            delta=delta,
            reason=reason,
        )
        self.say(f"by hand: {user} {delta:+d} {reason}")
