"""The same deliveries in two files, as two shippers sent the log: each counts once."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from credit_forensics.case_file import CaseFile
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.load import load_evidence
from credit_forensics.evidence.logs.shipped_twice import count_shipped_once

NOON = pd.Timestamp("2025-09-01T12:00:00Z")
ROW = {"event_id": "evt_1", "payment_id": "cs_1", "outcome": "credited", "credits": 50}


def left(*rows: tuple[str, float, dict[str, object]]) -> list[tuple[str, float]]:
    """File and seconds after noon of the deliveries that are left, of (file, seconds, changes)."""
    evidence = Evidence()
    for line, (file, seconds, changes) in enumerate(rows, start=1):
        row = {**ROW, "source_file": file, "source_line": line,
               "received_at": NOON + pd.Timedelta(seconds, "s"), **changes}  # fmt: skip
        evidence.add("deliveries", pd.DataFrame([row]))
    count_shipped_once(evidence)
    once = evidence.deliveries
    count_shipped_once(evidence)
    assert evidence.deliveries.equals(once)
    times = (once["received_at"] - NOON).dt.total_seconds()
    return sorted(zip(once["source_file"], times, strict=True))


@pytest.mark.parametrize(("apart", "count"), [(0.0, 1), (5.0, 1), (5.1, 2), (3600.0, 2)])
def test_a_delivery_in_two_files_counts_once_up_to_five_seconds_apart(apart, count):
    assert len(left(("app.log", 0, {}), ("drain.ndjson", apart, {}))) == count


def test_a_retry_in_the_same_file_stays_as_often_as_the_fuller_file_has_it():
    assert left(("app.log", 0, {}), ("app.log", 3, {})) == [("app.log", 0), ("app.log", 3)]
    both = [(file, seconds, {}) for file in ("app.log", "drain.ndjson") for seconds in (0, 3)]
    assert left(*both) == [("app.log", 0), ("app.log", 3)]
    assert len(left(("app.log", 0, {}), ("drain.ndjson", 0, {}), ("drain.ndjson", 3, {}))) == 2


def test_a_retry_an_hour_later_in_both_files_is_one_retry():
    both = [(file, seconds, {}) for file in ("a.log", "b.log") for seconds in (0, 3600)]
    assert left(*both) == [("a.log", 0), ("a.log", 3600)]


@pytest.mark.parametrize(
    "other",
    [{"event_id": "evt_2"}, {"outcome": "database_error"}, {"credits": 60}, {"event_id": None}],
)
def test_what_differs_is_two_deliveries(other):
    assert len(left(("app.log", 0, {}), ("drain.ndjson", 1, other))) == 2


def test_requests_of_two_names_are_two_deliveries():
    first, second = {"request_id": "r-1"}, {"request_id": "r-2"}
    assert len(left(("host-1.log", 0, first), ("host-2.log", 1, second))) == 2
    assert len(left(("host-1.log", 0, first), ("host-2.log", 1, first))) == 1


@pytest.mark.parametrize(("own", "count"), [(1, 3), (2, 6)])
def test_two_servers_that_book_one_event_at_once_booked_it_twice(own, count):
    """Each has ``own`` events beside it; of copies, half are the same at least."""
    both = [("web-1.log", 10, {}), ("web-2.log", 11, {})]
    alone = [
        (f"web-{server}.log", seconds, {"event_id": f"evt_{server}_{seconds}"})
        for server in (1, 2)
        for seconds in (0, 20)[:own]
    ]
    assert len(left(*both, *alone)) == count


def test_of_logs_that_overlap_the_common_days_tell_whether_they_are_copies():
    day = 86_400
    host = [("host.log", n * day, {"event_id": f"evt_{n}"}) for n in range(5)]
    drain = [("drain.log", n * day + 1, {"event_id": f"evt_{n}"}) for n in range(4, 9)]
    assert len(left(*host, *drain)) == 9


def test_the_row_that_tells_more_is_kept():
    less = {"credits": None, "payment_id": None}
    assert left(("app.log", 0, less), ("drain.ndjson", 1, {})) == [("drain.ndjson", 1)]


def test_a_drain_beside_the_hosts_log_gives_no_retry(tmp_path: Path):
    lines = [
        f"Webhook evt_{n} checkout.session.completed for cs_live_{n}: added 50 credits to user u{n}"
        for n in range(1, 9)
    ]
    times = [f"2025-09-0{n}T10:00:00" for n in range(1, 9)]
    (tmp_path / "app.log").write_text(
        "".join(f"{at}Z INFO {line}\n" for at, line in zip(times, lines, strict=True))
    )
    (tmp_path / "drain.ndjson").write_text(
        "".join(
            json.dumps({"timestamp": f"{at}.700Z", "level": "info", "message": line}) + "\n"
            for at, line in zip(times, lines, strict=True)
        )
    )
    case = {"webhook_log": {"files": ["app.log", "drain.ndjson"]}, "folder": tmp_path}
    evidence = load_evidence(CaseFile.model_validate(case))
    assert sorted(evidence.deliveries["event_id"]) == [f"evt_{n}" for n in range(1, 9)]
    # Without a ledger the entries are what the log says that it booked.
    assert evidence.ledger["delta"].tolist() == [50] * 8
    notes = [note for one in evidence.custody.inputs for note in one.notes]
    assert "8 deliveries that another log holds too are counted once" in notes
