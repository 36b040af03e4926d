"""Every command that a page shows is run as it stands there, in a folder made for that page."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import tomllib
from importlib.resources import files

import pytest
from jsonschema import Draft202012Validator
from page_folders import Place, ends_with, not_run, stands_for
from pages import BLOCKS, PAGES, PROGRAM, ROOT, blocks, commands_in_prose, parse, spans

SHELL = {page: blocks("sh", page=page) for page in PAGES if blocks("sh", page=page)}
OF_OTHERS = ("make ", "pip install", "python tests/")


def test_every_block_has_a_language_that_a_test_reads():
    read = {"sh", "toml", "python", "json", "csv", "text", "log", "yaml", "ini", "cron"}
    assert [block.id for block in BLOCKS if block.language not in read] == []


@pytest.mark.parametrize("page", SHELL)
def test_the_commands_of_a_page_do_what_it_shows(page, place: Place):
    place.prepare(page)
    for block in SHELL[page]:
        for line in block.lines:
            if line.startswith(OF_OTHERS):
                continue
            if not_run(line):
                parse(stands_for(line, place))
                continue
            place.before(page, line)
            given = stands_for(line, place)
            done = place.run(given)
            assert done.returncode == ends_with(page, line), f"{block.id}: {line}\n{done.stderr}"
            if "--json" in line and "|" not in line:
                document = json.loads(done.stdout)
                kind = document["schema"].split("/")[1]
                schema = files("credit_forensics.schemas") / f"{kind}.json"
                Draft202012Validator(json.loads(schema.read_text())).validate(document)


@pytest.mark.parametrize("page", [page for page in PAGES if commands_in_prose(page)])
def test_commands_within_a_sentence_are_understood(page):
    for line in commands_in_prose(page):
        if not re.match(rf"{PROGRAM} \w+$", line):
            parse(line)


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_runs_of_others_is_there(page):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [line for block in SHELL.get(page, []) for line in block.lines]
    for line in [*lines, *spans(PAGES[page])]:
        for target in re.findall(r"^make ([a-z-]+)", line):
            assert re.search(rf"(?m)^{target}:", makefile), line
        for extra in re.findall(r"credit-forensics\[(\w+)\]", line):
            assert extra in project["optional-dependencies"], line
        for script in re.findall(r"^python (\S+\.py)", line):
            assert (ROOT / script).is_file(), line


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs OpenSSL")
def test_openssl_says_the_same_of_a_seal(place: Place):
    place.prepare("seal.md")
    assert place.run(f"{PROGRAM} seal out").returncode == 0
    (line,) = [one for one in spans(PAGES["seal.md"]) if one.startswith("openssl pkeyutl")]
    done = subprocess.run(
        shlex.split(line), cwd=place.folder / "out", capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
