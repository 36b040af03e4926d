"""What a page shows as printed, logged or written agrees in kind with what is: the figures may differ."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
import test_cli
import yaml
from page_folders import Place, with_stripe, write_kites
from pages import PROGRAM, blocks, parse
from test_python_blocks import names_of_checks

from credit_forensics.case_file import CaseFile
from credit_forensics.checks import assert_resolves_to
from credit_forensics.coverage.judged import Judged
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.logs.load import load_webhook_logs
from credit_forensics.intake.delivery_log import LOGGER, log_delivery
from credit_forensics.store.store import Store

# A sketch and a formula, which nothing prints; and who looks at the examples of Stripe's files.
NOT_PRINTED = {"Checkout session ──", "p_misattributed = 1"}
ELSEWHERE = {"sources_stripe_files.md": "tests/evidence/stripe/test_stripe_docs.py"}


def shown(page: str, language: str, part: str = "") -> str:
    """The one block of the page with that in it."""
    (block,) = [one for one in blocks(language, page=page) if part in one.text]
    return block.text


def kind_of(text: str) -> list[str]:
    """Lines without their figures, shares and the names of accounts and payments."""
    plain = re.sub(r"[0-9][0-9.,]*", "9", text)
    return [line.rstrip() for line in plain.splitlines() if line.strip()]


def test_no_block_is_looked_at_by_nobody():
    known = {
        "checks.md",
        "coverage.md",
        "sources_stripe_api.md",
        "mcp.md",
        "intake.md",
        "migrating.md",
    }
    for block in blocks("text", "json", "csv"):
        passed = any(part in block.text for part in NOT_PRINTED)
        assert passed or block.page in known or block.page in ELSEWHERE, block.id
    for test in ELSEWHERE.values():
        assert (Path(__file__).resolve().parents[2] / test).is_file()


def test_a_failed_assertion_prints_such_a_table():
    names = names_of_checks()
    with pytest.raises(AssertionError) as failed:
        assert_resolves_to(names["session"], "u-bo", users=names["users"])
    assert kind_of(str(failed.value)) == kind_of(shown("checks.md", "text"))


def test_the_head_says_what_was_judged_in_these_words():
    rows = {"subject": ["money", "credits", "credits"], "reason": ["", "", "untied"]}
    rows |= {"share": [1.0, 0.33, 0.67], "rows": [9, 20, 41]}
    assert str(Judged(pd.DataFrame(rows))) == shown("coverage.md", "text").rstrip()


def test_a_pull_leaves_such_a_folder(place: Place):
    with_stripe(place)
    assert test_cli.run("pull", "case.toml").returncode == 0
    folder, *rest = shown("sources_stripe_api.md", "text", "stripe_pull/").splitlines()
    listed = {name for line in rest for name in re.findall(r"\w+\.jsonl?", line.split("#")[0])}
    there = {path.name for path in (place.folder / folder.strip("/")).iterdir()}
    # Only where they are asked for; and these payments are older than Stripe's thirty days.
    assert listed - {"credit_grants.jsonl", "events.jsonl"} <= there
    assert {name for name in there if not name.startswith(".")} <= listed


def test_a_program_is_told_of_a_case_by_a_command_that_there_is():
    (server,) = json.loads(shown("mcp.md", "json"))["mcpServers"].values()
    parse(" ".join([server["command"], *server["args"]]))


def test_the_intake_writes_such_a_line(caplog):
    with caplog.at_level(logging.INFO, LOGGER):
        log_delivery(at=datetime(2025, 9, 1, tzinfo=UTC), request_id="r", outcome="credited")
    assert set(json.loads(shown("intake.md", "json"))) == set(json.loads(caplog.messages[-1]))


def test_what_an_older_version_stored_is_discarded_in_these_words(tmp_path, caplog):
    for name in (".kept", "monitor", "keep/evidence-0123456789abcdef", "keep/steps"):
        (tmp_path / name).mkdir(parents=True)
    for name in (".kept/evidence.duckdb", "monitor/evidence.duckdb", "keep/run.json"):
        (tmp_path / name).write_bytes(b"rows")
    with Store(tmp_path / "keep", tmp_path, "1").writing():
        pass
    assert caplog.text.count("Discarded") == 3
    for line in shown("migrating.md", "text").splitlines():
        assert line in caplog.messages
    assert not (tmp_path / "keep" / "steps").exists()


@pytest.mark.parametrize("block", blocks("log"), ids=lambda block: block.id)
def test_a_log_is_read_as_the_page_says(block, tmp_path):
    (tmp_path / "webhook.log").write_text(block.text)
    evidence = Evidence()
    settings = CaseFile.model_validate(
        {"webhook_log": {"files": "webhook.log"}, "folder": tmp_path}
    )
    load_webhook_logs(evidence, settings)
    assert evidence.custody.inputs[0].rejects == 0
    found = {name: evidence.count(name) for name in ("deliveries", "sign_ins")}
    assert found["sign_ins" if "checkout" in block.text.lower() else "deliveries"] >= 1


def test_init_writes_such_a_case_file(tmp_path):
    write_kites(tmp_path / "kites")
    assert test_cli.run("init", tmp_path / "kites", "--yes").returncode == 0
    written = kind_of((tmp_path / "kites" / "case.toml").read_text())
    wanted = kind_of(shown("init.md", "toml"))
    # Long lines are wrapped there, and an example names every field.
    missing = [line for line in wanted if not any(line[:40] in one for one in written)]
    assert missing == []


@pytest.mark.parametrize("block", blocks("cron", "ini", "yaml"), ids=lambda block: block.id)
def test_what_other_clocks_run_is_a_command_that_there_is(block):
    found = re.findall(rf"(?:^|[/ ]){PROGRAM} ((?!\[)[a-z]+ .*)$", block.text, re.M)
    assert found
    for arguments in found:
        parse(f"{PROGRAM} {arguments}")
    if block.language == "yaml":
        assert yaml.safe_load(block.text)["jobs"]
