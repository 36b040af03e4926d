"""Runs the first notebook while the lab opens, so that its first page shows the case at once."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
from markupsafe import Markup
from nbformat.sign import NotebookNotary

from credit_forensics.errors import CaseError
from credit_forensics.notebook.style import notebook_style
from credit_forensics.reporting.blocks import STATUS_MIME
from credit_forensics.reporting.run_notebook import run_notebook
from credit_forensics.reporting.sweep import scratch_folder


def fill_first_look(path: Path, *, progress: bool | None = None) -> None:
    """Run a notebook of the workspace and write what it displays into it, as trusted.

    Parameters
    ----------
    path
        the notebook, whose parameters name the case.
    progress
        show a bar on standard error; when that is a terminal without it.

    Raises
    ------
    CaseError
        when a cell failed; the notebook is left as it was.
    """
    notebook = nbformat.read(path, as_version=4)
    scratch = scratch_folder()
    try:
        run = run_notebook(notebook, {}, scratch, progress=progress)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if run.failure:
        said = run.failure.sentence or f"{run.failure.error} in cell {run.failure.cell}"
        raise CaseError(f"The first look could not be run: {said}")
    outputs = {cell.source: cell.outputs for cell in run.notebook.cells if cell.cell_type == "code"}
    styled = False
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        # A code cell for the analyst shows a table that can be sorted, once somebody runs it.
        if "analyst" not in cell.metadata.get("tags", []):
            cell.outputs = [one for one in outputs.get(cell.source, []) if _shown(one)]
        if cell.outputs and not styled:
            cell.outputs.insert(0, _html(notebook_style()))
            styled = True
    nbformat.write(notebook, path)
    # What was run here is trusted as what is run in the lab.
    NotebookNotary().sign(nbformat.read(path, as_version=4))


def _shown(output: nbformat.NotebookNode) -> bool:
    return STATUS_MIME not in output.get("data", {})


def _html(html: Markup) -> nbformat.NotebookNode:
    return nbformat.v4.new_output("display_data", data={"text/html": str(html)})
