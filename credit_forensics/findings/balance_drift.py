"""Finds stored balances that are not the sum of their ledger entries."""

from __future__ import annotations

from credit_forensics.coverage.absences import with_coverage
from credit_forensics.findings.finding import Correction, Finding, Words
from credit_forensics.findings.finding_rows import finding_rows, sentence
from credit_forensics.findings.former_balances import former_balances
from credit_forensics.findings.practice import Practice
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
    table unreadable, or a window of it), or where the balances are of other accounts. Entries on
    an old id of an account (``user_links``) that has no balance of its own may count for the
    account or, where its balance was carried over, may not: both are right.
    ``credited_user_id`` names the account, credits are stored minus summed, and the time is that
    of its latest entry. Where fractions of a credit are left over, a difference of less than one
    and a half credits is rounding. Balances that were all summed at one moment are not compared
    with what was booked since (``former_balances``).

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
    rows = balances_and_sums(tables)
    rows = rows.filter(rows.apart).anti_join(former_balances(rows, tables.ledger), "user_id")
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


def balances_and_sums(tables: Tables) -> ir.Table:
    """An account a row: its balance as ``stored``, the sum of its entries as ``booked``.

    ``apart`` tells whether they differ beyond rounding, ``entry_at`` when its latest entry is.

    Examples
    --------
    >>> balances_and_sums(Tables()).columns[:3]
    ('user_id', 'stored', 'booked')
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
    rows = _with_old_ids(rows, tables)
    apart = (rows.stored - rows.booked).abs()
    with_old = (rows.stored - rows.booked - rows.of_old_ids).abs()
    slack = ibis.ifelse(rows.fraction, 1, 0)
    rows = rows.filter(~rows.is_old_id).mutate(apart=(apart > slack) & (with_old > slack))
    rows = with_coverage(rows, tables.coverage, "balances")
    return rows.filter(rows.balances_shows)


def balances_of_a_moment(tables: Tables) -> ir.Table:
    """user_id of each account whose balance is right as of a moment, and not of today.

    Of all entries, also where ``tables`` holds those of odd payments alone.

    Examples
    --------
    >>> balances_of_a_moment(Tables()).columns
    ('user_id',)
    """
    return former_balances(balances_and_sums(tables.whole), tables.whole.ledger)


OF_A_MOMENT = Practice(
    "balances of a moment",
    balances_of_a_moment,
    "ledger",
    "balances",
    "have the balance that their entries made at one moment, before their latest ones: read as "
    "summed at that time, so balance_drift is not had of what came since",
    of="user_id",
)


def _with_old_ids(rows: ir.Table, tables: Tables) -> ir.Table:
    """The rows with ``is_old_id`` and, in ``of_old_ids``, what is booked on an account's old ids.

    What is left on an old id that no account has any more is ``split_identity``'s to tell.
    """
    stored = tables.balances.select("user_id").distinct()
    links = tables.user_links.filter(tables.user_links.reason == "alias")
    links = links.semi_join(stored, "user_id").select("user_id", old_id=links.linked_user_id)
    links = links.distinct().anti_join(stored, links.old_id == stored.user_id)
    old = rows.select(old_id="user_id", old_booked="booked")
    sums = (
        links.join(old, "old_id").group_by("user_id").agg(of_old_ids=lambda t: t.old_booked.sum())
    )
    ids = links.select(user_id="old_id").distinct().mutate(linked=True)
    rows = rows.left_join(sums, "user_id").drop("user_id_right")
    rows = rows.left_join(ids, "user_id").drop("user_id_right")
    return rows.mutate(
        of_old_ids=rows.of_old_ids.coalesce(0), is_old_id=rows.linked.coalesce(False)
    ).drop("linked")


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
    practices=(OF_A_MOMENT,),
    en=Words("balance drift", "The stored balance of {credited} is not the sum of its ledger."),
    de=Words(
        "abweichender Kontostand",
        "Der gespeicherte Kontostand von {credited} ist nicht die Summe seines Ledgers.",
    ),
    place=140,
)
