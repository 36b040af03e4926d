"""A small shop in which purchases are made one by one: the maker of the named scenarios.

Unlike ``make_world`` nothing is drawn: each purchase says what its session carries, what is typed
and what the handler makes of it, so that a scenario reads like the story it tells.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pandas as pd
import pyarrow as pa

from credit_forensics.scenarios.deliveries import (
    API_VERSION,
    DATABASE_ERROR_TEXT,
    REFUSED_ERROR,
)
from credit_forensics.scenarios.settings import DEFAULT_PRICES, Price
from credit_forensics.scenarios.truth import BURST_COLUMNS, FINDING_COLUMNS, TRUTH_COLUMNS
from credit_forensics.scenarios.world import World, with_spans
from credit_forensics.tables.catalogue import spec

Metadata = Literal["full", "credits", "none"]
Handled = Literal["booked", "lost", "refused", "database_error"]
Row = dict[str, Any]
_STEP = timedelta(minutes=41)
_TABLES = (
    "payments",
    "metadata",
    "events",
    "deliveries",
    "ledger",
    "customers",
    "users",
    "balances",
)


@dataclass
class Purchase:
    """What one purchase is like; the defaults are a right one by card with a new customer.

    ``session`` is the id that the session carries (the payer's own without it), ``session_email``
    the signed-in e-mail (its account's). ``customer`` is ``new``, ``none`` or an id; ``preset``
    says that the session was given it, and prefills the account's e-mail. ``extra`` are further
    metadata entries. ``books`` is the id that the handler resolves against its own rules (by
    ``method``), ``ledger_user`` the id that the ledger credits though the log says another.
    """

    payer: str
    session: str | None = None
    session_email: str | None = None
    customer: str = "new"
    preset: bool = False
    email: str | None = None
    name: str | None = None
    card: str | None = None
    metadata: Metadata = "full"
    extra: Row = field(default_factory=dict)
    reference: bool = True
    price: Price = DEFAULT_PRICES[0]
    credits: int | None = None
    livemode: bool = True
    payment_status: Literal["paid", "unpaid", "failed"] = "paid"
    delayed: bool = False
    handled: Handled = "booked"
    method: str | None = None
    books: str | None = None
    ledger_user: str | None = None
    version: str = "2.0.0"


class Shop:
    """Accounts, purchases and what became of them; ``world()`` closes the books.

    Examples
    --------
    >>> shop = Shop("example")
    >>> anna = shop.account("Anna Berger")
    >>> payment = shop.buy(anna)
    >>> shop.world().truth["wrong"].tolist()
    [False]
    """

    def __init__(self, name: str, start: datetime = datetime(2025, 9, 1, 8, tzinfo=UTC)) -> None:
        self.name = name
        self.now = start
        self.rows: dict[str, list[Row]] = {table: [] for table in _TABLES}
        self.findings: list[tuple[str, str | None, str | None, str | None]] = []
        self.drifts: dict[str, int] = {}
        self.same_person: dict[str, str] = {}
        self.household: dict[str, str] = {}
        self._bindings: dict[str, tuple[str, datetime]] = {}
        self._purchases: dict[str, Purchase] = {}
        self._accounts: dict[str, Row] = {}

    def token(self, prefix: str, *parts: object) -> str:
        """An id of Stripe's form that follows from the scenario's name and the parts."""
        text = "/".join([self.name, prefix, *map(str, parts)])
        return prefix + hashlib.sha256(text.encode()).hexdigest()[:24]

    def account(
        self,
        name: str,
        user_id: str | None = None,
        *,
        email: str | None = None,
        stored: bool = True,
        same_as: str | None = None,
        lives_with: str | None = None,
    ) -> str:
        """Open an account and give its id; ``stored=False`` for an id that no account has."""
        digest = hashlib.sha256(f"{self.name}/{name}/{len(self._accounts)}".encode()).hexdigest()
        made = f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-a{digest[17:20]}-{digest[20:32]}"
        user_id = user_id or made
        row = {
            "user_id": user_id,
            "email": email or name.lower().replace(" ", ".") + "@example.com",
            "name": name,
            "created_at": self.now - timedelta(days=90),
        }
        self._accounts[user_id] = row
        if stored:
            self.rows["users"].append(row)
        if same_as:
            self.same_person[user_id] = same_as
        if lives_with:
            self.household[user_id] = lives_with
        return user_id

    def email_of(self, user_id: str) -> str:
        """The account's e-mail."""
        return str(self._accounts[user_id]["email"])

    def bind(self, customer: str, user_id: str, at: datetime | None = None) -> None:
        """Bind a customer unless it is bound (first writer wins)."""
        self._bindings.setdefault(customer, (user_id, at or self.now - timedelta(days=30)))

    def expect(
        self,
        finding: str,
        cause: str | None = None,
        payment: str | None = None,
        user: str | None = None,
    ) -> None:
        """State a finding that is true here; ``wrong_user`` follows from the books by itself."""
        self.findings.append((finding, cause, payment, user))

    def buy(self, payer: str, **how: Any) -> str:
        """Make a purchase (``Purchase`` lists what may be said) and give its payment id."""
        buy = Purchase(payer, **how)
        self.now += _STEP
        number = len(self._purchases)
        payment = self.token("cs_live_" if buy.livemode else "cs_test_", number)
        self._purchases[payment] = buy
        session = buy.session or payer
        customer = self.token("cus_", number)[:18] if buy.customer == "new" else buy.customer
        row = self._payment(payment, buy, session, None if customer == "none" else customer)
        self.rows["payments"].append(row)
        self._metadata(payment, buy, session)
        event = self.event("checkout.session.completed", payment)
        if buy.handled != "lost":
            self.deliver(payment, event)
        return payment

    def _payment(self, payment: str, buy: Purchase, session: str, customer: str | None) -> Row:
        typed = buy.email or self.email_of(session if buy.preset else buy.payer)
        card = buy.card or self.token("", "card", buy.payer)[:16]
        return {
            "payment_id": payment,
            "created_at": self.now,
            "completed_at": self.now + timedelta(minutes=2),
            "livemode": buy.livemode,
            "mode": "payment",
            "status": "complete",
            "payment_status": buy.payment_status,
            "amount": buy.price.amount,
            "currency": "eur",
            "customer_id": customer,
            "customer_preset": buy.preset,
            "client_reference_id": session if buy.reference and buy.metadata != "none" else None,
            "payer_email": typed,
            "payer_name": buy.name or self._accounts[buy.payer]["name"],
            "payment_intent_id": self.token("pi_", payment),
            "card_fingerprint": None if buy.delayed else card,
            "amount_refunded": 0,
            "disputed": False,
            "expected_credits": buy.price.credits,
            "email_prefilled": buy.preset,
            "amount_lost": 0,
            "price_id": buy.price.price_id,
        }

    def _metadata(self, payment: str, buy: Purchase, session: str) -> None:
        entries: Row = {}
        if buy.metadata == "full":
            entries = dict.fromkeys(("user_id", "user_id_backup", "session_user_id"), session)
            entries["session_email"] = buy.session_email or self.email_of(session)
        if buy.metadata != "none":
            entries["credits"] = str(buy.credits or buy.price.credits)
            entries["price_id"] = buy.price.price_id
            entries["frontend_version"] = buy.version
        entries |= buy.extra
        for position, (key, value) in enumerate(entries.items(), start=1):
            self.rows["metadata"].append(
                {
                    "payment_id": payment,
                    "source": "session",
                    "position": position,
                    "key": key,
                    "value": value,
                }
            )

    def event(self, kind: str, payment: str, object_id: str | None = None) -> str:
        """Let Stripe tell something of a payment, now; the event's id."""
        event = self.token("evt_", kind, payment, len(self.rows["events"]))
        self.rows["events"].append(
            {
                "event_id": event,
                "type": kind,
                "created_at": self.now + timedelta(minutes=2),
                "payment_id": payment,
                "object_id": object_id or payment,
                "livemode": self._purchases[payment].livemode,
                "api_version": API_VERSION,
            }
        )
        if not kind.endswith("session.completed"):
            self._log(event, outcome="ignored")
        return event

    def deliver(self, payment: str, event: str, *, handled: Handled | None = None) -> None:
        """Deliver the completion to the handler, which resolves, binds and books."""
        buy = self._purchases[payment]
        handled = handled or buy.handled
        if handled == "refused":
            self._log(None, outcome="signature_refused", signature_valid=False, error=REFUSED_ERROR)
            return
        customer = self._row(payment)["customer_id"]
        user, method = self._resolve(buy, customer)
        told: Row = {"payment_id": payment, "method": method, "resolved_user_id": user}
        if user is None:
            self._log(event, outcome="resolution_failed", **told)
            return
        if buy.metadata == "none":
            self._log(event, outcome="no_credits", **told)
            return
        if handled == "database_error":
            self._log(event, outcome="database_error", error=DATABASE_ERROR_TEXT, **told)
            return
        credits_ = buy.credits or buy.price.credits
        self._log(event, outcome="credited", credits=credits_, **told)
        if customer:
            self.bind(customer, user, self.now + timedelta(minutes=2, seconds=3))
        self.entry(
            buy.ledger_user or user,
            credits_,
            f"stripe_purchase:method_{method.lower()}:event_{event}",
            kind="purchase",
            payment=payment,
            event=event,
        )

    def _resolve(self, buy: Purchase, customer: str | None) -> tuple[str | None, str]:
        if buy.books is not None:
            return buy.books, buy.method or "PRIMARY_METADATA"
        if buy.metadata == "full":
            return buy.session or buy.payer, "PRIMARY_METADATA"
        if customer in self._bindings:
            return self._bindings[customer][0], "DATABASE_LOOKUP"
        return None, "FAILED"

    def _log(self, event: str | None, **told: Any) -> None:
        at = self.now + timedelta(minutes=2, seconds=3)
        self.rows["deliveries"].append(
            {
                "event_id": event,
                "received_at": at,
                "signature_valid": True,
                "request_id": f"webhook-{int(at.timestamp())}",
                "source_file": "webhook.log",
                **told,
            }
        )

    def entry(
        self,
        user: str,
        delta: int,
        reason: str,
        *,
        kind: str,
        payment: str | None = None,
        event: str | None = None,
    ) -> None:
        """Write a ledger entry, now."""
        self.rows["ledger"].append(
            {
                "entry_id": str(len(self.rows["ledger"]) + 1),
                "user_id": user,
                "delta": delta,
                "reason": reason,
                "kind": kind,
                "event_id": event,
                "payment_id": payment,
                "created_at": self.now + timedelta(minutes=2, seconds=4),
            }
        )

    def give_back(
        self, payment: str, share: float, *, booked: float, dispute: str | None = None
    ) -> None:
        """Refund a share, or dispute (``won`` or ``lost``); the ledger takes ``booked`` back."""
        self.now += _STEP
        row = self._row(payment)
        charge = self.token("ch_", payment)
        if dispute:
            dispute_id = self.token("du_", payment)
            self.event("charge.dispute.created", payment, dispute_id)
            self.now += _STEP
            event = self.event("charge.dispute.closed", payment, dispute_id)
            row["disputed"] = dispute == "lost"
            row["amount_lost"] = row["amount"] if dispute == "lost" else 0
        else:
            event = self.event("charge.refunded", payment, charge)
            row["amount_refunded"] = row["amount_lost"] = int(row["amount"] * share)
        if booked:
            user = self._purchases[payment].ledger_user or self.credited(payment)
            assert user is not None
            delta = -int(row["expected_credits"] * booked)
            what = "dispute" if dispute else "refund"
            reason = f"stripe_{what}:event_{event}"
            self.entry(user, delta, reason, kind="refund", payment=payment, event=event)

    def credited(self, payment: str) -> str | None:
        """Who holds the credits of a payment now, net of reversals."""
        net: dict[str, int] = defaultdict(int)
        for entry in self.rows["ledger"]:
            if entry["payment_id"] == payment and entry["kind"] != "refund":
                net[entry["user_id"]] += entry["delta"]
        held = {user: credits_ for user, credits_ in net.items() if credits_ > 0}
        return max(held, key=lambda user: held[user]) if held else None

    def _row(self, payment: str) -> Row:
        return next(row for row in self.rows["payments"] if row["payment_id"] == payment)

    def _person(self, user_id: str) -> str:
        return self.same_person.get(user_id, user_id)

    def world(self, *, without: tuple[str, ...] = ()) -> World:
        """Close the books; ``without`` names tables that this shop does not have."""
        sums: dict[str, int] = defaultdict(int)
        for entry in self.rows["ledger"]:
            sums[entry["user_id"]] += entry["delta"]
        self.rows["balances"] = [
            {"user_id": user, "balance": total + self.drifts.get(user, 0)}
            for user, total in sorted(sums.items())
        ]
        self.rows["customers"] = [
            {"customer_id": customer, "user_id": user, "bound_at": at}
            for customer, (user, at) in self._bindings.items()
        ]
        tables = {
            name: pa.Table.from_pylist(
                rows, schema=pa.schema([spec(name).arrow_schema.field(key) for key in rows[0]])
            )
            if rows and name != "deliveries"
            else pa.Table.from_pylist(rows, schema=spec(name).arrow_schema)
            for name, rows in self.rows.items()
            if name not in without
        }
        truth, found = self._truth()
        people = pd.DataFrame(
            [
                (
                    user,
                    self._person(user),
                    self.household.get(self._person(user), self._person(user)),
                )
                for user in self._accounts
            ],
            columns=["user_id", "person_id", "household_id"],
            dtype="str",
        )
        return World(
            tables=with_spans(tables),
            truth=truth,
            truth_findings=found,
            bursts=pd.DataFrame(columns=BURST_COLUMNS),
            people=people,
            prices=DEFAULT_PRICES,
        )

    def _truth(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        causes = {p: cause for f, cause, p, _ in self.findings if f == "wrong_user"}
        rows: list[Row] = []
        findings = [finding for finding in self.findings if finding[0] != "wrong_user"]
        for payment, buy in self._purchases.items():
            credited = self.credited(payment)
            wrong = credited is not None and self._person(credited) != self._person(buy.payer)
            cause = causes.get(payment, "stale_session") if wrong else None
            if wrong:
                findings.append(("wrong_user", cause, payment, credited))
            values = (payment, buy.payer, self._person(buy.payer), credited, wrong, cause, None)
            rows.append(dict(zip(TRUTH_COLUMNS, values, strict=True)))
        truth = pd.DataFrame(rows, columns=TRUTH_COLUMNS).astype({"wrong": "bool"})
        texts = [column for column in TRUTH_COLUMNS if column != "wrong"]
        truth[texts] = truth[texts].astype("str")
        found = pd.DataFrame(findings, columns=FINDING_COLUMNS, dtype="str")
        return truth, found.sort_values(FINDING_COLUMNS, kind="stable").reset_index(drop=True)
