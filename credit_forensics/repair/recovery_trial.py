"""Tries missing credits' events dry: sent to a handler that runs on a copy, which is then read.

The case's own ledger is opened to read, before and after the first event: a handler that writes
there is none on a copy, and the trial ends at once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from credit_forensics.case.case import Case
from credit_forensics.case_file import CaseFile, from_environment
from credit_forensics.databases.read_only import ReadOnlyDatabase
from credit_forensics.databases.urls import parse_url
from credit_forensics.engines.recipes import Recipe
from credit_forensics.errors import CaseError
from credit_forensics.evidence.files.archives import Archive
from credit_forensics.evidence.files.input_paths import input_paths
from credit_forensics.evidence.files.json_documents import decode, split_documents
from credit_forensics.evidence.load import load_evidence
from credit_forensics.records import row_dicts
from credit_forensics.repair.recovery_plan import MISSING
from credit_forensics.repair.sql import naming_sql
from credit_forensics.repair.target import NoTargetError, Target, open_target
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

Post = Callable[[bytes], int]
"""Posts a signed event's body to the handler and gives the status of its answer."""


def try_on_copy(
    case: Case, findings: pd.DataFrame, *, copy: str, post: Post
) -> dict[str, tuple[bool, str]]:
    """Send each missing credit's event to a handler on a copy, and say what it booked there.

    Parameters
    ----------
    findings
        of these, each missing credit's event is tried, if a file of the case holds it.
    copy
        the copy's URL or ``env:NAME``; it has the layout of the case's ledger.
    post
        sends a body to the handler.

    Returns
    -------
    By payment: whether exactly what is due reached the rightful account alone, and what happened.

    Raises
    ------
    CaseError
        when the copy is the ledger itself, or the handler writes into it.
    """
    settings = _on_copy(case.settings, from_environment(copy, "--copy"))
    missing = [one.name for one in case.catalogue if one.correction.rule == MISSING]
    findings = findings[findings["finding"].isin(missing) & findings["event_id"].notna()]
    rows = row_dicts(findings.sort_values(["payment_id", "finding"]))
    bodies = event_bodies(case.settings, (row["event_id"] for row in rows))
    rows = [row for row in rows if row["event_id"] in bodies]
    answers: dict[str, int] = {}
    for row in rows:
        before = None if answers else _entries(case, row)
        answers[row["payment_id"]] = post(bodies[row["event_id"]])
        if before is not None and _entries(case, row) != before:
            raise CaseError(
                f"The handler wrote into the case's own ledger when event {row['event_id']} was "
                "tried: it does not run on the copy. Nothing more was sent."
            )
    if not answers:
        return {}
    held = _credited(Case(load_evidence(settings, None), settings, mode=case.mode), answers)
    return {
        row["payment_id"]: _told(row, answers[row["payment_id"]], held.get(row["payment_id"]))
        for row in rows
    }


def event_bodies(settings: CaseFile, event_ids: Iterable[str]) -> dict[str, bytes]:
    """Events as the case's files hold them, by id; envelopes of other systems are opened."""
    wanted, found = set(event_ids), {}
    stripe = settings.stripe
    for key, names in (("stripe.events", stripe.events), ("stripe.files", stripe.files)):
        for path in input_paths(settings.folder, names, key) if names and wanted else ():
            if path.suffix.lower() in (".csv", ".parquet"):
                continue
            for document in split_documents(decode(Archive(path).text())):
                # Nearly all are others' events: their text is looked at before it is read.
                if not any(one in document.text for one in wanted):
                    continue
                event = _event(document.text)
                if event is not None and event["id"] in wanted:
                    found[event["id"]] = json.dumps(event, ensure_ascii=False).encode()
    return found


def _event(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    for inner in (value, value.get("detail"), value.get("data")):
        if isinstance(inner, dict) and inner.get("object") == "event":
            return inner if isinstance(inner.get("id"), str) else None
    return None


def _on_copy(settings: CaseFile, copy: str) -> CaseFile:
    if settings.ledger is None or not settings.ledger.url:
        raise CaseError("A trial needs a ledger that is a database, and a copy of it.")
    own = from_environment(settings.ledger.url, "ledger.url")
    if _place(own, settings.folder) == _place(copy, settings.folder):
        raise CaseError("The copy is the case's own ledger; nothing was sent.")
    ledger = settings.ledger.model_copy(update={"url": copy})
    return settings.model_copy(update={"ledger": ledger})


def _place(url: str, folder: Path) -> tuple[Any, ...]:
    parsed = parse_url(url, "copy")
    if parsed.drivername.startswith("sqlite") and parsed.database:
        return (str((folder / parsed.database).resolve()),)
    host = parsed.host or parsed.query.get("host") or "localhost"
    return ("localhost" if host == "127.0.0.1" else host, parsed.port or 5432, parsed.database)


@contextmanager
def _own_ledger(settings: CaseFile) -> Iterator[tuple[ReadOnlyDatabase, Target]]:
    try:
        with open_target(settings) as opened:
            yield opened
    except NoTargetError as error:
        raise CaseError(
            f"Whether a handler leaves the case's own ledger alone cannot be seen, because "
            f"{error}; nothing was sent."
        ) from None


def _entries(case: Case, finding: dict[str, Any]) -> int:
    """How many entries of the case's own ledger are the account's or name the payment, now."""
    names = [finding[name] for name in ("payment_id", "event_id") if finding[name]]
    with _own_ledger(case.settings) as (database, target):
        users = [finding["rightful_user_id"]] if finding["rightful_user_id"] else []
        query = naming_sql(target, users, names)
        (found,) = database.driver.execute(query).fetchone()
        return int(found)


def _credited(case: Case, payments: Iterable[str]) -> dict[str, dict[str, Any]]:
    engine = case.evidence.engine
    case.findings  # noqa: B018  (the tables are made when they are first asked for)
    engine.register("repair_tried", pd.DataFrame({"payment_id": sorted(payments)}, dtype="str"))

    def tried() -> ir.Table:
        wanted = ibis.table({"payment_id": "string"}, name="repair_tried")
        return Tables().credited.semi_join(wanted, "payment_id")

    rows = engine.frame(Recipe("repair-tried", tried))
    return {row["payment_id"]: row for row in row_dicts(rows)}


def _told(finding: dict[str, Any], status: int, held: dict[str, Any] | None) -> tuple[bool, str]:
    due = int(finding["credits"] or 0)
    granted = 0 if held is None else int(held["granted"] or 0)
    if held is None or not granted:
        return False, f"tried on a copy: it answers {status} and books nothing"
    if held["accounts"] != 1 or held["credited_user_id"] != finding["rightful_user_id"]:
        return False, f"tried on a copy: {granted} credits reach another account"
    if granted != due:
        return False, f"tried on a copy: it books {granted} credits, and {due} are due"
    return True, f"tried on a copy: it books {granted} credits, on the rightful account"
