"""Metadata as JSON, Python and JavaScript write it."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credit_forensics.evidence.logs.metadata_text import parse_metadata

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
ENTRIES = st.dictionaries(TEXT, TEXT, max_size=6)


@settings(deadline=None, max_examples=150)
@given(entries=ENTRIES)
def test_json_and_repr_come_back(entries: dict[str, str]) -> None:
    assert parse_metadata(json.dumps(entries, indent=2)) == entries
    assert parse_metadata(json.dumps(entries, ensure_ascii=False)) == entries
    assert parse_metadata(repr(entries)) == entries


def as_inspect(entries: dict[str, str]) -> str:
    """What ``console.log`` prints: bare keys where they are names, the quotes that fit."""

    def quoted(text: str) -> str:
        quote = next((q for q in "'\"`" if q not in text), "'")
        body = text.replace("\\", "\\\\").replace("\n", "\\n")
        return quote + (body.replace("'", "\\'") if quote == "'" else body) + quote

    parts = [
        f"  {k if k.isidentifier() and k.isascii() else quoted(k)}: {quoted(v)}"
        for k, v in entries.items()
    ]
    return "{\n" + ",\n".join(parts) + "\n}"


@settings(deadline=None, max_examples=150)
@given(entries=ENTRIES)
def test_inspect_comes_back(entries: dict[str, str]) -> None:
    assert parse_metadata(as_inspect(entries)) == entries


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("{ userId: '00123', credits: 50, ok: true, x: undefined }",
         {"userId": "00123", "credits": "50", "ok": "true", "x": ""}),
        ("{\n  plan: { id: 7, tags: [ 'a', 'b', ... 3 more items ] },\n  at: 2025-09-01T14:39:07.000Z\n}",
         {"plan": '{"id": 7, "tags": ["a", "b"]}', "at": "2025-09-01T14:39:07.000Z"}),
        ("<ref *1> {}", {}),
        ("{ self: [Circular *1], list: [Array] }", {"self": "[Circular *1]", "list": "[Array]"}),
        ("{ ua: 'Mozilla/5.0 ' +\n    'Gecko' }", {"ua": "Mozilla/5.0 Gecko"}),
        ("{'user_id': '00123', 'n': 1.5, 'none': None}", {"user_id": "00123", "n": "1.5", "none": ""}),
        ('{"user_id": "00123"}\nanother line {', {"user_id": "00123"}),
        ('{\n  "user_id": "00123",\n  "credits": "5', {"user_id": "00123"}),
        ("{'user_id': '00123', 'cred", {"user_id": "00123"}),
        ('{"name": "\\ud83d\\ude00", "cut', {"name": "\U0001f600"}),
        ("{ name: '\\x41\\n' }", {"name": "A\n"}),
        ("None", {}),
        ("", {}),
        ("INVALID", {}),
        ("[1, 2]", {}),
        ("{", {}),
    ],
)  # fmt: skip
def test_forms(text: str, entries: dict[str, str]) -> None:
    assert parse_metadata(text) == entries


@pytest.mark.parametrize(
    "text",
    [
        "{" * 100_000,
        "{'a':" * 50_000,
        '{"a":' + "[" * 100_000,
        "{a: '" + "\\" * 100_000,
        '{"' + "x" * 400_000,
        "{" + "'a" * 100_000,
        "{" + '"a":' * 60_000,
        "{" + "a" * 250_000,
        "{" + '"\\' * 120_000,
        "{a:" + "'a'+" * 60_000,
        "{" + "`" * 250_000,
        "{" + "(" * 90,
        "{1: 2, **{}}",
        "{x for x in y}",
    ],
)
def test_hostile_text_neither_raises_nor_hangs(text: str) -> None:
    began = time.process_time()
    assert isinstance(parse_metadata(text), dict)
    assert time.process_time() - began < 3


@settings(deadline=None, max_examples=200)
@given(text=st.text("{}[]()'\"`:,+\\ab1 \n.", max_size=60))
def test_any_text_gives_entries(text: str) -> None:
    found = parse_metadata("{" + text)
    assert all(isinstance(k, str) and isinstance(v, str) for k, v in found.items())
