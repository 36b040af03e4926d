"""Runs a notebook by papermill, and keeps of a failure what may be kept."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import papermill
from papermill.exceptions import PapermillExecutionError

from credit_forensics.reporting.blocks import STATUS_MIME
from credit_forensics.reporting.kernel import manager_with_scratch

_FRAME = re.compile(r"([\w.\-]+\.py)(?:\x1b\[[0-9;]*m)*:(?:\x1b\[[0-9;]*m)*(\d+)")


@dataclass(frozen=True)
class Failure:
    """A cell that failed: the error's type, the cell's number, and a sentence made for users.

    Only a ``CaseError`` has such a sentence; the message of any other error may hold values.
    """

    error: str
    cell: int
    sentence: str


@dataclass(frozen=True)
class NotebookRun:
    """A notebook that ran: outputs in place, failures without values."""

    notebook: nbformat.NotebookNode
    failure: Failure | None
    status: str
    counts: Mapping[str, int]
    judged_enough: bool = True
    page: Mapping[str, Any] = field(default_factory=dict)


def run_notebook(
    notebook: nbformat.NotebookNode,
    values: Mapping[str, Any],
    scratch: Path,
    *,
    progress: bool | None = None,
    timeout: int | None = None,
) -> NotebookRun:
    """Run a notebook with parameters, to its end or to the first cell that fails.

    Parameters
    ----------
    notebook
        the notebook; not changed.
    values
        parameters, checked already; never a secret, for papermill writes them into the notebook.
    scratch
        a folder that is ours, for papermill's and IPython's files.
    progress
        show a bar on standard error; when that is a terminal without it.
    timeout
        seconds a cell may take; no limit without it.
    """
    source, target = scratch / "in.ipynb", scratch / "out.ipynb"
    work = scratch / "work"
    work.mkdir()
    # Papermill needs to know the language; which interpreter runs is the manager's to say.
    python = {"name": "python3", "display_name": "Python 3", "language": "python"}
    copy = nbformat.from_dict({**notebook, "metadata": {**notebook.metadata, "kernelspec": python}})
    nbformat.write(copy, source)
    with contextlib.suppress(PapermillExecutionError):
        papermill.execute_notebook(
            str(source),
            str(target),
            parameters=dict(values),
            # Once, at the end: each cell would write all outputs so far, twice.
            request_save_on_cell_execute=False,
            kernel_name="python3",
            # An empty folder: a file beside the case must not pass for a module.
            cwd=str(work),
            progress_bar=sys.stderr.isatty() if progress is None else progress,
            kernel_manager_class=manager_with_scratch(scratch),
            execution_timeout=timeout,
        )
    executed = nbformat.read(target, as_version=4)
    failure = _failure(executed)
    found, counts, enough, page = _told(executed)
    status = "failed" if failure else "findings" if found else "ok"
    return NotebookRun(_without_values(executed), failure, status, counts, enough, page)


def _failure(notebook: nbformat.NotebookNode) -> Failure | None:
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                sentence = str(output.evalue) if output.ename == "CaseError" else ""
                number = int(cell.get("execution_count") or 0)
                return Failure(_type_name(output.ename), number, sentence)
    return None


def _told(
    notebook: nbformat.NotebookNode,
) -> tuple[int, dict[str, int], bool, dict[str, Any]]:
    """Findings, their number by severity, whether enough was judged, and what names the page."""
    found, counts, enough, page = 0, {}, True, {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            told = output.get("data", {}).get(STATUS_MIME)
            if told and "page" in told:
                page = dict(told["page"])
            elif told:
                found = int(told.get("findings", 0))
                counts = {str(k): int(v) for k, v in told.get("severities", {}).items()}
                enough = bool(told.get("judged_enough", True))
    return found, counts, enough, page


def _without_values(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook as it may be kept: errors by type and place, without source or values.

    An error's message and traceback can hold personal data or a database's password; what a
    library printed was never masked.
    """
    notebook.cells = [
        cell
        for cell in notebook.cells
        if "papermill-error-cell-tag" not in cell.metadata.get("tags", [])
    ]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [out for out in cell.outputs if out.output_type != "stream"]
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                name = _type_name(output.ename)
                places = _FRAME.findall("\n".join(output.traceback))
                output.ename, output.evalue = name, ""
                output.traceback = [*(f"{file}:{line}" for file, line in places), name]
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
    told = notebook.metadata.get("papermill", {})
    for key in ("input_path", "output_path", "exception", "environment_variables"):
        told.pop(key, None)
    return notebook


def _type_name(name: object) -> str:
    return name if isinstance(name, str) and name.isidentifier() else "Error"
