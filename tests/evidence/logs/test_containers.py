"""Containers of log lines: the deliveries are the same, whatever platform handed the lines out."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from container_text import AGENT, CONTAINERS, EVENT, PATH, START, USER, Said
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from log_loading import emptied, load, rows, told

from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.logs.containers import Container
from credit_forensics.evidence.logs.times import TimeReader

OUTCOMES = (
    "credited",
    "credited",
    "resolution_failed",
    "signature_refused",
    "duplicate",
    "ignored",
)


def messages(outcomes: tuple[str, ...] = OUTCOMES) -> list[Said]:
    """What a handler logs of deliveries with these ends, five minutes apart; two are of one event."""
    said: list[Said] = []
    for n, outcome in enumerate(outcomes):
        at, request = START + timedelta(minutes=5 * n), f"req-a{n}"
        event = f"evt_{max(n, 1)}abcDEF"
        if outcome != "signature_refused":
            said.append(Said(at, "info", request, f"Received event: {EVENT} ({event})"))
        level, words = {
            "credited": ("info", f"✅ Added 100 credits to user {USER}"),
            "resolution_failed": ("error", "Webhook Error: No userId in checkout session metadata"),
            "signature_refused": (
                "error",
                "Webhook signature verification failed: No signatures found",
            ),
            "duplicate": ("info", "Event already processed"),
            "ignored": ("info", "Ignoring the event: session is not paid"),
        }[outcome]
        said.append(Said(at + timedelta(seconds=1), level, request, words))
    return said


def expected(outcomes: tuple[str, ...] = OUTCOMES) -> list[tuple[Any, ...]]:
    return [
        (
            None if outcome == "signature_refused" else f"evt_{max(n, 1)}abcDEF",
            USER if outcome == "credited" else None,
            100 if outcome == "credited" else None,
            outcome,
        )
        for n, outcome in enumerate(outcomes)
    ]


def in_time(evidence: Evidence) -> list[dict[str, Any]]:
    return sorted(rows(evidence), key=lambda row: (row["received_at"], row["source_line"]))


def known_year() -> Evidence:
    """Evidence whose one event settles the year."""
    evidence = Evidence()
    at = pd.to_datetime([START])
    evidence.add("stripe_events", pd.DataFrame({"event_id": ["evt_x"], "created_at": at}))
    return evidence


@pytest.mark.parametrize("container", CONTAINERS)
def test_the_same_deliveries_out_of_every_container(tmp_path: Path, container: str) -> None:
    evidence = load(tmp_path, CONTAINERS[container](messages()), evidence=known_year())
    found = in_time(evidence)
    columns = ("event_id", "resolved_user_id", "credits", "outcome")
    assert [tuple(row[c] for c in columns) for row in found] == expected()
    times = [row["received_at"].floor("min") for row in found]
    assert times == [pd.Timestamp(START).floor("min") + timedelta(minutes=5 * n) for n in range(6)]


@pytest.mark.parametrize(
    "container",
    [
        "vercel dashboard",
        "loki",
        "fly",
        "cloudwatch filter",
        "nest",
        "docker",
        "table of a query",
        "table with brackets",
        "breadcrumbs",
    ],
)
def test_the_known_handlers_words_out_of_a_container(tmp_path: Path, container: str) -> None:
    words = [
        "WEBHOOK REQUEST ANALYSIS [ID: req-a0]",
        "Stripe signature verified [Event: evt_1]",
        "FORENSIC EVENT ANALYSIS [Event: evt_1]",
        "   Session ID: cs_live_1",
        f"PERFECT SUCCESS: 100 credits added to user {USER}",
    ]
    said = [Said(START + timedelta(seconds=n), "info", "req-a0", w) for n, w in enumerate(words)]
    evidence = load(tmp_path, CONTAINERS[container](said))
    assert told(evidence, "event_id", "payment_id", "credits", "outcome", "request_id") == [
        ("evt_1", "cs_live_1", 100, "credited", "req-a0")
    ]


@pytest.mark.parametrize("container", ["fly", "heroku", "kubectl", "spring"])
@pytest.mark.parametrize(
    "outcomes",
    [
        ("credited", "signature_refused"),
        ("signature_refused", "credited"),
        ("ignored", "signature_refused"),
        ("signature_refused", "signature_refused"),
    ],
    ids=" then ".join,
)
def test_an_instance_in_brackets_takes_one_delivery_after_another(
    tmp_path: Path, container: str, outcomes: tuple[str, ...]
) -> None:
    evidence = load(tmp_path, CONTAINERS[container](messages(outcomes)), evidence=emptied())
    columns = ("event_id", "resolved_user_id", "credits", "outcome")
    assert [tuple(row[c] for c in columns) for row in in_time(evidence)] == expected(outcomes)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    outcomes=st.lists(st.sampled_from(OUTCOMES), min_size=1, max_size=8).map(tuple),
    container=st.sampled_from(sorted(set(CONTAINERS) - {"render", "journal short"})),
    squeezed=st.booleans(),
)
def test_any_deliveries_in_any_container(
    tmp_path: Path, outcomes: tuple[str, ...], container: str, squeezed: bool
) -> None:
    text = CONTAINERS[container](messages(outcomes)).encode()
    evidence = load(tmp_path, gzip.compress(text) if squeezed else text, evidence=emptied())
    columns = ("event_id", "resolved_user_id", "credits", "outcome")
    assert [tuple(row[c] for c in columns) for row in in_time(evidence)] == expected(outcomes)


def test_a_trace_in_lines_of_their_own_is_one_message(tmp_path: Path) -> None:
    said = [
        "webhook evt_1Kite22 received checkout.session.completed",
        "Unhandled exception in webhook handler",
        "Traceback (most recent call last):",
        '  File "/app/hook.py", line 88, in handle',
        "    user = find(meta['user_id'])",
        "KeyError: 'user_id'",
        "webhook evt_2Kite22 received checkout.session.completed",
    ]
    text = "".join(
        json.dumps({"log": f"{line}\n", "stream": "stdout", "time": f"2025-09-01T10:00:0{n}.000Z"})
        + "\n"
        for n, line in enumerate(said[:1])
    )
    text += "".join(
        json.dumps({"log": f"{line}\n", "stream": "stdout", "time": f"2025-09-01T10:00:01.{n}00Z"})
        + "\n"
        for n, line in enumerate(said[1:6])
    )
    text += json.dumps({"log": said[6], "stream": "stdout", "time": "2025-09-01T10:20:00Z"}) + "\n"
    found = in_time(load(tmp_path, text))
    assert [(row["event_id"], row["outcome"]) for row in found] == [
        ("evt_1Kite22", "resolution_failed"), ("evt_2Kite22", "received"),
    ]  # fmt: skip


def test_a_damaged_document_gives_what_is_whole(tmp_path: Path) -> None:
    text = CONTAINERS["google cloud json payload"](messages())
    evidence = load(tmp_path, text[: text.rindex("jsonPayload") - 20])
    assert len(rows(evidence)) == len(OUTCOMES)
    assert evidence.custody.rejects()["reason"].tolist() == [
        "the document is damaged; what is whole of it was read"
    ]


def test_a_table_whose_quote_is_never_closed_ends(tmp_path: Path) -> None:
    text = (
        CONTAINERS["cloudwatch insights"](messages()) + '2025-09-02,"never closed\n' + "x\n" * 2000
    )
    assert [row["outcome"] for row in in_time(load(tmp_path, text))] == list(OUTCOMES)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"a":' * 50_000,
        '[{"a": 1}, ' + '{"message": ' * 2_000,
        "timestamp,message\n" + '"' * 100_000,
        '{"time": 8640000000000000, "message": "x evt_1"}\n{"time": 1e400, "message": "y"}\n',
        '{"timestamp": "+275760-09-13T00:00:00Z", "message": "evt_1 failed"}\n',
        "[9999-12-31T23:59:59+0000 - a - INFO] hello\n",
        "a=b " * 100_000 + "\n",
        "POST /" + "/" * 100_000 + "\n",
        "signature " * 100_000 + "\n",
        "evt_1 " + "not " * 100_000 + "\n",
        "\0" * 10_000,
        "Sep 31 99:99:99 x\n",
        "message,message,timestamp\nevt_1,evt_2,1756764000\n",
    ],
    ids=range(14),
)
def test_hostile_text_ends_and_does_not_crash(tmp_path: Path, text: str) -> None:
    load(tmp_path, text)


def test_a_long_line_without_end_is_cut(tmp_path: Path) -> None:
    text = "x" * (20 << 20) + "\n" + CONTAINERS["fly"](messages())
    evidence = load(tmp_path, text)
    assert [row["outcome"] for row in in_time(evidence)] == list(OUTCOMES)
    assert "line longer than 8 MB, read to there" in set(evidence.custody.rejects()["reason"])


def test_the_text_around_a_message_stays_in_it(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text("2025-09-01T22:00:00Z app[1] iad [info] a [b] (c) 12: d\n")
    [line] = Container(path, TimeReader())
    assert line.text == "app[1] iad [info] a [b] (c) 12: d"
    path.write_text(json.dumps({"msg": "  2 [x] {y} ", "ts": 1756764000}) + "\n")
    [line] = Container(path, TimeReader())
    assert line.text.strip() == "2 [x] {y}"


def test_a_yearless_time_needs_the_cases_own_times(tmp_path: Path) -> None:
    text = CONTAINERS["journal short"](messages())
    evidence = load(tmp_path, text)
    assert told(evidence, "outcome", "received_at") == [(o, None) for o in OUTCOMES]
    assert any("without a year" in note for note in evidence.custody.inputs[0].notes)
    evidence = load(tmp_path, text, evidence=known_year())
    assert in_time(evidence)[0]["received_at"] == pd.Timestamp(START).floor("s")


ACCESS = {
    "nginx": f'1.2.3.4 - - [01/Sep/2025:22:00:00 +0000] "POST {PATH} HTTP/1.1" 400 9 "-" "{AGENT}"',
    "gin": f'[GIN] 2025/09/01 - 22:00:00 | 400 |  1.23ms |  1.2.3.4 | POST     "{PATH}"',
    "uvicorn": f'2025-09-01 22:00:00 INFO:  1.2.3.4:0 - "POST {PATH} HTTP/1.1" 400 Bad Request',
    "caddy": json.dumps({"level": "info", "ts": 1756764000.1, "msg": "handled request", "status": 400,
                         "request": {"method": "POST", "uri": PATH, "host": "x"}}),
    "google": json.dumps({"timestamp": "2025-09-01T22:00:00Z", "severity": "INFO", "httpRequest": {
        "requestMethod": "POST", "requestUrl": f"https://x.example{PATH}", "status": 400}}),
    "heroku": f'2025-09-01T22:00:00Z heroku[router]: at=info method=POST path="{PATH}" status=400',
    "rails": f'[2025-09-01 22:00:00] [r-1] Started POST "{PATH}" for 1.2.3.4\n'
             "[2025-09-01 22:00:00] [r-1] Completed 400 Bad Request in 3ms",
}  # fmt: skip


@pytest.mark.parametrize("log", ACCESS)
def test_access_logs_give_deliveries_without_a_name(tmp_path: Path, log: str) -> None:
    evidence = load(tmp_path, ACCESS[log] + "\n")
    at = pd.Timestamp("2025-09-01T22:00:00Z")
    assert [(o, t.floor("s")) for o, t in told(evidence, "outcome", "received_at")] == [
        ("handler_error", at)
    ]
    other = ACCESS[log].replace(PATH, "/checkout").replace(AGENT, "curl")
    assert told(load(tmp_path, other + "\n"), "outcome") == []
    good = ACCESS[log].replace("400", "200")
    assert told(load(tmp_path, good + "\n"), "outcome") == [("acknowledged",)]
