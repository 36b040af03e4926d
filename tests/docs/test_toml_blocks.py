"""Every block of TOML in the pages is read by what reads such a file."""

from __future__ import annotations

import re
import tomllib

import pytest
from page_folders import set_intake_environment
from pages import blocks

from credit_forensics.case_file import CaseFile, read_case_file
from credit_forensics.intake.settings import read_intake_settings
from credit_forensics.reporting.incident_notes import FILE, read_notes

ALTERNATIVE = re.compile(r"^# (or )?(\w+ *= .*)$", re.M)


def whole(text: str) -> str:
    """A fragment of a case file with the one line that a ledger cannot do without."""
    sections = tomllib.loads(text)
    ledger = sections.get("ledger", {})
    if not ledger or {"url", "files", "stripe_billing"} & set(ledger):
        return text
    line = 'url = "sqlite:///ledger.db"\n'
    return (
        re.sub(r"(?m)^\[ledger\]\n", rf"\g<0>{line}", text)
        if "[ledger]\n" in text
        else (f"[ledger]\n{line}{text}")
    )


def readings(text: str) -> list[str]:
    """The block as it stands, and with each line that it offers in a comment instead."""
    found = [text]
    for match in ALTERNATIVE.finditer(text):
        before, after = text[: match.start()], text[match.end() :]
        if match[1]:
            before = re.sub(r"[^\n]+\n((?:#[^\n]*\n)*)\Z", r"\1", before)
        found.append(f"{before}{match[2]}{after}")
    return found


@pytest.mark.parametrize("block", blocks("toml"), ids=lambda block: block.id)
def test_a_block_of_toml_is_read(block, tmp_path, monkeypatch):
    if "database_url" in block.text:
        set_intake_environment(monkeypatch, "postgresql://db")
        (tmp_path / "intake.toml").write_text(block.text)
        assert read_intake_settings(tmp_path / "intake.toml").prices
        return
    if "owner = " in block.text:
        (tmp_path / FILE).write_text(block.text)
        assert read_notes(tmp_path)
        return
    for text in readings(block.text):
        (tmp_path / "case.toml").write_text(whole(text))
        assert read_case_file(tmp_path) != CaseFile(folder=tmp_path.resolve()), text
