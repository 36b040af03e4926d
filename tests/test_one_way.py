"""Data flows one way: no step imports what stands to its right, lazily neither."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import credit_forensics

PACKAGE = Path(credit_forensics.__file__).parent
# The steps in order; what stands after them may import them, never the other way.
STEPS = (
    "evidence",
    "resolution",
    "judgement",
    "findings",
    "timeline",
    "incidents",
    "masking",
    "case",
)
AFTER = {"reporting", "notebook", "monitoring", "repair", "checks", "intake", "commands", "cli"}
# How a case displays itself in a notebook is asked of it by the notebook.
DISPLAY = ("case", "notebook")


def imported(path: Path) -> set[str]:
    """The parts of the package that a module imports at run time, wherever the import stands."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            node.body = []
    return {
        node.module.split(".")[1]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and node.module
        and node.module.startswith("credit_forensics.")
    }


@pytest.mark.parametrize("step", STEPS)
def test_a_step_imports_nothing_to_its_right(step):
    right = AFTER | set(STEPS[STEPS.index(step) + 1 :])
    folder, file = PACKAGE / step, PACKAGE / f"{step}.py"
    modules = sorted(folder.rglob("*.py")) if folder.is_dir() else [file]
    assert modules
    wrong = {
        (path.name, part)
        for path in modules
        for part in imported(path) & right
        if (step, part) != DISPLAY
    }
    assert wrong == set()
