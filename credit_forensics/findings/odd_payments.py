"""Reads once what findings of single payments share: the few payments that any may be about.

Nearly every payment was paid, booked once with what it is worth on a known account, kept, and is
not said to be wrong: no finding here is about it. To leave such payments out, payments, verdicts
and what is credited are read once, by payment; the findings then read the rest. It is a rule of
these findings, so a finding says itself that it reads odd payments alone (``Finding.odd``).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_

from credit_forensics.coverage.absences import with_coverage
from credit_forensics.engines.duckdb import Engine
from credit_forensics.engines.recipes import Recipe
from credit_forensics.tables.catalogue import Tables, spec
from credit_forensics.tables.expressions import ibis, ir

NAME, ENTRIES = "odd_payments", "odd_entries"
ASKED_OF = ("misattributed", "split_identity", "not_credited")
PAID_STATUSES = ("paid", "no_payment_required")
# Kinds of entries that may lack a payment.
LOOSE = ("purchase", "reversal", "correction", "refund")

_COLUMNS = {
    "payments": (
        "payment_id", "kind", "livemode", "mode", "status", "payment_status", "amount", "currency",
        "amount_lost", "expected_credits", "for_credits", "created_at", "completed_at",
        "customer_id", "subscription_id", "billing_reason", "period_start", "period_end",
        "price_id", "disputed",
    ),
    "credited": (
        "payment_id", "credited_user_id", "credited_at", "event_id", "credits", "granted",
        "reversed", "grants", "accounts",
    ),
    "verdicts": (
        "payment_id", "verdict", "credited_user_id", "rightful_user_id",
        "probability_misattributed", "families_agreeing", "families_available",
    ),
}  # fmt: skip


class OddTables(Tables):
    """The tables, those of payments and of the ledger with odd payments' rows alone.

    ``payments``, ``credited`` and ``verdicts`` have the columns that findings read, ``ledger``
    the entries of odd payments and those of no payment. ``whole`` has all rows of all tables.

    Examples
    --------
    >>> OddTables().credited.columns == Tables().credited.columns
    True
    """

    @property
    def whole(self) -> Tables:
        """All tables, with all their rows."""
        return Tables()

    @property
    def payments(self) -> ir.Table:
        """Odd payments."""
        return self._part("payments")

    @property
    def credited(self) -> ir.Table:
        """What is credited of odd payments, and of none that was read."""
        return self._part("credited")

    @property
    def verdicts(self) -> ir.Table:
        """The verdicts on odd payments."""
        return self._part("verdicts")

    @property
    def ledger(self) -> ir.Table:
        """The entries of odd payments and of none."""
        return ibis.table(Tables().ledger.schema(), name=ENTRIES)

    def _part(self, name: str) -> ir.Table:
        odd = ibis.table(_odd_schema(), name=NAME)
        rows = odd.filter(odd[f"in_{name}"])
        return rows.select(
            "payment_id",
            **{column: f"{name}_{column}" for column in _COLUMNS[name] if column != "payment_id"},
        )


def _odd_schema() -> ibis.Schema:
    columns = {"payment_id": "string"} | dict.fromkeys(
        (f"in_{name}" for name in _COLUMNS), "boolean"
    )
    for name, names in _COLUMNS.items():
        schema = spec(name).ibis_schema
        columns |= {f"{name}_{one}": schema[one] for one in names if one != "payment_id"}
    return ibis.schema(columns)


def odd_payments(tables: Tables) -> ir.Table:
    """One row an odd payment: its columns of ``payments``, ``credited`` and ``verdicts``.

    A payment is odd where it is not read, a test or unpaid, or some of its money is lost; where it
    was granted more than once, other than its worth, on an id without an account, or some of it
    was taken back; and where its verdict is of ``ASKED_OF``.

    Parameters
    ----------
    tables
        the evidence and the tables of resolution and judgement.

    Returns
    -------
    ``payment_id``; ``in_<table>`` (whether the table has a row of it) and ``<table>_<column>``
    for the three tables.

    Examples
    --------
    >>> odd_payments(Tables()).columns[:3]
    ('payment_id', 'in_payments', 'in_credited')
    """
    payments, credited, verdicts = (
        getattr(tables, name).select(**{f"{name}_{one}": one for one in names})
        for name, names in _COLUMNS.items()
    )
    rows = verdicts.outer_join(
        payments, verdicts.verdicts_payment_id == payments.payments_payment_id
    )
    of_both = ibis.coalesce(rows.payments_payment_id, rows.verdicts_payment_id)
    rows = rows.mutate(of_both=of_both)
    rows = credited.outer_join(rows, credited.credited_payment_id == rows.of_both)
    rows = rows.mutate(payment_id=ibis.coalesce(rows.of_both, rows.credited_payment_id))
    taken = tables.ledger.filter((tables.ledger.kind == "reversal") & (tables.ledger.delta < 0))
    moved = taken.select(moved_payment="payment_id").distinct()
    rows = rows.left_join(moved, rows.payment_id == moved.moved_payment)
    accounts = tables.users.select(account_id="user_id").distinct()
    rows = rows.left_join(accounts, rows.credited_credited_user_id == accounts.account_id)
    rows = with_coverage(rows, tables.coverage, "users")
    held = rows.credited_credited_user_id
    odd: Sequence[ir.BooleanValue] = (
        rows.payments_payment_id.isnull(),
        ~rows.payments_livemode.coalesce(True),
        (rows.payments_status == "expired").coalesce(False),
        rows.payments_payment_status.notin(PAID_STATUSES).coalesce(False),
        (rows.payments_for_credits == "no").coalesce(False),
        (rows.payments_amount_lost > 0).coalesce(False),
        (rows.credited_reversed > 0).coalesce(False),
        (rows.credited_grants > 1).coalesce(False),
        (rows.credited_granted != rows.payments_expected_credits).coalesce(False),
        rows.users_shows & held.notnull() & rows.account_id.isnull(),
        rows.moved_payment.notnull(),
        rows.verdicts_verdict.isin(ASKED_OF).coalesce(False),
    )
    rows = rows.filter(reduce(or_, odd))
    return rows.select(
        "payment_id",
        **{f"in_{name}": rows[f"{name}_payment_id"].notnull() for name in _COLUMNS},
        **{name: rows[name] for name in _odd_schema() if name.partition("_")[0] in _COLUMNS},
    )


def odd_entries(tables: Tables) -> ir.Table:
    """The ledger's entries of odd payments, and those of ``LOOSE`` kinds of no payment."""
    ledger = tables.ledger
    odd = ibis.table(_odd_schema(), name=NAME).select(odd_payment="payment_id")
    entries = ledger.filter(ledger.payment_id.notnull() | ledger.kind.isin(LOOSE))
    # Joined, not looked up in two unions: the ledger is read once.
    rows = entries.left_join(odd, entries.payment_id == odd.odd_payment)
    rows = rows.filter(rows.odd_payment.notnull() | rows.payment_id.isnull())
    return rows.drop("odd_payment")


def keep_odd_payments(engine: Engine) -> None:
    """Keep both on an engine, for ``OddTables``."""
    odd = Recipe("finding-odd-payments", lambda: odd_payments(Tables()))
    engine.materialize(NAME, odd, by_payment=True)
    entries = Recipe("finding-odd-entries", lambda: odd_entries(Tables()))
    engine.materialize(ENTRIES, entries, by_payment=True)


def drop_odd_payments(engine: Engine) -> None:
    """Let go of both."""
    engine.drop(NAME, ENTRIES)
