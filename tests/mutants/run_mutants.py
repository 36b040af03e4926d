"""Changes the package one expression at a time and runs the tests that belong to each change.

A change that no test notices is a survivor: what the changed expression guards may go wrong
unseen. The working tree is only read: each worker changes a copy of its own in a temporary
folder. Ends with 1 where a change survives that the table does not explain, and names it; with 2
where the table no longer fits the code, or the tests fail without any change.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import queue
import shutil
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import cache_from_source
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
COPIED = ("credit_forensics", "tests", "pyproject.toml")
KILLED, SURVIVED, EXPLAINED, BROKEN = "killed", "survived", "explained", "broken"
SECONDS = 600
"""After which a change counts as noticed: the tests never ended."""
_PYTEST = ("-x", "-q", "--no-header", "--tb=short", "-p", "no:cacheprovider")
# Each run is a fork of a server that has these loaded: they take longer than most of the tests.
_LOADED = (
    "duckdb",
    "fastapi",
    "httpx",
    "hypothesis",
    "ibis",
    "pandas",
    "psycopg",
    "pyarrow",
    "pydantic",
    "pytest",
    "scipy.sparse.csgraph",
    "scipy.special",
    "sqlalchemy.ext.asyncio",
    "sqlglot",
)
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(list(_LOADED))
_EXAMPLE = """examples:
  python tests/mutants/run_mutants.py
  python tests/mutants/run_mutants.py --only "confirmed needs two families"
  python tests/mutants/run_mutants.py --only repair --workers 1"""


@dataclass(frozen=True)
class Mutant:
    """One change: in ``file``, ``old`` (there exactly once) becomes ``new``.

    ``tests`` are pytest's names of what must notice it. ``equivalent`` says why nothing can,
    where the change makes no difference.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    equivalent: str = ""


class TableError(Exception):
    """An entry that does not fit the code; the message names it."""


def read_mutants(folder: Path = HERE) -> list[Mutant]:
    """Every entry of the tables ``*.toml``, file by file.

    Raises
    ------
    TableError
        for a name that two entries have.
    """
    found = [
        Mutant(**(entry | {"tests": tuple(entry["tests"])}))
        for path in sorted(folder.glob("*.toml"))
        for entry in tomllib.loads(path.read_text("utf-8"))["mutant"]
    ]
    names = [mutant.name for mutant in found]
    for name in names:
        if names.count(name) > 1:
            raise TableError(f"two mutants have the name {name!r}")
    return found


def changed(mutant: Mutant, root: Path = ROOT) -> str:
    """The text of the file with the change in it.

    Raises
    ------
    TableError
        where the file is missing, or the old text is not there exactly once.
    """
    path = root / mutant.file
    if not path.is_file():
        raise TableError(f"{mutant.name!r}: there is no {mutant.file}")
    text = path.read_text("utf-8")
    if (times := text.count(mutant.old)) != 1:
        raise TableError(f"{mutant.name!r}: its old text is {times} times in {mutant.file}")
    return text.replace(mutant.old, mutant.new)


