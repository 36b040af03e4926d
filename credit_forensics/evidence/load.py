"""Loads all evidence of a case from its sources: every source, then payments, links and columns."""

from __future__ import annotations

from credit_forensics.case_file import CaseFile
from credit_forensics.engines.duckdb import DuckDBEngine
from credit_forensics.evidence.complete import link_ids, link_payments
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.files.input_paths import input_name
from credit_forensics.evidence.ledgers.load import load_ledgers
from credit_forensics.evidence.logs.load import load_webhook_logs
from credit_forensics.evidence.stripe.load import load_stripe_file, load_stripe_files
from credit_forensics.evidence.stripe_api.pulled_files import note_gaps, pulled_paths
from credit_forensics.evidence.synced.load import load_synced_tables
from credit_forensics.progress import Progress

_STEPS = ("Stripe", "webhook logs", "ledger", "payments", "ids and names")


def load_evidence(case_file: CaseFile, progress: Progress | None = None) -> Evidence:
    """Load what the case file names into evidence tables; nothing is stored, or taken from a store.

    Parameters
    ----------
    case_file
        a checked case file.
    progress
        called with a step's name, its number and how many there are.

    Raises
    ------
    CaseError
        when an input is missing or cannot be used at all. Bad rows do not raise: they become
        rejects, and what a source lacks gaps.
    """
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
    link_payments(evidence, case_file)
    step()
    link_ids(evidence, case_file)
    return evidence


def _load_pull(evidence: Evidence, case_file: CaseFile) -> None:
    """What a pull from the API left beside the case, unless a key of the case file named it."""
    read = {source.name for source in evidence.custody.inputs}
    for key, paths in pulled_paths(case_file).items():
        for path in paths:
            name = input_name(case_file.folder, path)
            if name not in read:
                load_stripe_file(evidence, path, name, key)
    note_gaps(case_file, evidence.custody)
