"""Cuts time into periods for the session family's accuracy."""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

_PAYMENTS_A_PERIOD = 15
_SHORTEST, _LONGEST = 300, 86_400
_MOST = 20_000


@dataclass(frozen=True)
class Periods:
    """Periods of ``width`` seconds from ``start`` (epoch seconds)."""

    start: int
    width: int

    def number(self, created_at: ir.TimestampValue) -> ir.IntegerValue:
        """The period's number of a time; 0 where the time is not known."""
        elapsed = created_at.epoch_seconds().cast("int64") - self.start
        return ibis.coalesce((elapsed // self.width).cast("int64"), 0)


def choose_periods(first: int, last: int, payments: int) -> Periods:
    """Choose a width so that a period holds some fifteen payments.

    Parameters
    ----------
    first, last
        epoch seconds of the first and the last payment.
    payments
        how many there are.

    Returns
    -------
    Periods between five minutes and a day wide, at most 20,000 of them.

    Examples
    --------
    >>> choose_periods(0, 86_400 * 30, 30_000)
    Periods(start=0, width=1296)
    """
    span = max(last - first, 1)
    wanted = span * _PAYMENTS_A_PERIOD // max(payments, 1)
    width = min(max(wanted, _SHORTEST), _LONGEST)
    return Periods(start=first, width=max(width, span // _MOST + 1))
