"""Lists what a case's evidence is read from, without reading any of it or loading a database."""

from __future__ import annotations

from pathlib import Path

from credit_forensics.case_file import CaseFile, from_environment
from credit_forensics.evidence.files.input_paths import STRIPE_KEYS, input_paths
from credit_forensics.evidence.logs.open import log_paths
from credit_forensics.evidence.stripe_api import spool
from credit_forensics.store.identity import key_of

# What neither the evidence nor, of `[persons]`, any of its tables depends on.
_NOT_OF_EVIDENCE = {"monitor", "report", "name", "folder", "engine", "analysis"}


def read_files(case_file: CaseFile) -> list[tuple[str, Path]]:
    """The files of Stripe's objects and of logs, each with the key that names it; logs last.

    Raises
    ------
    CaseError
        when a file is missing or cannot be opened.
    """
    found: dict[Path, tuple[str, Path]] = {}
    for key in STRIPE_KEYS:
        names = getattr(case_file.stripe, key)
        for path in input_paths(case_file.folder, names, f"stripe.{key}"):
            found.setdefault(path.resolve(), (key, path))
    for key, path in spool.paths(case_file.folder / spool.FOLDER).items():
        found.setdefault(path.resolve(), (key, path))
    logs = log_paths(case_file.webhook_log.files, case_file.folder)
    return [*found.values(), *(("log", path) for path in logs)]


def other_files(case_file: CaseFile) -> list[Path]:
    """The files besides: the table of aliases, and what says how far a pull from the API came."""
    aliases = [case_file.folder / case_file.persons.aliases] if case_file.persons.aliases else []
    return [*aliases, case_file.folder / spool.FOLDER / "state.json"]


def ledger_addresses(case_file: CaseFile) -> list[str]:
    """The addresses of the ledgers, as the environment completes them.

    Raises
    ------
    CaseError
        when a variable of the environment is not set.
    """
    urls = [ledger.url for ledger in case_file.all_ledgers if ledger.url]
    return [from_environment(url, "ledger.url") for url in urls]


def evidence_settings(case_file: CaseFile) -> str:
    """A key of all settings that the evidence depends on; of an address, its hash alone.

    Examples
    --------
    >>> plain, named = CaseFile(), CaseFile(name="September", analysis={"mode": "as_of"})
    >>> evidence_settings(plain) == evidence_settings(named)
    True
    >>> evidence_settings(plain) == evidence_settings(CaseFile(prices={"price_small": 50}))
    False
    """
    settings = case_file.model_dump(mode="json", exclude=_NOT_OF_EVIDENCE)
    settings["persons"].pop("different")
    return key_of(settings, ledger_addresses(case_file))
