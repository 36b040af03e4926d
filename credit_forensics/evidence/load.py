"""Loads all evidence of a case: every source, then payments, links and derived columns."""

from __future__ import annotations

import pandas as pd

from credit_forensics.case_file import CaseFile
from credit_forensics.engines.duckdb import DuckDBEngine
from credit_forensics.errors import CaseError
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.progress import Progress

_STEPS = ("Stripe", "webhook logs", "ledger", "payments", "ids and names")

_COVERED = {
    "payments": "created_at",
    "events": "created_at",
    "deliveries": "received_at",
    "ledger": "created_at",
}


def load_evidence(case_file: CaseFile, progress: Progress | None = None) -> Evidence:
    """Load what the case file names into evidence tables; take what is kept of it where it holds.

    Parameters
    ----------
    case_file
        a checked case file.
    progress
        called with a step's name, its number and how many there are.

    Raises
    ------
    CaseError
        when an input is missing or cannot be used at all. Bad rows do not raise: they are kept as
        rejects, and what a source lacks as gaps.
    """
    if not case_file.engine.keep:
        return _load(case_file, progress)
    from credit_forensics.evidence.kept.parquet_store import load_stored

    return load_stored(case_file, lambda: _load(case_file, progress))


def _load(case_file: CaseFile, progress: Progress | None) -> Evidence:
    from credit_forensics.evidence.fold_and_match import prepare
    from credit_forensics.evidence.ledgers.load import link_ledger, load_ledgers
    from credit_forensics.evidence.logs.load import load_webhook_logs
    from credit_forensics.evidence.logs.scrubbed_ids import match_scrubbed_deliveries
    from credit_forensics.evidence.stripe.load import load_stripe_files
    from credit_forensics.evidence.stripe.payments import assemble_payments
    from credit_forensics.evidence.synced.load import load_synced_tables

    steps = iter(enumerate(_STEPS, start=1))

    def step() -> None:
        if progress:
            number, name = next(steps)
            progress(f"loading {name}", number, len(_STEPS))

    settings = case_file.engine
    evidence = Evidence(
        DuckDBEngine(
            memory_limit=settings.memory_limit,
            temp_directory=settings.temp_directory,
            threads=settings.threads,
        )
    )
    step()
    load_stripe_files(evidence, case_file)
    _load_pull(evidence, case_file)
    if case_file.stripe.database:
        load_synced_tables(evidence, case_file)
    step()
    load_webhook_logs(evidence, case_file)
    step()
    load_ledgers(evidence, case_file)
    step()
    assemble_payments(evidence, case_file.prices)
    link_ledger(evidence)
    match_scrubbed_deliveries(evidence)
    step()
    link_persons(evidence, case_file)
    prepare(evidence, case_file.ids.shape)
    finish(evidence)
    if not evidence.count("payments") and not evidence.count("ledger"):
        raise CaseError(
            "The case names no input that holds a payment or a ledger entry; "
            "set [stripe] sessions and [ledger] url."
        )
    return evidence


def finish(evidence: Evidence) -> None:
    """Write what the sources cover, and their gaps, as tables.

    A loader that knows better what its source covers (a log's other lines, say) has said so.
    """
    run = evidence.connection.execute
    run("DELETE FROM coverage WHERE source IN ('payments', 'events')")
    for source, time in _COVERED.items():
        run(
            f"""INSERT INTO coverage
            SELECT '{source}', min({time}), max({time}), count(*) FROM {source}
            WHERE '{source}' NOT IN (SELECT source FROM coverage) HAVING count(*) > 0"""
        )
    run("DELETE FROM gaps")
    gaps = evidence.custody.gaps()
    if len(gaps):
        evidence.add("gaps", gaps)


def _load_pull(evidence: Evidence, case_file: CaseFile) -> None:
    """What a pull from the API left beside the case, unless a key of the case file named it."""
    from credit_forensics.evidence.files.input_paths import input_name
    from credit_forensics.evidence.stripe.load import load_stripe_file
    from credit_forensics.evidence.stripe_api.pulled_files import note_gaps, pulled_paths

    read = {source.name for source in evidence.custody.inputs}
    for key, paths in pulled_paths(case_file).items():
        for path in paths:
            name = input_name(case_file.folder, path)
            if name not in read:
                load_stripe_file(evidence, path, name, key)
    note_gaps(case_file, evidence.custody)


def link_persons(evidence: Evidence, case_file: CaseFile) -> None:
    """Add the links between ids that the case file itself tells: `[persons] same` and aliases."""
    persons = case_file.persons
    rows = [
        {"user_id": other, "linked_user_id": group[0], "reason": "overruled", "strength": 1.0}
        for group in persons.same
        for other in group[1:]
    ]
    if rows:
        evidence.add("user_links", pd.DataFrame(rows))
    if not persons.aliases:
        return
    path = case_file.folder / persons.aliases
    try:
        # Read as text: an id such as 00123 must stay what it is.
        table = pd.read_csv(path, dtype="str", keep_default_na=False)
    except (OSError, ValueError) as error:
        raise CaseError(f"persons.aliases {path} cannot be read: {error}.") from None
    wanted = ["user_id", "linked_user_id"]
    if not set(wanted) <= set(table.columns):
        raise CaseError(f"persons.aliases {path} needs the columns {' and '.join(wanted)}.")
    evidence.custody.add(persons.aliases, "alias table", path).rows = len(table)
    evidence.add("user_links", table[wanted].assign(reason="alias", strength=0.95))
