"""Runs a handler through the scenarios and says which it gets right."""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from credit_forensics.case.case import Case
from credit_forensics.checks.handler.books import Books
from credit_forensics.checks.handler.case_folder import write_case
from credit_forensics.checks.handler.cast import PRICES, Metadata, Price, original_metadata
from credit_forensics.checks.handler.scenarios import (
    SCENARIOS,
    SUBSCRIPTION_SCENARIOS,
    Scenario,
)
from credit_forensics.checks.handler.stage import Check, Snapshot, Stage
from credit_forensics.checks.handler.transport import Handler, open_transport
from credit_forensics.errors import CaseError
from credit_forensics.judgement.verdicts import PAID_BY_ANOTHER


@dataclass(frozen=True)
class ScenarioResult:
    """How a handler did in a scenario.

    ``findings`` is what the analysis finds in the rows that the handler wrote (``paid_by_another``
    where it asks): of the whole scenario where it did right, else as they were when it first did
    wrong.
    """

    scenario: str
    story: str
    right: bool
    expected: str
    happened: str
    statuses: tuple[int, ...]
    findings: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()


@dataclass(frozen=True)
class KitReport:
    """What the kit saw; prints as a table, and displays as one in a notebook."""

    results: tuple[ScenarioResult, ...]
    case: Path | None = field(default=None, compare=False)

    @property
    def wrong(self) -> tuple[str, ...]:
        """Names of the scenarios that the handler got wrong."""
        return tuple(result.scenario for result in self.results if not result.right)

    @property
    def all_right(self) -> bool:
        """Whether it got every scenario right."""
        return not self.wrong

    def __getitem__(self, scenario: str) -> ScenarioResult:
        for result in self.results:
            if result.scenario == scenario:
                return result
        raise KeyError(f"scenario {scenario!r} was not run")

    @property
    def frame(self) -> pd.DataFrame:
        """One row a scenario: scenario, right, expected, happened, findings, story."""
        rows = [
            {
                "scenario": r.scenario,
                "right": r.right,
                "expected": r.expected,
                "happened": r.happened,
                "findings": ", ".join(r.findings),
                "story": r.story,
            }
            for r in self.results
        ]
        columns = ["scenario", "right", "expected", "happened", "findings", "story"]
        return pd.DataFrame(rows, columns=columns)

    def __str__(self) -> str:
        right = sum(result.right for result in self.results)
        head = f"{right} of {len(self.results)} scenarios right"
        width = max((len(r.scenario) for r in self.results), default=0)
        lines = [head, "-" * len(head)]
        for r in self.results:
            if r.right:
                lines.append(f"{'right':<6} {r.scenario:<{width}}  {r.happened}")
                continue
            lines.append(f"{'WRONG':<6} {r.scenario:<{width}}  {r.story}")
            lines.append(f"{'':<6} {'':<{width}}    expected  {r.expected}")
            lines.append(f"{'':<6} {'':<{width}}    happened  {r.happened}")
            if r.findings:
                lines.append(f"{'':<6} {'':<{width}}    findings  {', '.join(r.findings)}")
        return "\n".join(lines)


