"""Finds payments whose money is not what the price costs."""

from __future__ import annotations

from credit_forensics.findings.finding import Correction, Finding, Words
from credit_forensics.findings.finding_rows import finding_rows, sentence, shown_money
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

NAME = "price_mismatch"
SEVERITY = "medium"
PROOF = "A line of the payment charges another sum than what `[prices]` says that its price costs."

# A currency without cents that was charged as if it had some, or the other way round.
_CENTS = 100


def find_price_mismatch(tables: Tables) -> ir.Table:
    """Paid live payments with a line that charges another sum than quantity × price.

    Only where ``[prices]`` gives the amount, in the payment's own currency, and a line shows what
    was charged before discounts and taxes. Where no line is shown, only the hundredfold or the
    hundredth part of the price counts, which no discount or tax makes. A part of a period
    (proration) is passed over. The cause is ``charged_more`` or ``charged_less``.

    Examples
    --------
    >>> from credit_forensics.engines.duckdb import engine_of
    >>> engine = engine_of(
    ...     prices={"price_id": ["p"], "credits": [50], "amount": [500], "currency": ["jpy"]},
    ...     payments={"payment_id": ["cs_1"], "price_id": ["p"], "payment_status": ["paid"],
    ...         "amount": [50000], "currency": ["jpy"]})
    >>> engine.frame(find_price_mismatch(Tables()))["cause"].tolist()
    ['charged_more']
    """
    payments, items, prices = tables.payments, tables.payment_items, tables.prices
    priced = prices.filter(prices.amount.notnull() & prices.currency.notnull())
    paid = payments.filter(
        (payments.payment_status == "paid") & payments.livemode.coalesce(True)
    ).select("payment_id", "price_id", "amount", "currency", "created_at", "completed_at")
    shown = items.filter(items.amount.notnull() & ~items.prorated.coalesce(False))
    lines = (
        shown.join(paid, "payment_id")
        .join(priced, [shown.price_id == priced.price_id, paid.currency == priced.currency])
        .select(
            shown.payment_id,
            shown.price_id,
            paid.currency,
            at=paid.completed_at.coalesce(paid.created_at),
            charged=shown.amount,
            costs=shown.quantity.coalesce(1) * priced.amount,
        )
    )
    bare = paid.anti_join(shown.select("payment_id").view(), "payment_id")
    listed = priced.select("price_id", "currency", costs=priced.amount).view()
    whole = bare.join(listed, ["price_id", "currency"])
    whole = whole.select(
        "payment_id",
        "price_id",
        "currency",
        at=whole.completed_at.coalesce(whole.created_at),
        charged=whole.amount,
        costs=whole.costs,
    )
    hundredfold = (whole.charged == whole.costs * _CENTS) | (whole.charged * _CENTS == whole.costs)
    rows = lines.filter(lines.charged != lines.costs).union(whole.filter(hundredfold))
    return finding_rows(
        rows,
        NAME,
        SEVERITY,
        "payment_id currency",
        cause=ibis.ifelse(rows.charged > rows.costs, "charged_more", "charged_less"),
        probability=1.0,
        amount=rows.charged,
        created_at=rows.at,
        explanation=sentence(
            "Payment {payment_id} was charged {charged} for {price_id}, which costs {costs}.",
            rows,
            charged=shown_money(rows.charged, rows.currency),
            costs=shown_money(rows.costs, rows.currency),
        ),
    )


FINDING = Finding(
    NAME,
    SEVERITY,
    PROOF,
    find_price_mismatch,
    Correction(
        "No entry is booked; the money is put right in Stripe, by a refund or a new price.",
        person="money is put right in Stripe, and what was promised is for the shop to decide",
        turn=130,
    ),
    en=Words(
        "price mismatch",
        "The money charged is not what the price costs.",
        {"charged_more": "charged more", "charged_less": "charged less"},
    ),
    de=Words(
        "falscher Preis",
        "Das berechnete Geld ist nicht, was der Preis kostet.",
        {"charged_more": "mehr berechnet", "charged_less": "weniger berechnet"},
    ),
    place=92,
)
