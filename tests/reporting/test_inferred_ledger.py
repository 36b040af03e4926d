"""The appendix says what of a ledger was inferred, and that such ties accuse nobody."""

from __future__ import annotations

import sqlite3

from small_case import write_case

from credit_forensics.case.case import Case
from credit_forensics.reporting.incident_report import case_view
from credit_forensics.reporting.reference_sections import appendix_section


def test_the_appendix_names_what_was_inferred(tmp_path, case):
    path = write_case(tmp_path, payments=6, wrong=0)
    with sqlite3.connect(path.parent / "ledger.db") as connection:
        connection.executescript(
            """ALTER TABLE credit_ledger ADD COLUMN status TEXT DEFAULT 'completed';
            UPDATE credit_ledger SET stripe_event_id = NULL, reason = 'purchase';"""
        )
    said = str(appendix_section(case_view(Case.open(path))))
    assert "entries from credit_ledger (certainty" in said
    assert "purchase entries named no payment" in said
    assert "inferred" not in str(appendix_section(case_view(case)))
