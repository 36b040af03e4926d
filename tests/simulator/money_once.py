"""One seeded run of everything that moves credits, over the real code and a real PostgreSQL.

A step is drawn from the seed: a purchase, deliveries in any order and again and at once, refunds,
lost disputes, decisions of reviewers, fixes by hand, connections that are cut, a slow database, one
that is away, the sweep, a repair planned and applied. Then all that Stripe has is delivered, and the
books must say of each payment what is true: worth less refunds, once, on the rightful account.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from pydantic import SecretStr

from credit_forensics.case.case import Case
from credit_forensics.checks.handler.books import Books
from credit_forensics.intake.app import create_app
from credit_forensics.intake.recovery import finish_unfinished
from credit_forensics.intake.reversals import credits_lost
from credit_forensics.intake.settings import IntakeSettings, SoldPrice
from credit_forensics.repair import make_plan
from credit_forensics.repair.apply import apply_plan
from credit_forensics.scenarios.signing import sign

SECRET = "whsec_simulator"
CREDITS, AMOUNT = 50, 500
USERS = 5
SLOW = (
    "CREATE TABLE simulator_slow AS SELECT 0.0 AS seconds",
    "CREATE FUNCTION simulator_sleep() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN PERFORM pg_sleep(seconds) FROM simulator_slow; RETURN NEW; END $$",
    "CREATE TRIGGER simulator_sleeps BEFORE INSERT ON credit_ledger "
    "FOR EACH ROW EXECUTE FUNCTION simulator_sleep()",
)
STEPS = (
    ("buy", 10),
    ("deliver", 20),
    ("refund", 4),
    ("refunds_at_once", 3),
    ("slow", 2),
    ("dispute", 1),
    ("decide", 4),
    ("grant_by_hand", 2),
    ("take_by_hand", 2),
    ("cut", 2),
    ("outage", 1),
    ("sweep", 3),
)


@dataclass
class Payment:
    """What is true of a payment: whose it is, and what of its money went back."""

    number: int
    user: str
    payer_email: str
    session: dict[str, Any]
    refunded: int = 0
    disputed: int = 0
    granted_by_hand: bool = False

    @property
    def due(self) -> int:
        """Credits that its account must have of it."""
        return CREDITS - credits_lost(CREDITS, AMOUNT, self.refunded + self.disputed)


@dataclass
class Run:
    """One run. ``trail`` are its steps, in words, for whoever looks for what went wrong.

    ``break_it`` is called when the schema is there: what it takes away is a fault to be found.
    """

    seed: int
    url: str
    folder: Path
    break_it: Callable[[sa.Engine], None] = lambda _engine: None
    payments: list[Payment] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    unaccepted: list[int] = field(default_factory=list)
    trail: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.engine = sa.create_engine(self.url, poolclass=sa.NullPool)
        self.now = int(time.time())
        self.settings = IntakeSettings(
            database_url=self.url,
            webhook_secrets=(SecretStr(SECRET),),
            reviewers={"one": SecretStr("r" * 20)},
            prices={"price_small": SoldPrice(credits=CREDITS, amount=AMOUNT)},
            requests_per_minute=1_000_000,
            database_timeout_seconds=2,
        )

    # What happens

    async def play(self, steps: int) -> None:
        """All of it; the app lives as long as the run."""
        app = create_app(self.settings)
        self.webhook = app.state.webhook
        async with app.router.lifespan_context(app):
            for statement in SLOW:
                self._run(statement)
            self.break_it(self.engine)
            for number in range(USERS):
                self._run(
                    "INSERT INTO users (id, email, name) VALUES (:id, :mail, 'A Name')",
                    id=f"user-{number}",
                    mail=f"user-{number}@example.com",
                )
            names, weights = zip(*STEPS, strict=True)
            repairs = {steps // 2, steps - 1}
            for step in range(steps):
                name = self.chance.choices(names, weights)[0]
                await getattr(self, f"_{name}")()
                if step in repairs:
                    await self._repair()
            await self._settle_down()

    async def _buy(self) -> None:
        number = len(self.payments)
        user = f"user-{self.chance.randrange(USERS)}"
        # One in five is paid by another's address, so that a person must look.
        payer = user if self.chance.random() < 0.8 else f"user-{self.chance.randrange(USERS)}"
        session = {
            "id": f"cs_test_{self.seed}x{number}",
            "object": "checkout.session",
            "created": self.now - 40_000 + number,
            "amount_total": AMOUNT,
            "amount_subtotal": AMOUNT,
            "currency": "eur",
            "customer": None,
            "customer_details": {"email": f"{payer}@example.com", "name": "A Payer"},
            "livemode": True,
            "metadata": {"price_id": "price_small", "user_id": user},
            "mode": "payment",
            "payment_intent": f"pi_{self.seed}x{number}",
            "payment_status": "paid",
            "status": "complete",
        }
        self.payments.append(Payment(number, user, f"{payer}@example.com", session))
        self._event("checkout.session.completed", session)
        if self.chance.random() < 0.1:
            self._event("checkout.session.async_payment_succeeded", session)

    async def _deliver(self) -> None:
        """Some of Stripe's events at once: first time or again, in any order."""
        if not self.events:
            return
        often = self.chance.randrange(1, 5)
        wanted = [self.chance.randrange(len(self.events)) for _ in range(often)]
        if self.unaccepted and self.chance.random() < 0.7:
            wanted.append(self.unaccepted[0])
        await self._send(wanted)

    async def _refund(self) -> None:
        payment = self._any()
        if payment is not None:
            self._give_back(payment)

    def _give_back(self, payment: Payment) -> None:
        left = AMOUNT - payment.refunded - payment.disputed
        if left > 0:
            payment.refunded += self.chance.choice((left, max(1, left // 2), max(1, left // 5)))
            self._event("charge.refunded", self._charge(payment))

    async def _refunds_at_once(self) -> None:
        """Two parts of a payment's money go back; the second is told while the first is taken."""
        payment, known = self._any(), len(self.events)
        if payment is None:
            return
        for _ in range(2):
            self._give_back(payment)
        sending = []
        for number in range(known, len(self.events)):
            sending.append(asyncio.create_task(self._send([number])))
            await asyncio.sleep(self.chance.random() * 0.03)
        await asyncio.gather(*sending)

    async def _slow(self) -> None:
        """Entries take their time to be written, or no longer do."""
        self._run("UPDATE simulator_slow SET seconds = :s", s=self.chance.choice((0, 0.01, 0.05)))

    async def _dispute(self) -> None:
        payment = self._any()
        if payment is None or payment.refunded or payment.disputed:
            return
        payment.disputed = AMOUNT
        about = {
            "id": f"dp_{self.seed}x{payment.number}",
            "object": "dispute",
            "payment_intent": payment.session["payment_intent"],
            "amount": AMOUNT,
            "status": "lost",
        }
        self._event("charge.dispute.closed", about)

    async def _decide(self) -> None:
        import httpx

        rows = self._rows("SELECT id, payment_id FROM review_queue WHERE state = 'open'")
        if not rows:
            return
        item, payment_id = self.chance.choice(rows)
        payment = next(p for p in self.payments if p.session["id"] == payment_id)
        refuse = payment.granted_by_hand
        order = {"action": "refuse" if refuse else "credit", "why": "looked into it"}
        order |= {} if refuse else {"user_id": payment.user}
        app = create_app(self.settings, prepare_database=False)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://x"
        ) as client:
            answers = await asyncio.gather(
                *(
                    client.post(
                        f"/api/v1/review/{item}/decide",
                        json=order,
                        headers={"authorization": "Bearer " + "r" * 20},
                    )
                    for _ in range(2)
                )
            )
        await app.state.engine.dispose()
        self._say(f"decide {payment_id}: {[a.status_code for a in answers]}")

    async def _grant_by_hand(self) -> None:
        """Support makes a payer whole whose payment is not booked, and names the payment."""
        open_ = [p for p in self.payments if not self._known(p)]
        if not open_:
            return
        payment = self.chance.choice(open_)
        payment.granted_by_hand = True
        words = self.chance.choice(("Gutschrift", "admin_grant:", "sorry"))
        self._by_hand(payment.user, CREDITS, f"{words} {payment.session['id']}")

    async def _take_by_hand(self) -> None:
        """Support takes back what a refund takes, before Stripe's event comes."""
        owing = [p for p in self.payments if self._held(p).get(p.user, 0) > p.due]
        if owing:
            payment = self.chance.choice(owing)
            extra = self._held(payment)[payment.user] - payment.due
            words = self.chance.choice(("Storno", "refund", "money back"))
            self._by_hand(payment.user, -extra, f"{words} {payment.session['id']}")

    async def _cut(self) -> None:
        """Connections are cut while deliveries are handled."""
        if not self.events:
            return
        wanted = [self.chance.randrange(len(self.events)) for _ in range(4)]
        sending = asyncio.create_task(self._send(wanted))
        await asyncio.sleep(self.chance.random() * 0.01)
        await asyncio.to_thread(
            self._rows,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        await sending

    async def _outage(self) -> None:
        if not self.events:
            return
        books = Books(self.url)
        with books.outage():
            await self._send([self.chance.randrange(len(self.events))])
        books.close()

    async def _sweep(self) -> None:
        self._run("UPDATE intake_events SET next_attempt_at = now() WHERE attempts > 0")
        # A connection that was cut before is found dead at its next use; the app's sweep, too, is
        # told so, and comes again.
        with contextlib.suppress(sa.exc.DBAPIError):
            await finish_unfinished(self.webhook, older_than=0)

    async def _repair(self) -> None:
        """Plan a repair of all that Stripe knows, and apply it while deliveries go on."""
        if not self.payments:
            return
        case = self._write_case()
        plan = await asyncio.to_thread(lambda: make_plan(Case.open(case, store=False)))
        wanted = [self.chance.randrange(len(self.events)) for _ in range(4)]
        sending = asyncio.create_task(self._send(wanted))
        if plan.script is not None:
            applied = await asyncio.to_thread(apply_plan, plan)
            found = [(one.finding, one.payment_id, state) for one, state in applied.steps]
            self._say(f"repair: {found}")
        else:
            self._say(f"repair refused: {plan.refusal}")
        await sending

    async def _settle_down(self) -> None:
        """Stripe has sent all that it has, the sweep is done, each item is decided."""
        for _ in range(3):
            await self._send(range(len(self.events)))
            await self._sweep()
        for _ in range(3 * len(self.payments)):
            await self._decide()
        await self._send(range(len(self.events)))

    # What must be true

    def wrong(self) -> list[str]:
        """What the books say that is not true; nothing where all is well."""
        found = []
        refused = {
            row[0] for row in self._rows("SELECT payment_id FROM review_queue WHERE state <> 'x'")
        }
        for payment in self.payments:
            held = self._held(payment)
            due = payment.due
            if payment.granted_by_hand and payment.session["id"] in refused:
                # A person gave the credits and refused to book them: theirs to take back as well.
                continue
            if held != ({payment.user: due} if due else {}):
                found.append(
                    f"{payment.session['id']}: {held}, due {due} to {payment.user} "
                    f"(refunded {payment.refunded}, disputed {payment.disputed}, "
                    f"by hand {payment.granted_by_hand})"
                )
        drift = self._rows(
            "SELECT user_id, total_credits, s FROM user_credits FULL JOIN (SELECT user_id, "
            "sum(delta) AS s FROM credit_ledger GROUP BY 1) l USING (user_id) "
            "WHERE coalesce(total_credits, 0) <> coalesce(s, 0)"
        )
        return found + [f"balance of {row[0]}: {row[1]}, entries {row[2]}" for row in drift]

    # By hand

    def _say(self, what: str) -> None:
        self.trail.append(what)

    def _any(self) -> Payment | None:
        return self.chance.choice(self.payments) if self.payments else None

    def _charge(self, payment: Payment) -> dict[str, Any]:
        return {
            "id": f"ch_{self.seed}x{payment.number}",
            "object": "charge",
            "created": payment.session["created"],
            "amount": AMOUNT,
            "currency": "eur",
            "paid": True,
            "status": "succeeded",
            "livemode": True,
            "payment_intent": payment.session["payment_intent"],
            "amount_refunded": payment.refunded,
            "refunded": payment.refunded == AMOUNT,
        }

    def _event(self, kind: str, about: dict[str, Any]) -> None:
        number = len(self.events)
        event = {
            "id": f"evt_{self.seed}x{number}",
            "object": "event",
            "type": kind,
            "created": self.now - 30_000 + number,
            "livemode": True,
            # As it was then: later refunds are other events.
            "data": {"object": dict(about)},
        }
        self.events.append(event)
        self.unaccepted.append(number)
        self._say(f"{kind} {about['id']}")

    async def _send(self, numbers: Sequence[int]) -> None:
        async def one(number: int) -> None:
            body = json.dumps(self.events[number]).encode()
            header = sign(body, SECRET, int(time.time()))
            outcome = await self.webhook.deliver(body, header)
            self._say(f"{self.events[number]['id']}: {outcome.outcome} {outcome.error or ''}")
            if outcome.status == 200 and number in self.unaccepted:
                self.unaccepted.remove(number)

        await asyncio.gather(*(one(number) for number in numbers))

    def _known(self, payment: Payment) -> bool:
        return bool(
            self._rows(
                "SELECT 1 FROM intake_payments WHERE payment_id = :id "
                "UNION ALL SELECT 1 FROM review_queue WHERE payment_id = :id "
                "UNION ALL SELECT 1 FROM credit_ledger WHERE strpos(reason, :id || 'z') > 0 "
                "OR reason LIKE '%' || :id",
                id=payment.session["id"],
            )
        )

    def _held(self, payment: Payment) -> dict[str, int]:
        rows = self._rows(
            "SELECT user_id, sum(delta)::int FROM credit_ledger WHERE payment_id = :id "
            "OR (payment_id IS NULL AND substring(reason from 'cs_[A-Za-z0-9_]+') = :id) "
            "GROUP BY 1 HAVING sum(delta) <> 0",
            id=payment.session["id"],
        )
        return {str(user): int(credits) for user, credits in rows}

    def _by_hand(self, user: str, delta: int, reason: str) -> None:
        self._run(
            "WITH entry AS (INSERT INTO credit_ledger (user_id, delta, reason) "
            "VALUES (:user, :delta, :reason) RETURNING user_id, delta) "
            "INSERT INTO user_credits SELECT * FROM entry ON CONFLICT (user_id) DO UPDATE "
            "SET total_credits = user_credits.total_credits + EXCLUDED.total_credits",
            user=user,
            delta=delta,
            reason=reason,
        )
        self._say(f"by hand: {user} {delta:+d} {reason}")

    def _write_case(self) -> Path:
        for name, rows in (
            ("sessions", [p.session for p in self.payments]),
            ("charges", [self._charge(p) for p in self.payments]),
            ("events", self.events),
        ):
            lines = "".join(json.dumps(row) + "\n" for row in rows)
            (self.folder / f"{name}.jsonl").write_text(lines)
        case = self.folder / "case.toml"
        case.write_text(
            'name = "simulated"\n[stripe]\nsessions = "sessions.jsonl"\nevents = "events.jsonl"\n'
            f'charges = "charges.jsonl"\n[ledger]\nurl = "{self.url}"\nschema = "credit_ledger"\n'
            f"[prices]\nprice_small = {CREDITS}\n"
        )
        return case

    def _rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        with self.engine.begin() as connection:
            return [tuple(row) for row in connection.execute(sa.text(query), values)]

    def _run(self, statement: str, **values: Any) -> None:
        with self.engine.begin() as connection:
            connection.execute(sa.text(statement), values)


def simulate(
    seed: int,
    url: str,
    folder: Path,
    *,
    steps: int,
    break_it: Callable[[sa.Engine], None] = lambda _engine: None,
) -> Run:
    """Play a seed to its end."""
    run = Run(seed, url, folder, break_it)
    try:
        asyncio.run(run.play(steps))
    finally:
        run.engine.dispose()
    return run
