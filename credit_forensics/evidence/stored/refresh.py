"""Brings the stored rows up to date by reading only what is new of the inputs.

Files that grow at their end are read from where they ended, logs with some lines before it; any
other change reads the file again in place of what was stored of it. Each input is taken in one
transaction together with how far it was read, so a process killed in between takes it again.
"""

from __future__ import annotations

from credit_forensics.evidence.stored.refresh_files import refresh_files
from credit_forensics.evidence.stored.refresh_ledgers import (
    refresh_ledgers,
    refresh_ledgers_exactly,
)
from credit_forensics.evidence.stored.rows import StoredRows


def refresh(rows: StoredRows) -> None:
    """Read what is new; afterwards what is stored is what a reading of everything would give.

    What it touches is noted in ``stored.touched`` until it is judged, and what was read, in
    ``rows.read``.

    Raises
    ------
    CaseError
        when an input is missing or cannot be used.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from credit_forensics.case_file import CaseFile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "sessions.jsonl").write_text('{"id": "cs_1", "object": "checkout.session"}')
    >>> case_file = CaseFile(folder=folder, stripe={"sessions": "sessions.jsonl"})
    >>> with StoredRows(folder / "rows.duckdb", case_file) as rows:
    ...     refresh(rows)
    ...     refresh(rows)
    ...     [(read.name, read.how, read.rows) for read in rows.read]
    [('sessions.jsonl', 'new', 1)]
    """
    refresh_files(rows, exactly=True)
    if rows.case_file.ledger_databases:
        refresh_ledgers_exactly(rows)


def refresh_quickly(rows: StoredRows) -> None:
    """Read what is new as a tick needs it: whole lines, newer rows of the databases, no balances.

    What changed in place in a database is left to the next ``refresh``. Raises as that.
    """
    refresh_files(rows, exactly=False)
    if rows.case_file.ledger_databases:
        refresh_ledgers(rows)
