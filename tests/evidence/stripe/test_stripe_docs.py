"""The examples in the page on Stripe files are true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.stripe.load import load_stripe_file

PAGE = Path(__file__).parents[3] / "docs" / "sources_stripe_files.md"
EXAMPLES = re.findall(
    r"<!-- gives: (.*?) -->\n```(?:json|csv)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S
)
NAMES = ("sessions", "intents", "charges", "refunds", "disputes", "customers", "events")


def test_the_page_has_its_examples():
    assert len(EXAMPLES) == 9


@pytest.mark.parametrize(("gives", "example"), EXAMPLES)
def test_an_example_gives_what_the_page_says(tmp_path, gives, example):
    (tmp_path / "example").write_text(example, encoding="utf-8")
    evidence = Evidence()
    load_stripe_file(evidence, tmp_path / "example", "example", "sessions")
    expected = {name: int(count) for name, count in (p.split("=") for p in gives.split(", "))}
    found = {name: evidence.count(f"stripe_{name}") for name in NAMES}
    found["rejects"] = evidence.custody.inputs[0].rejects
    assert {name: count for name, count in found.items() if count} == expected
