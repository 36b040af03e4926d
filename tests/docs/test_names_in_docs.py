"""Both ways: what the product has stands in the docs, and what stands there the product has."""

from __future__ import annotations

import json
import re
from importlib import import_module
from importlib.resources import files
from typing import Any, get_args

import pytest
from pages import GROUP, PAGES, ROOT, blocks, options, spans
from pydantic import BaseModel

from credit_forensics import Case
from credit_forensics.case_file import CaseFile
from credit_forensics.checks.handler import SCENARIOS
from credit_forensics.checks.handler.scenarios import SUBSCRIPTION_SCENARIOS
from credit_forensics.cli import COMMANDS
from credit_forensics.commands import options as statuses
from credit_forensics.extras import EXTRAS
from credit_forensics.findings.catalogue import FINDINGS
from credit_forensics.intake.settings import IntakeSettings, SoldPrice
from credit_forensics.monitoring.checks import CHECKS
from credit_forensics.reporting.language import LANGUAGES
from credit_forensics.reporting.notebook_files import (
    declared_parameters,
    notebook_path,
    read_notebook,
)
from credit_forensics.resolution.methods import METHODS

NAMES = [name for name, _, _ in COMMANDS]
SHARED = {"--json", "--store", "--fresh", "--mode"}
OF_EVERY_RUN = {"case_path", "language", "reveal", "started_at", "store", "csv", "previous"}


def sections(text: str, level: int = 2) -> dict[str, str]:
    """A page's sections by their headings."""
    parts = re.split(rf"(?m)^{'#' * level} ", text)[1:]
    return {part.split("\n", 1)[0]: part.split("\n", 1)[1] for part in parts}


def first_column(text: str) -> list[str]:
    """The names in code in the first column of a section's tables."""
    rows = [line for line in text.splitlines() if line.startswith("|")]
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[1])]


# Commands and options


def test_the_page_of_commands_has_all_and_no_other():
    known = [one.strip("`") for one in sections(PAGES["commands.md"]) if one.startswith("`")]
    assert sorted(known) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_command_has_a_row_for_each_option_and_no_other(name):
    section = sections(PAGES["commands.md"])[f"`{name}`"]
    known = options(name)
    own = [one for option, written in known.items() if option not in SHARED for one in written]
    assert sorted(first_column(section)) == sorted(own)
    also = re.search(r"(?m)^(?:Also|Takes) (.*)\.$", section)
    assert set(re.findall(r"--\w+", also[1] if also else "")) == set(known) & SHARED


def test_a_default_stands_in_its_row():
    for name in NAMES:
        command = GROUP.commands[name].make_context(name, [], resilient_parsing=True).command
        section = sections(PAGES["commands.md"])[f"`{name}`"]
        for one in command.params:
            plain = one.param_type_name == "option" and not isinstance(one.default, bool)
            if plain and isinstance(one.default, str | int | float):
                if one.default == "":
                    continue
                row = next(row for row in section.splitlines() if f"`{one.opts[0]}`" in row)
                assert f"(`{one.default}`)" in row, f"{name} {one.opts[0]}"


@pytest.mark.parametrize("page", PAGES)
def test_no_page_names_an_option_that_there_is_not(page):
    known = {one for name in NAMES for written in options(name).values() for one in written}
    known |= {"--help", "--version", "--install-completion", "--show-completion"}
    for text in spans(PAGES[page]):
        if text.startswith("--") and not re.match(r"--(credit-|prefix|junitxml|format)", text):
            for one in re.findall(r"(?<!\S)--[a-z][\w-]*", text):
                assert one in known, f"{page}: {text}"


# Settings


def keys_of(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field for name, field in model.model_fields.items()}


def test_the_page_of_the_case_file_has_every_key_and_no_other():
    page = sections(PAGES["case_file.md"])
    models = {name: field.annotation for name, field in keys_of(CaseFile).items()}
    assert first_column(page["At the top"]) == ["name"]
    for section, kind in models.items():
        if section in {"name", "folder", "ledgers"}:
            continue
        text = next(body for heading, body in page.items() if heading.startswith(f"`[{section}]`"))
        model = next(
            one for one in _parts(kind) if isinstance(one, type) and issubclass(one, BaseModel)
        )
        assert sorted(first_column(text)) == sorted(keys_of(model)), section
        for key, field in keys_of(model).items():
            if isinstance(field.default, str | int | float) and field.default not in ("", False):
                row = next(
                    row for row in text.splitlines() if f"`{key}`" in row[: row.find("|", 1)]
                )
                assert f"`{str(field.default).replace('True', 'true')}`" in row, key


def _parts(kind: Any) -> list[Any]:
    return [kind, *(part for one in get_args(kind) for part in _parts(one))]


def test_every_setting_of_the_intake_stands_in_its_page():
    known = {word for text in spans(PAGES["intake.md"]) for word in re.findall(r"\w+", text)}
    shown = "\n".join(block.text for block in blocks("toml", page="intake.md"))
    known |= set(re.findall(r"(?m)^\[?(\w+)", shown))
    wanted = {*IntakeSettings.model_fields, *SoldPrice.model_fields}
    assert sorted(wanted - known) == []


