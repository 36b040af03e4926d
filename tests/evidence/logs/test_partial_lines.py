"""Lines that a container's runtime wrote in parts are read whole; short ones stay as they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from log_loading import load, told

from credit_forensics.evidence.logs.partial_lines import PartialLines

_SAID = (
    "Granted 100 credits to user 7675e93c-341b-412d-a41c-cfe1dc519172 for session cs_live_a1Kite99"
)


def test_parts_of_kubernetes_are_joined_a_stream(tmp_path: Path) -> None:
    half = len(_SAID) - 6
    text = (
        "2025-09-01T10:00:00.1Z stdout F webhook evt_1Kite22 received checkout.session.completed\n"
        f"2025-09-01T10:00:01.1Z stdout P {_SAID[:half]}\n"
        "2025-09-01T10:00:01.2Z stderr F slow query\n"
        f"2025-09-01T10:00:01.3Z stdout F {_SAID[half:]}\n"
    )
    found = told(load(tmp_path, text), "event_id", "payment_id", "credits", "source_line")
    assert found == [("evt_1Kite22", "cs_live_a1Kite99", 100, 1)]


def _record(log: str) -> str:
    record = {"log": log, "stream": "stdout", "time": "2025-09-01T10:00:01Z"}
    return json.dumps(record, separators=(",", ":")) + "\n"


@pytest.mark.parametrize(("size", "records"), [(16_384, 1), (16_383, 2)])
def test_a_record_of_docker_is_a_part_from_its_full_size_on(size: int, records: int) -> None:
    text = _record("x" * size) + _record("end\n")
    found = [json.loads(line)["log"] for line in _joined(text).splitlines() if line]
    assert len(found) == records
    assert "".join(found) == "x" * size + "end\n"


def test_a_part_that_never_ends_is_told_at_the_end() -> None:
    parts = PartialLines()
    assert parts.joined(_record("x" * 16_384).encode()) == b"\n"
    assert json.loads(parts.rest())["log"] == "x" * 16_384


def _joined(text: str) -> str:
    return PartialLines().joined(text.encode()).decode()
