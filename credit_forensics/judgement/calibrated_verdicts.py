"""The verdicts that follow from calibrated probabilities, and from what was learned of pairs."""

from __future__ import annotations

from credit_forensics.judgement.calibration import Calibration
from credit_forensics.judgement.verdicts import (
    CONFIRMED_AT_MOST,
    MISATTRIBUTED_FROM,
    PAID_BY_ANOTHER,
)
from credit_forensics.tables.expressions import ibis, ir


def calibrated_verdicts(
    verdicts: ir.Table, calibration: Calibration, pairs: ir.Table | None = None
) -> ir.Table:
    """The table ``verdicts`` with calibrated probabilities and the verdicts that follow.

    Parameters
    ----------
    verdicts
        what the model thinks.
    calibration
        the map.
    pairs
        ``learned_payment, learned`` (log-odds, or nothing), ``accusable``: the payments that are
        about a payer and another person's account, which the map leaves alone.

    Notes
    -----
    By the map ``confirmed`` may become ``ambiguous``. Nothing becomes ``confirmed`` or
    ``misattributed`` by it: what is ambiguous with a low probability is so because its families
    do not agree, or rest on one another, and who paid is asked of the pairs. A pair may become
    ``misattributed``, and from it ``paid_by_another``.
    """
    if pairs is not None:
        verdicts = _learned(verdicts, pairs)
    if calibration.kind == "none":
        return verdicts.drop("apart") if pairs is not None else verdicts
    if calibration.kind == "platt":
        log_odds = calibration.intercept + calibration.slope * verdicts.log_odds
    else:
        steps = list(zip(calibration.knots, calibration.values, strict=True))
        log_odds = ibis.cases(
            (verdicts.log_odds.isnull(), ibis.null("float64")),
            *((verdicts.log_odds >= knot, value) for knot, value in reversed(steps[1:])),
            else_=steps[0][1],
        )
    p = 1 / (1 + (-log_odds).exp())
    less = (verdicts.verdict == "confirmed") & (p > CONFIRMED_AT_MOST)
    values = {
        "log_odds": log_odds,
        "probability_misattributed": p,
        "verdict": ibis.ifelse(less, "ambiguous", verdicts.verdict),
    }
    if pairs is not None:
        apart = verdicts.apart
        values = {name: ibis.ifelse(apart, verdicts[name], one) for name, one in values.items()}
    columns = [name for name in verdicts.columns if name != "apart"]
    return verdicts.mutate(**values).select(*columns)


def _learned(verdicts: ir.Table, pairs: ir.Table) -> ir.Table:
    """The verdicts with what was learned of pairs, and ``apart``: it is about one."""
    rows = verdicts.left_join(pairs, verdicts.payment_id == pairs.learned_payment)
    log_odds = ibis.coalesce(rows.learned, rows.log_odds)
    p = ibis.ifelse(
        rows.learned.notnull(), 1 / (1 + (-log_odds).exp()), rows.probability_misattributed
    )
    moved = rows.learned.notnull()
    verdict = ibis.cases(
        (moved & rows.accusable & (p >= MISATTRIBUTED_FROM), "misattributed"),
        (
            moved & (rows.verdict == "misattributed") & (p < MISATTRIBUTED_FROM),
            PAID_BY_ANOTHER,
        ),
        else_=rows.verdict,
    )
    changed = rows.mutate(
        log_odds=log_odds,
        probability_misattributed=p,
        verdict=verdict,
        apart=rows.learned_payment.notnull(),
    )
    return changed.select(*verdicts.columns, "apart")