def run_kit(
    handler: Handler,
    database_url: str,
    secret: str,
    *,
    path: str = "/",
    scenarios: Sequence[str] | None = None,
    subscriptions: bool = False,
    held: str | None = None,
    metadata: Metadata = original_metadata,
    prices: Sequence[Price] = PRICES,
    settle_seconds: float = 0.0,
    log_file: Path | str | None = None,
    out: Path | str | None = None,
    analyse: bool = True,
    run_id: str | None = None,
) -> KitReport:
    """Run a handler through the scenarios, with properly signed deliveries.

    The kit writes users into the handler's database and has the handler book there, so give it
    one that nobody needs. What is not accepted is sent again, as Stripe does. A plain purchase
    before and one after frame the run, so that the ledger covers it for the analysis.

    Parameters
    ----------
    handler
        an ASGI app, a WSGI app, or a URL on loopback.
    database_url
        the handler's database (SQLAlchemy URL, SQLite or PostgreSQL by psycopg), with the
        built-in mapping ``credit_ledger``; see ``Books``.
    secret
        the signing secret that the handler expects, ``whsec_…``.
    path
        where in an app the webhook is mounted.
    scenarios
        names of those to run; all of purchases without.
    subscriptions
        whether to run those of renewals as well, for a handler that sells subscriptions.
    held
        SQL that gives the payment ids which wait for a person; without it the handler is taken
        to have no such place.
    metadata
        what the handler's own checkout writes for a person and a price; by default, what the
        original handler's checkout writes.
    prices
        what is sold; the handler must know the same. The first must be worth 50 credits.
    settle_seconds
        how long to wait for a handler that books after it has answered.
    log_file
        the handler's log, for the analysis.
    out
        folder for the case that the analysis is made of; a temporary one without.
    analyse
        whether to analyse what was written.
    run_id
        makes the ids; a fresh one without.

    Raises
    ------
    CaseError
        for an unknown scenario, a handler that is none, or a database that cannot be used.
    """
    chosen = _choose(scenarios, subscriptions=subscriptions)
    run_id = run_id or secrets.token_hex(4)
    books = Books(database_url, held)
    try:
        transport = open_transport(handler, path)

        def play(scenario: Scenario, name: str) -> tuple[ScenarioResult, Snapshot]:
            stage = Stage(
                name,
                run_id,
                transport,
                books,
                secret,
                settle_seconds=settle_seconds,
                metadata=metadata,
                prices=tuple(prices),
            )
            return _play(scenario, stage)

        try:
            opening = [play(SCENARIOS[0], "opening")] if analyse else []
            if analyse:
                # Stripe tells whole seconds: only from the next one on does the ledger, whose
                # first entry was just written, cover what happens.
                time.sleep(1.0)
            played = [play(scenario, scenario.name) for scenario in chosen]
            closing = [play(SCENARIOS[0], "closing")] if analyse else []
        finally:
            transport.close()
    finally:
        books.close()
    if not analyse:
        return KitReport(tuple(result for result, _ in played))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(out) if out is not None else Path(temporary)
        snapshots = [snapshot for _, snapshot in (*opening, *played, *closing)]
        case = write_case(folder, snapshots, prices, log_file)
        results = _with_findings(case, played)
        return KitReport(results, case if out is not None else None)


def _choose(names: Sequence[str] | None, *, subscriptions: bool) -> list[Scenario]:
    known = {scenario.name: scenario for scenario in (*SCENARIOS, *SUBSCRIPTION_SCENARIOS)}
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise CaseError(f"No scenario {unknown[0]!r}; there are {', '.join(known)}.")
    if names is not None:
        return [known[name] for name in names]
    return [*SCENARIOS, *(SUBSCRIPTION_SCENARIOS if subscriptions else ())]


def _play(scenario: Scenario, stage: Stage) -> tuple[ScenarioResult, Snapshot]:
    scenario.play(stage)
    failed = [check for check in stage.checks if not check.right]
    check: Check = failed[0] if failed else stage.checks[-1]
    result = ScenarioResult(
        scenario=scenario.name,
        story=scenario.story,
        right=not failed,
        expected=check.expected,
        happened=check.happened,
        statuses=tuple(stage.statuses),
    )
    return result, stage.at_fault or stage.snapshot()


def _with_findings(
    case_file: Path, played: Sequence[tuple[ScenarioResult, Snapshot]]
) -> tuple[ScenarioResult, ...]:
    case = Case.open(case_file)
    findings, verdicts = case.findings, case.verdicts
    asked = verdicts.loc[verdicts["verdict"] == PAID_BY_ANOTHER, "payment_id"]
    results = []
    for result, snapshot in played:
        payments = {made["id"] for made in (*snapshot.sessions, *snapshot.invoices)}
        events = {event["id"] for event in snapshot.events}
        ids = {person.user_id for person in snapshot.people}
        own = findings[
            findings["payment_id"].isin(payments)
            | findings["event_id"].isin(events)
            | (findings["payment_id"].isna() & findings["credited_user_id"].isin(ids))
        ]
        # In so small a case a wrong session may be a question: did somebody pay for another?
        questions = {PAID_BY_ANOTHER} if asked.isin(payments).any() else set()
        names = tuple(sorted(set(own["finding"].dropna()) | questions))
        causes = tuple(sorted(set(own["cause"].dropna()) - {""}))
        results.append(replace(result, findings=names, causes=causes))
    return tuple(results)
