"""Finds the notebooks, and checks a run's parameters against what a notebook declares."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import nbformat

from credit_forensics.did_you_mean import did_you_mean
from credit_forensics.errors import CaseError

_PACKAGE = Path(__file__).resolve().parent.parent
# In the wheel the notebooks lie inside the package; in a checkout beside it.
_FOLDERS = (_PACKAGE / "notebooks", _PACKAGE.parent / "notebooks")


def notebook_path(template: str) -> Path:
    """The notebook of a template: a name of ours, or the path of a notebook of one's own.

    Raises
    ------
    CaseError
        when there is none; the message names those there are.

    Examples
    --------
    >>> notebook_path("incident_report").name
    'incident_report.ipynb'
    """
    if template.endswith(".ipynb"):
        path = Path(template)
        if path.is_file():
            return path
        raise CaseError(f"There is no notebook at {template}.")
    for folder in _FOLDERS:
        path = folder / f"{template}.ipynb"
        if path.is_file() and path.parent == folder:
            return path
    raise CaseError(
        f"There is no report template '{template}'; there are {', '.join(template_names())}."
    )


def template_names() -> list[str]:
    """The names of our notebooks, in order."""
    return sorted({path.stem for folder in _FOLDERS for path in folder.glob("*.ipynb")})


def read_notebook(path: Path) -> nbformat.NotebookNode:
    """A notebook as a version 4 node.

    Raises
    ------
    CaseError
        when it is not a notebook.
    """
    try:
        return nbformat.read(path, as_version=4)
    except (OSError, ValueError, nbformat.ValidationError) as error:
        raise CaseError(f"{path} is not a notebook that can be read: {error}.") from None


def declared_parameters(notebook: nbformat.NotebookNode) -> dict[str, Any]:
    """The parameters that the cell tagged ``parameters`` declares, with their defaults.

    Raises
    ------
    CaseError
        when that cell holds anything but assignments of literals: what is derived belongs in the
        next cell, for papermill puts its own values after this one.

    Examples
    --------
    >>> cell = nbformat.v4.new_code_cell("days = 7", metadata={"tags": ["parameters"]})
    >>> declared_parameters(nbformat.v4.new_notebook(cells=[cell]))
    {'days': 7}
    """
    for cell in notebook.cells:
        if cell.cell_type == "code" and "parameters" in cell.metadata.get("tags", []):
            return _literals(cell.source)
    return {}


def checked_parameters(notebook: nbformat.NotebookNode, given: Mapping[str, Any]) -> dict[str, Any]:
    """Given parameters, cast to the declared types.

    Ids stay text: where the default is text, ``00123`` is not 123. Dates and times become ISO 8601
    text.

    Raises
    ------
    CaseError
        for a parameter that the notebook does not declare, or a value that does not fit.

    Examples
    --------
    >>> cell = nbformat.v4.new_code_cell("user_id = ''", metadata={"tags": ["parameters"]})
    >>> checked_parameters(nbformat.v4.new_notebook(cells=[cell]), {"user_id": "00123"})
    {'user_id': '00123'}
    """
    declared = declared_parameters(notebook)
    checked = {}
    for name, value in given.items():
        if name not in declared:
            hint = did_you_mean(name, sorted(declared))
            raise CaseError(f"The notebook has no parameter '{name}'; {hint}")
        checked[name] = _cast(name, value, declared[name])
    return checked


def _literals(source: str) -> dict[str, Any]:
    try:
        statements = ast.parse(source).body
    except SyntaxError:
        raise CaseError("The notebook's parameters cell is not valid Python.") from None
    values = {}
    for statement in statements:
        target = statement.targets[0] if isinstance(statement, ast.Assign) else None
        if isinstance(statement, ast.AnnAssign):
            target = statement.target
        if isinstance(statement, ast.Assign | ast.AnnAssign) and isinstance(target, ast.Name):
            try:
                values[target.id] = ast.literal_eval(statement.value or ast.Constant(None))
                continue
            except ValueError:
                pass
        raise CaseError(
            "The notebook's parameters cell must hold assignments of literals only, one a line."
        )
    return values


def _cast(name: str, value: Any, default: Any) -> Any:
    if isinstance(value, datetime | date):
        value = value.isoformat()
    if isinstance(value, Path):
        value = str(value)
    if default is None or value is None:
        return value
    wanted = type(default)
    if wanted is str:
        if isinstance(value, str):
            return value
        raise CaseError(f"The parameter '{name}' must be text; give {value!r} as a string.")
    if wanted is bool:
        words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        if isinstance(value, bool):
            return value
        if str(value).lower() in words:
            return words[str(value).lower()]
    elif wanted in (int, float):
        with contextlib.suppress(TypeError, ValueError):
            if not isinstance(value, bool):
                return wanted(value)
    elif isinstance(value, wanted):
        return value
    raise CaseError(f"The parameter '{name}' must be of type {wanted.__name__}.")
