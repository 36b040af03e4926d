"""Cuts time into periods for the session family's accuracy."""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

_PAYMENTS_A_PERIOD = 5
_SHORTEST, _LONGEST = 30, 86_400
_MOST = 200_000
_FAR = 30 * 86_400


@dataclass(frozen=True)
class Periods:
    """Periods of ``width`` seconds from ``start`` (epoch seconds)."""

    start: int
    width: int


def number_periods(rows: ir.Table, periods: ir.Table) -> ir.Table:
    """Add ``period``: the period that ``created_at`` lies in, 0 where unknown or before the first.

    Parameters
    ----------
    rows
        has ``created_at``.
    periods
        one row, ``start, width``: a table, so that the expression is the same for every case.
    """
    joined = rows.cross_join(periods)
    elapsed = whole_seconds(joined.created_at) - joined.start
    number = ibis.coalesce((elapsed // joined.width).cast("int64"), 0)
    number = ibis.least(ibis.greatest(number, 0), 2 * _MOST)
    return joined.mutate(period=number).drop("start", "width")


def busy_times(rows: ir.Table) -> ir.Table:
    """One row: the first and last payment in epoch seconds, and how many there are.

    Payments far from all others (ten times the span of the middle half, a month at least) do not
    count: one years away must not make the periods wider.

    Parameters
    ----------
    rows
        has ``created_at``.

    Examples
    --------
    >>> busy_times(ibis.table({"created_at": "timestamp('UTC')"}, name="t")).columns
    ('first', 'last', 'payments')
    """
    at = rows.select(at=whole_seconds(rows.created_at))
    at = at.filter(at["at"].notnull())
    quarters = at.agg(low=at["at"].quantile(0.25), high=at["at"].quantile(0.75))
    joined = at.cross_join(quarters)
    reach = ibis.greatest(10 * (joined.high - joined.low), float(_FAR))
    near = joined.filter(
        (joined["at"] >= joined.low - reach) & (joined["at"] <= joined.high + reach)
    )
    return near.agg(first=near["at"].min(), last=near["at"].max(), payments=near.count())


def whole_seconds(time: ir.TimestampValue) -> ir.IntegerValue:
    """Epoch seconds, rounded down: engines round a fraction of a second each in its way.

    Examples
    --------
    >>> whole_seconds(ibis.table({"at": "timestamp('UTC')"}, name="t").at).type()
    Int64(nullable=True)
    """
    return time.epoch_seconds().cast("float64").floor().cast("int64")


def choose_periods(first: int, last: int, payments: int) -> Periods:
    """Choose a width so that a period holds some five payments.

    Parameters
    ----------
    first, last
        epoch seconds of the first and the last payment.
    payments
        how many there are.

    Returns
    -------
    Periods between half a minute and a day wide, at most 200,000 of them.

    Examples
    --------
    >>> choose_periods(0, 86_400 * 30, 30_000)
    Periods(start=0, width=432)
    """
    span = max(last - first, 1)
    wanted = span * _PAYMENTS_A_PERIOD // max(payments, 1)
    width = min(max(wanted, _SHORTEST), _LONGEST)
    return Periods(start=first, width=max(width, span // _MOST + 1))
