"""Cuts time into periods for the session family's accuracy."""

from __future__ import annotations

import math
from dataclasses import dataclass

from credit_forensics.tables.expressions import ibis, ir

PAYMENTS_A_PERIOD = 5
_SHORTEST, _STEPS = 30, 11
# A burst's chain reaches back no further than this many periods.
_BEFORE = 300
_MOST = 200_000
_FAR = 30 * 86_400
AS_OF_WIDTH = 3_600


@dataclass(frozen=True)
class Periods:
    """Periods of ``width`` seconds from ``start`` (epoch seconds)."""

    start: int
    width: int


AS_OF_PERIODS = Periods(start=1_293_840_000, width=AS_OF_WIDTH)
"""Hours since 2011, when Stripe opened: a grid that no payment moves."""


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
    """One row: where the payments lie in time, in epoch seconds, and how many there are.

    Payments far from all others (ten times the span of the middle half, a month at least) do not
    count, and how dense the others lie is measured between their 5 % and 95 % quantiles: one that
    lies apart must not make the periods wider.

    Parameters
    ----------
    rows
        has ``created_at``.

    Examples
    --------
    >>> busy_times(ibis.table({"created_at": "timestamp('UTC')"}, name="t")).columns
    ('first', 'last', 'payments', 'busy')
    """
    at = rows.select(at=whole_seconds(rows.created_at))
    at = at.filter(at["at"].notnull())
    quarters = at.agg(low=at["at"].quantile(0.25), high=at["at"].quantile(0.75))
    joined = at.cross_join(quarters)
    reach = ibis.greatest(10 * (joined.high - joined.low), float(_FAR))
    near = joined.filter(
        (joined["at"] >= joined.low - reach) & (joined["at"] <= joined.high + reach)
    )
    low, high = near["at"].quantile(0.05), near["at"].quantile(0.95)
    return near.agg(
        first=near["at"].min(),
        last=near["at"].max(),
        payments=near.count(),
        busy=((high - low) / 0.9).floor().cast("int64"),
    )


def whole_seconds(time: ir.TimestampValue) -> ir.IntegerValue:
    """Epoch seconds, rounded down: engines round a fraction of a second each in its way.

    Examples
    --------
    >>> whole_seconds(ibis.table({"at": "timestamp('UTC')"}, name="t").at).type()
    Int64(nullable=True)
    """
    return time.epoch_seconds().cast("float64").floor().cast("int64")


def choose_periods(first: int, last: int, payments: int, busy: int | None = None) -> Periods:
    """Choose a width so that a period holds some five payments.

    The grid lies on whole multiples of the width, and the width is one of a few, so that a payment
    more moves neither.

    Parameters
    ----------
    first, last
        epoch seconds of the first and the last payment.
    payments
        how many there are.
    busy
        seconds in which they would lie if they lay everywhere as in the busy time; all of the span
        without it.

    Returns
    -------
    Periods between half a minute and some seventeen hours wide, at most 200,000 of them. Some empty
    ones come before the first, so that a payment long before it lies in none of its neighbours'.

    Examples
    --------
    >>> choose_periods(86_400 * 1000, 86_400 * 1030, 30_000)
    Periods(start=86256000, width=480)
    """
    span = max(last - first, 1)
    wanted = min(span if busy is None else busy, span) * PAYMENTS_A_PERIOD / max(payments, 1)
    wanted = max(wanted, span / _MOST, _SHORTEST)
    step = min(math.floor(math.log2(wanted / _SHORTEST) + 0.5), _STEPS)
    width = _SHORTEST << max(step, math.ceil(math.log2(max(span / _MOST / _SHORTEST, 1))))
    return Periods(start=(first // width - _BEFORE) * width, width=width)
