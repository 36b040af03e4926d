"""Other handlers' wording by the case file's patterns, and sign-in lines."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from handler_log_text import Logged, text_of
from log_loading import load, told

from credit_forensics.errors import CaseError

PATTERNS = {
    "start": r"webhook (?P<request_id>\w+) received",
    "event": r"verified (?P<event_id>evt_\w+) for (?P<payment_id>cs_\w+)",
    "resolved": r"payer is (?P<user_id>\S+) by (?P<method>\w+)",
    "credited": r"booked (?P<credits>\d+) credits for (?P<event_id>evt_\w+)",
    "duplicate": r"(?P<event_id>evt_\w+) was booked before",
    "database_error": r"booking (?P<event_id>evt_\w+) failed: (?P<error>.+)",
    "signature_refused": r"bad signature \((?P<error>[^)]+)\)",
}
COLUMNS = ("event_id", "payment_id", "resolved_user_id", "method", "credits", "outcome", "error")


def line(text: str, second: int = 7) -> str:
    return f"2025-09-01T14:39:{second:02d}Z [info] {text}\n"


def test_a_handler_with_its_own_words(tmp_path: Path) -> None:
    text = "".join(
        line(said)
        for said in (
            "webhook r1 received",
            "verified evt_1 for cs_1",
            "payer is 00123 by client_reference",
            "booked 50 credits for evt_1",
            "webhook r2 received",
            "verified evt_2 for cs_2",
            "booking evt_2 failed: deadlock detected",
            "webhook r3 received",
            "evt_1 was booked before",
            "webhook r4 received",
            "bad signature (timestamp too old)",
            "webhook r5 received",
            "verified evt_5 for cs_5",
        )
    )
    evidence = load(tmp_path, text, patterns=PATTERNS)
    assert told(evidence, *COLUMNS) == [
        ("evt_1", "cs_1", "00123", "client_reference", 50, "credited", None),
        ("evt_2", "cs_2", None, None, None, "database_error", "deadlock detected"),
        ("evt_1", None, None, None, None, "duplicate", None),
        (None, None, None, None, None, "signature_refused", "timestamp too old"),
        ("evt_5", "cs_5", None, None, None, "incomplete", None),
    ]
    assert told(evidence, "request_id") == [(f"r{n}",) for n in range(1, 6)]


def test_mixed_lines_are_told_apart_by_event(tmp_path: Path) -> None:
    text = "".join(
        line(said)
        for said in (
            "verified evt_1 for cs_1",
            "verified evt_2 for cs_2",
            "booked 50 credits for evt_2",
            "booked 20 credits for evt_1",
            "booked 20 credits for evt_1",
        )
    )
    evidence = load(tmp_path, text, patterns=PATTERNS)
    assert told(evidence, "event_id", "payment_id", "credits") == [
        ("evt_1", "cs_1", 20),
        ("evt_2", "cs_2", 50),
        ("evt_1", None, 20),
    ]


def test_own_patterns_beside_the_original_words(tmp_path: Path) -> None:
    text = text_of(Logged(1)) + line("booked 50 credits for evt_x", 59)
    evidence = load(tmp_path, text, patterns=PATTERNS)
    assert told(evidence, "event_id", "outcome") == [
        ("evt_0001", "credited"),
        ("evt_x", "credited"),
    ]


def test_outcomes_by_the_handlers_own_word(tmp_path: Path) -> None:
    patterns = {"end": r"(?P<event_id>evt_\w+) -> (?P<outcome>\w+)"}
    text = line("evt_1 -> success") + line("evt_2 -> already_processed") + line("evt_3 -> shrug")
    assert told(load(tmp_path, text, patterns=patterns), "event_id", "outcome") == [
        ("evt_1", "credited"),
        ("evt_2", "duplicate"),
        ("evt_3", "incomplete"),
    ]


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("(", "not a regular expression"),
        (r"(?P<evnt>\w+)", "the group evnt"),
        (r"hello", "no named group"),
        (r"(?P<email>\S+@\S+)", "without user_id"),
    ],
)
def test_a_pattern_that_cannot_be_used(tmp_path: Path, pattern: str, problem: str) -> None:
    with pytest.raises(CaseError, match=problem) as told_error:
        load(tmp_path, "", patterns={"mine": pattern})
    assert "webhook_log.patterns.mine" in str(told_error.value)


@pytest.mark.parametrize(
    "said",
    [
        "user 00123 signed in as Ada@Example.com",
        "User 00123 logged in as ada@example.com",
        "user 00123 has signed in with ada@example.com.",
        "user_id=00123 signed in (ada@example.com)",
        "ada@example.com signed in as 00123",
        "Login successful: user_id=00123 email=ada@example.com",
        "sign-in ok email=ada@example.com, user_id=00123",
        "signIn { user: '00123', email: 'ada@example.com' }",
    ],
)
@pytest.mark.parametrize("prefix", ["[2025-09-01T14:39:07+0000 - app.auth - INFO] ", ""])
def test_usual_words_of_a_sign_in(tmp_path: Path, said: str, prefix: str) -> None:
    evidence = load(tmp_path, f"{prefix}{said}\n")
    assert evidence.sign_ins[["user_id", "email_key"]].values.tolist() == [
        ["00123", "ada@example.com"]
    ]
    at = evidence.sign_ins["signed_in_at"][0]
    assert at == pd.Timestamp("2025-09-01T14:39:07Z") if prefix else pd.isna(at)


def test_own_words_of_a_sign_in(tmp_path: Path) -> None:
    patterns = {"sign_in": r"hello (?P<email>\S+), you are (?P<user_id>\w+)"}
    text = line("hello ada@example.com, you are 00123") + line("mail to bob@example.com")
    frame = load(tmp_path, text, patterns=patterns).sign_ins
    assert frame[["user_id", "email_key"]].values.tolist() == [["00123", "ada@example.com"]]


@pytest.mark.parametrize(
    "said",
    [
        "user 00123 signed in as <email>",
        "user 00123 changed the address to ada@example.com",
        "   Headers: {'from': 'user 00123 signed in as ada@example.com'}",
        '  "note": "user 00123 signed in as ada@example.com"',
    ],
)
def test_what_is_no_sign_in(tmp_path: Path, said: str) -> None:
    text = f"[2025-09-01T14:39:07+0000 - app.auth - INFO] {said}\n{said}\n"
    frame = load(tmp_path, text if said.startswith(" ") else text.splitlines()[0] + "\n").sign_ins
    assert frame.empty
