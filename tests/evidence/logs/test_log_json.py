"""JSON logs: by field names, and this toolkit's own intake without configuration."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pandas as pd
from handler_log_text import OUTCOMES, START, TRACEBACK, Logged, Message
from log_loading import load, rows, told

from credit_forensics.intake.delivery_log import LOGGER, log_delivery

DELIVERIES = [Logged(n, outcome) for n, outcome in enumerate(OUTCOMES)]


def records(write: Any, deliveries: list[Logged] = DELIVERIES) -> str:
    """All messages as JSON lines, by a function of a message and its delivery."""
    return "".join(
        json.dumps(write(message, logged)) + "\n"
        for logged in deliveries
        for message in logged.messages()
    )


def structlog(message: Message, logged: Logged) -> dict[str, Any]:
    record = {
        "event": message.text,
        "level": message.level.lower(),
        "logger": "app.base",
        "request_id": logged.request_id,
        "timestamp": START.isoformat().replace("+00:00", "Z"),
    }
    return record | ({"exception": message.after} if message.after else {})


def python_json_logger(message: Message, logged: Logged) -> dict[str, Any]:
    record = {
        "asctime": "2025-09-01 14:39:07,000",
        "levelname": message.level,
        "name": "app.base",
        "message": message.text,
        "request_id": logged.request_id,
    }
    return record | ({"exc_info": message.after} if message.after else {})


def pino(message: Message, logged: Logged) -> dict[str, Any]:
    levels = {"INFO": 30, "WARNING": 40, "ERROR": 50}
    record: dict[str, Any] = {
        "level": levels[message.level],
        "time": 1756737547000,
        "pid": 812,
        "hostname": "web1",
        "reqId": logged.request_id,
        "msg": message.text,
    }
    if message.after:
        record["err"] = {"type": "IntegrityError", "message": "no", "stack": message.after}
    return record


def check(evidence: Any) -> None:
    columns = ("outcome", "request_id", "event_id", "payment_id", "credits")
    assert told(evidence, *columns) == [
        ("credited", "req-0", "evt_0000", "cs_live_0000", 50),
        ("ignored", "req-1", "evt_0001", None, None),
        ("signature_refused", "req-2", None, None, None),
        ("resolution_failed", "req-3", "evt_0003", "cs_live_0003", None),
        ("no_credits", "req-4", "evt_0004", "cs_live_0004", None),
        ("database_error", "req-5", "evt_0005", "cs_live_0005", None),
        ("not_found", "req-6", None, None, None),
    ]
    assert {row["received_at"] for row in rows(evidence)} == {pd.Timestamp(START)}
    assert rows(evidence)[5]["error"] == "UNIQUE constraint failed: stripe_customers.user_id"
    assert evidence.custody.rejects().empty


def test_structlog(tmp_path: Path) -> None:
    check(load(tmp_path, records(structlog)))


def test_python_json_logger(tmp_path: Path) -> None:
    check(load(tmp_path, records(python_json_logger)))


def test_pino(tmp_path: Path) -> None:
    check(load(tmp_path, records(pino)))


def test_json_inside_what_platforms_add(tmp_path: Path) -> None:
    text = records(structlog)
    compose = "".join(f"backend-1  | {line}\n" for line in text.splitlines())
    check(load(tmp_path, compose))
    docker = "".join(
        json.dumps({"log": line + "\n", "stream": "stderr", "time": "2025-09-01T14:39:07Z"}) + "\n"
        for line in text.splitlines()
    )
    check(load(tmp_path, docker))


def test_docker_files_around_the_original_text(tmp_path: Path) -> None:
    logged = Logged(1, "database_error")
    lines = [
        f"[2025-09-01T14:39:07+0000 - app.base - {m.level}] {part}" if at == 0 else part
        for m in logged.messages()
        for at, part in enumerate((m.text + ("\n" + m.after if m.after else "")).split("\n"))
    ]
    text = "".join(
        json.dumps({"log": line + "\n", "stream": "stdout", "time": "2025-09-01T14:39:08.5Z"})
        + "\n"
        for line in lines
    )
    evidence = load(tmp_path, text)
    assert told(evidence, "event_id", "outcome", "source_line") == [
        ("evt_0001", "database_error", 1)
    ]
    [metadata] = evidence.frame("logged_sessions")["metadata"]
    assert json.loads(metadata) == logged.metadata


def test_the_intakes_own_log(tmp_path: Path) -> None:
    base = {
        "event": "webhook_delivery",
        "event_id": "evt_1",
        "payment_id": "cs_1",
        "request_id": "r-1",
        "timestamp": "2025-09-01T14:39:07.250+00:00",
        "signature_valid": True,
        "method": "metadata_user_id",
        "resolved_user_id": "00123",
        "credits": 50,
        "outcome": "credited",
        "error": None,
    }
    refused = dict.fromkeys(base) | {
        "event": "webhook_delivery",
        "request_id": "r-2",
        "timestamp": "2025-09-01T14:40:00Z",
        "signature_valid": False,
        "outcome": "signature_refused",
        "error": "no signature matches",
    }
    again = base | {"request_id": "r-3", "outcome": "duplicate", "credits": None}
    other = {"event": "started", "timestamp": "2025-09-01T14:00:00Z"}
    text = "".join(json.dumps(r) + "\n" for r in (other, base, refused, again))
    evidence = load(tmp_path, text)
    assert rows(evidence) == [
        {
            "event_id": "evt_1",
            "payment_id": "cs_1",
            "received_at": pd.Timestamp("2025-09-01T14:39:07.250Z"),
            "signature_valid": True,
            "method": "metadata_user_id",
            "resolved_user_id": "00123",
            "credits": 50,
            "outcome": "credited",
            "error": None,
            "request_id": "r-1",
            "source_file": "webhook.log",
            "source_line": 2,
            "resolved_user_detail": None,
        },
        rows(evidence)[1]
        | {"outcome": "signature_refused", "event_id": None, "signature_valid": False},
        rows(evidence)[2] | {"outcome": "duplicate", "credits": None, "request_id": "r-3"},
    ]
    assert evidence.spans[["first_at", "row_count"]].values.tolist() == [
        [pd.Timestamp("2025-09-01T14:00:00Z"), 4]
    ]


def test_what_the_intake_writes_is_read(tmp_path: Path) -> None:
    path = tmp_path / "intake.log"
    handler = logging.FileHandler(path, encoding="utf-8")
    logger = logging.getLogger(LOGGER)
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    told_outcomes = ("credited", "duplicate", "queued", "unpaid", "database_error")
    try:
        for number, outcome in enumerate(told_outcomes):
            log_delivery(
                at=START,
                request_id=f"r-{number}",
                outcome=outcome,
                event_id=f"evt_{number}",
                signature_valid=True,
                credits=50 if outcome == "credited" else None,
                error="OperationalError" if outcome == "database_error" else None,
            )
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
        handler.close()
    evidence = load(tmp_path, path.read_bytes(), "intake.log")
    columns = ("request_id", "event_id", "outcome", "credits", "error", "received_at")
    at = pd.Timestamp(START)
    assert told(evidence, *columns) == [
        ("r-0", "evt_0", "credited", 50, None, at),
        ("r-1", "evt_1", "duplicate", None, None, at),
        ("r-2", "evt_2", "resolution_failed", None, None, at),
        ("r-3", "evt_3", "ignored", None, None, at),
        ("r-4", "evt_4", "database_error", None, "OperationalError", at),
    ]


def test_a_handler_known_by_its_fields_alone(tmp_path: Path) -> None:
    lines = [
        {"level": "info", "ts": 1756737547.5, "msg": "hook in", "request_id": "a", "eventId": "evt_1"},
        {"level": "info", "ts": 1756737547.6, "msg": "hook in", "request_id": "b", "eventId": "evt_2"},
        {"level": "info", "ts": 1756737548, "msg": "user", "request_id": "a", "userId": 123,
         "sessionId": "cs_1", "resolutionMethod": "client_reference"},
        {"level": "error", "ts": 1756737548, "msg": "no", "request_id": "b", "outcome": "failed",
         "err": {"type": "TimeoutError", "message": "pool"}},
        {"level": "info", "ts": 1756737549, "msg": "ok", "request_id": "a", "result": "success",
         "context": {"credits": 50}},
        {"level": "info", "ts": 1756737550, "msg": "page", "request_id": "c", "userId": 9},
    ]  # fmt: skip
    evidence = load(tmp_path, "".join(json.dumps(r) + "\n" for r in lines))
    columns = (
        "event_id",
        "payment_id",
        "resolved_user_id",
        "method",
        "credits",
        "outcome",
        "error",
    )
    assert told(evidence, *columns) == [
        ("evt_1", "cs_1", "123", "client_reference", 50, "credited", None),
        ("evt_2", None, None, None, None, "database_error", "TimeoutError: pool"),
    ]


def test_sign_ins_by_their_fields(tmp_path: Path) -> None:
    lines = [
        {"message": "User signed in", "user_id": "00123", "email": "Ada@Example.com",
         "timestamp": "2025-09-01T14:39:07Z"},
        {"message": "mail sent", "user_id": "00124", "email": "bob@example.com"},
    ]  # fmt: skip
    frame = load(tmp_path, "".join(json.dumps(r) + "\n" for r in lines)).sign_ins
    assert frame.values.tolist() == [
        ["00123", "ada@example.com", pd.Timestamp("2025-09-01T14:39:07Z")]
    ]


def test_a_broken_record_is_rejected_and_the_rest_read(tmp_path: Path) -> None:
    good = records(structlog)
    lines = good.splitlines()
    text = "\n".join([lines[0][:40], '{"a": ' + "[" * 5000, *lines, "{", "[1, 2]", "null"])
    evidence = load(tmp_path, text)
    assert [outcome for (outcome,) in told(evidence, "outcome")] == list(OUTCOMES)
    assert evidence.custody.rejects()[["line", "reason"]].values.tolist() == [
        [1, "begins like a JSON record and is none"],
        [2, "begins like a JSON record and is none"],
    ]


def test_numbers_that_no_table_holds(tmp_path: Path) -> None:
    record = {"event": "webhook_delivery", "event_id": "evt_1", "credits": 10**40, "time": 10**40}
    text = json.dumps(record) + "\n" + json.dumps({"msg": "x", "time": -5}) + "\n"
    assert told(load(tmp_path, text), "event_id", "credits", "received_at", "outcome") == [
        ("evt_1", None, None, "incomplete")
    ]


def test_real_python_logging_of_a_real_exception(tmp_path: Path) -> None:
    path = tmp_path / "real.log"
    handler = logging.FileHandler(path, encoding="utf-8")
    form = "[%(asctime)s - %(name)s - %(levelname)s] %(message)s"
    handler.setFormatter(logging.Formatter(form, "%Y-%m-%dT%H:%M:%S+0000"))
    logger = logging.Logger("app.base")
    logger.addHandler(handler)
    for message in Logged(1, "database_error").messages():
        if not message.after:
            logger.log(getattr(logging, message.level), message.text)
            continue
        try:
            raise ValueError("balance view is not there")
        except ValueError as error:
            logger.exception(f"❌ CRITICAL DATABASE ERROR: {error}")
    handler.close()
    evidence = load(tmp_path, path.read_bytes(), "real.log")
    assert told(evidence, "event_id", "outcome", "error") == [
        ("evt_0001", "database_error", "balance view is not there")
    ]
    assert "IntegrityError" in TRACEBACK
