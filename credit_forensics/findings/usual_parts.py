"""Payments that bring several grants by the shop's practice: a pack of two kinds of credits."""

from __future__ import annotations

from credit_forensics.findings.practice import Practice
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

# Payments from which on the same parts are what such a payment brings.
LEAST_USUAL = 2


def usual_parts(tables: Tables) -> ir.Table:
    """payment_id of each payment whose grants differ, as they do for most of the same price.

    100 of one kind of credits and 10 of another. Who was granted twice has the same credits twice,
    and what most others were granted but once is no part. Only where the worth is not known.

    Parameters
    ----------
    tables
        those of odd payments will do: ``whole`` tells what others of the price were granted.

    Examples
    --------
    >>> usual_parts(Tables()).columns
    ('payment_id',)
    """
    ledger, everything = tables.ledger, tables.whole
    parted = tables.credited.filter(tables.credited.grants >= 2)
    unknown = tables.payments.filter(tables.payments.expected_credits.isnull())
    unknown = unknown.semi_join(parted, "payment_id").select("payment_id", "amount", "currency")
    grants = ledger.filter((ledger.kind == "purchase") & (ledger.delta > 0))
    sums = (
        grants.semi_join(unknown, "payment_id")
        .group_by("payment_id")
        .aggregate(
            grants=lambda rows: rows.count(),
            kinds=lambda rows: rows.delta.nunique(),
            least=lambda rows: rows.delta.min(),
            most=lambda rows: rows.delta.max(),
            total=lambda rows: rows.delta.sum(),
        )
    )
    rows = unknown.join(sums, "payment_id")
    rows = rows.filter((rows.grants >= 2) & (rows.kinds == rows.grants))
    like = ["amount", "currency", "grants", "least", "most", "total"]
    rows = rows.mutate(same=rows.count().over(ibis.window(group_by=like)))
    prices = rows.select("amount", "currency").distinct()
    held = everything.credited.filter(everything.credited.granted > 0).select("payment_id")
    sold = everything.payments.semi_join(prices.view(), ["amount", "currency"])
    sold = sold.semi_join(held, "payment_id")
    of_price = sold.group_by("amount", "currency").aggregate(sold=lambda all_: all_.count())
    rows = rows.join(of_price, ["amount", "currency"])
    usual = (rows.same >= LEAST_USUAL) & (2 * rows.same > rows.sold)
    return rows.filter(usual).select("payment_id")


USUAL_PARTS = Practice(
    "usual parts",
    usual_parts,
    "ledger",
    "grants",
    "were granted several amounts, as most of the same price were, and are read as paid out in "
    "parts: duplicate_credit is not had of them; [prices] can say what they are worth",
)
