"""What the case knows of one payment or of one account, as tables in a fixed order."""

from __future__ import annotations

import pandas as pd

from credit_forensics.case.case import Case
from credit_forensics.did_you_mean import or_nearest
from credit_forensics.errors import CaseError
from credit_forensics.privacy.mask import Mask
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

PAYMENT_PARTS = ("payment", "verdict", "history", "claims", "findings")
ACCOUNT_PARTS = ("balances", "payments", "ledger", "findings")
_ROWS_SHOWN = 25
_SHOWN = {
    "balances": ("user_id", "balance", "booked"),
    "payments": (
        "created_at",
        "payment_id",
        "verdict",
        "credited_user_id",
        "rightful_user_id",
        "amount",
        "currency",
    ),
    "ledger": ("created_at", "entry_id", "user_id", "kind", "delta", "payment_id"),
    "findings": ("severity", "finding", "cause", "payment_id", "credits"),
}
# The table whose columns a part has.
_TABLES = {"payment": "payments", "verdict": "verdicts", "history": "deliveries"}
# What this package counted, named or dated itself; no allow-list of evidence has it. Texts among it
# are masked as texts are.
_COMPUTED = {
    "balances": ("booked",),
    "coverage": ("read", "tied", "recognised", "rejected", "reason"),
    "deliveries": ("at", "source", "what", "id"),
}
_FACTS = (
    "payment_id",
    "kind",
    "created_at",
    "completed_at",
    "livemode",
    "payment_status",
    "amount",
    "currency",
    "amount_refunded",
    "disputed",
    "expected_credits",
    "customer_id",
    "client_reference_id",
    "payer_email",
    "payer_name",
    "card_fingerprint",
)


def payment_dossier(case: Case, payment_id: str) -> dict[str, pd.DataFrame]:
    """All about a payment, by any of its ids: ``PAYMENT_PARTS``.

    Returns
    -------
    ``payment`` and ``verdict`` have one row; ``history`` has at, source, what, user_id, credits and
    id, in the order in which it happened; ``claims`` and ``findings`` are the case's rows of it.

    Raises
    ------
    CaseError
        when the case has no such payment; the nearest id is named.
    """
    payment = case.explain(payment_id).payment_id
    tables, frame = Tables(), case.evidence.engine.frame
    findings = case.findings
    facts = tables.payments.filter(tables.payments.payment_id == payment).select(*_FACTS)
    claims = case.judgement.claims()
    return {
        "payment": frame(facts),
        "verdict": frame(tables.verdicts.filter(tables.verdicts.payment_id == payment)),
        "history": frame(_history(tables, payment).order_by(["at", "source", "id"])),
        "claims": frame(
            claims.filter(claims.payment_id == payment).order_by(["method", "user_id"])
        ),
        "findings": findings[findings["payment_id"] == payment].reset_index(drop=True),
    }


def _history(tables: Tables, payment: str) -> ir.Table:
    def of_payment(table: ir.Table) -> ir.Table:
        return table.filter(table.payment_id == payment)

    def told(rows: ir.Table, source: str, at: str, what: object, id_: str, **more: str) -> ir.Table:
        return rows.select(
            at=rows[at],
            source=ibis.literal(source),
            what=what,
            user_id=rows[more["user_id"]] if more else ibis.null("string"),
            credits=rows[more["credits"]] if more else ibis.null("int64"),
            id=rows[id_],
        )

    created, events = of_payment(tables.payments), of_payment(tables.events)
    deliveries, entries = of_payment(tables.deliveries), of_payment(tables.ledger)
    resolved = {"user_id": "resolved_user_id", "credits": "credits"}
    return ibis.union(
        told(created, "stripe", "created_at", ibis.literal("created"), "payment_id"),
        told(events, "event", "created_at", events.type, "event_id"),
        told(deliveries, "delivery", "received_at", deliveries.outcome, "event_id", **resolved),
        told(
            entries, "ledger", "created_at", entries.kind, "entry_id",
            user_id="user_id", credits="delta",
        ),
    )  # fmt: skip


