"""Notebooks are clean, and a run's parameters are checked before anything runs."""

from __future__ import annotations

from datetime import UTC, datetime

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_notebook

from credit_forensics.errors import CaseError
from credit_forensics.reporting.notebook_files import (
    checked_parameters,
    declared_parameters,
    notebook_path,
    read_notebook,
    template_names,
)


def notebook(source: str) -> nbformat.NotebookNode:
    cell = new_code_cell(source, metadata={"tags": ["parameters"]})
    return new_notebook(cells=[cell])


@pytest.mark.parametrize("name", template_names())
def test_notebooks_carry_no_outputs_and_say_first_what_they_answer(name):
    found = read_notebook(notebook_path(name))
    nbformat.validate(found)
    assert found.cells[0].cell_type == "markdown"
    assert found.cells[0].source.startswith("This notebook answers")
    for cell in found.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
            # Thin: what a cell does stands in the package.
            assert len(cell.source.splitlines()) <= 12
    assert {"case_path", "language", "reveal"} <= set(declared_parameters(found))


def test_a_misspelt_parameter_is_refused_with_the_nearest():
    with pytest.raises(CaseError, match="did you mean 'payment_id'"):
        checked_parameters(notebook('payment_id = ""'), {"paymentid": "cs_1"})


def test_an_unknown_parameter_names_those_there_are():
    with pytest.raises(CaseError, match="known are days"):
        checked_parameters(notebook("days = 1"), {"zzz": 1})


@given(st.text(max_size=20))
def test_ids_stay_the_text_they_are(value):
    assert checked_parameters(notebook('user_id = ""'), {"user_id": value}) == {"user_id": value}


def test_a_number_where_an_id_belongs_is_refused_not_guessed():
    with pytest.raises(CaseError, match="must be text"):
        checked_parameters(notebook('user_id = ""'), {"user_id": 123})


def test_values_are_cast_to_the_declared_type():
    declared = notebook('days = 1\nrate = 0.5\nreveal = False\nsince = ""')
    given_ = {
        "days": "7",
        "rate": "0.25",
        "reveal": "yes",
        "since": datetime(2025, 9, 1, tzinfo=UTC),
    }
    assert checked_parameters(declared, given_) == {
        "days": 7,
        "rate": 0.25,
        "reveal": True,
        "since": "2025-09-01T00:00:00+00:00",
    }


@pytest.mark.parametrize("value", ["seven", True, [1], ""])
def test_a_value_that_does_not_fit_is_refused(value):
    with pytest.raises(CaseError, match="must be of type int"):
        checked_parameters(notebook("days = 1"), {"days": value})


@pytest.mark.parametrize("source", ["import os", "a = f()", "a = b = 1 + x", "print(1)", "a ="])
def test_a_parameters_cell_with_more_than_literals_is_refused(source):
    with pytest.raises(CaseError, match="parameters cell"):
        declared_parameters(notebook(source))


def test_a_template_that_is_not_there_names_those_that_are(tmp_path):
    with pytest.raises(CaseError, match="incident_report"):
        notebook_path("no_such_report")
    with pytest.raises(CaseError, match="no report template"):
        notebook_path("../notebooks/incident_report")
    with pytest.raises(CaseError, match="no notebook"):
        notebook_path(str(tmp_path / "none.ipynb"))
    (tmp_path / "broken.ipynb").write_text("not json")
    with pytest.raises(CaseError, match="not a notebook"):
        read_notebook(tmp_path / "broken.ipynb")