def copy_tree(root: Path, folder: Path) -> Path:
    """A copy of what is changed and of what the tests need."""
    for name in COPIED:
        if (root / name).is_dir():
            shutil.copytree(
                root / name, folder / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        elif (root / name).exists():
            shutil.copy(root / name, folder / name)
    return folder


def run_tests(tree: Path, tests: Iterable[str]) -> tuple[int, str]:
    """Pytest's status in a copy, and what it printed; 1 where it did not end."""
    printed = tree.with_suffix(".txt")
    process = _PROCESSES.Process(target=_pytest, args=(tree, printed, [*dict.fromkeys(tests)]))
    process.start()
    process.join(SECONDS)
    if process.exitcode is None:
        process.kill()
        process.join()
        return 1, f"not ended after {SECONDS} seconds"
    ended = f"\nended with status {process.exitcode}"
    return process.exitcode, printed.read_text("utf-8", "replace") + ended


def _pytest(tree: Path, printed: Path, tests: list[str]) -> None:
    """Run tests in a process of their own, which has loaded nothing of the package yet."""
    os.chdir(tree)
    sys.path.insert(0, str(tree))
    os.environ["PYTHONPATH"] = str(tree)
    # What other packages plug into pytest takes longer to load than most of the tests.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    with printed.open("wb") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
        import pytest

        status = pytest.main([*_PYTEST, *tests])
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(int(status))


def try_mutant(mutant: Mutant, tree: Path) -> tuple[str, str]:
    """What became of a change, and what pytest printed; the copy is as it was afterwards."""
    path = tree / mutant.file
    original = path.read_text("utf-8")
    try:
        _write(path, changed(mutant, tree))
        status, printed = run_tests(tree, mutant.tests)
    finally:
        _write(path, original)
    if status == 0:
        return (EXPLAINED if mutant.equivalent else SURVIVED), printed
    if status == 1 and not mutant.equivalent:
        return KILLED, printed
    return BROKEN, printed


def _write(path: Path, text: str) -> None:
    # Python tells a changed file by its second and size, which a small change may leave alike.
    path.write_text(text, "utf-8")
    Path(cache_from_source(str(path))).unlink(missing_ok=True)


def run_all(mutants: Sequence[Mutant], root: Path, workers: int) -> dict[str, list[str]]:
    """Try every change; the names of the mutants by what became of them.

    Raises
    ------
    TableError
        where the tests fail before anything is changed.
    """
    found: dict[str, list[str]] = {name: [] for name in (KILLED, EXPLAINED, SURVIVED, BROKEN)}
    with tempfile.TemporaryDirectory(prefix="mutants") as scratch:
        trees: queue.Queue[Path] = queue.Queue()
        for number in range(workers):
            folder = Path(scratch) / f"tree{number}"
            folder.mkdir()
            trees.put(copy_tree(root, folder))
        _say(f"the tests without any change, of {len(mutants)} mutants")

        def work(mutant: Mutant) -> str:
            tree, began = trees.get(), time.perf_counter()
            try:
                what, printed = try_mutant(mutant, tree)
            finally:
                trees.put(tree)
            found[what].append(mutant.name)
            done = sum(map(len, found.values()))
            seconds = time.perf_counter() - began
            _say(f"[{done}/{len(mutants)}] {what:<9} {seconds:5.1f} s  {mutant.name}")
            if what == BROKEN:
                _say(printed)
            return what

        tests = list(dict.fromkeys(test for mutant in mutants for test in mutant.tests))
        shares = [tests[number::workers] for number in range(min(workers, len(tests)))]
        with ThreadPoolExecutor(workers) as pool:
            for status, printed in pool.map(run_tests, list(trees.queue), shares):
                if status != 0:
                    raise TableError(f"the tests fail without any change:\n{printed}")
            list(pool.map(work, mutants))
    return found


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None, *, root: Path = ROOT, folder: Path = HERE) -> int:
    """Run what is asked for, print the table, name the survivors."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=_EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--list", action="store_true", help="list the mutants and run nothing")
    parser.add_argument(
        "--only", action="append", metavar="NAME",
        help="only mutants with this text in their name or file; may be given several times",
    )  # fmt: skip
    parser.add_argument("--workers", type=int, default=2, help="how many at once (2)")
    options = parser.parse_args(arguments)
    try:
        mutants = [
            mutant
            for mutant in read_mutants(folder)
            if not options.only or any(o in mutant.name or o in mutant.file for o in options.only)
        ]
        for mutant in mutants:
            changed(mutant, root)
        if options.list:
            print("\n".join(f"{mutant.file}: {mutant.name}" for mutant in mutants))
            return 0
        if not mutants:
            raise TableError(f"no mutant has {' or '.join(options.only or ['a name'])} in its name")
        found = run_all(mutants, root, max(options.workers, 1))
    except TableError as error:
        print(error, file=sys.stderr)
        return 2
    reasons = {mutant.name: mutant.equivalent for mutant in mutants}
    for what, names in found.items():
        print(f"{what:<9} {len(names):3}")
    for name in sorted(found[EXPLAINED]):
        print(f"explained: {name}: {reasons[name]}")
    for what in (SURVIVED, BROKEN):
        for name in sorted(found[what]):
            print(f"{what}: {name}")
    return 1 if found[SURVIVED] or found[BROKEN] else 0


if __name__ == "__main__":
    sys.exit(main())
