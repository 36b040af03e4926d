"""Finds out which files the ledgers lie in, and whether a server has to be asked for any."""

from __future__ import annotations

from pathlib import Path

from credit_forensics.case_file import CaseFile
from credit_forensics.databases.urls import mysql_url, parse_to_read, sqlite_path
from credit_forensics.evidence.ledgers.open_ledger import ledger_tables
from credit_forensics.evidence.stored.inputs import ledger_addresses


def ledger_files(case_file: CaseFile) -> list[Path]:
    """The files of the ledgers; SQLite's each with the file of what was committed last.

    Raises
    ------
    CaseError
        when an address cannot be used.
    """
    paths = [
        path
        for section in case_file.ledger_databases
        for found in ledger_tables(section, case_file.folder).values()
        for path in found
    ]
    for address in ledger_addresses(case_file):
        if mysql_url(address) is not None:
            continue
        url = parse_to_read(address, "ledger")
        if url.get_backend_name() == "sqlite":
            path = sqlite_path(url, case_file.folder, "ledger")
            paths += [path, path.with_name(f"{path.name}-wal")]
    return paths


def asks_a_server(case_file: CaseFile) -> bool:
    """Whether any evidence comes from a database server, which has no file to look at."""
    addresses = ledger_addresses(case_file)
    return bool(case_file.stripe.database) or any(
        mysql_url(address) is not None
        or parse_to_read(address, "ledger").get_backend_name() != "sqlite"
        for address in addresses
    )
