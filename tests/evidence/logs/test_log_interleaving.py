"""Concurrent requests whose lines are mixed, and the fast way against the careful one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from handler_log_text import OUTCOMES, Logged, line, log_of, user_id
from hypothesis import given, settings
from hypothesis import strategies as st
from log_loading import load, told

from credit_forensics.evidence.logs.delivery import Delivery
from credit_forensics.evidence.logs.encoding import TextReader
from credit_forensics.evidence.logs.facts import find_facts
from credit_forensics.evidence.logs.interleaved import DeliveryReader
from credit_forensics.evidence.logs.lines import split_lines
from credit_forensics.evidence.logs.log_file import fact_rows
from credit_forensics.evidence.logs.whole_deliveries import whole_deliveries


def mixed(deliveries: list[Logged], order: list[int], *, suffix: bool) -> str:
    """Each delivery's messages in their own order, deliveries mixed as ``order`` says."""
    queues = [iter(logged.messages()) for logged in deliveries]
    parts: list[str] = []
    for place in [*order, *(n for n in range(len(queues)) for _ in range(40))]:
        message = next(queues[place % len(queues)], None)
        if message is not None:
            request = deliveries[place % len(queues)].request_id if suffix else None
            parts.append(line(message, request_id=request))
    return "".join(parts)


def expected(logged: Logged) -> tuple[Any, ...]:
    """What must be told of a delivery."""
    verified = logged.outcome not in ("signature_refused", "not_found")
    analysed = verified and logged.outcome != "ignored"
    resolved = analysed and logged.outcome != "resolution_failed"
    return (
        logged.request_id,
        logged.outcome,
        logged.event_id if verified else None,
        logged.session_id if analysed else None,
        logged.user_id if resolved else None,
        50 if logged.outcome == "credited" else None,
    )


COLUMNS = ("request_id", "outcome", "event_id", "payment_id", "resolved_user_id", "credits")


def read_carefully(text: str, chunks: int = 1) -> list[Delivery]:
    """All deliveries by the reader that follows fact after fact."""
    reader = DeliveryReader()
    found: list[Delivery] = []
    for part, first in _parts(text, chunks):
        lines = split_lines(part.encode(), first)
        found += reader.feed(fact_rows(find_facts(lines), TextReader()))
    return sorted(found + reader.close(), key=lambda d: d.line)


def _parts(text: str, chunks: int) -> Iterator[tuple[str, int]]:
    lines = text.splitlines(keepends=True)
    size = max(1, len(lines) // chunks)
    for at in range(0, len(lines), size):
        yield "".join(lines[at : at + size]), at + 1


def as_row(d: Delivery) -> tuple[Any, ...]:
    return (d.request_id, d.outcome, d.event_id, d.payment_id, d.user_id, d.credits)


@settings(deadline=None, max_examples=60)
@given(
    outcomes=st.lists(st.sampled_from(OUTCOMES), min_size=1, max_size=5),
    order=st.lists(st.integers(0, 4), max_size=80),
    chunks=st.integers(1, 9),
)
def test_request_ids_tell_mixed_lines_apart(
    outcomes: list[str], order: list[int], chunks: int
) -> None:
    deliveries = [Logged(n, outcome) for n, outcome in enumerate(outcomes)]
    text = mixed(deliveries, order, suffix=True)
    found = read_carefully(text, chunks)
    assert sorted(map(as_row, found)) == sorted(map(expected, deliveries))


@settings(deadline=None, max_examples=60)
@given(
    outcomes=st.lists(st.sampled_from(OUTCOMES), min_size=2, max_size=12),
    suffix=st.booleans(),
    order=st.lists(st.integers(0, 4), max_size=60),
)
def test_the_fast_way_gives_the_same_rows(
    outcomes: list[str], suffix: bool, order: list[int]
) -> None:
    deliveries = [Logged(n, outcome) for n, outcome in enumerate(outcomes)]
    text = mixed(deliveries, order, suffix=True) if suffix else log_of(deliveries)
    facts = find_facts(split_lines(text.encode()))
    whole = whole_deliveries(facts)
    found = []
    if whole is not None:
        found = [tuple(row[c] for c in COLUMNS) for row in whole.deliveries.to_pylist()]
        facts = facts.take(whole.rest)
    reader = DeliveryReader()
    rest = reader.feed(fact_rows(facts, TextReader())) + reader.close()
    assert sorted(found + list(map(as_row, rest))) == sorted(map(expected, deliveries))


def test_the_fast_way_takes_what_is_plain() -> None:
    deliveries = [Logged(n, "ignored" if n % 3 == 0 else "credited") for n in range(30)]
    for suffix in (False, True):
        whole = whole_deliveries(
            find_facts(split_lines(log_of(deliveries, suffix=suffix).encode()))
        )
        assert whole is not None
        assert len(whole.deliveries) >= 29
        assert len(whole.sessions) == whole.deliveries["outcome"].to_pylist().count("credited")


def test_without_request_ids_an_await_may_switch_requests(tmp_path: Path) -> None:
    # One worker switches at its awaits: after the request's headers, before each database call.
    first, second = Logged(1), Logged(2)
    a, b = first.messages(), second.messages()
    order = [a[:4], b[:4], a[4:19], b[4:19], b[19:], a[19:]]
    text = "".join(line(message) for part in order for message in part)
    assert sorted(told(load(tmp_path, text), *COLUMNS)) == [expected(first), expected(second)]


@pytest.mark.parametrize("outcome", ["credited", "database_error", "resolution_failed"])
def test_without_request_ids_the_event_says_whose_end_it_is(tmp_path: Path, outcome: str) -> None:
    # Two purchases by one user: only the event tells their ends apart.
    first, second = Logged(1, outcome), Logged(2, outcome)
    second.user_id = first.user_id
    a, b = first.messages(), second.messages()
    cut = next(n for n, m in enumerate(a) if m.text.startswith(("🔍 PRE", "🚨 CRITICAL")))
    text = "".join(line(m) for part in (a[:cut], b[:cut], b[cut:], a[cut:]) for m in part)
    assert sorted(told(load(tmp_path, text), *COLUMNS)) == [expected(first), expected(second)]


def test_a_request_that_was_cut_off_takes_nothing_from_the_next(tmp_path: Path) -> None:
    first, *others = [Logged(n) for n in range(1, 5)]
    text = "".join(line(m) for m in first.messages()[:4])
    for place, logged in enumerate(others, 1):
        at = logged.at.replace(minute=40 + place)
        text += "".join(line(m, at) for m in logged.messages())
    assert told(load(tmp_path, text), *COLUMNS) == [
        ("req-1", "incomplete", None, None, None, None),
        *map(expected, others),
    ]


def test_a_suffix_on_the_last_line_of_a_message(tmp_path: Path) -> None:
    logged = Logged(7)
    text = log_of([logged], suffix=True)
    assert "}\n[" not in text and "} request_id=req-7\n" in text
    evidence = load(tmp_path, text)
    assert told(evidence, *COLUMNS) == [expected(logged)]
    [metadata] = evidence.frame("logged_sessions")["metadata"]
    assert metadata.endswith("}")
    assert user_id(7) in metadata
