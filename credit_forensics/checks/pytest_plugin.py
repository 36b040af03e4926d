"""The pytest plugin: fixtures over a case or a world, options for case and baseline.

It does nothing unless one of its fixtures or options is used: no import beyond the standard
library and pytest happens before.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import credit_forensics
from credit_forensics.errors import CaseError
from credit_forensics.extras import Later

if TYPE_CHECKING:
    from credit_forensics.checks import assertions, sarif, worlds
    from credit_forensics.checks import baseline as baselines
else:
    assertions = Later("credit_forensics.checks.assertions")
    baselines = Later("credit_forensics.checks.baseline")
    sarif = Later("credit_forensics.checks.sarif")
    worlds = Later("credit_forensics.checks.worlds")

_CASE_KEY = pytest.StashKey["credit_forensics.Case"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options, and the settings of the same meaning for ``pytest.ini``."""
    group = parser.getgroup("credit-forensics", "who paid, and who was credited")
    group.addoption(
        "--credit-case",
        metavar="FILE",
        help="the case.toml that the fixture credit_case opens",
    )
    group.addoption(
        "--credit-baseline",
        metavar="FILE",
        help="known findings, which assert_no_new_findings lets pass",
    )
    group.addoption(
        "--credit-write-baseline",
        metavar="FILE",
        help="after the tests, write the findings of credit_case as known",
    )
    group.addoption(
        "--credit-sarif",
        metavar="FILE",
        help="after the tests, write the findings of credit_case as SARIF",
    )
    parser.addini("credit_case", "as --credit-case, relative to this file")
    parser.addini("credit_baseline", "as --credit-baseline, relative to this file")


@pytest.fixture(scope="session")
def credit_case(request: pytest.FixtureRequest) -> credit_forensics.Case:
    """The case that ``--credit-case`` (or ``credit_case`` in pytest.ini) names, opened once."""
    path = _path(request.config, "credit_case")
    if path is None:
        raise pytest.UsageError(
            "the fixture credit_case needs --credit-case FILE, or credit_case in pytest.ini"
        )
    try:
        case = credit_forensics.Case.open(path)
    except CaseError as error:
        pytest.fail(str(error), pytrace=False)
    request.config.stash[_CASE_KEY] = case
    return case


@pytest.fixture(scope="session")
def credit_baseline(request: pytest.FixtureRequest) -> Path | None:
    """The baseline that ``--credit-baseline`` names, or None."""
    return _path(request.config, "credit_baseline")


@pytest.fixture
def assert_no_new_findings(
    request: pytest.FixtureRequest, credit_baseline: Path | None
) -> Callable[..., None]:
    """``assert_no_findings`` with the baseline of ``--credit-baseline``.

    With ``--credit-write-baseline`` what ``credit_case`` holds now is written as known first.
    """
    target = request.config.getoption("--credit-write-baseline")

    def check(
        case: credit_forensics.Case, severity: str = "medium", allow: tuple[str, ...] = ()
    ) -> None:
        __tracebackhide__ = True
        known = credit_baseline
        if target and case is request.config.stash.get(_CASE_KEY, None):
            baselines.write_baseline(case.findings, target)
            known = Path(target)
        assertions.assert_no_findings(case, severity, allow, known)

    return check


@pytest.fixture(scope="session")
def credit_world() -> Callable[..., credit_forensics.Case]:
    """A function that gives a scenario of ``scenarios.named`` as a case, each made once."""
    made: dict[str, credit_forensics.Case] = {}

    def world(name: str) -> credit_forensics.Case:
        if name not in made:
            made[name] = worlds.named_world(name)[0]
        return made[name]

    return world


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write what was asked for, if the tests opened a case."""
    config = session.config
    case = config.stash.get(_CASE_KEY, None)
    if case is None:
        return
    sarif_file = config.getoption("--credit-sarif")
    if sarif_file:
        known = _path(config, "credit_baseline")
        path = _path(config, "credit_case") or Path("case.toml")
        root = config.rootpath
        shown = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
        first = config.getoption("--credit-write-baseline") and known and not known.exists()
        baseline = baselines.read_baseline(known) if known and not first else ()
        sarif.write_sarif(case.findings, sarif_file, case_file=shown, baseline=baseline)
    target = config.getoption("--credit-write-baseline")
    if target:
        baselines.write_baseline(case.findings, target)


def _path(config: pytest.Config, name: str) -> Path | None:
    given = config.getoption(f"--{name.replace('_', '-')}")
    if given:
        return Path(given).resolve()
    told = config.getini(name)
    if not told:
        return None
    folder: Path = config.inipath.parent if config.inipath else config.rootpath
    return Path(folder / told).resolve()
