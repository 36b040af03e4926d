"""Makes HTML of a notebook's outputs: code hidden, charts as places for the page's script."""

from __future__ import annotations

import copy

import nbformat
from markupsafe import Markup
from nbconvert import HTMLExporter

from credit_forensics.reporting.blocks import PLOTLY_MIME, STATUS_MIME
from credit_forensics.reporting.elements import ELEMENTS
from credit_forensics.reporting.language import Language
from credit_forensics.reporting.page import chart_html

# Cells for the analyst in JupyterLab, and papermill's own, are no part of a report.
_HIDDEN_TAGS = frozenset({"analyst", "injected-parameters", "parameters", "remove_cell"})


def notebook_body(notebook: nbformat.NotebookNode, language: Language) -> Markup:
    """The outputs of a notebook that ran, in order, as HTML.

    A cell that failed says so by type and number. Markdown cells stay unless they are tagged
    ``analyst``.
    """
    shown = copy.deepcopy(notebook)
    shown.cells = [cell for cell in shown.cells if not _hidden(cell)]
    charts = 0
    for cell in shown.cells:
        if cell.cell_type != "code":
            continue
        outputs = []
        for output in cell.outputs:
            data = output.get("data", {})
            if output.output_type == "error":
                text = language.html(
                    "page.cell_failed", cell=cell.get("execution_count") or 0, error=output.ename
                )
                outputs.append(_html_output(ELEMENTS.paragraph(text, "failed")))
            elif PLOTLY_MIME in data:
                charts += 1
                outputs.append(_html_output(chart_html(data[PLOTLY_MIME], charts, language)))
            elif STATUS_MIME not in data:
                outputs.append(output)
        cell.outputs = outputs
    exporter = HTMLExporter(
        template_name="basic",
        exclude_input=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    body, _ = exporter.from_notebook_node(shown)
    # nbconvert escapes text; what a cell displays as HTML can run nothing under the page's policy.
    return Markup(body)  # noqa: S704


def _hidden(cell: nbformat.NotebookNode) -> bool:
    failed = any(output.output_type == "error" for output in cell.get("outputs", []))
    return not failed and bool(_HIDDEN_TAGS.intersection(cell.metadata.get("tags", [])))


def _html_output(html: Markup) -> nbformat.NotebookNode:
    return nbformat.v4.new_output("display_data", data={"text/html": str(html)})
