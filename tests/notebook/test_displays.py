"""In a real kernel a case and what is made of it display as HTML or Markdown."""

from __future__ import annotations

import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from credit_forensics.reporting import REPORT_VARIABLE
from credit_forensics.reporting.kernel import OwnInterpreterManager
from credit_forensics.scenarios.demo import write_demo_case

KIT = """
from credit_forensics.checks.handler.run import KitReport, ScenarioResult
KitReport((ScenarioResult("guest", "<script>", True, "50", "50", (200,)),))
"""


class InteractiveManager(OwnInterpreterManager):
    """A kernel as JupyterLab starts one, on the interpreter that runs the tests."""

    @property
    def kernel_spec(self):
        spec = super().kernel_spec
        del spec.env[REPORT_VARIABLE]
        return spec


def displayed(folder, *cells: str) -> list[dict[str, str]]:
    """What each cell's last expression displays, by MIME type."""
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    kernel = type("Kernel", (InteractiveManager,), {"scratch": folder})
    NotebookClient(notebook, km=kernel(), timeout=300).execute(cwd=str(folder))
    return [
        next((dict(o.data) for o in cell.outputs if o.output_type == "execute_result"), {})
        for cell in notebook.cells
    ]


@pytest.fixture(scope="module")
def shown(tmp_path_factory) -> list[dict[str, str]]:
    folder = tmp_path_factory.mktemp("demo")
    case = write_demo_case(folder, 2025)
    return displayed(
        folder,
        f"from credit_forensics import Case\ncase = Case.open({str(case)!r})",
        "case",
        "case.evidence",
        "case.explain(case.findings.payment_id.dropna().iloc[0])",
        "from credit_forensics.repair import make_plan\nmake_plan(case)",
        KIT,
    )


@pytest.mark.parametrize(
    ("place", "kind", "text"),
    [
        (1, "text/html", "<caption>Payments by verdict"),
        (2, "text/html", "<caption>Evidence</caption>"),
        (3, "text/html", '<th scope="col">Candidate and families</th>'),
        (4, "text/markdown", "# Repair plan: "),
        (5, "text/html", "<caption>1 of 1 scenarios right</caption>"),
    ],
)
def test_a_notebook_that_imports_no_more_than_case_displays_it(shown, place, kind, text):
    assert text in shown[place][kind]
    assert "text/plain" in shown[place]
    assert "<script" not in shown[place][kind]
