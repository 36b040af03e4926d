"""Opens a ledger for reading: a database by its URL, or exported files as tables of one."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from credit_forensics.case_file import CaseFile, LedgerSection, from_environment
from credit_forensics.databases.read_only import ReadOnlyDatabase, open_read_only
from credit_forensics.databases.tables_of_files import write_tables
from credit_forensics.evidence.custody import Custody, Input
from credit_forensics.evidence.files.input_paths import input_name, input_paths


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
    if not section.files:
        with open_read_only(from_environment(section.url, "ledger.url"), folder, "ledger") as found:
            yield found
        return
    tables = ledger_tables(section, folder)
    with tempfile.TemporaryDirectory(prefix="credit_forensics_") as temporary:
        path = Path(temporary) / "ledger.db"
        write_tables(tables, path)
        with open_read_only(f"sqlite:///{path}", folder, "ledger") as database:
            database.name = f"files {', '.join(tables)}"
            yield database


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
