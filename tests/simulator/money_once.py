"""One seeded run of everything that moves credits, over the real code and a real PostgreSQL.

A step is drawn from the seed: payments of three kinds, deliveries in any order and again and at
once, refunds, disputes, decisions of reviewers, fixes by hand, a repair planned and applied, the
sweep, a tick of the monitor, and the faults of ``faults.py``. Each step has its own chance, so that
a run of some of the steps is the run of all of them without the others. Then all that Stripe has is
delivered, and the books must say of each payment what is true: worth less refunds, once, on the
rightful account.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa
from faults import BESIDE, PREPARE, SIGN_IN_KEY, TOLERANCE
from pydantic import SecretStr
from repairing import Repairing
from selling import USERS
from shop_truth import AMOUNT, CREDITS, PRICE, Payment
from watching import Watching

from credit_forensics.intake.event_handler import Outcome
from credit_forensics.intake.losses import DISPUTE_WON, REFUND_FAILED
from credit_forensics.intake.recovery import finish_unfinished
from credit_forensics.intake.settings import IntakeSettings, SoldPrice
from credit_forensics.scenarios.signing import sign

SECRET = "whsec_simulator"
REVIEWER = "r" * 20
STEPS = (
    ("buy", 10),
    ("renew", 4),
    ("deliver", 12),
    ("out_of_order", 6),
    ("redeliver", 6),
    ("refund", 3),
    ("partial_refund", 4),
    ("refunds_at_once", 3),
    ("refund_fails", 4),
    ("dispute", 2),
    ("dispute_won", 2),
    ("decide", 4),
    ("grant_by_hand", 2),
    ("take_by_hand", 2),
    ("stray", 1),
    ("slow", 2),
    ("hold", 1),
    ("freeze", 1),
    ("cut", 2),
    ("outage", 1),
    ("kill", 1),
    ("disk_full", 2),
    ("log_full", 1),
    ("clock_jump", 2),
    ("sweep", 3),
    ("tick", 3),
)


@dataclass
class Run(Watching, Repairing):
    """One run. ``trail`` are its steps, in words, for whoever looks for what went wrong.

    ``played`` is how often each kind of step did something. ``break_it`` is called when the schema is there: what it takes away is a fault to be found.
    """

    seed: int
    url: str
    folder: Path
    break_it: Callable[[sa.Engine], None] = lambda _engine: None
    payments: list[Payment] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    unaccepted: list[int] = field(default_factory=list)
    trail: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    played: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        # Connections that last: to make one takes longer than most of what is asked.
        self.engine = sa.create_engine(self.url, connect_args={"application_name": BESIDE})
        self.now = int(time.time())
        self.settings = IntakeSettings(
            database_url=self.url,
            webhook_secrets=(SecretStr(SECRET), SecretStr("whsec_the_one_before")),
            session_keys=(SecretStr(SIGN_IN_KEY),),
            reviewers={"one": SecretStr(REVIEWER)},
            prices={PRICE: SoldPrice(credits=CREDITS, amount=AMOUNT)},
            requests_per_minute=1_000_000,
            database_timeout_seconds=2,
            lock_timeout_seconds=0.4,
            tolerance_seconds=TOLERANCE,
        )
        self.watch()

    # What happens

    async def play(self, steps: int, only: Collection[int] | None = None) -> None:
        """All of the steps, or only some by number; then what Stripe sends in the end."""
        await self.start()
        try:
            for statement in PREPARE:
                self.run(statement)
            self.break_it(self.engine)
            for number in range(USERS):
                self.run(
                    "INSERT INTO users (id, email, name) VALUES (:id, :mail, 'A Name')",
                    id=f"user-{number}",
                    mail=f"user-{number}@example.com",
                )
            for number, name in enumerate(self._names(steps)):
                if only is None or number in only:
                    self.chance = random.Random(f"{self.seed}:{number}")
                    self.say(f"{number}: {name}")
                    said = len(self.trail)
                    await getattr(self, f"_{name}")()
                    # What found nothing to do says nothing.
                    self.played[name] += len(self.trail) > said
                    self._kept_what_was_accepted(name)
            await self._settle_down()
        finally:
            await self.lives.aclose()

    def _names(self, steps: int) -> list[str]:
        names, weights = zip(*STEPS, strict=True)
        chosen = random.Random(self.seed).choices(names, weights, k=steps)
        # A look at all that Stripe knows takes seconds: twice a run, and some steps go by between.
        for name, back in (("plan", 5), ("apply", 1)):
            chosen[max(0, steps // 2 - back)] = chosen[max(0, steps - back)] = name
        return chosen

    async def _deliver(self) -> None:
        """What waits longest, and the next, at once."""
        await self.send(self.unaccepted[: self.chance.randrange(1, 5)])

    async def _out_of_order(self) -> None:
        """What came last, first."""
        await self.send(self.unaccepted[: -self.chance.randrange(2, 6) : -1])

    async def _redeliver(self) -> None:
        """Some of Stripe's events at once: again, or for the first time."""
        await self.send(self._some(self.chance.randrange(1, 5)))

    async def _decide(self) -> bool:
        """Two reviewers decide the same at once."""
        rows = self.rows(
            "SELECT id, payment_id, problem FROM review_queue WHERE state = 'open' ORDER BY id"
        )
        if rows:
            await self._decide_on(*self.chance.choice(rows))
        return bool(rows)

    async def _decide_on(self, item: int, payment_id: str, problem: str) -> None:
        again = problem in (REFUND_FAILED, DISPUTE_WON)
        payment = next(p for p in self.payments if payment_id in p.queued_as)
        refuse = payment.granted_by_hand and not again
        order = {"action": "refuse" if refuse else "credit", "why": "looked into it"}
        order |= {} if refuse else {"user_id": payment.user}
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.chance.choice(self.apps)), base_url="http://x"
        ) as client:
            path, headers = f"/api/v1/review/{item}/decide", {"authorization": f"Bearer {REVIEWER}"}
            answers = await asyncio.gather(
                *(client.post(path, json=order, headers=headers) for _ in range(2))
            )
            told = [answer.status_code for answer in answers]
            if again and told == [409, 409] and "are owed" in answers[0].text + answers[1].text:
                # What came back was taken again since, or support gave it: there is nothing to give.
                order["action"] = "refuse"
                answers = [await client.post(path, json=order, headers=headers)]
                told = [answer.status_code for answer in answers]
        if told.count(200) > 1 or not set(told) <= {200, 409, 503}:
            self.broken.append(f"decided twice or not at all: {told}")
        self.say(f"decide {payment_id}: {told}")

    async def _sweep(self) -> None:
        self.run("UPDATE intake_events SET next_attempt_at = now() WHERE attempts > 0")
        # A connection that was cut before is found dead at its next use; the app's sweep, too, is
        # told so, and comes again.
        with contextlib.suppress(sa.exc.DBAPIError, OSError, TimeoutError):
            handled = await finish_unfinished(self.apps[0].state.webhook, older_than=0)
            self.say(f"taken up again: {handled}")

    async def _settle_down(self) -> None:
        """All faults are mended, Stripe has sent all, the sweep is done, each item is decided."""
        self.chance, self.ahead = random.Random(f"{self.seed}:end"), 0.0
        self.run("UPDATE simulator_faults SET seconds = 0, full_table = ''")
        for _ in range(2):
            await self.send(range(len(self.events)))
            await self._sweep()
        for _ in range(5 * len(self.payments)):
            if not await self._decide():
                break
        else:
            self.broken.append("the review queue does not empty")
        await self.send(range(len(self.events)))
        self.tick_until_all_is_told()

    # What must be true

    def wrong(self) -> list[str]:
        """What the books say that is not true; nothing where all is well."""
        found = self.broken + self.told_wrongly()
        queued = {row[0] for row in self.rows("SELECT payment_id FROM review_queue")}
        by_payment = self.held()
        for payment in self.payments:
            held = by_payment[payment.payment_id]
            due = payment.due
            if payment.granted_by_hand and payment.payment_id in queued:
                # A person gave the credits and refused to book them: theirs to take back as well.
                continue
            if held != ({payment.user: due} if due else {}):
                found.append(
                    f"{payment.payment_id} ({payment.kind}): {held}, due {due} to {payment.user} "
                    f"(refunded {payment.refunded}, disputed {payment.disputed}, "
                    f"by hand {payment.granted_by_hand})"
                )
        drift = self.rows(
            "SELECT user_id, total_credits, s FROM user_credits FULL JOIN (SELECT user_id, "
            "sum(delta) AS s FROM credit_ledger GROUP BY 1) l USING (user_id) "
            "WHERE coalesce(total_credits, 0) <> coalesce(s, 0)"
        )
        found += [f"balance of {row[0]}: {row[1]}, entries {row[2]}" for row in drift]
        lost = {event["id"] for event in self.events} - self.kept()
        return found + [f"{event} is not kept" for event in sorted(lost)]

    def _kept_what_was_accepted(self, step: str) -> None:
        waiting = {self.events[number]["id"] for number in self.unaccepted}
        lost = {event["id"] for event in self.events} - waiting - self.kept()
        self.broken += [f"{event} was accepted and not kept ({step})" for event in sorted(lost)]

    # Deliveries

    async def deliver(self, body: bytes) -> Outcome:
        """A delivery, signed by Stripe's clock, with one of two secrets that are being rotated."""
        secret = self.chance.choice(self.settings.webhook_secrets).get_secret_value()
        webhook = self.chance.choice(self.apps).state.webhook
        told = await webhook.deliver(body, sign(body, secret, int(time.time())))
        refused = told.outcome == "signature_refused"
        if refused != (abs(self.ahead) > TOLERANCE + 5):
            self.broken.append(f"signature {'refused' if refused else 'taken'} at {self.ahead}")
        return told

    async def send(self, numbers: Sequence[int]) -> list[tuple[dict[str, Any], int]]:
        """Deliveries at once; what is accepted Stripe sends again only by mistake."""

        async def one(number: int) -> tuple[dict[str, Any], int]:
            event = self.events[number]
            outcome = await self.deliver(json.dumps(event).encode())
            self.say(f"{event['id']}: {outcome.outcome} {outcome.error or ''}")
            if outcome.status == 200 and number in self.unaccepted:
                self.unaccepted.remove(number)
            return event, outcome.status

        return await asyncio.gather(*(one(number) for number in numbers))


def simulate(
    seed: int,
    url: str,
    folder: Path,
    *,
    steps: int,
    only: Collection[int] | None = None,
    break_it: Callable[[sa.Engine], None] = lambda _engine: None,
) -> Run:
    """Play a seed to its end, or some of its steps."""
    run = Run(seed, url, folder, break_it)
    try:
        asyncio.run(run.play(steps, only))
    finally:
        run.engine.dispose()
        run.unwatch()
    return run
