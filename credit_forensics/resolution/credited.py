"""Who holds the credits of each payment, net of reversals: what the ledger did."""

from __future__ import annotations

from credit_forensics.resolution.repeated import repeated
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

# Refunds take credits back for money returned; they do not say whose credits they were.
_HOLDING = ["purchase", "reversal", "correction", "grant", "transfer"]


def credited(tables: Tables) -> ir.Table:
    """One row a payment that the ledger books: the table ``credited`` of ``evidence.tables``.

    Reversals and corrections net out, so a repaired payment shows its rightful holder. So do
    entries of no known kind that together move credits from one account to another: what support
    mended by hand.

    Examples
    --------
    >>> credited(Tables()).columns[:3]
    ('payment_id', 'credited_user_id', 'credited_at')
    """
    ledger = tables.ledger
    # Nearly every payment has one entry: only the others need theirs summed and ranked.
    several = repeated(ledger, "payment_id")
    single = ledger.filter(ledger.payment_id.notnull()).anti_join(several, "payment_id")
    together = ledger.semi_join(several.view(), "payment_id")
    return ibis.union(_single(single), _ranked(together))


def _single(ledger: ir.Table) -> ir.Table:
    """What ``_ranked`` gives, of payments with one entry each."""
    delta = ibis.coalesce(ledger.delta, 0)
    net = ibis.ifelse(ledger.kind.isin(_HOLDING), delta, 0)
    held = net > 0
    return ledger.select(
        "payment_id",
        credited_user_id=ibis.ifelse(held, ledger.user_id, ibis.null(str)),
        credited_at=ibis.ifelse(held, ledger.created_at, ibis.null("timestamp('UTC')")),
        event_id=ibis.ifelse(held, ledger.event_id, ibis.null(str)),
        credits=ibis.greatest(net, 0).cast("int64"),
        granted=net.cast("int64"),
        reversed=ibis.ifelse(ledger.kind == "refund", -delta, 0).cast("int64"),
        grants=ibis.ifelse((ledger.kind == "purchase") & held, 1, 0).cast("int64"),
        accounts=held.cast("int64"),
    )


def _sums(ledger: ir.Table) -> dict[str, ir.Value]:
    holding = ledger.kind.isin(_HOLDING) | ledger.moved
    incoming = holding & (ledger.delta > 0)
    return {
        "net": ibis.coalesce(ledger.delta.sum(where=holding), 0),
        "reversed": -ibis.coalesce(ledger.delta.sum(where=ledger.kind == "refund"), 0),
        "credited_at": ledger.created_at.min(where=incoming),
        "event_id": ledger.event_id.min(where=incoming),
        "purchases": ledger.count(where=(ledger.kind == "purchase") & (ledger.delta > 0)),
        "reversals": ledger.count(where=(ledger.kind == "reversal") & (ledger.delta < 0)),
    }


def _with_moved(ledger: ir.Table) -> ir.Table:
    """The entries, marked where all of no known kind of a payment cancel out between accounts."""
    other = (ledger.kind == "other") & ledger.payment_id.notnull()
    of_payment = ibis.window(group_by=ledger.payment_id)
    left = ibis.ifelse(other, ledger.delta, 0).sum().over(of_payment)
    return ledger.mutate(moved=ibis.coalesce(other & (left == 0), False))


def _ranked(ledger: ir.Table) -> ir.Table:
    ledger = _with_moved(ledger)
    accounts = ledger.group_by("payment_id", "user_id").agg(**_sums(ledger))
    ordered = ibis.window(
        group_by=accounts.payment_id,
        order_by=[accounts.net.desc(), accounts.credited_at, accounts.user_id],
    )
    ranked = accounts.mutate(place=ibis.row_number().over(ordered))
    holder = (ranked.place == 0) & (ranked.net > 0)
    totals = ranked.group_by("payment_id").agg(
        credited_user_id=ranked.user_id.max(where=holder),
        credited_at=ranked.credited_at.max(where=holder),
        event_id=ranked.event_id.max(where=holder),
        credits=ibis.coalesce(ranked.net.max(where=holder), 0).cast("int64"),
        granted=ranked.net.sum().cast("int64"),
        reversed=ranked.reversed.sum().cast("int64"),
        grants=ranked.purchases.sum() - ranked.reversals.sum(),
        accounts=ranked.count(where=ranked.net > 0).cast("int64"),
    )
    return totals.mutate(grants=ibis.greatest(totals.grants, 0).cast("int64")).select(
        "payment_id",
        "credited_user_id",
        "credited_at",
        "event_id",
        "credits",
        "granted",
        "reversed",
        "grants",
        "accounts",
    )
