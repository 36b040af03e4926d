"""Books a plan. The one connection of this package that writes to a ledger is opened here.

It runs the very transaction of ``plan.sql``: all of it, or nothing. Where two who lock each other's
rows make PostgreSQL end one of them, the transaction is begun again; and where that goes on, it
takes the whole table of balances first, so that no shop, however busy, can keep it from its end.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from credit_forensics.databases.urls import (
    libpq_arguments,
    one_line,
    parse_url,
    secrets,
    sqlite_path,
)
from credit_forensics.errors import CaseError
from credit_forensics.extras import Later
from credit_forensics.repair.booking_sql import BOOKED, CHANGED, HELD, THERE
from credit_forensics.repair.entries import Correction
from credit_forensics.repair.read_again import GUARD, OTHER
from credit_forensics.repair.repair_plan import RepairPlan
from credit_forensics.repair.sql import LOCK_SECONDS, Script
from credit_forensics.repair.target import Target

if TYPE_CHECKING:
    import psycopg
else:
    # Slow to load, and needed only where a server is asked.
    psycopg = Later("psycopg")

ATTEMPTS = 6
BESIDE_OTHERS = 3
"""So many attempts lock the rows that they need; those after them lock the table."""
# Deadlock, serialization failure, and a key that another writer took first.
_AGAIN = frozenset({"40P01", "40001", "23505"})
Execute = Callable[[str], Any]


class _DifferentError(Exception):
    """What was booked is not what was planned."""


@dataclass(frozen=True)
class Applied:
    """What became of a plan: each correction with its state, in order."""

    steps: tuple[tuple[Correction, str], ...]

    def of(self, state: str) -> list[Correction]:
        """The corrections of one state: booked, already there, changed or held back."""
        return [correction for correction, found in self.steps if found == state]

    @property
    def complete(self) -> bool:
        """Whether all that the plan offers is in the ledger now."""
        return not self.of(CHANGED) and not self.of(HELD)

    def to_dict(self) -> dict[str, int | bool]:
        """Corrections by state, for JSON."""
        states = {"booked": BOOKED, "already_there": THERE, "held_back": HELD, "left_out": CHANGED}
        counts = {name: len(self.of(state)) for name, state in states.items()}
        return {**counts, "complete": self.complete}

    def __str__(self) -> str:
        entries = sum(len(one.entries) for one in self.of(BOOKED))
        bindings = sum(one.rebinding is not None for one in self.of(BOOKED))
        lines = [f"Booked {entries} entries and set {bindings} bindings right."]
        for state, why in (
            (THERE, "were in the ledger already"),
            (HELD, "are held back: a balance would go below zero, or the account is bound already"),
            (CHANGED, "are left out: the ledger has changed since the plan was made"),
        ):
            if self.of(state):
                lines.append(f"{len(self.of(state))} corrections {why}.")
        return "\n".join(lines)


def apply_plan(plan: RepairPlan) -> Applied:
    """Book a plan in one transaction; what is booked already stays as it is.

    Raises
    ------
    CaseError
        when the plan cannot be applied, or the ledger refuses; then nothing was changed.
    """
    if plan.script is None or plan.target is None:
        raise CaseError(f"The plan cannot be applied, because {plan.refusal}.")
    if not plan.corrections:
        return Applied(())
    differed = False
    for attempt in range(1, ATTEMPTS + 1):
        script = plan.script
        begin = script.begin if attempt <= BESIDE_OTHERS else script.begin_alone
        with _writing(plan.target) as (execute, refusals, describe):
            try:
                states = _run(execute, script, begin)
            except _DifferentError as error:
                if plan.target.dialect != "sqlite" and not differed and attempt < ATTEMPTS:
                    # Somebody may have booked on the same account meanwhile.
                    differed = True
                    continue
                raise CaseError(
                    f"The ledger did not take the plan as it is, and nothing was changed: {error}."
                ) from None
            except refusals as error:
                if getattr(error, "sqlstate", None) in _AGAIN and attempt < ATTEMPTS:
                    time.sleep(0.05 * attempt)
                    continue
                if GUARD in str(error):
                    raise CaseError(
                        f"The ledger cannot be booked in, and nothing was changed: {OTHER}."
                    ) from None
                raise CaseError(
                    f"The ledger refused the plan, and nothing was changed: {describe(error)}."
                ) from None
        return Applied(
            tuple(
                (correction, states[number])
                for number, correction in enumerate(plan.corrections, start=1)
            )
        )
    raise AssertionError("the last attempt returns or raises")


def _run(execute: Execute, script: Script, begin: tuple[str, ...]) -> dict[int, str]:
    for statement in (*begin, *script.work):
        execute(statement)
    found = [str(row[0]) for row in execute(script.differences).fetchall()]
    if found:
        more = f"; and {len(found) - 3} more" if len(found) > 3 else ""
        raise _DifferentError("; ".join(found[:3]) + more)
    execute(script.guard)
    states = {int(number): str(state) for number, state in execute(script.outcome).fetchall()}
    for statement in script.commit:
        execute(statement)
    return states


@contextmanager
def _writing(
    target: Target,
) -> Iterator[tuple[Execute, type[Exception], Callable[[BaseException], str]]]:
    """A writing connection; what it began and did not commit is undone when it is left."""
    url = parse_url(target.url, "ledger")
    hidden = secrets(url)

    def describe(error: BaseException) -> str:
        return one_line(error, *hidden)

    if target.dialect == "sqlite":
        path = sqlite_path(url, target.folder, "ledger")
        try:
            connection = sqlite3.connect(
                f"{path.resolve().as_uri()}?mode=rw",
                uri=True,
                timeout=LOCK_SECONDS,
                isolation_level=None,
            )
        except sqlite3.Error as error:
            raise CaseError(f"The ledger cannot be opened to write: {describe(error)}.") from None
        try:
            yield connection.execute, sqlite3.Error, describe
        finally:
            connection.close()
        return
    try:
        session = psycopg.connect(
            **libpq_arguments(url),
            client_encoding="utf8",
            autocommit=True,
            prepare_threshold=None,
        )
    except psycopg.Error as error:
        raise CaseError(f"The ledger cannot be opened to write: {describe(error)}.") from None

    def execute(statement: str) -> Any:
        # The transaction is the script's own, from its BEGIN to its COMMIT.
        return session.execute(statement.encode("utf-8"))

    try:
        yield execute, psycopg.Error, describe
    finally:
        session.close()
