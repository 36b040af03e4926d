"""Payments whose credits come in equal tranches by practice: half now, half in a week."""

from __future__ import annotations

from datetime import timedelta

from credit_forensics.findings.practice import Practice
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

# Stripe sends an event again for three days: what is granted again by that lies closer together.
APART = timedelta(days=4)
# A job runs once a day, and months differ by a tenth.
_JOB, _TENTH = 86_400, 0.1
# Payments from which on equal tranches are a practice.
LEAST_REGULAR = 3


def usual_tranches(tables: Tables) -> ir.Table:
    """payment_id of each payment granted in equal tranches, as most of the same price are.

    The tranches lie days apart, at least ``APART``, and at the same distance in more than half of
    the payments of the price that are old enough for the last one. What is granted again by a
    redelivery follows sooner, and by a job that runs over all payments at one time. Only where the
    worth is not known.

    Parameters
    ----------
    tables
        those of odd payments will do: ``whole`` tells what others of the price were granted.

    Examples
    --------
    >>> usual_tranches(Tables()).columns
    ('payment_id',)
    """
    ledger, everything = tables.ledger, tables.whole
    parted = tables.credited.filter((tables.credited.grants >= 2) & (tables.credited.accounts == 1))
    unknown = tables.payments.filter(tables.payments.expected_credits.isnull())
    unknown = unknown.semi_join(parted, "payment_id").select("payment_id", "amount", "currency")
    grants = ledger.filter((ledger.kind == "purchase") & (ledger.delta > 0))
    grants = grants.semi_join(unknown, "payment_id").select(
        "payment_id", "entry_id", "delta", at=grants.created_at.epoch_seconds()
    )
    order = ibis.window(group_by="payment_id", order_by=["at", "entry_id"])
    grants = grants.mutate(pause=grants["at"] - grants["at"].lag().over(order))
    sums = grants.group_by("payment_id").aggregate(
        grants=lambda rows: rows.count(),
        kinds=lambda rows: rows.delta.nunique(),
        part=lambda rows: rows.delta.min(),
        pause=lambda rows: rows.pause.min(),
        longest=lambda rows: rows.pause.max(),
        first=lambda rows: rows["at"].min(),
        last=lambda rows: rows["at"].max(),
    )
    rows = unknown.join(sums, "payment_id")
    rows = rows.filter((rows.kinds == 1) & (rows.pause >= int(APART.total_seconds())))
    like = ["amount", "currency", "grants", "part"]
    usual = rows.group_by(like).aggregate(usual=lambda all_: all_.pause.quantile(0.5))
    usual = usual.mutate(slack=_JOB + _TENTH * usual.usual)
    rows = rows.join(usual, like)
    rows = rows.filter(
        (rows.pause >= rows.usual - rows.slack) & (rows.longest <= rows.usual + rows.slack)
    )
    practices = rows.group_by(like).aggregate(
        fit=lambda all_: all_.count(),
        due=lambda all_: ((all_.usual + all_.slack) * (all_.grants - 1)).max(),
        bought=lambda all_: all_["first"].max() - all_["first"].min(),
        granted=lambda all_: all_["last"].max() - all_["last"].min(),
    )
    # What one run granted again has one time, whenever it was bought.
    one_run = (practices.granted < _JOB) | (2 * practices.granted < practices.bought)
    practices = practices.filter((practices.fit >= LEAST_REGULAR) & ~one_run)
    held = everything.credited.filter(everything.credited.granted > 0).select("payment_id")
    sold = everything.payments.semi_join(held, "payment_id")
    sold = sold.select("amount", "currency", sold_at=sold.created_at.epoch_seconds())
    until = everything.ledger.aggregate(until=lambda all_: all_.created_at.max().epoch_seconds())
    old = practices.join(sold, ["amount", "currency"]).cross_join(until)
    old = old.group_by(*like, "fit").aggregate(
        old=lambda all_: (all_.sold_at + all_.due <= all_.until).sum()
    )
    old = old.filter(2 * old.fit > old.old.coalesce(0))
    return rows.semi_join(old, like).select("payment_id")


USUAL_TRANCHES = Practice(
    "usual tranches",
    usual_tranches,
    "ledger",
    "grants",
    "were granted the same amount again and again at the same distance, as most of the same price "
    "were, and are read as paid out in tranches: duplicate_credit is not had of them; [prices] can "
    "say what they are worth",
)
