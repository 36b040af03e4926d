"""Prefixes as platforms and logging set-ups add them: the rows stay the same."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest
from handler_log_text import OUTCOMES, START, Logged, Message, log_of
from log_loading import load, rows, told

from credit_forensics.evidence.logs.lines import line_ends, parse_time
from credit_forensics.evidence.logs.prefixes import PrefixReader

DELIVERIES = [Logged(n, outcome) for n, outcome in enumerate(OUTCOMES)]

# Before each line of what the application wrote, continuation lines included.
PLATFORMS: dict[str, str] = {
    "compose": "backend-1  | ",
    "compose with a padded name": "backend      | ",
    "compose with times": "backend-1  | 2025-09-01T14:39:10.123456789Z ",
    "docker logs -t": "2025-09-01T14:39:10.123456789Z ",
    "kubernetes node": "2025-09-01T14:39:10.123456789Z stdout F ",
    "kubectl --prefix": "[pod/backend-7d4b9c-x2x7p/app] ",
    "kubectl --prefix --timestamps": "[pod/backend-7d4b9c-x2x7p/app] 2025-09-01T14:39:10.123456789Z ",
    "journalctl -o short-iso": "2025-09-01T14:39:10+0000 web1 backend[812]: ",
    "journalctl -o short-full": "Mon 2025-09-01 14:39:10 UTC web1 backend[812]: ",
    "journalctl": "Sep 01 14:39:10 web1 backend[812]: ",
    "syslog": "<14>1 2025-09-01T14:39:10.123Z web1 backend 812 - - ",
    "heroku": "2025-09-01T14:39:10.123456+00:00 app[web.1]: ",
    "fly": "2025-09-01T14:39:10Z app[148e21] fra [info] ",
    "render": "2025-09-01T14:39:10.123456Z ",
    "render's dashboard": "Sep 1 02:39:10 PM  [x7k2p]  ",
    "lambda": "2025-09-01T14:39:10.123Z\t0b5e7f3a-1111-4222-8333-444455556666\tINFO\t",
}


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("suffix", [False, True])
def test_what_platforms_put_before_each_line(tmp_path: Path, platform: str, suffix: bool) -> None:
    text = log_of(DELIVERIES, suffix=suffix)
    plain = load(tmp_path, text)
    prefixed = load(tmp_path, re.sub("(?m)^(?!\\Z)", PLATFORMS[platform], text))
    assert rows(prefixed) == rows(plain)
    sessions = [
        evidence.frame("logged_sessions")["metadata"].tolist() for evidence in (plain, prefixed)
    ]
    assert sessions[0] == sessions[1]


def iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S")


# What the application itself writes before a message, instead of the original handler's.
FORMATS: dict[str, Callable[[datetime, Message], str]] = {
    "flask": lambda at, m: f"[{at:%Y-%m-%d %H:%M:%S},123] {m.level} in base: ",
    "gunicorn": lambda at, m: f"[{at:%Y-%m-%d %H:%M:%S} +0000] [812] [{m.level}] ",
    "python": lambda at, m: f"{at:%Y-%m-%d %H:%M:%S},123 - app.base - {m.level} - ",
    "python, level first": lambda at, m: f"{at:%Y-%m-%d %H:%M:%S},123 {m.level} app.base: ",
    "python, level in brackets": lambda at, m: f"{at:%Y-%m-%d %H:%M:%S} [{m.level}] app.base: ",
    "seed with milliseconds": lambda at, m: f"[{at:%Y-%m-%d %H:%M:%S},123 - app.base - {m.level}] ",
    "loguru": lambda at, m: f"{at:%Y-%m-%d %H:%M:%S}.123 | {m.level:<8} | app.base:handle:12 - ",
    "vercel": lambda at, m: f"{iso(at)}.123Z [{m.level.lower()}] ",
    "time alone": lambda at, m: f"{iso(at)}Z ",
    "compose around python": lambda at, m: (
        f"web-1  | {at:%Y-%m-%d %H:%M:%S},123 - app.base - {m.level} - "
    ),
}


@pytest.mark.parametrize("form", FORMATS)
def test_other_forms_of_the_applications_prefix(tmp_path: Path, form: str) -> None:
    text = "".join(
        f"{FORMATS[form](START, message)}{message.text}\n{message.after and message.after + chr(10)}"
        for logged in DELIVERIES
        for message in logged.messages()
    )
    evidence = load(tmp_path, text)
    assert told(evidence, "outcome", "request_id") == [
        (d.outcome, d.request_id) for d in DELIVERIES
    ]
    [credited] = [row for row in rows(evidence) if row["outcome"] == "credited"]
    assert credited["event_id"] == "evt_0000"
    assert credited["payment_id"] == "cs_live_0000"
    assert credited["received_at"].floor("s") == pd.Timestamp(START)


@pytest.mark.parametrize("prefix", ["", "INFO:app.base:", "INFO:     "])
def test_lines_without_a_time(tmp_path: Path, prefix: str) -> None:
    text = "".join(f"{prefix}{m.text}\n" for d in DELIVERIES for m in d.messages())
    evidence = load(tmp_path, text)
    assert told(evidence, "outcome", "received_at") == [(d.outcome, None) for d in DELIVERIES]
    assert evidence.count("spans") == 0


def test_colours_are_stripped(tmp_path: Path) -> None:
    text = log_of(DELIVERIES)
    coloured = text.replace("- INFO]", "- \x1b[32mINFO\x1b[0m]").replace("✅", "\x1b[1m✅\x1b[0m")
    assert rows(load(tmp_path, coloured)) == rows(load(tmp_path, text))


def test_the_checkout_page_tells_who_is_signed_in(tmp_path: Path) -> None:
    text = (
        "2025-09-01T14:39:07.123Z [info] 🔒 BULLETPROOF Checkout metadata validation: {\n"
        "  userId: '00123',\n"
        "  email: 'Ada@Example.com',\n"
        "  metadata: {\n"
        "    user_id: '00123',\n"
        '    session_name: "Ada O\'Hara",\n'
        "    browser_fingerprint: 'Mozilla/5.0 (X11; Linux x86_64) ' +\n"
        "      'Gecko/20100101'\n"
        "  },\n"
        "  timestamp: '2025-09-01T14:39:07.122Z'\n"
        "}\n"
        "2025-09-01T14:39:08.123Z [info] done\n"
    )
    for data in (text, text.replace("2025-09-01T14:39:07.123Z [info] ", "")):
        frame = load(tmp_path, data).sign_ins
        assert frame[["user_id", "email_key"]].values.tolist() == [["00123", "ada@example.com"]]


def test_a_yearless_time_is_not_guessed(tmp_path: Path) -> None:
    text = "".join(f"Sep 01 14:39:10 web1 app[1]: {m.text}\n" for m in Logged(1).messages())
    evidence = load(tmp_path, text)
    assert told(evidence, "outcome", "received_at") == [("credited", None)]
    assert any("without a year" in note for note in evidence.custody.inputs[0].notes)


def test_normalising_keeps_the_number_of_lines() -> None:
    text = "".join(
        f"{prefix}{message.text}\n"
        for prefix in PLATFORMS.values()
        for message in Logged(1).messages()
    ).encode()
    chunk, newlines = PrefixReader().normalise(text, line_ends(text))
    assert chunk.count(b"\n") == text.count(b"\n") == len(newlines)


@pytest.mark.parametrize(
    "stamp",
    [
        "2025-09-01T14:39:07+0000",
        "2025-09-01T16:39:07+02:00",
        "2025-09-01 14:39:07,000",
        "2025-09-01 14:39:07.000 +0000",
        "2025-09-01T14:39:07.000000000Z",
        "2025-09-01 14:39:07 UTC",
        "2025/09/01 14:39:07",
        "01/Sep/2025:14:39:07 +0000",
    ],
)
def test_times(stamp: str) -> None:
    assert parse_time(stamp) == 1756737547000000


def test_what_is_no_time() -> None:
    assert [parse_time(text) for text in ("", "yesterday", "2025-13-01T00:00:00Z")] == [None] * 3