def account_dossier(case: Case, user_id: str) -> dict[str, pd.DataFrame]:
    """All about an account and the other ids of its person: ``ACCOUNT_PARTS``.

    Returns
    -------
    ``balances`` has a row an id: user_id, balance (as stored, empty where none is), booked (the sum
    of its entries); ``payments`` are the verdicts that name one of them as credited or as rightful,
    with time and money; ``ledger`` and ``findings`` are the rows that name one of them.

    Raises
    ------
    CaseError
        when nothing in the case has this id; the nearest is named.
    """
    ids = _ids_of_person(case, user_id)
    tables, frame = Tables(), case.evidence.engine.frame
    users, ledger, balances = tables.users, tables.ledger, tables.balances
    entries = frame(ledger.filter(ledger.user_id.isin(ids)).order_by(["created_at", "entry_id"]))
    verdicts, payments = tables.verdicts, tables.payments
    named = verdicts.filter(
        verdicts.credited_user_id.isin(ids) | verdicts.rightful_user_id.isin(ids)
    )
    bought = named.join(
        payments.select("payment_id", "created_at", "amount", "currency"), "payment_id"
    )
    found = frame(bought.order_by(["created_at", "payment_id"]))
    findings = case.findings
    hit = findings["credited_user_id"].isin(ids) | findings["rightful_user_id"].isin(ids)
    known = frame(users.filter(users.user_id.isin(ids)).select("user_id"))["user_id"]
    if not (len(entries) or len(found) or len(known) or hit.any()):
        raise CaseError(_no_such_account(case, user_id))
    stored = frame(balances.filter(balances.user_id.isin(ids)))
    booked = entries.groupby("user_id")["delta"].sum()
    rows = pd.DataFrame({"user_id": ids}).merge(
        stored[["user_id", "balance"]], on="user_id", how="left"
    )
    rows["booked"] = rows["user_id"].map(booked).fillna(0).astype("int64")
    return {
        "balances": rows,
        "payments": found,
        "ledger": entries,
        "findings": findings[hit].reset_index(drop=True),
    }


def shown_dossier(dossier: dict[str, pd.DataFrame], mask: Mask) -> dict[str, pd.DataFrame]:
    """A dossier as it may leave the case: personal data masked, unless the mask reveals it."""
    return {part: shown_rows(rows, _TABLES.get(part, part), mask) for part, rows in dossier.items()}


def shown_rows(rows: pd.DataFrame, table: str, mask: Mask) -> pd.DataFrame:
    """Rows in the columns of a table, and in what was computed beside them, masked."""
    computed = [name for name in _COMPUTED.get(table, ()) if name in rows]
    shown = mask.frame(rows.drop(columns=computed), table)
    for name in computed:
        values = rows[name]
        text = values.dtype == object or pd.api.types.is_string_dtype(values.dtype)
        shown[name] = values.map(mask.text, na_action="ignore") if text else values
    return shown[list(rows.columns)]


def account_text(user_id: str, dossier: dict[str, pd.DataFrame]) -> str:
    """A dossier for a terminal, as ``shown_dossier`` gives it; of each part what a screen holds."""
    lines = [f"{user_id}: {len(dossier['payments'])} payments, {len(dossier['findings'])} findings"]
    for part in ACCOUNT_PARTS:
        rows = dossier[part]
        shown = rows[[name for name in _SHOWN[part] if name in rows]].tail(_ROWS_SHOWN)
        more = f" (the last {len(shown)} of {len(rows):,})" if len(rows) > len(shown) else ""
        text = shown.to_string(index=False, na_rep="") if len(rows) else "none"
        lines += ["", f"{part.capitalize()}{more}", *(f"  {line}" for line in text.splitlines())]
    return "\n".join(lines)


def is_account(case: Case, user_id: str) -> bool:
    """Whether an account, an entry or a verdict has this id."""
    tables = Tables()
    users, ledger, verdicts = tables.users, tables.ledger, tables.verdicts
    case.judgement  # noqa: B018  # the verdicts must be there
    named = ibis.union(
        users.select("user_id"),
        ledger.select("user_id"),
        verdicts.select(user_id=verdicts.credited_user_id),
        verdicts.select(user_id=verdicts.rightful_user_id),
    )
    return len(case.evidence.engine.frame(named.filter(named.user_id == user_id).limit(1))) > 0


def _ids_of_person(case: Case, user_id: str) -> list[str]:
    persons = case.persons
    person = persons.loc[persons["user_id"] == user_id, "person_id"]
    same = persons.loc[persons["person_id"].isin(person), "user_id"]
    return sorted({user_id, *same})


def _no_such_account(case: Case, user_id: str) -> str:
    users = Tables().users
    distance = users.user_id.levenshtein(user_id[:200])
    nearest = case.evidence.engine.frame(users.order_by([distance, "user_id"]).limit(1))
    return f"There is no account {user_id} in this case{or_nearest(user_id, nearest['user_id'])}"
