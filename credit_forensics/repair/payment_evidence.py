"""What a correction must know of its payment beside the ledger: whose it is, and how surely."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from credit_forensics.case.case import Case
from credit_forensics.engines.recipes import Recipe
from credit_forensics.findings.subscription_mismatch import is_live
from credit_forensics.judgement.judge import Judgement
from credit_forensics.records import row_dicts
from credit_forensics.repair.whose_account import FOUND, read_questions
from credit_forensics.resolution.inferred_ties import inferred_grants
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir


@dataclass(frozen=True)
class PaymentEvidence:
    """Of one payment: the verdict and whom it names, how probable that person is, its money.

    ``tie_probability`` is how sure it is that its entries are this payment's.
    ``other_subscriptions`` are live ones of its customer or payer beside its own, by comma.
    ``question`` is what only a person can tell of it, empty where nothing is or a person told.
    """

    verdict: str
    rightful_user_id: str | None
    rightful_probability: float
    families_agreeing: int
    amount_lost: int
    customer_id: str | None
    tie_probability: float = 1.0
    payment_intent_id: str | None = None
    amount: int = 0
    currency: str = ""
    created_at: pd.Timestamp | None = None
    other_subscriptions: str = ""
    question: str = ""

    def sure_of(self, user_id: str | None, threshold: float) -> bool:
        """Whether this account is the payer's with at least that probability."""
        return (
            user_id is not None
            and user_id == self.rightful_user_id
            and self.rightful_probability >= threshold
        )


UNKNOWN = PaymentEvidence("", None, 0.0, 0, 0, None)
"""For a payment that the evidence does not hold."""


def read_payment_evidence(case: Case) -> dict[str, PaymentEvidence]:
    """The facts of every payment that has a finding, by payment.

    The probability of a misattribution says how surely the credits are on a wrong account; it
    takes the posterior of the person named to say whose they are.
    """
    engine = case.evidence.engine
    named = case.findings["payment_id"].dropna().unique()
    engine.register(FOUND, pd.DataFrame({"payment_id": sorted(named)}, dtype="str"))
    judgement = case.judgement
    facts = judgement.over("repair-payments", lambda: _payment_facts(judgement))
    questions, others = read_questions(case), _other_subscriptions(case)
    return {
        row["payment_id"]: PaymentEvidence(
            verdict=row["verdict"],
            rightful_user_id=row["rightful_user_id"],
            rightful_probability=float(row["best_probability"] or 0.0),
            families_agreeing=int(row["families"] or 0),
            amount_lost=int(row["amount_lost"] or 0),
            customer_id=row["customer_id"],
            tie_probability=1.0 if row["tie_probability"] is None else row["tie_probability"],
            payment_intent_id=row["payment_intent_id"],
            amount=int(row["amount"] or 0),
            currency=row["currency"] or "",
            created_at=row["created_at"],
            other_subscriptions=others.get(row["payment_id"], ""),
            question=questions.get(row["payment_id"], ""),
        )
        for row in row_dicts(engine.frame(facts))
    }


def _payment_facts(judgement: Judgement) -> ir.Table:
    found = ibis.table({"payment_id": "string"}, name=FOUND)
    judged, tables = judgement.judged, Tables()
    rows = found.inner_join(judged, "payment_id").select(
        "payment_id", "best_probability", families=judged.agreeing
    )
    rows = rows.inner_join(tables.verdicts, "payment_id").select(
        rows,
        verdict=tables.verdicts.verdict,
        rightful_user_id=tables.verdicts.rightful_user_id,
    )
    pairs, payments = inferred_grants(tables), tables.payments
    rows = rows.left_join(pairs, "payment_id").select(rows, tie_probability=pairs.tie_probability)
    return rows.inner_join(payments, "payment_id").select(
        rows,
        amount_lost=payments.amount_lost,
        customer_id=payments.customer_id,
        payment_intent_id=payments.payment_intent_id,
        amount=payments.amount,
        currency=payments.currency,
        created_at=payments.created_at,
    )


def _other_subscriptions(case: Case) -> dict[str, str]:
    """Live subscriptions beside a payment's own: of its customer, or paid by the same person."""
    rows = case.evidence.engine.frame(Recipe("repair-subscriptions", _subscriptions_beside))
    return {
        str(payment): ", ".join(ids)
        for payment, ids in rows.groupby("payment_id")["subscription_id"]
    }


def _subscriptions_beside() -> ir.Table:
    found, tables = ibis.table({"payment_id": "string"}, name=FOUND), Tables()
    live = is_live(tables.subscriptions).select("subscription_id", "customer_id")
    verdicts = tables.verdicts.select("payment_id", "rightful_user_id")
    paid = tables.payments.select("payment_id", "customer_id", own=tables.payments.subscription_id)
    ours = found.inner_join(paid, "payment_id").inner_join(verdicts, "payment_id")
    by_customer = ours.inner_join(live, "customer_id").select(
        ours.payment_id, ours.own, live.subscription_id
    )
    payers = paid.inner_join(verdicts, "payment_id").select(
        "rightful_user_id", subscription_id=paid.own
    )
    payers = payers.semi_join(live, "subscription_id").distinct()
    by_payer = ours.inner_join(payers, "rightful_user_id").select(
        ours.payment_id, ours.own, payers.subscription_id
    )
    rows = by_customer.union(by_payer, distinct=True)
    rows = rows.filter((rows.own != rows.subscription_id).coalesce(True))
    return rows.order_by(["payment_id", "subscription_id"])


def read_accounts(case: Case) -> frozenset[str]:
    """Ids that have an account; empty where the evidence holds no accounts."""
    users = Recipe("repair-accounts", lambda: Tables().users.select("user_id"))
    return frozenset(case.evidence.engine.frame(users)["user_id"])


def read_bindings(case: Case) -> frozenset[tuple[str, str]]:
    """Pairs of customer and user that the ledger's database binds."""
    bound = Recipe("repair-bindings", lambda: Tables().customers.select("customer_id", "user_id"))
    rows = case.evidence.engine.frame(bound)
    return frozenset(zip(rows["customer_id"], rows["user_id"], strict=True))
