"""The command: what the store holds, how big it is, why it was made anew, and its removal."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from credit_forensics.cli import app


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    # 3: of a small world a little less than 95 % can be judged.
    assert result.exit_code in (0, 3), result.output
    return result.output


def test_it_shows_the_parts_their_size_and_reasons_and_clears(folder, tmp_path):
    assert "nothing is stored" in run("store", str(folder))
    assert not (folder / ".store").exists(), "looking makes none"
    run("analyze", str(folder), "--out", str(tmp_path / "out"))
    shown = json.loads(run("store", str(folder), "--json"))
    parts = {part["part"]: part for part in shown["parts"]}
    assert parts.keys() == {
        "evidence", "judgement hindsight", "findings hindsight", "incidents hindsight"
    }  # fmt: skip
    assert parts["evidence"]["made_anew_because"] == "nothing was stored"
    on_disk = sum(path.stat().st_size for path in (folder / ".store").rglob("*") if path.is_file())
    assert shown["bytes"] == on_disk > parts["evidence"]["bytes"] > 0
    assert shown["stale_because"] == ""
    assert "all of it holds" in run("store", str(folder))
    with (folder / "webhook.log").open("a") as file:
        file.write("\n")
    assert "webhook.log has grown" in run("store", str(folder))
    removed = json.loads(run("store", str(folder), "--clear", "--json"))["removed_bytes"]
    assert removed >= on_disk
    assert not (folder / ".store").exists()


def test_no_store_and_fresh_are_options_of_every_command_that_opens_a_case():
    for command in ("analyze", "explain", "review", "report", "repair", "doctor", "monitor"):
        text = run(command, "--help")
        assert "--no-store" in text, command
        assert "--fresh" in text, command


def test_explain_gives_the_same_from_the_store_as_without(folder, tmp_path):
    run("analyze", str(folder), "--out", str(tmp_path / "out"))
    payment = json.loads((folder / "sessions.jsonl").read_text().splitlines()[0])["id"]
    for form in ([], ["--json"]):
        stored = run("explain", str(folder), payment, *form)
        assert stored == run("explain", str(folder), payment, "--no-store", *form)
        assert payment in stored
    assert stored == run("explain", str(folder), payment, "--json", "--fresh")
