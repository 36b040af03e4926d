"""The deployment checklist as a command: is the intake that runs there fit to take money?"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import sqlalchemy as sa

from credit_forensics.intake.named_entries import PAYMENT_IN_REASON
from credit_forensics.intake.schema import TABLES, UNIQUE_INDEXES
from credit_forensics.intake.settings import WEBHOOK_PATH, IntakeSettings
from credit_forensics.scenarios import stripe_objects
from credit_forensics.scenarios.signing import sign

_SKEW_SECONDS = 60
_FOLLOW_SECONDS = 10.0


@dataclass(frozen=True)
class LiveCheck:
    """One line of the checklist."""

    name: str
    right: bool
    detail: str


@dataclass(frozen=True)
class LiveReport:
    """The checklist; prints as a table."""

    checks: tuple[LiveCheck, ...]

    @property
    def all_right(self) -> bool:
        """Whether every line is right."""
        return all(check.right for check in self.checks)

    def __str__(self) -> str:
        width = max(len(check.name) for check in self.checks)
        return "\n".join(
            f"{'right' if c.right else 'WRONG':<6} {c.name:<{width}}  {c.detail}"
            for c in self.checks
        )


def check_live(
    settings: IntakeSettings,
    base_url: str,
    *,
    purchase: bool = True,
    clock: Callable[[], float] = time.time,
) -> LiveReport:
    """Check a running intake: settings, schema, indexes, endpoint, clocks, a test purchase.

    The test purchase is a signed delivery for an account of its own: followed to the ledger and
    the balance, refunded by a second delivery, followed again; then its rows are removed, so that
    no later audit finds a purchase that Stripe does not know. Nothing is asked of Stripe.

    Parameters
    ----------
    settings
        as the running intake has them.
    base_url
        where it runs, ``http://127.0.0.1:8000``.
    purchase
        whether to make the test purchase.

    Returns
    -------
    LiveReport
        every check, also the ones after a failed one: a check that could not run says so.
    """
    checks = list(_secrets(settings))
    engine = sa.create_engine(
        settings.database_url, connect_args={"connect_timeout": 5}, poolclass=sa.NullPool
    )
    reachable = True
    for name, step in (
        ("database", lambda: _database(engine, clock)),
        ("schema", lambda: _schema(engine)),
        ("unique indexes", lambda: _indexes(engine)),
        ("no payment booked twice", lambda: _twice(engine)),
        ("no event is dead", lambda: _dead(engine)),
    ):
        check = _isolated(name, step if reachable else _unreachable)
        reachable = reachable and (name != "database" or check.right)
        checks.append(check)
    with httpx.Client(base_url=base_url, timeout=10) as client:
        alive = _isolated("endpoint", lambda: _endpoint(client, clock))
        checks.append(alive)
        for name, step in (
            ("bad signatures refused", lambda: _refuses(client, settings, clock)),
            ("user validation closed", lambda: _closed(client)),
        ):
            checks.append(_isolated(name, step if alive.right else _unreachable))
        if purchase:
            fit = alive.right and reachable
            probe = _Probe(engine, client, settings, clock)
            checks.append(_isolated("test purchase", probe.run if fit else _unreachable))
    engine.dispose()
    return LiveReport(tuple(checks))


def _isolated(name: str, step: Callable[[], tuple[bool, str]]) -> LiveCheck:
    try:
        right, detail = step()
    except Exception as error:
        # Their texts may hold addresses with passwords, or values.
        return LiveCheck(name, False, f"could not be checked ({type(error).__name__})")
    return LiveCheck(name, right, detail)


def _unreachable() -> tuple[bool, str]:
    return False, "could not be checked: what it needs is not there"


def _secrets(settings: IntakeSettings) -> Iterator[LiveCheck]:
    webhook = [s.get_secret_value() for s in settings.webhook_secrets]
    yield LiveCheck(
        "webhook secrets",
        all(value.startswith("whsec_") for value in webhook),
        f"{len(webhook)} set; each should start with whsec_",
    )
    key = settings.stripe_api_key.get_secret_value() if settings.stripe_api_key else ""
    mode = "live" if settings.livemode else "test"
    fits = key.startswith((f"sk_{mode}_", f"rk_{mode}_"))
    yield LiveCheck(
        "Stripe key", fits, f"should be set and of {mode} mode (sk_{mode}_, rk_{mode}_)"
    )
    for name, values in (
        ("seal keys", settings.seal_keys),
        ("sign-in keys", settings.session_keys),
        ("reviewers", settings.reviewers),
        ("prices", settings.prices),
    ):
        yield LiveCheck(name, bool(values), f"{len(values)} set")


def _database(engine: sa.Engine, clock: Callable[[], float]) -> tuple[bool, str]:
    with engine.connect() as connection:
        now = connection.execute(sa.text("SELECT extract(epoch FROM now())")).scalar_one()
    skew = abs(float(now) - clock())
    return skew <= _SKEW_SECONDS, f"answers; its clock is {skew:.0f} s from this one"


def _schema(engine: sa.Engine) -> tuple[bool, str]:
    inspector = sa.inspect(engine)
    there = set(inspector.get_table_names())
    missing = []
    for table in TABLES.sorted_tables:
        if table.name not in there:
            missing.append(table.name)
            continue
        columns = {column["name"] for column in inspector.get_columns(table.name)}
        missing += [f"{table.name}.{c.name}" for c in table.columns if c.name not in columns]
    if missing:
        return False, "missing: " + ", ".join(missing)
    return True, f"{len(TABLES.tables)} tables with their columns"


def _indexes(engine: sa.Engine) -> tuple[bool, str]:
    query = sa.text(
        "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
        "WHERE i.indisunique AND i.indisvalid AND pg_table_is_visible(c.oid)"
    )
    with engine.connect() as connection:
        there = {row[0] for row in connection.execute(query)}
    missing = [f"{name} on {table}" for name, table in UNIQUE_INDEXES.items() if name not in there]
    if missing:
        return False, "missing: " + ", ".join(missing)
    return True, f"{len(UNIQUE_INDEXES)} there and valid"


def _twice(engine: sa.Engine) -> tuple[bool, str]:
    by_event = sa.text(
        "SELECT count(*) FROM (SELECT FROM credit_ledger WHERE reason LIKE 'stripe\\_purchase:%' "
        "AND stripe_event_id IS NOT NULL GROUP BY stripe_event_id HAVING count(*) > 1) t"
    )
    # Whoever booked them: intake, repair, the handler before, or a person who named the payment.
    by_payment = sa.text(
        f"""SELECT count(*) FROM (
            SELECT payment, sum(delta) AS credits, max(delta) AS largest FROM (
                SELECT coalesce(payment_id, {PAYMENT_IN_REASON}) AS payment, delta
                FROM credit_ledger
                WHERE NOT coalesce(entry_key LIKE 'refund:%' OR reason ILIKE 'refund%', false)
            ) AS named WHERE payment IS NOT NULL GROUP BY payment
        ) AS booked LEFT JOIN intake_payments AS known ON known.payment_id = booked.payment
        WHERE booked.credits > coalesce(known.credits, booked.largest)"""
    )
    with engine.connect() as connection:
        twice = int(connection.execute(by_event).scalar_one())
        more = int(connection.execute(by_payment).scalar_one())
    return (
        twice == 0 and more == 0,
        f"{twice} events with more than one purchase entry, "
        f"{more} payments with more credits than they are worth",
    )


def _dead(engine: sa.Engine) -> tuple[bool, str]:
    query = sa.text("SELECT count(*) FROM intake_events WHERE dead_at IS NOT NULL")
    with engine.connect() as connection:
        dead = int(connection.execute(query).scalar_one())
    return dead == 0, f"{dead} could not be handled and wait for a reviewer"


def _endpoint(client: httpx.Client, clock: Callable[[], float]) -> tuple[bool, str]:
    answer = client.get("/healthz")
    if answer.status_code != 200:
        return False, f"answered {answer.status_code}"
    told = answer.headers.get("date")
    if told is None:
        return True, "answers; it tells no time"
    skew = abs(parsedate_to_datetime(told).timestamp() - clock())
    # A skew beyond the tolerance would refuse every delivery.
    return skew <= _SKEW_SECONDS, f"answers; its clock is {skew:.0f} s from this one"


def _refuses(
    client: httpx.Client, settings: IntakeSettings, clock: Callable[[], float]
) -> tuple[bool, str]:
    body = b'{"id": "evt_probe", "object": "event", "type": "probe"}'
    now = int(clock())
    secret = settings.webhook_secrets[0].get_secret_value()
    old = now - settings.tolerance_seconds - 600
    statuses = []
    for header in (None, sign(body, "whsec_" + secrets.token_hex(8), now), sign(body, secret, old)):
        headers = {} if header is None else {"stripe-signature": header}
        statuses.append(client.post(WEBHOOK_PATH, content=body, headers=headers).status_code)
    told = ", ".join(map(str, statuses))
    return statuses == [400, 400, 400], f"none, wrong, old: answered {told}"


def _closed(client: httpx.Client) -> tuple[bool, str]:
    status = client.get("/api/v1/users/validate/probe").status_code
    return status == 401, f"without a token answered {status}"


class _Probe:
    """A purchase of an account of its own, followed to the balance, refunded, removed."""

    def __init__(
        self,
        engine: sa.Engine,
        client: httpx.Client,
        settings: IntakeSettings,
        clock: Callable[[], float],
    ) -> None:
        self.engine, self.client, self.settings, self.clock = engine, client, settings, clock
        mark = secrets.token_hex(8)
        self.user = f"probe-{mark}"
        self.email = f"{self.user}@example.com"
        self.ids = {name: f"{name}_probe_{mark}" for name in ("cs", "pi", "ch", "evt1", "evt2")}

    def run(self) -> tuple[bool, str]:
        if not self.settings.prices:
            return False, "could not be checked: no price is set"
        price_id, price = sorted(self.settings.prices.items())[0]
        try:
            with self.engine.begin() as connection:
                connection.execute(
                    sa.text("INSERT INTO users (id, email, name) VALUES (:id, :email, 'Probe')"),
                    {"id": self.user, "email": self.email},
                )
            session = stripe_objects.checkout_session(
                self.ids["cs"],
                created=int(self.clock()),
                amount=price.amount,
                currency=price.currency,
                metadata={"user_id": self.user, "price_id": price_id},
                client_reference_id=self.user,
                customer=None,
                given_customer=False,
                payment_intent=self.ids["pi"],
                payer_email=self.email,
                payer_name="Probe",
                livemode=self.settings.livemode,
            )
            self._deliver("evt1", "checkout.session.completed", session)
            if not self._holds(price.credits):
                return False, "the purchase did not reach the balance"
            charge = stripe_objects.charge(
                self.ids["ch"],
                created=int(self.clock()),
                session=session,
                card_fingerprint="probe",
                amount_refunded=price.amount,
            )
            self._deliver("evt2", "charge.refunded", charge)
            if price.amount > 0 and not self._holds(0):
                return False, "the refund did not take the credits back"
            return True, f"{price.credits} credits booked, seen in the balance, and taken back"
        finally:
            self._remove()

    def _deliver(self, event: str, kind: str, about: dict[str, Any]) -> None:
        now = int(self.clock())
        told = stripe_objects.event(self.ids[event], kind, created=now, of=about)
        body = json.dumps(told).encode()
        secret = self.settings.webhook_secrets[0].get_secret_value()
        self.client.post(
            WEBHOOK_PATH, content=body, headers={"stripe-signature": sign(body, secret, now)}
        )

    def _holds(self, credits: int) -> bool:
        query = sa.text(
            "SELECT coalesce((SELECT total_credits FROM user_credits WHERE user_id = :user), -1), "
            "(SELECT coalesce(sum(delta), 0) FROM credit_ledger WHERE user_id = :user)"
        )
        deadline = time.monotonic() + _FOLLOW_SECONDS
        while True:
            with self.engine.connect() as connection:
                balance, ledger = connection.execute(query, {"user": self.user}).one()
            if balance == ledger == credits:
                return True
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)

    def _remove(self) -> None:
        events = [self.ids["evt1"], self.ids["evt2"]]
        with self.engine.begin() as connection:
            for table, column, values in (
                ("credit_ledger", "user_id", [self.user]),
                ("user_credits", "user_id", [self.user]),
                ("intake_payments", "payment_id", [self.ids["cs"]]),
                ("review_queue", "payment_id", [self.ids["cs"]]),
                ("intake_losses", "payment_intent_id", [self.ids["pi"]]),
                ("intake_deliveries", "event_id", events),
                ("intake_events", "event_id", events),
                ("users", "id", [self.user]),
            ):
                connection.execute(
                    sa.text(f"DELETE FROM {table} WHERE {column} = ANY(:values)"),
                    {"values": values},
                )
