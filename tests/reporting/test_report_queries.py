"""A report asks the house's own questions, whose texts are kept: it builds no expression."""

from __future__ import annotations

import ibis
import pytest

from credit_forensics.case.case import Case
from credit_forensics.engines.duckdb import DuckDBEngine
from credit_forensics.engines.recipes import Recipe
from credit_forensics.reporting.incident_report import IncidentReport
from credit_forensics.tables.catalogue import spec

SECTIONS = [
    name
    for name, value in vars(IncidentReport).items()
    if callable(value) and not name.startswith("_")
]


@pytest.fixture
def unnamed(monkeypatch):
    """The queries that an engine was given without a name for their text."""
    seen = []
    written = DuckDBEngine.written

    def watched(engine, query):
        if not (isinstance(query, Recipe) and query.name):
            seen.append(query)
        return written(engine, query)

    monkeypatch.setattr(DuckDBEngine, "written", watched)
    return seen


def test_every_question_of_a_report_has_a_name(case_path, unnamed):
    report = IncidentReport(Case.open(case_path), started_at="2025-10-01T00:00:00+00:00")
    assert len(SECTIONS) > 12
    for section in SECTIONS:
        getattr(report, section)()
        assert unnamed == [], section


def test_a_question_without_a_name_is_seen(case_path, unnamed):
    IncidentReport(Case.open(case_path)).view.query(spec("payments").unbound())
    assert len(unnamed) == 1
    assert unnamed[0].equals(ibis.table(spec("payments").ibis_schema, name="payments"))
