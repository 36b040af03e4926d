"""Opens a ledger for reading: a database by its URL, or exported files as tables of one.

MySQL and MariaDB are copied, as files are, into a SQLite database for as long as they are read.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from credit_forensics.case_file import CaseFile, LedgerSection, from_environment
from credit_forensics.databases.read_only import ReadOnlyDatabase, open_read_only
from credit_forensics.databases.tables_of_files import write_tables
from credit_forensics.databases.tables_of_mysql import copy_tables
from credit_forensics.databases.urls import masked, mysql_url
from credit_forensics.evidence.custody import Custody, Input
from credit_forensics.evidence.files.input_paths import input_name, input_paths
from credit_forensics.evidence.ledgers.inference.words import (
    BOOKS,
    ENTRY,
    PAYING,
    PEOPLE,
    UNIT,
    words,
)


def ledger_tables(section: LedgerSection, folder: Path) -> dict[str, list[Path]]:
    """The files of ``[ledger] files`` by the table that they hold.

    Raises
    ------
    CaseError
        when a file is missing.
    """
    return {
        table: input_paths(folder, names, f"ledger.files.{table}")
        for table, names in section.files.items()
    }


@contextmanager
def open_ledger(section: LedgerSection, folder: Path) -> Iterator[ReadOnlyDatabase]:
    """Open a ledger; files are put into a database in a temporary folder, gone afterwards.

    Raises
    ------
    CaseError
        when the database cannot be opened, or a file is missing or cannot be read.
    """
    url = from_environment(section.url, "ledger.url")
    server = mysql_url(url)
    if not section.files and server is None:
        with open_read_only(url, folder, "ledger") as database:
            yield database
        return
    with tempfile.TemporaryDirectory(prefix="credit_forensics_") as temporary:
        path = Path(temporary) / "ledger.db"
        if server is None:
            tables = ledger_tables(section, folder)
            write_tables(_each_apart(section, tables), path)
            name = f"files {', '.join(tables)}"
        else:
            copy_tables(server, path, partial(_concerned, section))
            name = masked(server)
        with open_read_only(f"sqlite:///{path}", folder, "ledger") as database:
            database.name = name
            if server is not None:
                # Its rows go into custody, not the file that they were copied into.
                database.path = None
            yield database


def _each_apart(section: LedgerSection, tables: dict[str, list[Path]]) -> dict[str, list[Path]]:
    """The files with a table of its own for each of several, for what stands in two is one row.

    Tables that the case file describes itself are what it calls them, all files in one.
    """
    mappings = (section.entries, section.users, section.customers, section.balances)
    if section.schema_ != "auto" or any(mappings) or section.memberships:
        return tables
    apart: dict[str, list[Path]] = {}
    for table, paths in tables.items():
        numbers = ["_".join(re.findall(r"\d+", path.stem)) for path in paths]
        told = len({*numbers}) == len(paths) and all(numbers)
        for place, (path, number) in enumerate(zip(paths, numbers, strict=True)):
            own = f"{table}_{number if told else place}"
            apart[own if len(paths) > 1 else table] = [path]
    return apart


def _concerned(section: LedgerSection, table: str) -> bool:
    """Whether a table may belong to the ledger, by its name or as the case file names it."""
    mappings = (section.entries, section.users, section.customers, section.balances)
    for mapping in (*mappings, section.memberships):
        if mapping and (mapping.table == table or table in (mapping.query or "")):
            return True
    return bool(set(words(table)) & (UNIT | BOOKS | ENTRY | PEOPLE | PAYING))


def note_files(
    custody: Custody, source: Input, section: LedgerSection, case_file: CaseFile
) -> None:
    """Put each file into custody, and give the ledger the hash over all of theirs."""
    digests = []
    for table, paths in ledger_tables(section, case_file.folder).items():
        for path in paths:
            one = custody.add(input_name(case_file.folder, path), f"ledger table {table}", path)
            digests.append(f"{table} {one.sha256}")
            source.size += one.size
    source.sha256 = hashlib.sha256("\n".join(digests).encode()).hexdigest()
