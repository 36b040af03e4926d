"""Packages of the optional extras: what is said where one is not installed."""

import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from credit_forensics.errors import CaseError
from credit_forensics.extras import EXTRAS, Later, installed, load

PROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"


def test_every_package_of_every_extra_is_listed():
    declared = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    extras = declared["optional-dependencies"]
    assert set(EXTRAS) == set(extras) - {"dev"}
    imported = defaultdict(set)
    for module, distributions in packages_distributions().items():
        for distribution in distributions:
            imported[distribution.lower().replace("-", "_")].add(module)
    for extra, packages in EXTRAS.items():
        for requirement in extras[extra]:
            name = re.split(r"[<>=\[]", requirement)[0].lower().replace("-", "_")
            assert imported.get(name, {name}) & set(packages), f"{extra} lacks {requirement}"


@pytest.mark.parametrize(
    ("module", "extra"),
    [
        ("apscheduler.triggers.cron", "schedule"),
        ("fastapi", "intake"),
        ("chdb.session", "clickhouse"),
    ],
)
def test_a_missing_package_is_one_sentence_with_its_command(monkeypatch, module, extra):
    package = module.split(".")[0]
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(CaseError) as refused:
        load(module)
    assert str(refused.value) == (
        f"{package} is not installed; install it with: pip install 'credit-forensics[{extra}]'."
    )


def test_a_module_that_no_extra_brings_is_missing_as_always():
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        load("credit_forensics.no_such_module")
    assert not installed("no_such_module")


def test_a_module_is_loaded_when_it_is_first_used_and_not_before(monkeypatch):
    monkeypatch.delitem(sys.modules, "this", raising=False)
    later = Later("this")
    assert not hasattr(later, "_mark_of_pytest")
    assert "this" not in sys.modules
    assert later.d["a"] == "n"
    assert "this" in sys.modules


@pytest.mark.parametrize(
    ("package", "arguments", "extra"),
    [
        ("fastapi", ["serve", "intake.toml"], "intake"),
        ("apscheduler", ["schedule", "x"], "schedule"),
        ("mcp", ["mcp", "x"], "mcp"),
    ],
)
def test_a_command_without_its_extra_ends_with_status_two(package, arguments, extra):
    program = (
        f"import sys\nsys.modules[{package!r}] = None\nsys.argv[1:] = {arguments!r}\n"
        "from credit_forensics.cli import main\nmain()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == (
        f"credit-forensics: {package} is not installed; install it with: "
        f"pip install 'credit-forensics[{extra}]'.\n"
    )
