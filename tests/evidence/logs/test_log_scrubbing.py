"""Scrubbed ids: a wildcard names an id only where exactly one fits."""

from __future__ import annotations

import random
import time
import uuid
from pathlib import Path

import pandas as pd
import pytest
from handler_log_text import Logged, text_of, user_id
from hypothesis import given, settings
from hypothesis import strategies as st
from log_loading import load, told

from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.logs.scrubbed_ids import (
    is_scrubbed,
    match_scrubbed,
    match_scrubbed_deliveries,
)

KNOWN = [
    "af71df5d-f123-41f5-9abc-0123456789ab",
    "af71df5d-f999-41f5-9abc-0123456789ff",
    "user-00123",
    "user-00124",
    "ada@example.com",
]


@pytest.mark.parametrize(
    ("value", "owner", "detail"),
    [
        ("af71df5d-f<phone>f5-9abc-0123456789ab", KNOWN[0], "wildcard"),
        ("AF71DF5D-F<phone>F5-9ABC-<phone>ab", KNOWN[0], "wildcard"),
        ("af71df5d-f<phone>", None, "wildcard_unknown"),
        ("af71df5d-f***", None, "wildcard_ambiguous"),
        ("user-[REDACTED]123", KNOWN[2], "wildcard"),
        ("user-***", None, "wildcard_ambiguous"),
        ("***00124", KNOWN[3], "wildcard"),
        ("***", None, "wildcard_unknown"),
        ("[REDACTED]", None, "wildcard_unknown"),
        ("<email>", None, "wildcard_unknown"),
        ("zz***zz-none", None, "wildcard_unknown"),
        ("user-00123", KNOWN[2], "exact"),
        ("user-00999", None, "unknown"),
        ("user-(***", None, "wildcard_unknown"),
    ],
)
def test_matches(value: str, owner: str | None, detail: str) -> None:
    frame = match_scrubbed(pd.Series([value, value, None, ""]), pd.Series([*KNOWN, None]))
    assert frame.astype(object).where(frame.notna(), None).values.tolist() == [
        [value, owner, detail]
    ]


def test_nothing_in_nothing_out() -> None:
    empty = pd.Series([], dtype="str")
    assert match_scrubbed(empty, empty).columns.tolist() == ["value", "user_id", "detail"]
    assert match_scrubbed(pd.Series(["ab***cd"]), empty)["detail"].tolist() == ["wildcard_unknown"]


@settings(deadline=None, max_examples=80)
@given(seed=st.integers(0, 1_000_000), size=st.integers(1, 300))
def test_against_trying_every_id(seed: int, size: int) -> None:
    chance = random.Random(seed)
    known = [f"{chance.getrandbits(20):05x}-{chance.getrandbits(8):02x}" for _ in range(size)]
    victim = chance.choice(known)
    at, length = chance.randrange(6), chance.randrange(1, 3)
    value = victim[:at] + "***" + victim[at + length :]
    fitting = {
        k
        for k in known
        if len(k) > len(value) - 3
        and k.startswith(victim[:at])
        and k.endswith(victim[at + length :])
    }
    [(_, owner, detail)] = match_scrubbed(pd.Series([value]), pd.Series(known)).values.tolist()
    assert is_scrubbed(value)
    if len(fitting) == 1:
        assert (owner, detail) == (victim, "wildcard")
    else:
        assert detail == "wildcard_ambiguous"


def test_a_hundred_thousand_known_ids() -> None:
    chance = random.Random(5)
    known = [str(uuid.UUID(int=chance.getrandbits(128), version=4)) for _ in range(100_000)]
    values = [
        f"{k[:7]}<phone>{k[9:]}" if n % 2 else f"***{k[4:]}" for n, k in enumerate(known[:3000])
    ]
    values += [f"user-{n}***" for n in range(500)] + [f"***{n:04x}***" for n in range(500)]
    began = time.process_time()
    frame = match_scrubbed(pd.Series(values), pd.Series(known)).set_index("value")
    assert time.process_time() - began < 30
    found = frame.loc[[v for v in values[:3000] if v.startswith("***")], "user_id"]
    assert found.tolist() == [known[n] for n in range(0, 3000, 2)]


def test_deliveries_get_the_owner_when_it_becomes_known(tmp_path: Path) -> None:
    whole = user_id(1)
    scrubbed = whole.replace("00000000-", "<phone>", 1)
    evidence = load(tmp_path, text_of(Logged(1)).replace(whole, scrubbed))
    assert told(evidence, "resolved_user_id", "resolved_user_detail") == [
        (scrubbed, "wildcard_unknown")
    ]
    evidence.add("users", pd.DataFrame({"user_id": [whole]}))
    assert match_scrubbed_deliveries(evidence) == 1
    assert told(evidence, "resolved_user_id", "resolved_user_detail") == [(whole, "wildcard")]


def test_known_ids_are_used_at_once(tmp_path: Path) -> None:
    evidence = Evidence()
    evidence.add("users", pd.DataFrame({"user_id": [user_id(1), user_id(2)]}))
    text = text_of(Logged(1)).replace(user_id(1)[:8], "[REDACTED]")
    load(tmp_path, text, evidence=evidence)
    assert told(evidence, "resolved_user_id", "resolved_user_detail", "outcome") == [
        (user_id(1), "wildcard", "credited")
    ]
