"""What a release is made of: the list of its parts, and hashes of what it is installed with."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / ".ci"))

from hash_requirements import hashed_lines  # noqa: E402
from list_parts import canonical, dependency_graph, parts_document  # noqa: E402


def pinned(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    pairs = [line.split(" ")[0].partition("==") for line in lines if "==" in line]
    return {canonical(package): version for package, _, version in pairs}


def test_every_part_is_listed_with_its_version_and_what_it_needs():
    document = parts_document()
    named = {one["name"]: one["version"] for one in document["components"]}
    for package in ("pandas", "duckdb", "sqlglot", "psycopg-binary", "pydantic-core"):
        assert named[package] == version(package)
    assert "fastapi" not in named
    assert "pytest" not in named
    refs = {one["bom-ref"] for one in document["components"]}
    main = document["metadata"]["component"]["bom-ref"]
    assert main == f"pkg:pypi/credit-forensics@{version('credit-forensics')}"
    assert {one["ref"] for one in document["dependencies"]} == refs | {main}
    assert {ref for one in document["dependencies"] for ref in one["dependsOn"]} <= refs
    for one in document["components"]:
        assert re.fullmatch(r"pkg:pypi/[a-z0-9-]+@[^@/ ]+", one["purl"])


def test_the_parts_of_an_extra_are_listed_when_it_is_named():
    assert "fastapi" in dependency_graph("credit-forensics", frozenset({"intake"}))


def test_the_same_installation_gives_the_same_list():
    run = [sys.executable, str(ROOT / ".ci" / "list_parts.py")]
    once, again = (subprocess.run(run, capture_output=True, check=True).stdout for _ in range(2))
    assert once == again
    assert json.loads(once)["bomFormat"] == "CycloneDX"


def test_hashes_are_of_the_versions_that_are_pinned():
    hashed, constraints = pinned("constraints-hashes.txt"), pinned("constraints.txt")
    assert {name: constraints.get(name) for name in hashed} == hashed
    needed = set(dependency_graph("credit-forensics", frozenset())) - {"credit-forensics"}
    if sys.platform == "linux" and sys.version_info[:2] == (3, 11):
        assert set(hashed) == needed


def test_a_report_without_a_hash_is_refused():
    file = {"archive_info": {"hashes": {"sha256": "0" * 64}}}
    report = {
        "install": [
            {"download_info": file, "metadata": {"name": "B_c.d", "version": "1"}},
            {"download_info": {"dir_info": {}}, "metadata": {"name": "own", "version": "1"}},
        ]
    }
    assert hashed_lines(report) == f"b-c-d==1 --hash=sha256:{'0' * 64}\n"
    file["archive_info"]["hashes"].clear()
    with pytest.raises(ValueError, match="b-c-d has no SHA-256"):
        hashed_lines(report)
