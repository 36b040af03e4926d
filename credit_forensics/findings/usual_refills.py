"""Grants that fill an account up to what the price is worth, whatever was left on it."""

from __future__ import annotations

from credit_forensics.findings.practice import Practice
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

LEAST_FILLED = 3
"""So many payments that were filled up to their worth show that the shop fills up."""


def usual_refills(tables: Tables) -> ir.Table:
    """payment_id of each payment whose one grant was smaller, and filled the account up.

    All entries of the account up to the grant make just what the price is worth, for at least
    ``LEAST_FILLED`` payments. Only where every entry of the account is read does that come out; a
    grant that is too small for another reason leaves another sum.

    Parameters
    ----------
    tables
        those of odd payments will do: ``whole`` has the accounts' other entries.

    Examples
    --------
    >>> usual_refills(Tables()).columns
    ('payment_id',)
    """
    payments, credited, ledger = tables.payments, tables.credited, tables.ledger
    sold = payments.filter(payments.expected_credits > 0).select("payment_id", "expected_credits")
    held = credited.filter((credited.granted > 0) & (credited.grants == 1))
    less = sold.join(held.select("payment_id", "granted"), "payment_id")
    less = less.filter(less.granted < less.expected_credits)
    grants = ledger.filter((ledger.kind == "purchase") & (ledger.delta > 0))
    grants = grants.join(less, "payment_id").select(
        "payment_id", "user_id", "expected_credits", "entry_id", at=grants.created_at
    )
    entries = tables.whole.ledger
    entries = entries.semi_join(grants.view(), "user_id").select(
        "user_id", "delta", earlier_id="entry_id", earlier_at=entries.created_at
    )
    before = grants.join(entries, "user_id")
    # Entries of one moment count in the order in which they were written.
    before = before.filter(
        (before.earlier_at < before["at"])
        | ((before.earlier_at == before["at"]) & (before.earlier_id <= before.entry_id))
    )
    sums = before.group_by("payment_id", "expected_credits").aggregate(stock=before.delta.sum())
    filled = sums.filter(sums.stock == sums.expected_credits).select("payment_id")
    filled = filled.mutate(alike=filled.payment_id.count().over(ibis.window()))
    return filled.filter(filled.alike >= LEAST_FILLED).select("payment_id")


USUAL_REFILLS = Practice(
    "usual refills",
    usual_refills,
    "payments",
    "prices",
    "were granted less than their price is worth, and just what filled the account up to it: "
    "wrong_amount is not had of them",
)
