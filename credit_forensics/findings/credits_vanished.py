"""Finds entries that take credits which the shop's own rules leave to the account."""

from __future__ import annotations

from credit_forensics.findings.finding import Correction, Finding, Words
from credit_forensics.findings.finding_rows import finding_rows, sentence
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

NAME = "credits_vanished"
SEVERITY = "medium"
PROOF = (
    "An entry that the ledger calls a reset or an expiry takes what no rule of `[credits]` "
    "(rollover, reset, expiry) takes."
)


def find_credits_vanished(tables: Tables) -> ir.Table:
    """Resets and expiries (``lapses``) that ``[credits]`` (``credit_rules``) does not allow.

    * ``rolls_over``: credits roll over, and there is no reset, yet a reset took some;
    * ``too_early``: credits expire after ``expires_days``, and an expiry took more than what was
      granted to the account earlier than that;
    * ``reset_twice``: credits are reset once a month, and a second reset of one account in one
      month took some.

    Without ``[credits]`` nothing is said.

    Examples
    --------
    >>> from credit_forensics.engines.duckdb import engine_of
    >>> engine = engine_of(
    ...     credit_rules={"rollover": [True]},
    ...     lapses={"entry_id": ["7"], "kind": ["reset"]},
    ...     ledger={"entry_id": ["7"], "user_id": ["a"], "delta": [-30]})
    >>> engine.frame(find_credits_vanished(Tables()))[["cause", "credits"]].values.tolist()
    [['rolls_over', 30]]
    """
    ledger, lapses, rules = tables.ledger, tables.lapses, tables.credit_rules
    taken = ledger.join(lapses.select("entry_id", lapse="kind"), "entry_id")
    taken = taken.filter(taken.delta < 0).cross_join(rules)
    taken = taken.mutate(
        month=taken.created_at.truncate("M"), expired_before=taken.created_at - _days(taken)
    )
    turn = ibis.row_number().over(
        group_by=[taken.user_id, taken.lapse, taken.month],
        order_by=[taken.created_at, taken.entry_id],
    )
    taken = taken.mutate(turn=turn)
    grants = ledger.filter(ledger.delta > 0).select(
        granted_user="user_id", granted="delta", granted_at="created_at"
    )
    expiring = taken.filter((taken.lapse == "expiry") & taken.expires_days.notnull())
    old = expiring.join(
        grants,
        [
            expiring.user_id == grants.granted_user,
            grants.granted_at <= expiring.expired_before,
        ],
    )
    old = old.group_by(old_entry="entry_id").aggregate(old_credits=old.granted.sum())
    rows = taken.left_join(old, taken.entry_id == old.old_entry)
    rows = rows.mutate(
        beyond=-rows.delta - rows.old_credits.coalesce(0),
        cause=ibis.cases(
            (
                (rows.lapse == "reset") & rows.rollover.coalesce(False) & rows.reset.isnull(),
                "rolls_over",
            ),
            ((rows.lapse == "reset") & (rows.reset == "monthly") & (rows.turn > 0), "reset_twice"),
            (
                (rows.lapse == "expiry")
                & rows.expires_days.notnull()
                & (-rows.delta > rows.old_credits.coalesce(0)),
                "too_early",
            ),
            else_=ibis.null("string"),
        ),
    )
    rows = rows.filter(rows.cause.notnull())
    credits_ = ibis.ifelse(rows.cause == "too_early", rows.beyond, -rows.delta)
    return finding_rows(
        rows,
        NAME,
        SEVERITY,
        "payment_id event_id cause created_at",
        credited_user_id=rows.user_id,
        rightful_user_id=rows.user_id,
        probability=1.0,
        credits=credits_,
        explanation=sentence(
            "Ledger entry {entry_id} took {credits} credits from {user_id} that no rule of "
            "[credits] takes.",
            rows,
            credits=credits_,
        ),
    )


def _days(rows: ir.Table) -> ir.IntervalValue:
    return rows.expires_days.coalesce(0).as_interval("D")


FINDING = Finding(
    NAME,
    SEVERITY,
    PROOF,
    find_credits_vanished,
    Correction(
        "The credits are given back once it is known that the rule was not meant.",
        action="give",
        person="whether the rule or the entry is wrong is for the shop to say",
        turn=140,
    ),
    en=Words(
        "credits vanished",
        "An entry on {credited} took credits that no rule of the shop takes.",
        {
            "rolls_over": "reset though they roll over",
            "too_early": "expired too early",
            "reset_twice": "reset twice in a month",
        },
    ),
    de=Words(
        "verschwundene Credits",
        "Eine Buchung auf {credited} nahm Credits, die keine Regel des Shops nimmt.",
        {
            "rolls_over": "zurückgesetzt, obwohl sie stehen bleiben",
            "too_early": "zu früh verfallen",
            "reset_twice": "zweimal im Monat zurückgesetzt",
        },
    ),
    place=96,
)
