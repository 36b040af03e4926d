"""Measures what share of the paid money, the ledger's credits and the log was judged, and why not.

Money is judged where a verdict was reached: that no entry books it, or whose the credits are.
What only one family of evidence names (*unverifiable*), nobody names (*unresolved*), or the ledger
does not cover (*undetermined*) is not. Credits are judged where their entry is tied to a payment,
or is known to be tied to none; deliveries where they name what they are of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from credit_forensics.coverage.measure import Measured
from credit_forensics.coverage.reasons import BY_NAME
from credit_forensics.engines.duckdb import Engine
from credit_forensics.engines.recipes import Recipe
from credit_forensics.tables.catalogue import Tables, spec
from credit_forensics.tables.expressions import ibis, ir

UNJUDGED = ("undetermined", "unresolved", "unverifiable", "other_product", "ownerless")
PAID_MONEY = "paid_money"


def paid_money(tables: Tables) -> ir.Table:
    """Money that was paid and not returned, a row a currency and verdict.

    ``payment_id`` is any of the group, so that an engine may count bucket by bucket.
    """
    payments, verdicts = tables.payments, tables.verdicts
    paid = _paid(payments)
    unowned = tables.ledger.filter(tables.ledger.user_id.isnull())
    unowned = unowned.select(unowned_id="payment_id").distinct()
    rows = paid.left_join(verdicts, "payment_id")
    rows = rows.left_join(unowned, rows.payment_id == unowned.unowned_id)
    undetermined = rows.verdict == "undetermined"
    return _summed(
        rows.select(
            "payment_id",
            "left",
            "currency",
            verdict=ibis.cases(
                (undetermined & (rows.for_credits == "probably not"), "other_product"),
                (undetermined & rows.unowned_id.notnull(), "ownerless"),
                else_=rows.verdict,
            ),
        )
    )


def _paid(payments: ir.Table) -> ir.Table:
    paid = payments.filter(
        (payments.payment_status == "paid") & payments.livemode.coalesce(True)
    ).select(
        "payment_id",
        "currency",
        "for_credits",
        paid_at=payments.completed_at.coalesce(payments.created_at),
        left=payments.amount.coalesce(0) - payments.amount_lost.coalesce(0),
    )
    return paid.filter(paid.left > 0)


def _summed(rows: ir.Table) -> ir.Table:
    return rows.group_by("currency", "verdict").aggregate(
        payment_id=rows.payment_id.min(),
        payments=rows.count(),
        amount=rows.left.sum().cast("int64"),
    )


def money_to_judge(tables: Tables) -> ir.Table:
    """As ``paid_money``, of what is not judged yet: booked or not, in the ledger's time or not."""
    payments, ledger = tables.payments, tables.ledger
    booked = (
        ledger.filter(ledger.payment_id.notnull()).select(booked_id=ledger.payment_id).distinct()
    )
    paid = _paid(payments)
    rows = paid.left_join(booked, paid.payment_id == booked.booked_id)
    spans = tables.spans.filter(tables.spans.source == "ledger")
    rows = rows.cross_join(
        spans.aggregate(first_at=spans.first_at.min(), last_at=spans.last_at.max())
    )
    within = (rows.paid_at >= rows.first_at) & (rows.paid_at <= rows.last_at)
    rows = rows.mutate(
        verdict=ibis.cases(
            (rows.booked_id.notnull(), "booked"),
            (within.coalesce(False), "within"),
            else_="undetermined",
        )
    )
    return _summed(rows)


def measure_judgeable(engine: Engine, measured: Measured) -> pd.DataFrame:
    """As ``measure_judged``, of evidence that is not judged: what can be.

    Whether more than one kind of evidence names a payer, only a judgement tells.
    """
    rows = engine.arrow(money_to_judge(Tables()).order_by("currency", "verdict")).to_pylist()
    if measured.reasons["ledger"]:
        rows = [
            {**row, "verdict": "undetermined" if row["verdict"] == "within" else row["verdict"]}
            for row in rows
        ]
    return _shares(rows, measured)


def measure_judged(engine: Engine, measured: Measured) -> pd.DataFrame:
    """The table ``judged_shares`` of what lies judged on an engine.

    Parameters
    ----------
    engine
        holds payments and verdicts of the whole case.
    measured
        what ``measure.measure_coverage`` gave of it.
    """
    paid = Recipe("coverage-paid-money", lambda: paid_money(Tables()))
    counted = engine.materialize(PAID_MONEY, paid, by_payment=True)
    by_verdict = Recipe(
        "coverage-judged-money",
        lambda: counted.table.drop("payment_id").order_by("currency", "verdict", "amount"),
    )
    money = engine.arrow(by_verdict).to_pylist()
    engine.drop(PAID_MONEY)
    return _shares(money, measured)


def _shares(money: list[dict[str, Any]], measured: Measured) -> pd.DataFrame:
    reasons = measured.reasons
    rows = [*_of_money(money, reasons["ledger"]), *_of_credits(measured, reasons["payments"])]
    rows += _of_log(measured, reasons["deliveries"])
    table = spec("judged_shares")
    return pd.DataFrame(rows, columns=table.column_names) if rows else table.empty()


def _of_money(rows: Sequence[Mapping[str, Any]], ledger: str | None) -> list[dict[str, Any]]:
    """Shares of the paid money; over currencies they are weighed by their payments."""
    payments = sum(row["payments"] for row in rows)
    of_currency: dict[str, tuple[int, int]] = {}
    for row in rows:
        amount, count = of_currency.get(row["currency"], (0, 0))
        of_currency[row["currency"]] = (amount + row["amount"], count + row["payments"])
    found = {"": (0.0, 0)} if rows else {}
    for row in rows:
        amount, count = of_currency[row["currency"]]
        why = row["verdict"] or "undetermined"
        why = (ledger or "outside") if why == "undetermined" else why if why in UNJUDGED else ""
        share, of = found.get(why, (0.0, 0))
        weight = row["amount"] / amount * count / payments
        found[why] = (share + weight, of + row["payments"])
    return [_row("money", why, share, count) for why, (share, count) in sorted(found.items())]


def _of_credits(measured: Measured, payments: str | None) -> list[dict[str, Any]]:
    ties = measured.ties
    groups = [
        ("", ties.credits_tied, ties.tied + ties.inferred),
        # Where entries name their payments, one that names none is known to have none.
        ("" if payments in BY_NAME else "untied", ties.credits_unbacked, ties.unbacked),
        ("" if payments is None else "untied", ties.credits_untied, ties.untied),
        ("unclear", ties.credits_unclear, ties.unclear),
    ]
    total = sum(credits for _, credits, _ in groups)
    if not total:
        return []
    found: dict[str, tuple[int, int]] = {"": (0, 0)}
    for why, credits, entries in groups:
        if entries:
            before = found.get(why, (0, 0))
            found[why] = (before[0] + credits, before[1] + entries)
    return [_row("credits", why, credits / total, n) for why, (credits, n) in found.items()]


def _of_log(measured: Measured, why: str | None) -> list[dict[str, Any]]:
    if why == "not_read":
        return []
    named, nameless = measured.named_deliveries, measured.nameless_deliveries
    if not named:
        return [_row("log", "", 0.0, 0), _row("log", why or "none_recognised", 1.0, nameless)]
    rows = [_row("log", "", named / (named + nameless), named)]
    if nameless:
        rows.append(_row("log", "nameless", nameless / (named + nameless), nameless))
    return rows


def _row(subject: str, reason: str, share: float, count: int) -> dict[str, Any]:
    return {"subject": subject, "reason": reason, "share": round(share, 6), "rows": count}
