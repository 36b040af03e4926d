"""Plans the repair of a case: what to book, what to leave to a person, and what it does to whom."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from credit_forensics.case.case import Case
from credit_forensics.databases.read_only import ReadOnlyDatabase
from credit_forensics.databases.urls import one_line
from credit_forensics.errors import CaseError
from credit_forensics.extras import Later
from credit_forensics.records import row_dicts
from credit_forensics.repair.booking_order import booking_order, follows
from credit_forensics.repair.booking_sql import Planned
from credit_forensics.repair.corrections import (
    Desk,
    NeedsPersonError,
    TooDoubtfulError,
    correct,
)
from credit_forensics.repair.entries import Correction, Keys
from credit_forensics.repair.holdings import (
    Holdings,
    holdings_of,
    read_balances,
    read_entries,
    read_users_entries,
)
from credit_forensics.repair.intake_ledger import reviewed_payments
from credit_forensics.repair.manual_fixes import read_regrants
from credit_forensics.repair.payment_evidence import (
    UNKNOWN,
    read_accounts,
    read_bindings,
    read_payment_evidence,
)
from credit_forensics.repair.plan_rows import PERSON, SETTLED, plan_rows
from credit_forensics.repair.repair_plan import RepairPlan
from credit_forensics.repair.sql import mentions_sql, write_script
from credit_forensics.repair.target import NoTargetError, Target, open_target
from credit_forensics.repair.witness import knows, witness

if TYPE_CHECKING:
    import psycopg
else:
    # Slow to load, and needed only where a server is asked.
    psycopg = Later("psycopg")

THRESHOLD = 0.9


def make_plan(
    case: Case, *, threshold: float = THRESHOLD, allow_negative: bool = False
) -> RepairPlan:
    """Plan the repair of a case. Nothing is written, and no connection could.

    Parameters
    ----------
    case
        the case; its ledger is opened read-only once more, to see what a row of it demands.
    threshold
        from which probability on a finding that is inferred is offered.
    allow_negative
        whether the plan may drive a balance below zero.

    Raises
    ------
    CaseError
        when the threshold is no probability of at least one half, or the ledger cannot be read.
    """
    if not 0.5 <= threshold <= 1:
        raise CaseError(f"--threshold is a probability from 0.5 to 1, not {threshold:g}.")
    try:
        with open_target(case.settings) as (database, target):
            return _plan(case, threshold, allow_negative, database=database, target=target)
    except NoTargetError as error:
        refusal = str(error)
    except (sqlite3.Error, psycopg.Error) as error:
        # An id that the ledger's type cannot hold, or a right that the reading role lacks.
        refusal = f"the ledger does not take the question: {one_line(error)}"
    return _plan(case, threshold, allow_negative, refusal=refusal)


def _plan(
    case: Case,
    threshold: float,
    allow_negative: bool,
    *,
    database: ReadOnlyDatabase | None = None,
    target: Target | None = None,
    refusal: str = "",
) -> RepairPlan:
    reviewed = {}
    if target is not None and target.intake is not None and database is not None:
        reviewed = reviewed_payments(database, target.intake)
    if target is not None and database is not None:
        rows = witness(case, target)
        if knows(database, target, rows):
            target = replace(target, witness=rows)
        else:
            target, database = None, None
            refusal = "the ledger does not hold the entries that the case was read from"
    decided = _decide(case, threshold, target, reviewed)
    corrections = [what for _, what in decided if isinstance(what, Correction)]
    users = {entry.user_id for one in corrections for entry in one.entries}
    stored = target.balances is not None if target else case.evidence.count("balances") > 0
    balances = read_balances(case, users, stored=stored)
    order = booking_order(corrections, balances, allow_negative=allow_negative)
    corrections = [step.correction for step in order]
    script = None
    if target is not None and database is not None:
        planned = _mentioned(case, database, target, corrections, sorted(users))
        script = write_script(target, planned, allow_negative=allow_negative)
    return RepairPlan(
        case_name=case.name,
        threshold=threshold,
        allow_negative=allow_negative,
        rows=plan_rows(decided, order),
        corrections=tuple(corrections),
        script=script,
        target=target,
        refusal=refusal,
    )


def _decide(
    case: Case, threshold: float, target: Target | None, reviewed: dict[str, str]
) -> list[tuple[dict[str, Any], Correction | tuple[str, str]]]:
    """Each finding with its correction, or with a status and the reason for it, in order."""
    findings = case.findings
    catalogue = {one.name: one for one in case.catalogue}
    concerned = {name: one.correction for name, one in catalogue.items() if one.correction.needed}
    unearning = {name for name, one in concerned.items() if one.rule == "unearned"}
    moving = {name for name, one in concerned.items() if one.rule == "move"}
    findings = findings[findings["finding"].isin(list(concerned))]
    rows = row_dicts(findings)
    began: dict[str, pd.Timestamp] = {}
    for row in rows:
        payment, at = row["payment_id"] or "", row["created_at"]
        if at is not None and (payment not in began or at < began[payment]):
            began[payment] = at
    latest = pd.Timestamp.max.tz_localize("UTC")
    rows.sort(
        key=lambda row: (
            began.get(row["payment_id"] or "", latest) if row["payment_id"] else latest,
            row["payment_id"] or "",
            concerned[row["finding"]].turn,
            row["finding"],
            row["credited_user_id"] or "",
        )
    )
    entries = read_entries(case, (row["payment_id"] for row in rows if row["payment_id"]))
    held = holdings_of(entries)
    facts = read_payment_evidence(case)
    whose = [row[c] for row in rows for c in ("rightful_user_id", "credited_user_id") if row[c]]
    desk = Desk(
        threshold=threshold,
        accounts=read_accounts(case),
        bindings=read_bindings(case) if target is None or target.customers else frozenset(),
        keys=Keys(_bare(entries["reason"].dropna())),
        regrants=read_regrants(case, whose),
        any_payment_id=target is not None and "payment_id" in target.entries.columns,
        catalogue=catalogue,
        reviewed=reviewed,
    )
    decided: list[tuple[dict[str, Any], Correction | tuple[str, str]]] = []
    offered: dict[str, set[str]] = {}
    unearned = {row["payment_id"] for row in rows if row["finding"] in unearning}
    for row in rows:
        payment, name = row["payment_id"] or "", row["finding"]
        done = offered.setdefault(payment, set())
        what: Correction | tuple[str, str]
        if payment in unearned and name not in unearning:
            settled = done & unearning and name != "poisoned_mapping"
            what = (
                (SETTLED, f"by {min(done & unearning)}")
                if settled
                else (PERSON, "no money came for the payment, or not yet")
            )
        elif (
            concerned[name].settled_by_move and done & moving and row["cause"] in (None, "regrant")
        ):
            what = (SETTLED, f"by {min(done & moving)}")
        else:
            try:
                what = correct(
                    row, facts.get(payment, UNKNOWN), held.setdefault(payment, Holdings()), desk
                )
                done.add(name)
            except TooDoubtfulError as error:
                what = ("below the threshold", str(error))
            except NeedsPersonError as error:
                what = (PERSON, str(error))
        decided.append((row, what))
    return decided


def _bare(reasons: Iterable[str]) -> list[str]:
    """Reasons, and those again without a layout's type before them."""
    found = list(reasons)
    return [*found, *(reason.partition(":")[2] for reason in found)]


