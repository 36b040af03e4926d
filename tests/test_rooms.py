"""The order of the package's rooms: what a file may import, and where an import may stand."""

from __future__ import annotations

import ast
import doctest
import re
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import credit_forensics

PACKAGE = Path(credit_forensics.__file__).parent
NAME = "credit_forensics"
# From the ground to the roof: a room imports only from rows above its own in this list. A room is a
# folder of the package, or a file beside them.
ROWS = (
    ("errors", "schemas"),
    ("arrays", "did_you_mean", "durations", "extras", "html_templates", "progress"),
    ("money", "records", "tables", "whole_file"),
    ("case_file", "databases", "locks"),
    ("engines",),
    ("store",),
    ("evidence",),
    ("coverage", "privacy", "resolution"),
    ("judgement",),
    ("findings", "incidents"),
    ("case", "new_case"),
    ("charts", "checks", "monitoring", "repair", "reporting", "scenarios", "sealing"),
    ("intake", "mcp", "notebook"),
    ("commands",),
    ("cli",),
    ("__main__",),
)
ROW = {room: number for number, row in enumerate(ROWS) for room in row}
# The neighbours in a row that may be imported all the same.
NEIGHBOURS = (
    ("checks", "scenarios"),
    ("incidents", "findings"),
    ("reporting", "charts"),
    ("reporting", "monitoring.failed_report"),
    ("reporting", "repair"),
)
FILES_AT_THE_ROOT = {"__init__", *(room for row in ROWS for room in row)}
# What is still to be mended, as file and reason. This list only gets shorter.
OWED: dict[str, str] = {}


@dataclass(frozen=True)
class Import:
    """An import of ours: the file and line where it stands, and the module that it names."""

    path: str
    line: int
    module: str
    room: str
    target: str


def module_name(path: Path, package: Path = PACKAGE) -> str:
    return ".".join((NAME, *path.relative_to(package).with_suffix("").parts))


