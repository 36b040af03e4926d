"""Runs the cells of a template in this process: a kernel of its own takes far longer to start."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from credit_forensics.reporting.blocks import Block
from credit_forensics.reporting.notebook_files import (
    checked_parameters,
    notebook_path,
    read_notebook,
)


def run_cells(template: str, case_path: Path, **parameters: Any) -> list[dict[str, Any]]:
    """What a report's cells show, in order, each by its MIME types; the analyst's only run."""
    notebook = read_notebook(notebook_path(template))
    given = {"case_path": str(case_path), **parameters}
    names: dict[str, Any] = {}
    shown: list[dict[str, Any]] = []
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type != "code":
            continue
        tree = ast.parse(cell.source)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, template, "exec"), names)
        if "parameters" in tags:
            names.update(checked_parameters(notebook, given))
        if last is not None:
            value = eval(compile(ast.Expression(last.value), template, "eval"), names)
            if "analyst" not in tags:
                assert isinstance(value, Block), cell.source
                shown += value.bundles()
    return shown