# Findings, causes, methods, verdicts


@pytest.mark.parametrize("finding", FINDINGS, ids=lambda finding: finding.name)
def test_a_finding_has_each_of_its_causes_in_its_section(finding):
    parts = re.split(r"(?m)^#+ ", PAGES["findings.md"])
    section = next(part for part in parts if f"`{finding.name}`" in part.split("\n")[0])
    assert set(finding.en.causes) <= set(re.findall(r"`([^`]+)`", section))
    # What nothing explains has no words of its own.
    assert set(first_column(section)) <= {*finding.en.causes, "unknown"}


def test_no_section_is_of_a_finding_that_there_is_not():
    headings = re.findall(r"(?m)^## (.*) \((?:critical|high|medium|low)\)$", PAGES["findings.md"])
    named = [name for heading in headings for name in re.findall(r"`(\w+)`", heading)]
    assert sorted(named) == sorted(finding.name for finding in FINDINGS)


def test_the_table_of_methods_has_no_other():
    table = sections(PAGES["method.md"])["Methods and families"].split("`handler_cascade`")[0]
    assert sorted(first_column(table)) == sorted(method.name for method in METHODS)


def test_the_table_of_verdicts_has_every_verdict():
    shown = first_column(sections(PAGES["method.md"])["Verdicts"])
    known = {key.removeprefix("verdict.") for key in LANGUAGES["en"] if key.startswith("verdict.")}
    assert sorted(shown) == sorted(known)


# What commands end with and print


def test_the_table_of_statuses_is_that_of_the_program():
    table = sections(PAGES["json.md"])["Exit status"]
    shown = {int(number) for number in re.findall(r"(?m)^\| (\d+) \|", table)}
    own = {statuses.DONE, statuses.FOUND, statuses.UNUSABLE, statuses.UNJUDGED, statuses.FAILED}
    assert shown == own | {130, statuses.PIPE_CLOSED}
    others = re.findall(r"(?m)^\| (\d+) \|", PAGES["coverage.md"])
    assert {int(number) for number in others} <= shown
    for text in PAGES.values():
        for number in re.findall(r"[Ee]xit status (?:of \S+ )?(\d+)", text):
            assert int(number) in shown


def test_the_table_of_schemas_is_that_of_the_package():
    kinds = {
        path.name: json.loads(path.read_text(encoding="utf-8"))["description"]
        for path in files("credit_forensics.schemas").iterdir()
        if path.name.endswith(".json")
    }
    rows = dict(
        re.findall(r"(?m)^\| [^|]+ \| \[`([\w-]+\.json)`\]\([^)]+\) \| (.*) \|$", PAGES["json.md"])
    )
    # The report's is of a file, and stands in the page on reports.
    kinds.pop("incident_report.json")
    assert rows == kinds


def test_the_kits_scenarios_are_those_of_the_page():
    shown = first_column(sections(PAGES["checks.md"])["The handler kit"])
    assert shown == [one.name for one in (*SCENARIOS, *SUBSCRIPTION_SCENARIOS)]


def test_the_monitors_checks_are_those_of_the_page():
    shown = first_column(sections(PAGES["monitoring.md"])["What a tick checks"])
    assert sorted(shown) == sorted(check.__name__ for check in CHECKS)


def test_the_templates_and_their_parameters_are_those_of_the_page():
    table = sections(PAGES["reports.md"])["Templates"]
    rows = {
        row.split("`")[1]: set(re.findall(r"`(\w+)`", row.split("|")[3]))
        for row in table.splitlines()
        if row.startswith("| `")
    }
    assert set(rows) == {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
    for name, shown in rows.items():
        own = set(declared_parameters(read_notebook(notebook_path(name))))
        assert own - OF_EVERY_RUN == shown, name
    lab = first_column(PAGES["lab.md"].split("## ")[0])
    assert set(lab) == set(rows)


# Names of code


@pytest.mark.parametrize("page", PAGES)
def test_names_of_code_are_there(page):
    for text in spans(PAGES[page]):
        if re.fullmatch(r"credit_forensics(\.\w+)+", text):
            assert _found(text), f"{page}: {text}"
        for path in re.findall(
            r"^(?:credit_forensics|tests|docs|notebooks|scenarios|judgement)/[\w/.-]+", text
        ):
            places = [ROOT / path, ROOT / "credit_forensics" / path]
            assert any(place.exists() for place in places), f"{page}: {path}"
        for name in re.findall(r"^case\.(\w+)", text):
            assert name == "toml" or hasattr(Case, name), f"{page}: case.{name}"


def _found(name: str) -> bool:
    module, _, last = name.rpartition(".")
    try:
        return hasattr(import_module(module), last) or bool(import_module(name))
    except ModuleNotFoundError:
        return False


def test_every_extra_is_shown():
    text = "\n".join(PAGES.values())
    shown = set(re.findall(r"(?:credit-forensics)?\[(\w+)\]", text))
    assert set(EXTRAS) - {"bulk"} <= shown
