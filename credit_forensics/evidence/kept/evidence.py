"""Keeps a case's evidence in a DuckDB file and reads only what is new of its inputs.

Files that grow at their end are read from where they ended, logs with some lines before it; any
other change reads the file again in place of what was kept of it. Each input is taken in one
transaction together with how far it was read, so a process killed in between takes it again.
"""

from __future__ import annotations

from credit_forensics.evidence.kept import refresh_ledgers as kept_ledgers
from credit_forensics.evidence.kept.refresh_files import refresh_files
from credit_forensics.evidence.kept.store import KeptStore


class KeptEvidence(KeptStore):
    """The kept evidence of a case, opened as ``KeptStore`` is. Use it in a ``with``.

    ``read`` says what its refreshes read, ``kept`` on its ``connection`` is all that there is.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from credit_forensics.case_file import CaseFile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "sessions.jsonl").write_text('{"id": "cs_1", "object": "checkout.session"}')
    >>> case_file = CaseFile(folder=folder, stripe={"sessions": "sessions.jsonl"})
    >>> with KeptEvidence(folder / "kept.duckdb", case_file) as kept:
    ...     kept.refresh()
    ...     kept.refresh()
    ...     [(read.name, read.how, read.rows) for read in kept.read]
    [('sessions.jsonl', 'new', 1)]
    """

    def refresh(self, *, everything: bool = False, exactly: bool = False) -> None:
        """Read what is new; what it touches is noted in ``kept.touched`` until it is judged.

        Parameters
        ----------
        everything
            read the databases whole, so that rows that changed in place are seen.
        exactly
            let the databases tell whether older rows changed in place, and read the stored
            balances; then what is kept is what a whole reading would give, at the price of a scan
            inside each database.

        Raises
        ------
        CaseError
            when an input is missing or cannot be used.
        """
        refresh_files(self, exactly=exactly)
        if self.case_file.all_ledgers and exactly:
            kept_ledgers.refresh_ledgers_exactly(self)
        elif self.case_file.all_ledgers:
            kept_ledgers.refresh_ledgers(self, everything=everything)

    def refresh_balances(self, users: list[str]) -> None:
        """Read the stored balances of some accounts anew."""
        kept_ledgers.refresh_balances(self, users)
