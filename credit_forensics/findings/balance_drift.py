"""Finds stored balances that are not the sum of their ledger entries."""

from __future__ import annotations

from credit_forensics.coverage.absences import with_coverage
from credit_forensics.findings.finding import Correction, Finding, Words
from credit_forensics.findings.finding_rows import finding_rows, sentence
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

NAME = "balance_drift"
SEVERITY = "medium"
PROOF = "The stored balance of an account differs from the sum of its ledger entries."

BILLION = 1_000_000_000


def find_balance_drift(tables: Tables) -> ir.Table:
    """Accounts whose stored balance differs from the sum of their entries, one row an account.

    An account in either table counts; where it is absent from the balances its balance is zero.
    Nothing is said where the balances could not be read (``balance_unreadable``) or hold no row,
    where a row of them or of the entries was rejected, where the entries are incomplete (their
    table unreadable, or a window of it), or where the balances are of other accounts.
    ``credited_user_id`` names the account, credits are stored minus summed, and the time is that
    of its latest entry. Where fractions of a credit are left over, a difference of less than one
    and a half credits is rounding.

    Examples
    --------
    >>> from credit_forensics.engines.duckdb import engine_of
    >>> engine = engine_of(
    ...     balances={"user_id": ["a", "b"], "balance": [50, 70]},
    ...     ledger={"user_id": ["a", "b"], "delta": [50, 50]},
    ...     coverage={"source": ["balances"]})
    >>> engine.frame(find_balance_drift(Tables()))[["credited_user_id", "credits"]].values.tolist()
    [['b', 20]]
    """
    balances, ledger = tables.balances, tables.ledger
    both = balances.select(
        "user_id",
        stored=balances.balance.coalesce(0),
        booked=ibis.literal(0, "int64"),
        fraction=balances.fraction.coalesce(0),
        entry_at=ibis.null("timestamp('UTC')"),
    ).union(
        ledger.select(
            "user_id",
            stored=ibis.literal(0, "int64"),
            booked=ledger.delta.coalesce(0),
            fraction=-ledger.fraction.coalesce(0),
            entry_at=ledger.created_at,
        )
    )
    both = both.filter(both.user_id.notnull())
    rows = both.group_by("user_id").aggregate(
        stored=both.stored.sum().cast("int64"),
        booked=both.booked.sum().cast("int64"),
        fraction=both.fraction.sum().cast("int64"),
        entry_at=both.entry_at.max(),
    )
    # Whole credits that the fractions make up between them are credits like others.
    rows = rows.mutate(
        booked=rows.booked - (rows.fraction / BILLION).round().cast("int64"),
        fraction=rows.fraction.abs() % BILLION != 0,
    )
    apart = (rows.stored - rows.booked).abs()
    rows = rows.filter(ibis.ifelse(rows.fraction, apart > 1, apart > 0))
    rows = with_coverage(rows, tables.coverage, "balances")
    rows = rows.filter(rows.balances_shows)
    return finding_rows(
        rows,
        NAME,
        SEVERITY,
        credited_user_id=rows.user_id,
        probability=1.0,
        credits=rows.stored - rows.booked,
        created_at=rows.entry_at,
        explanation=sentence(
            "The stored balance of {user_id} is {stored}, but its ledger entries sum to {booked}.",
            rows,
        ),
    )


FINDING = Finding(
    NAME,
    SEVERITY,
    PROOF,
    find_balance_drift,
    Correction(
        "The balance is built anew from the entries, or the missing entry is booked.",
        person="the sum of the entries or the stored balance is right; the books cannot say",
        turn=130,
    ),
    en=Words("balance drift", "The stored balance of {credited} is not the sum of its ledger."),
    de=Words(
        "abweichender Kontostand",
        "Der gespeicherte Kontostand von {credited} ist nicht die Summe seines Ledgers.",
    ),
    place=140,
)
