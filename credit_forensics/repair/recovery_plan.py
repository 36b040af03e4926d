"""Says of each missing credit how it is recovered: send its event again, book it, or ask.

Exactly one of the three stands on a line, since an event sent again and an entry booked beside it
are the credits twice. What the handler would do with the event is known where it was tried on a
copy, and else as far as the replayed order of the original handler has chosen as this one did.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from credit_forensics.case.case import Case
from credit_forensics.engines.recipes import Recipe
from credit_forensics.records import row_dicts
from credit_forensics.repair.payment_evidence import UNKNOWN, read_payment_evidence
from credit_forensics.repair.plan_rows import OFFERED
from credit_forensics.repair.repair_plan import RepairPlan
from credit_forensics.repair.whose_account import FOUND
from credit_forensics.resolution.handler_cascade import cascade_method, handler_cascade
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

RESEND, BOOK, ASK = "resend", "book", "ask"
RESENT_DAYS = 30
"""Stripe sends no event again that is older (https://docs.stripe.com/cli/events/resend)."""
ENOUGH, AS_IT_DID = 10, 0.95
"""So many credited payments, and this share of them chosen alike, make the replayed order a
statement about this handler."""
MISSING = "missing"
"""The rule by which findings of missing credits are put right."""
# Anything else on a command line would be a command of its own.
_EVENT_ID = re.compile(r"evt_[A-Za-z0-9_]{1,200}")
_ACCOUNT_ID = re.compile(r"acct_[A-Za-z0-9]{1,100}")
_NEVER_SEEN = ("not_delivered", "signature_refused")
_AGAIN = {
    "resolution_failed": "it could not tell the user and would not again",
    "acknowledged_not_applied": "it acknowledged the event and may remember it as done",
}
RECOVERY_COLUMNS = {
    "payment_id": "str",
    "finding": "str",
    "cause": "str",
    "action": "str",
    "command": "str",
    "resend_until": "datetime64[us, UTC]",
    "handler": "str",
    "rightful_user_id": "str",
    "credits": "Int64",
    "amount": "Int64",
    "currency": "str",
    "created_at": "datetime64[us, UTC]",
    "other_subscriptions": "str",
    "note": "str",
}
"""Columns and types of ``recovery.csv``; ``created_at`` is when the payment completed."""


@dataclass(frozen=True)
class _Handler:
    """How often the replayed order chose as this handler did."""

    alike: int
    credited: int

    @property
    def is_known(self) -> bool:
        return self.credited >= ENOUGH and self.alike >= AS_IT_DID * self.credited


def recovery_rows(
    case: Case,
    plan: RepairPlan,
    *,
    now: datetime | None = None,
    tried: Mapping[str, tuple[bool, str]] | None = None,
) -> pd.DataFrame:
    """``recovery.csv``: one row a missing credit, by payment.

    Parameters
    ----------
    case, plan
        the case, and its repair plan: only what that offers is to be booked.
    now
        by which an event can still be sent again or not.
    tried
        a payment that was tried on a copy -> whether that went right, and what happened.
    """
    now = now or datetime.now(UTC)
    rules = {one.name: one.correction.rule for one in case.catalogue}
    wanted = [name for name, rule in rules.items() if rule == MISSING]
    findings = case.findings[case.findings["finding"].isin(wanted)]
    planned = plan.rows[plan.rows["finding"].isin(wanted)].drop_duplicates("payment_id")
    offers = {row["payment_id"]: row for row in row_dicts(planned)}
    facts, events, chosen = read_payment_evidence(case), _events(case), _chosen(case)
    handlers = _handlers(case) if len(findings) else {}
    rows = []
    for finding in row_dicts(findings.sort_values(["payment_id", "finding"])):
        payment = finding["payment_id"]
        offer = offers.get(payment, {})
        event, rightful = events.get(finding["event_id"] or "", {}), finding["rightful_user_id"]
        sent = event.get("created_at") or finding["created_at"]
        until = None if sent is None else sent + timedelta(days=RESENT_DAYS)
        told = "the intake books it once, whoever books it, or asks a reviewer"
        right = plan.target is not None and plan.target.intake is not None
        if not right:
            choice = chosen.get(payment, {})
            kind = choice.get("kind", "")
            right, told = _would(finding, choice, handlers.get(kind, _Handler(0, 0)))
        if tried is not None and payment in tried:
            right, told = tried[payment]
        command = _command(finding["event_id"], event)
        # What the plan leaves to a person, an event that is sent again decides no better.
        offered = offer.get("status") == OFFERED
        if offered and right and command and until is not None and now < until:
            action, note = RESEND, "do not book it as well"
        elif offered:
            action, note = BOOK, "do not send the event again as well"
        else:
            action, note = ASK, offer.get("note") or ""
        others = facts.get(payment, UNKNOWN).other_subscriptions
        if others:
            note = "; ".join(
                part
                for part in (f"another subscription of this customer's is live: {others}", note)
                if part
            )
        rows.append(
            {
                **{name: finding[name] for name in ("payment_id", "finding", "cause", "credits")},
                "action": action,
                "command": command if action == RESEND else None,
                "resend_until": until if command else None,
                "handler": told,
                "rightful_user_id": rightful,
                "amount": finding["amount"],
                "currency": finding["currency"],
                "created_at": finding["created_at"],
                "other_subscriptions": others,
                "note": note,
            }
        )
    return pd.DataFrame(rows, columns=list(RECOVERY_COLUMNS)).astype(RECOVERY_COLUMNS)


def recovery_summary(rows: pd.DataFrame) -> str:
    """One line for the terminal; empty where nothing is missing.

    Examples
    --------
    >>> recovery_summary(pd.DataFrame({"action": ["book", "resend", "book"]}))
    'Missing credits: 1 to send again, 2 to book, 0 to ask about (recovery.csv).'
    """
    if rows.empty:
        return ""
    resend, book, ask = (int((rows["action"] == one).sum()) for one in (RESEND, BOOK, ASK))
    return (
        f"Missing credits: {resend} to send again, {book} to book, {ask} to ask about "
        "(recovery.csv)."
    )


def _would(finding: dict[str, Any], chosen: dict[str, Any], handler: _Handler) -> tuple[bool, str]:
    """Whether the handler would credit the rightful account, and why that is thought."""
    cause, rightful = finding["cause"], finding["rightful_user_id"]
    if cause in _AGAIN:
        return False, _AGAIN[cause]
    if not handler.is_known:
        return False, (
            f"not known: the replayed order chose as it did in {handler.alike} of "
            f"{handler.credited} credited payments of this kind"
        )
    if chosen.get("user_id") is None:
        return False, "no method of the replayed order names anybody"
    if chosen["user_id"] != rightful:
        return False, f"by {chosen['method']} it would credit another account"
    if cause not in _NEVER_SEEN:
        return False, "what it did with the first delivery is not known"
    told = f"by {chosen['method']} it would credit the rightful account"
    if cause == "signature_refused":
        told += ", once its signing secret is the right one"
    return True, told


def _command(event_id: str | None, event: dict[str, Any]) -> str:
    """The command of Stripe's CLI; empty where there is no event that it could name."""
    if event_id is None or not event or not _EVENT_ID.fullmatch(event_id):
        return ""
    words = ["stripe events resend", event_id, "--webhook-endpoint=we_…"]
    if event.get("livemode") is not False:
        words.append("--live")
    account = event.get("account")
    if account:
        if not _ACCOUNT_ID.fullmatch(account):
            return ""
        words.append(f"--account={account}")
    return " ".join(words)


def _events(case: Case) -> dict[str, dict[str, Any]]:
    engine = case.evidence.engine
    named = case.findings["event_id"].dropna().unique()
    engine.register("repair_events", pd.DataFrame({"event_id": sorted(named)}, dtype="str"))

    def wanted() -> ir.Table:
        named = ibis.table({"event_id": "string"}, name="repair_events")
        rows = Tables().events.semi_join(named, "event_id")
        return rows.select("event_id", "created_at", "livemode", "account").order_by("event_id")

    rows = engine.frame(Recipe("repair-events", wanted))
    return {row["event_id"]: row for row in row_dicts(rows)}


def _chosen(case: Case) -> dict[str, dict[str, Any]]:
    """Whom the replayed order would choose for each payment that has a finding, and its kind."""
    judgement = case.judgement

    def chosen() -> ir.Table:
        found = ibis.table({"payment_id": "string"}, name=FOUND)
        rows = judgement.matrix.semi_join(found, "payment_id")
        rows = rows.select("payment_id", user_id=handler_cascade(rows), method=cascade_method(rows))
        return rows.inner_join(Tables().payments.select("payment_id", "kind"), "payment_id")

    rows = case.evidence.engine.frame(judgement.over("repair-chosen", chosen))
    return {row["payment_id"]: row for row in row_dicts(rows)}


def _handlers(case: Case) -> dict[str, _Handler]:
    """By a payment's kind: a handler may take sessions in one way, and invoices in another."""

    def counted() -> ir.Table:
        tables = Tables()
        rows = tables.choices.join(tables.credited, "payment_id")
        rows = rows.join(tables.payments.select("payment_id", "kind"), "payment_id")
        rows = rows.filter(rows.credited_user_id.notnull() & (rows.grants > 0))
        return rows.group_by("kind").aggregate(
            credited=rows.count(), alike=(rows.cascade_user_id == rows.credited_user_id).sum()
        )

    return {
        row["kind"] or "": _Handler(int(row["alike"] or 0), int(row["credited"]))
        for row in row_dicts(case.evidence.engine.frame(Recipe("repair-handlers", counted)))
    }
