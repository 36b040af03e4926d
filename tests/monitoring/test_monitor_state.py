from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credit_forensics.errors import CaseError
from credit_forensics.monitoring.observation import ITEM_COLUMNS, Observation
from credit_forensics.monitoring.state import MonitorState

NOW = dt.datetime(2025, 9, 1, 12, tzinfo=dt.UTC)
SETTLE = dt.timedelta(hours=6)
TARGET = "json-1"


def seen(
    *items: str, ends: str = "quiet", severity: str = "warning", cause: str = "c", **more: object
) -> Observation:
    frame = pd.DataFrame(
        [{"item": i, "cause": cause, "severity": severity, "at": NOW, **more} for i in items],
        columns=list(ITEM_COLUMNS),
    )
    return Observation("check", frame, ends, "said")


def apply(
    state: MonitorState, observation: Observation, hours: float = 0, first: bool = False
) -> None:
    with state.transaction():
        state.apply(observation, NOW + dt.timedelta(hours=hours), settle=SETTLE, first=first)


def report(state: MonitorState) -> list[tuple[str, str, int]]:
    due = [incident for incident, _ in state.unreported(TARGET)]
    with state.transaction():
        state.mark_reported(TARGET, due, NOW)
    return [(i.cause, i.status, i.items) for i in due]


@pytest.fixture
def state(tmp_path):
    with MonitorState(tmp_path / "monitor" / "state.sqlite") as opened:
        yield opened


def test_an_incident_opens_grows_and_ends_and_each_is_due_once(state):
    apply(state, seen("a"))
    assert report(state) == [("c", "open", 1)]
    apply(state, seen("a"), 0.1)
    assert report(state) == []
    apply(state, seen("a", "b", user_id="u", amount=399, currency="eur", credits=5), 1)
    assert report(state) == [("c", "open", 2)]
    apply(state, seen("a", "b"), 6.9)
    assert report(state) == []
    apply(state, seen("a", "b"), 7)
    assert report(state) == [("c", "ended", 2)]
    # The items are known: seeing them again is no news, a new one is a new incident.
    apply(state, seen("a", "b"), 8)
    assert report(state) == []
    apply(state, seen("a", "b", "d"), 9)
    assert report(state) == [("c", "open", 1)]
    assert [(i.status, i.items) for i in state.incidents()] == [("ended", 2), ("open", 1)]


def test_what_lasts_ends_with_its_last_item_and_opens_again_when_it_returns(state):
    apply(state, seen("a", "b", ends="absent"))
    assert report(state) == [("c", "open", 2)]
    apply(state, seen("b", ends="absent"), 1)
    assert report(state) == []
    assert state.incidents()[0].there == 1
    apply(state, seen("a", "b", ends="absent"), 2)
    assert (state.incidents()[0].items, state.incidents()[0].there) == (2, 2)
    apply(state, seen(ends="absent"), 3)
    assert report(state) == [("c", "ended", 2)]
    apply(state, seen("a", ends="absent"), 4)
    assert report(state) == [("c", "open", 1)]
    assert [(i.status, i.items) for i in state.incidents()] == [("ended", 2), ("open", 1)]


def test_a_higher_severity_is_news(state):
    apply(state, seen("a", severity="info"))
    report(state)
    apply(state, seen("a", severity="critical"))
    assert [i.severity for i, _ in state.unreported(TARGET)] == ["critical"]
    report(state)
    apply(state, seen("a", severity="info"))
    assert state.unreported(TARGET) == []


def test_history_before_the_first_look_is_remembered_as_such(state):
    old = seen("old").items.assign(at=NOW - dt.timedelta(days=90))
    items = pd.concat([old, seen("new").items])
    apply(state, Observation("check", items, "quiet", "said"), first=True)
    assert [(i.status, i.items) for i in state.incidents()] == [("earlier", 1), ("open", 1)]
    assert len(report(state)) == 2
    apply(state, Observation("check", items, "quiet", "said"), 1)
    assert report(state) == []


def test_targets_are_told_apart(state):
    apply(state, seen("a"))
    report(state)
    assert state.unreported(TARGET) == []
    assert len(state.unreported("mail-2")) == 1


def test_causes_are_incidents_of_their_own_and_count_what_is_hit(state):
    apply(state, seen("a", "b", cause="x", user_id="u1", credits=50, amount=399, currency="eur"))
    apply(state, seen("d", cause="y", user_id=None, amount=1, currency=None))
    first, second = state.incidents()
    assert (first.cause, first.users, first.credits, first.amounts) == ("x", 1, 100, {"eur": 798})
    assert (second.cause, second.users, second.amounts) == ("y", 0, {"": 1})


def test_a_failed_transaction_leaves_nothing(state):
    with pytest.raises(ZeroDivisionError), state.transaction():
        state.apply(seen("a"), NOW, settle=SETTLE, first=False)
        raise ZeroDivisionError
    assert state.incidents() == []


@pytest.mark.parametrize(
    "content", [b"not a database at all" * 100, b"SQLite format 3\x00" + b"\xff" * 4096]
)
def test_a_damaged_state_is_one_sentence(tmp_path, content):
    path = tmp_path / "state.sqlite"
    path.write_bytes(content)
    with pytest.raises(CaseError, match="move it away"):
        MonitorState(path)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.frozensets(st.sampled_from("abcd"), max_size=4), max_size=8), st.booleans())
def test_no_state_is_told_twice_and_none_is_forgotten(tmp_path_factory, looks, lasting):
    """Whatever is seen in whatever order, after telling there is nothing left to tell, and the
    numbers told of an open incident only grow."""
    path = tmp_path_factory.mktemp("state") / "state.sqlite"
    ends = "absent" if lasting else "quiet"
    told: set[tuple[int, str, int, str]] = set()
    with MonitorState(path) as state:
        for hour, look in enumerate(looks):
            apply(state, seen(*sorted(look), ends=ends), hour)
            due = [incident for incident, _ in state.unreported(TARGET)]
            for incident in due:
                key = (incident.id, incident.status, incident.items, incident.severity)
                assert key not in told
                told.add(key)
            with state.transaction():
                state.mark_reported(TARGET, due, NOW)
            assert state.unreported(TARGET) == []
            opened = state.incidents(status="open")
            assert len(opened) == len({incident.cause for incident in opened})
            if lasting:
                standing = sum(incident.there for incident in opened)
                assert standing == len(look)
