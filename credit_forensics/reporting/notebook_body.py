"""Makes HTML of a notebook's outputs: code hidden, charts as places for the page's script."""

from __future__ import annotations

import re

import nbformat
from markupsafe import Markup
from nbconvert import HTMLExporter

from credit_forensics.reporting.blocks import OURS, PLOTLY_MIME, STATUS_MIME
from credit_forensics.reporting.elements import ELEMENTS
from credit_forensics.reporting.language import Language
from credit_forensics.reporting.page import chart_html

# Cells for the analyst in JupyterLab, and papermill's own, are no part of a report.
_HIDDEN_TAGS = frozenset({"analyst", "injected-parameters", "parameters", "remove_cell"})

# Characters that Unicode keeps for private use: no text has them, and no parser minds them.
_MARK = re.compile("\ue000[a-z]+ [0-9]+\ue001")


def notebook_body(notebook: nbformat.NotebookNode, language: Language) -> Markup:
    """The outputs of a notebook that ran, in order, as HTML.

    A cell that failed says so by type and number. Markdown cells stay unless they are tagged
    ``analyst``.
    """
    # nbconvert parses whatever is HTML, to mend what users' cells show; of ours it sees marks.
    ours: dict[str, str] = {}
    cells = [_shown(cell, ours, language) for cell in notebook.cells if not _hidden(cell)]
    shown = nbformat.NotebookNode({**notebook, "cells": cells})
    exporter = HTMLExporter(
        template_name="basic",
        exclude_input=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    body, _ = exporter.from_notebook_node(shown)
    body = _MARK.sub(lambda mark: ours.get(mark[0], mark[0]), body)
    # nbconvert escapes text; what a cell displays as HTML can run nothing under the page's policy.
    return Markup(body)  # noqa: S704


def _shown(
    cell: nbformat.NotebookNode, ours: dict[str, str], language: Language
) -> nbformat.NotebookNode:
    """The cell with marks in place of what is ours, which is added to ``ours``."""
    if cell.cell_type != "code":
        return cell
    outputs = []
    for output in cell.outputs:
        data = output.get("data", {})
        if output.output_type == "error":
            text = language.html(
                "page.cell_failed", cell=cell.get("execution_count") or 0, error=output.ename
            )
            outputs.append(_marked(ELEMENTS.paragraph(text, "failed"), ours))
        elif PLOTLY_MIME in data:
            number = 1 + sum("chart" in mark for mark in ours)
            chart = chart_html(data[PLOTLY_MIME], number, language)
            outputs.append(_marked(chart, ours, kind="chart"))
        elif "text/html" in data and output.get("metadata", {}).get(OURS):
            outputs.append(_marked(data["text/html"], ours))
        elif STATUS_MIME not in data:
            outputs.append(output)
    return nbformat.NotebookNode({**cell, "outputs": outputs})


def _hidden(cell: nbformat.NotebookNode) -> bool:
    failed = any(output.output_type == "error" for output in cell.get("outputs", []))
    return not failed and bool(_HIDDEN_TAGS.intersection(cell.metadata.get("tags", [])))


def _marked(html: str, ours: dict[str, str], *, kind: str = "html") -> nbformat.NotebookNode:
    mark = f"\ue000{kind} {len(ours)}\ue001"
    ours[mark] = str(html)
    return nbformat.v4.new_output("display_data", data={"text/html": mark})
