"""The table of mutants fits the code and the tests, and the runner names who survives."""

from __future__ import annotations

import ast
from functools import cache

import pytest
from run_mutants import ROOT, changed, main, read_mutants

MUTANTS = read_mutants()


@cache
def functions_of(file):
    return {
        node.name
        for node in ast.walk(ast.parse((ROOT / file).read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutants_old_text_is_there_once_and_its_tests_are_there(mutant):
    assert changed(mutant) != (ROOT / mutant.file).read_text("utf-8")
    assert mutant.tests
    for name in mutant.tests:
        file, _, function = name.partition("::")
        assert not function or function in functions_of(file), f"{file} has no {function}"


PRICE = 'def price(credits):\n    """In cents."""\n    return credits * 10\n'
TEST = "from shop import price\n\n\ndef test_price():\n    assert price(1) == 10\n"
ENTRY = '[[mutant]]\nname = "{}"\nfile = "tests/shop.py"\nold = "{}"\nnew = "{}"\ntests = ["tests/test_shop.py"]\n'


@pytest.fixture
def shop(tmp_path, capsys):
    """A tiny project: ``run(*entries)`` gives the runner's status and what it printed."""
    tests = tmp_path / "tests"
    tests.mkdir()
    (tests / "shop.py").write_text(PRICE, "utf-8")
    (tests / "test_shop.py").write_text(TEST, "utf-8")

    def run(*entries, test=TEST):
        (tests / "test_shop.py").write_text(test, "utf-8")
        table = "".join(ENTRY.format(*entry) for entry in entries)
        (tmp_path / "shop.toml").write_text(table, "utf-8")
        status = main(["--workers", "1"], root=tmp_path, folder=tmp_path)
        assert (tests / "shop.py").read_text("utf-8") == PRICE, "the working tree was changed"
        told = capsys.readouterr()
        return status, told.out + told.err

    return run


def test_the_runner_names_who_survives(shop):
    dearer, text = ("a dearer credit", "* 10", "* 11"), ("another text", "In cents", "In euros")
    status, told = shop(dearer, text)
    assert status == 1
    assert "survived: another text" in told
    assert "survived: a dearer credit" not in told


def test_the_runner_ends_with_0_where_none_survives(shop):
    assert shop(("a dearer credit", "* 10", "* 11"))[0] == 0


def test_an_entry_that_no_longer_fits_is_named_and_nothing_runs(shop):
    status, told = shop(("a cheaper credit", "* 12", "* 11"))
    assert status == 2
    assert "'a cheaper credit': its old text is 0 times in tests/shop.py" in told


def test_tests_that_fail_without_a_change_prove_nothing(shop):
    status, told = shop(("a dearer credit", "* 10", "* 11"), test=TEST.replace("== 10", "== 9"))
    assert status == 2
    assert "the tests fail without any change" in told
