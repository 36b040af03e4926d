"""Finds payments whose credits are not what the price is worth."""

from __future__ import annotations

from credit_forensics.findings.duplicate_credit import duplicate_surplus, instalments
from credit_forensics.findings.finding import Correction, Finding, Words
from credit_forensics.findings.finding_rows import finding_rows, sentence
from credit_forensics.findings.former_worth import FORMER_WORTH, former_worth
from credit_forensics.findings.odd_payments import PAID_STATUSES
from credit_forensics.findings.usual_bonus import USUAL_BONUS, usual_bonus
from credit_forensics.findings.usual_refills import USUAL_REFILLS, usual_refills
from credit_forensics.resolution.inferred_ties import inferred_grants
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

NAME = "wrong_amount"
SEVERITY = "medium"
PROOF = "The net grant of a paid payment differs from the credits that its price is worth."


def find_wrong_amount(tables: Tables) -> ir.Table:
    """Paid live payments with net grants other than the price's credits.

    Credits are granted minus expected, signed. Refunds do not count (they have findings of their
    own), nor do payments of which nothing is credited (``missing_credit``) or which are granted
    twice (``duplicate_credit``), nor what the shop gives by its practice (``usual_bonus``,
    ``usual_refills``, ``former_worth``). The cause is ``too_many``, ``too_few``, or ``regrant``
    where one purchase stands beside a grant that another account was given for the same payment.

    Examples
    --------
    >>> from credit_forensics.engines.duckdb import engine_of
    >>> engine = engine_of(
    ...     payments={"payment_id": ["cs_1"], "payment_status": ["paid"],
    ...         "expected_credits": [50]},
    ...     credited={"payment_id": ["cs_1"], "granted": [40], "grants": [1]})
    >>> engine.frame(find_wrong_amount(Tables()))[["cause", "credits"]].values.tolist()
    [['too_few', -10]]
    """
    credited, payments = tables.credited, tables.payments
    duplicates = duplicate_surplus(tables)
    rows = credited.join(payments, "payment_id").select(
        credited.payment_id,
        credited.event_id,
        credited.credited_user_id,
        credited.credited_at,
        credited.granted,
        credited.accounts,
        credited.grants,
        payments.created_at,
        payments.amount,
        payments.currency,
        payments.expected_credits,
        paid=payments.payment_status.isin(PAID_STATUSES)
        & (payments.status != "expired").coalesce(True)
        & payments.livemode.coalesce(True),
    )
    rows = rows.filter(rows.paid & (rows.granted > 0) & (rows.granted != rows.expected_credits))
    # A gift for what buys no credits, a cash-back of a shirt, is all that was meant.
    rows = rows.filter(((rows.expected_credits > 0) | (rows.grants > 0)).coalesce(True))
    rows = rows.anti_join(duplicates, "payment_id")
    # A year's credits that come month by month are not all there before its end.
    rows = rows.anti_join(instalments(credited, payments, tables.ledger), "payment_id")
    # Nor what the shop gives by its practice.
    for practice in (usual_bonus, usual_refills, former_worth):
        rows = rows.anti_join(practice(tables), "payment_id")
    # Which entry books a payment was there told by the credits themselves.
    rows = rows.anti_join(inferred_grants(tables), "payment_id")
    return finding_rows(
        rows,
        NAME,
        SEVERITY,
        "payment_id event_id credited_user_id amount currency",
        cause=ibis.cases(
            (rows.granted < rows.expected_credits, "too_few"),
            ((rows.accounts > 1) & (rows.grants == 1), "regrant"),
            else_="too_many",
        ),
        probability=1.0,
        credits=rows.granted - rows.expected_credits,
        created_at=rows.credited_at.coalesce(rows.created_at),
        explanation=sentence(
            "Payment {payment_id} was granted {granted} credits where its price is worth "
            "{expected_credits}.",
            rows,
        ),
    )


FINDING = Finding(
    NAME,
    SEVERITY,
    PROOF,
    find_wrong_amount,
    Correction(
        "What is wanting is granted.",
        action="adjust",
        rule="shortfall",
        person_for=(
            ("too_many", "taking back what the buyer was promised is for the shop to decide"),
            ("regrant", "taking back what the buyer was promised is for the shop to decide"),
        ),
        turn=80,
        settled_by_move=True,
    ),
    en=Words(
        "wrong amount",
        "The credits granted differ from what the price is worth.",
        {
            "too_few": "too few",
            "too_many": "too many",
            "regrant": "granted again by hand",
        },
    ),
    de=Words(
        "falscher Betrag",
        "Die gutgeschriebenen Credits entsprechen nicht dem Preis.",
        {
            "too_few": "zu wenige",
            "too_many": "zu viele",
            "regrant": "von Hand erneut gutgeschrieben",
        },
    ),
    odd=True,
    practices=(USUAL_BONUS, USUAL_REFILLS, FORMER_WORTH),
    place=90,
)
