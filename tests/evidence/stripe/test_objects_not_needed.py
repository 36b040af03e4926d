"""What is not needed is skipped once an object; what is of no known kind is a gap, named once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from credit_forensics.case_file import CaseFile, StripeSection
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.stripe.load import load_stripe_files

ACCOUNT = {"id": "acct_1", "object": "account", "settings": {f"k{n}": n for n in range(90)}}
SESSION = {"id": "cs_1", "object": "checkout.session", "metadata": {}}


def load(folder: Path, key: str, text: str) -> Evidence:
    (folder / "export.json").write_text(text, encoding="utf-8")
    evidence = Evidence()
    section = StripeSection.model_validate({key: "export.json"})
    load_stripe_files(evidence, CaseFile(folder=folder, stripe=section))
    return evidence


@pytest.mark.parametrize("key", ["sessions", "files"])
def test_a_pretty_printed_object_that_is_not_needed_is_one_skipped_object(tmp_path, key):
    evidence = load(tmp_path, key, json.dumps(ACCOUNT, indent=2))
    assert evidence.custody.rejects().empty
    assert "1 objects of the kind account are not needed" in evidence.custody.inputs[0].notes
    problems = set(evidence.custody.gaps()["problem"])
    assert problems == ({"read_as"} if key == "sessions" else set())


def test_objects_of_a_kind_that_is_not_known_are_a_gap_named_once(tmp_path):
    strange = [{"id": f"zz_{n}", "object": "strange.thing"} for n in range(3)]
    lines = "\n".join(json.dumps(value) for value in [SESSION, *strange, ACCOUNT])
    (gap,) = load(tmp_path, "sessions", lines).custody.gaps().to_dict("records")
    assert (gap["object"], gap["problem"]) == ("export.json", "unread")
    assert gap["consequence"].startswith("3 objects of the kind strange.thing are not read")


def test_a_file_that_is_read_as_something_else_is_a_gap(tmp_path):
    event = {"id": "evt_1", "object": "event", "type": "charge.succeeded"}
    (gap,) = load(tmp_path, "sessions", json.dumps(event)).custody.gaps().to_dict("records")
    assert gap["problem"] == "read_as"
    assert load(tmp_path, "events", json.dumps(event)).custody.gaps().empty