def _mentioned(
    case: Case,
    database: ReadOnlyDatabase,
    target: Target,
    corrections: list[Correction],
    users: list[str],
) -> list[Planned]:
    """Count and credits of each account's entries that mention each payment, as the ledger is now.

    What the evidence holds is the measure where the ledger has more: an entry that came in
    between makes the transaction find that something changed.
    """
    now: dict[str, list[tuple[str, int]]] = {}
    if users:
        for user, told, delta in database.driver.execute(mentions_sql(target, users)).fetchall():
            now.setdefault(user, []).append((told, delta))
    known: dict[str, list[tuple[str, int]]] = {}
    for row in row_dicts(read_users_entries(case, users)):
        told = " ".join(row[c] or "" for c in ("reason", "event_id", "payment_id"))
        known.setdefault(row["user_id"], []).append((told, int(row["delta"])))
    # Fractions of a credit are kept apart in the evidence, so their sums are not compared.
    whole = "int" in target.entries.columns["delta"].type.lower()

    def those(rows: list[tuple[str, int]], mentions: tuple[str, ...]) -> tuple[int, int | None]:
        found = [delta for told, delta in rows if any(mention in told for mention in mentions)]
        return len(found), sum(found) if whole else None

    return [
        Planned(
            one,
            {
                user: min(
                    those(known.get(user, []), one.mentions),
                    those(now.get(user, []), one.mentions),
                    key=lambda pair: pair[0],
                )
                for user in sorted({entry.user_id for entry in one.entries})
            },
            after,
        )
        for one, after in zip(corrections, follows(corrections), strict=True)
    ]