FILES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def named_modules(node: ast.AST, files: dict[str, Path]) -> Iterator[str]:
    """The modules of ours that an import statement loads."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom) and node.module:
        names = [f"{node.module}.{alias.name}" for alias in node.names]
    else:
        return
    for name in names:
        if name == f"{NAME}.__version__" or name.partition(".")[0] != NAME:
            continue
        if name in (NAME, f"{NAME}.Case"):
            # The package hands out the class when it is asked for it.
            yield f"{NAME}.case.case"
        elif name in files:
            yield name
        elif f"{name}.__init__" in files:
            yield f"{name}.__init__"
        elif name.rpartition(".")[0] in files:
            yield name.rpartition(".")[0]
        else:
            yield f"{name.rpartition('.')[0]}.__init__"


def found_beside(node: ast.AST, module: str, files: dict[str, Path]) -> Iterator[str]:
    """The files beside one that finds them by itself: it imports them all."""
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "iter_modules":
        folder = module.rpartition(".")[0]
        for other in files:
            if other.rpartition(".")[0] == folder and other not in (module, f"{folder}.__init__"):
                yield other


def imports(files: dict[str, Path]) -> list[Import]:
    """Every import of ours, wherever it stands, under ``TYPE_CHECKING`` too."""
    found = []
    for module, path in files.items():
        # These two hand out names of other files when they are asked for them.
        if module in (f"{NAME}.__init__", f"{NAME}.checks.__init__"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for target in [*named_modules(node, files), *found_beside(node, module, files)]:
                inside = target.removeprefix(f"{NAME}.").removesuffix(".__init__")
                found.append(Import(shown(path), node.lineno, module, module.split(".")[1], inside))
    return found


def shown(path: Path) -> str:
    return (
        path.relative_to(PACKAGE.parent).as_posix() if path.is_relative_to(PACKAGE) else path.name
    )


def out_of_order(found: list[Import]) -> list[str]:
    """A sentence for each import that the order of the rooms does not allow."""
    wrong = []
    for one in found:
        room = one.target.split(".")[0]
        if room == one.room:
            continue
        if one.room not in ROW or room not in ROW:
            missing = room if one.room in ROW else one.room
            wrong.append(f"{one.path}:{one.line}: the room {missing} stands in no row of ROWS")
        elif ROW[room] > ROW[one.room]:
            wrong.append(
                f"{one.path}:{one.line}: imports {one.target}, and {room} comes after {one.room}"
            )
        elif ROW[room] == ROW[one.room] and not any(
            one.room == reader and f"{one.target}.".startswith(f"{allowed}.")
            for reader, allowed in NEIGHBOURS
        ):
            wrong.append(
                f"{one.path}:{one.line}: imports {one.target}, and {room} stands in the same row "
                f"as {one.room}"
            )
    return wrong


def circle(found: list[Import], files: dict[str, Path]) -> list[str]:
    """The files of one circle of imports, in its order; none where there is no circle."""
    needs: dict[str, set[str]] = {module: set() for module in files}
    for one in found:
        target = f"{NAME}.{one.target}"
        needs[one.module].add(target if target in files else f"{target}.__init__")
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def inside_functions(path: Path) -> list[str]:
    """A sentence for each import inside a function."""
    found = {
        node.lineno: f"{shown(path)}:{node.lineno}: `{ast.unparse(node)}` stands inside a function"
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    return [sentence for _, sentence in sorted(found.items())]


def cases_of_any_type(path: Path) -> list[str]:
    """A sentence for each parameter named ``case`` that is annotated ``Any``."""
    return [
        f"{shown(path)}:{node.lineno}: `case: Any`; name the class, or a protocol with what is needed"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.arg)
        and node.arg == "case"
        and isinstance(node.annotation, ast.Name)
        and node.annotation.id == "Any"
    ]


def loaded_later(path: Path) -> list[str]:
    """A sentence for each ``Later`` without the same import under ``TYPE_CHECKING``."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typed = {
        (alias.asname or alias.name, f"{node.module}.{alias.name}")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    } | {
        (alias.asname or alias.name, alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    return [
        f"{shown(path)}:{node.lineno}: `{ast.unparse(node)}` has no such import under TYPE_CHECKING"
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
        and node.value.func.id == "Later"
        and (ast.unparse(node.targets[0]), ast.literal_eval(node.value.args[0])) not in typed
    ]


def unfinished_results(path: Path) -> list[str]:
    """A sentence for each example that reads a part of a result on the connection all share."""
    parser = doctest.DocTestParser()
    return [
        f"{shown(path)}: `{example.source.strip()}` leaves a result unfinished; use fetchall()"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        for example in parser.get_examples(ast.get_docstring(node) or "")
        if re.search(r"\bduckdb\.", example.source)
        and re.search(r"\.fetch(one|many)\(", example.source)
    ]


def unpaid(sentences: list[str]) -> list[str]:
    return [one for one in sentences if one.split(":")[0].removeprefix(f"{NAME}/") not in OWED]


def test_a_room_imports_only_from_rows_above_its_own():
    wrong = unpaid(out_of_order(imports(FILES)))
    assert not wrong, "\n".join(wrong)


def test_no_files_import_each_other_in_a_circle():
    found = [one for one in imports(FILES) if unpaid([f"{one.path}:"])]
    assert not circle(found, FILES), " imports ".join(circle(found, FILES))


@pytest.mark.parametrize(
    "rule", [inside_functions, cases_of_any_type, loaded_later, unfinished_results]
)
def test_every_file_keeps_the_rule(rule):
    wrong = unpaid([sentence for path in FILES.values() for sentence in rule(path)])
    assert not wrong, "\n".join(wrong)


def test_every_room_stands_in_one_row_and_nothing_else_lies_beside_the_rooms():
    rooms = {path.stem for path in PACKAGE.iterdir() if path.is_dir() or path.suffix == ".py"}
    strange = {room for room in rooms if not room.startswith("__py")} - FILES_AT_THE_ROOT
    assert not strange, f"in no row of ROWS: {', '.join(sorted(strange))}"
    assert len(ROW) == sum(map(len, ROWS)), "a room stands in two rows"


def test_what_is_owed_is_still_owed():
    found = imports(FILES)
    wrong = out_of_order(found) + [s for path in FILES.values() for s in inside_functions(path)]
    owing = {sentence.split(":")[0].removeprefix(f"{NAME}/") for sentence in wrong}
    owing |= {FILES[module].relative_to(PACKAGE).as_posix() for module in circle(found, FILES)}
    paid = sorted(set(OWED) - owing)
    assert not paid, f"take out of OWED: {', '.join(paid)}"


# What the rules see, on files written here.
@pytest.fixture
def written(tmp_path):
    def write(**files: str) -> dict[str, Path]:
        made = {}
        for name, text in files.items():
            path = tmp_path / f"{name.replace('__', '/')}.py"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
            made[module_name(path, tmp_path)] = path
        return made

    return write


@pytest.mark.parametrize(
    ("importer", "imported", "words"),
    [
        ("case__case", "evidence__load", ""),
        ("evidence__load", "case__case", "case comes after evidence"),
        ("judgement__voices", "judgement__plan", ""),
        ("resolution__method", "privacy__mask", "privacy stands in the same row as resolution"),
        ("incidents__group", "findings__catalogue", ""),
        ("findings__catalogue", "incidents__group", "incidents stands in the same row as findings"),
        ("reporting__schedule", "monitoring__failed_report", ""),
        ("reporting__schedule", "monitoring__tick", "monitoring stands in the same row as"),
        ("evidence__load", "attic__load", "the room attic stands in no row of ROWS"),
    ],
)
def test_the_order_that_is_seen(written, importer, imported, words):
    target = f"{NAME}.{imported.replace('__', '.')}"
    statement = (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n"
        f"    from {target.rpartition('.')[0]} import {target.rpartition('.')[2]}\n"
    )
    wrong = out_of_order(imports(written(**{importer: statement, imported: ""})))
    assert bool(wrong) == bool(words)
    assert words in "".join(wrong)
    if wrong:
        assert wrong[0].startswith(f"{importer.rpartition('__')[2]}.py:3: ")


@pytest.mark.parametrize(
    ("back", "closed"),
    [("x = 1", False), ("from {} import a", True), ("all = iter_modules([])", True)],
)
def test_the_circle_that_is_seen(written, back, closed):
    room = f"{NAME}.case"
    files = written(
        case__a=f"from {room}.b import y",
        case__b=f"def f():\n    from {room} import c",
        case__c=back.format(room),
    )
    assert bool(circle(imports(files), files)) is closed


@pytest.mark.parametrize(
    ("rule", "text", "seen"),
    [
        (inside_functions, "import json\ntry:\n    import a\nexcept ImportError:\n    a = None", 0),
        (inside_functions, "def f():\n    def g():\n        import json\n    return g", 1),
        (inside_functions, "class A:\n    async def f(self):\n        from json import load", 1),
        (cases_of_any_type, "def f(case: Case, other: Any): ...", 0),
        (cases_of_any_type, "def f(*, case: Any): ...", 1),
        (loaded_later, "from a import b as c\nc = Later('a.b')", 0),
        (loaded_later, "from a import b as c\nc = Later('a.d')", 1),
        (unfinished_results, "def f():\n    '>>> duckdb.sql(query).fetchall()'", 0),
        (unfinished_results, "def f():\n    '>>> duckdb.execute(query).fetchone()'", 1),
    ],
)
def test_the_rule_that_is_seen(written, rule, text, seen):
    (path,) = written(case__a=text).values()
    assert len(rule(path)) == seen
