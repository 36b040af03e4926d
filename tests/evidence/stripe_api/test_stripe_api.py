from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

import pytest
from local_stripe import LocalStripe, charge_object, error, session_object, world

from credit_forensics.case_file import CaseFile, read_case_file
from credit_forensics.errors import CaseError
from credit_forensics.evidence.custody import Custody
from credit_forensics.evidence.load import load_evidence
from credit_forensics.evidence.stripe_api.pull import pull
from credit_forensics.evidence.stripe_api.pulled_files import note_gaps, pulled_paths
from credit_forensics.evidence.stripe_api.spool import RESOURCES, open_spool

KEY = "rk_test_51SecretSecretSecret"
NOW = dt.datetime(2025, 9, 20, 12, tzinfo=dt.UTC)
START = int(dt.datetime(2025, 9, 10, tzinfo=dt.UTC).timestamp())


@pytest.fixture
def stripe_server():
    with LocalStripe(world(250, START)) as server:
        yield server


def case_at(folder: Path, server: LocalStripe, **settings: object) -> CaseFile:
    stripe = {"api_key": KEY, "api_base": server.address, "since": dt.date(2025, 9, 1), **settings}
    return CaseFile.model_validate({"stripe": stripe, "folder": folder})


def kept(folder: Path, name: str) -> list[dict]:
    return [json.loads(line) for line in (folder / "stripe_pull" / f"{name}.jsonl").open()]


def no_sleep(_seconds: float) -> None:
    return None


def everything_on_disk(folder: Path) -> bytes:
    return b"".join(p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file())


def test_pages_of_every_resource_are_kept_as_stripe_sent_them(tmp_path, stripe_server):
    seen: Counter[str] = Counter()
    summary = pull(
        case_at(tmp_path, stripe_server),
        now=NOW,
        progress=lambda name, rows: seen.update({name: 1}) or None,
    )
    for name in RESOURCES:
        rows = kept(tmp_path, name)
        assert sorted(rows, key=lambda r: r["id"]) == sorted(
            stripe_server.objects[name], key=lambda r: r["id"]
        )
    assert seen["sessions"] == 3
    assert len(stripe_server.asked("sessions")) == 3
    assert {r.resource: r.rows for r in summary.resources}["refunds"] == 25
    assert summary.gaps == ()
    assert not summary.resumed


def test_nothing_but_reads_reaches_stripe_and_the_key_stays_in_memory(
    tmp_path, stripe_server, capfd
):
    summary = pull(case_at(tmp_path, stripe_server), now=NOW)
    assert {method for method, _, _ in stripe_server.requests} == {"GET"}
    assert stripe_server.authorizations == {f"Bearer {KEY}"}
    assert KEY.encode() not in everything_on_disk(tmp_path)
    output = capfd.readouterr()
    assert KEY not in output.out + output.err + str(summary) + repr(summary)


def test_only_the_owner_may_read_what_was_pulled(tmp_path, stripe_server):
    pull(case_at(tmp_path, stripe_server), now=NOW)
    folder = tmp_path / "stripe_pull"
    assert folder.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())


def test_the_window_is_asked_for_and_a_date_as_its_end_is_included(tmp_path, stripe_server):
    case = case_at(tmp_path, stripe_server, since="2025-09-10", until=dt.date(2025, 9, 10))
    day = dt.datetime(2025, 9, 10, tzinfo=dt.UTC)
    pull(case, now=NOW)
    first = stripe_server.asked("charges")[0]
    assert first["created[gte]"] == str(int(day.timestamp()))
    assert first["created[lt]"] == str(int(day.timestamp()) + 86_400)
    # Refunds of these payments can come later, up to now.
    assert stripe_server.asked("refunds")[0]["created[lt]"] == str(int(NOW.timestamp()))


def test_a_pull_of_a_fixed_window_asks_nothing_the_second_time(tmp_path, stripe_server):
    case = case_at(tmp_path, stripe_server, until=dt.date(2025, 9, 15))
    pull(case, now=NOW)
    asked, files = len(stripe_server.requests), everything_on_disk(tmp_path)
    again = pull(case, now=NOW + dt.timedelta(days=3))
    assert len(stripe_server.requests) == asked
    assert everything_on_disk(tmp_path) == files
    assert all(r.new_rows == 0 and r.requests == 0 for r in again.resources)


def test_throttling_and_faults_are_waited_out_as_long_as_stripe_asks(tmp_path, stripe_server):
    answers = {
        ("sessions", 2): (
            429,
            {"Retry-After": "7"},
            b'{"error":{"type":"invalid_request_error","code":"rate_limit"}}',
        ),
        ("sessions", 3): error(503, "api_error", "down"),
        ("sessions", 4): (502, {}, b"<html>Bad gateway</html>"),
        ("sessions", 5): (200, {}, b'{"object":"list","data":[{"id":"cs_'),
        ("charges", 1): (0, {}, b""),
        ("charges", 2): (429, {"Retry-After": "5"}, b"slow down"),
    }
    stripe_server.interfere = lambda name, nth: answers.get((name, nth))
    waits: list[float] = []
    pull(case_at(tmp_path, stripe_server), now=NOW, sleep=waits.append)
    assert waits == [7.0, 1.0, 2.0, 4.0, 0.5, 5.0]
    assert len(kept(tmp_path, "sessions")) == 250
    assert len(kept(tmp_path, "charges")) == 250


def test_retry_after_as_a_date_counts_from_the_answers_own_clock(tmp_path, stripe_server):
    headers = {
        "Retry-After": "Wed, 21 Oct 2015 07:28:30 GMT",
        "Date": "Wed, 21 Oct 2015 07:28:18 GMT",
    }
    stripe_server.interfere = lambda name, nth: (
        (503, headers, b"busy") if (name, nth) == ("sessions", 1) else None
    )
    waits: list[float] = []
    pull(case_at(tmp_path, stripe_server), now=NOW, sleep=waits.append)
    # http.server adds a Date of its own first; either way the wait is bounded and not negative.
    assert len(waits) == 1
    assert 0.5 <= waits[0] <= 12.0


def test_a_wait_longer_than_a_minute_ends_the_pull_and_says_when_to_come_back(
    tmp_path, stripe_server
):
    stripe_server.interfere = lambda name, nth: (
        (429, {"Retry-After": "3600"}, b'{"error": {"type": "invalid_request_error"}}')
        if (name, nth) == ("events", 2)
        else None
    )
    with pytest.raises(CaseError, match="wait 3600 seconds"):
        pull(case_at(tmp_path, stripe_server), now=NOW, sleep=no_sleep)
    assert len(kept(tmp_path, "sessions")) == 250


def test_the_tries_are_bounded_and_what_was_fetched_is_kept_and_not_asked_again(
    tmp_path, stripe_server
):
    stripe_server.interfere = lambda name, nth: (
        error(500, "api_error", "down") if name == "charges" and nth > 1 else None
    )
    waits: list[float] = []
    with pytest.raises(CaseError, match=r"kept failing on charges \(HTTP 500, 8 tries\)"):
        pull(case_at(tmp_path, stripe_server), now=NOW, sleep=waits.append)
    assert waits == [0.5, 1, 2, 4, 8, 16, 32]
    before = {name: len(stripe_server.asked(name)) for name in RESOURCES}

    stripe_server.interfere = lambda _name, _nth: None
    summary = pull(case_at(tmp_path, stripe_server), now=NOW + dt.timedelta(hours=5))
    assert summary.resumed
    after = {name: len(stripe_server.asked(name)) - before[name] for name in RESOURCES}
    assert after == {
        "sessions": 0,
        "events": 0,
        "charges": 2,
        "refunds": 1,
        "disputes": 1,
        "customers": 3,
        "invoices": 1,
        "subscriptions": 1,
    }
    # The window is the one that the first call had.
    assert stripe_server.asked("customers")[0]["created[lt]"] == str(int(NOW.timestamp()))
    for name in RESOURCES:
        ids = [row["id"] for row in kept(tmp_path, name)]
        assert sorted(ids) == sorted(row["id"] for row in stripe_server.objects[name])


def test_a_resource_that_the_key_may_not_read_is_a_gap_and_the_rest_goes_on(
    tmp_path, stripe_server
):
    stripe_server.refused = {"disputes", "events"}
    case = case_at(tmp_path, stripe_server)
    summary = pull(case, now=NOW)
    assert [(gap["object"], gap["problem"]) for gap in summary.gaps] == [
        ("events", "unreadable"),
        ("disputes", "unreadable"),
    ]
    assert len(kept(tmp_path, "customers")) == 250
    assert set(pulled_paths(case)) == {"sessions", "charges", "refunds", "customers"}
    custody = Custody()
    note_gaps(case, custody)
    assert custody.gaps()["object"].tolist() == ["events", "disputes"]
    assert "rk_test_" not in custody.gaps().to_json()

    stripe_server.refused = set()
    asked = len(stripe_server.asked("sessions"))
    later = pull(case_at(tmp_path, stripe_server, until=NOW), now=NOW)
    assert later.gaps == ()
    assert len(kept(tmp_path, "events")) == 250
    assert len(stripe_server.asked("sessions")) == asked


def test_a_key_without_the_right_to_prices_still_reads_sessions(tmp_path, stripe_server):
    stripe_server.expand_refused = True
    summary = pull(case_at(tmp_path, stripe_server), now=NOW)
    assert summary.gaps == ()
    assert len(kept(tmp_path, "sessions")) == 250


def test_a_key_that_may_read_nothing_is_an_error(tmp_path, stripe_server):
    stripe_server.refused = set(RESOURCES)
    with pytest.raises(CaseError, match="may read none of"):
        pull(case_at(tmp_path, stripe_server), now=NOW)


@pytest.mark.parametrize("status", [401, 418])
def test_a_refused_key_is_one_sentence_without_the_key(tmp_path, stripe_server, status):
    message = f"Invalid API Key provided: {KEY}"
    stripe_server.interfere = lambda _n, _i: error(status, "invalid_request_error", message)
    with pytest.raises(CaseError, match=f"HTTP {status}") as caught:
        pull(case_at(tmp_path, stripe_server), now=NOW, sleep=no_sleep)
    shown = "".join(traceback.format_exception(caught.value))
    assert KEY not in shown


@pytest.mark.parametrize(
    "key", ["rk_test_line\nbreak", "pk_live_publishable", "rk_test_ümlaut", " ", "hunter2"]
)
def test_what_is_no_key_is_refused_before_it_is_sent_and_not_shown(tmp_path, stripe_server, key):
    with pytest.raises(CaseError) as caught:
        pull(case_at(tmp_path, stripe_server, api_key=key), now=NOW)
    assert stripe_server.requests == []
    assert key.strip() == "" or key not in "".join(traceback.format_exception(caught.value))


def test_the_key_comes_from_the_environment(tmp_path, stripe_server, monkeypatch):
    monkeypatch.setenv("A_STRIPE_KEY", KEY + "\n")
    pull(case_at(tmp_path, stripe_server, api_key="env:A_STRIPE_KEY"), now=NOW)
    assert stripe_server.authorizations == {f"Bearer {KEY}"}


@pytest.mark.parametrize(
    "base",
    ["http://stripe.example.com", "ftp://127.0.0.1", "https://user:pw@example.com", "http://[::1"],
)
def test_the_key_is_not_sent_in_the_clear(tmp_path, stripe_server, base):
    with pytest.raises(CaseError, match=r"stripe\.api_base"):
        pull(case_at(tmp_path, stripe_server, api_base=base), now=NOW)


def test_no_answer_at_all_is_one_sentence(tmp_path, stripe_server):
    case = case_at(tmp_path, stripe_server, api_base="http://127.0.0.1:9")
    with pytest.raises(CaseError, match="no connection, 8 tries"):
        pull(case, now=NOW, sleep=no_sleep)


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"null",
        b'{"object":"list","data":null}',
        b'{"object":"list","data":[1]}',
        b'{"object":"list","data":[{"object":"charge"}]}',
        b'{"object":"list","data":[],"has_more":true}',
        b'{"id":"cs_1","object":"checkout.session"}',
    ],
)
def test_answers_that_are_no_list_end_the_pull_with_a_sentence(tmp_path, stripe_server, body):
    stripe_server.interfere = lambda name, _n: (200, {}, body) if name == "charges" else None
    with pytest.raises(CaseError, match="list of charges is not a list"):
        pull(case_at(tmp_path, stripe_server), now=NOW, sleep=no_sleep)


def test_a_page_that_repeats_itself_does_not_go_on_for_ever(tmp_path, stripe_server):
    page = json.dumps(
        {
            "object": "list",
            "data": [charge_object(1, START)],
            "has_more": True,
            "url": "/v1/charges",
        }
    )
    stripe_server.interfere = lambda name, _n: (
        (200, {}, page.encode()) if name == "charges" else None
    )
    with pytest.raises(CaseError, match="charges"):
        pull(case_at(tmp_path, stripe_server), now=NOW)


def test_odd_characters_survive(tmp_path, stripe_server):
    odd = session_object(900, START + 5)
    odd["metadata"] = {"surrogate": "\ud800", "nul": "\x00", "separator": "\u2028\u0085"}
    stripe_server.objects["sessions"].append(odd)
    pull(case_at(tmp_path, stripe_server), now=NOW)
    found = next(row for row in kept(tmp_path, "sessions") if row["id"] == odd["id"])
    assert found["metadata"] == odd["metadata"]


def test_what_the_thirty_days_leave_uncovered_is_said(tmp_path, stripe_server):
    now = dt.datetime(2025, 10, 20, tzinfo=dt.UTC)
    case = case_at(tmp_path, stripe_server, since=dt.date(2025, 8, 1))
    summary = pull(case, now=now)
    assert stripe_server.asked("events")[0]["created[gte]"] == str(
        int(now.timestamp()) - 30 * 86_400
    )
    (gap,) = summary.gaps
    assert (gap["object"], gap["problem"]) == ("events", "window")
    assert "2025-08-01 00:00 UTC to 2025-09-20 00:00 UTC" in gap["consequence"]
    # Pulled again after two months, the hole between is said as well, joined where they touch.
    later = pull(case, now=now + dt.timedelta(days=61))
    said = [g["consequence"] for g in later.gaps]
    assert len(said) == 2
    assert "2025-10-20 00:00 UTC to 2025-11-20 00:00 UTC" in said[1]


def test_a_window_older_than_the_events_reach_asks_for_no_events(tmp_path, stripe_server):
    case = case_at(tmp_path, stripe_server, until=dt.date(2025, 9, 15))
    summary = pull(case, now=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    assert stripe_server.asked("events") == []
    assert [gap["problem"] for gap in summary.gaps] == ["window"]


def test_a_grown_window_is_extended_and_newer_snapshots_replace_older_ones(tmp_path, stripe_server):
    case = case_at(tmp_path, stripe_server)
    first = dt.datetime.fromtimestamp(START + 250 * 60, dt.UTC)
    pull(case, now=first)
    late = stripe_server.objects["sessions"][249]
    late["payment_status"] = "unpaid"
    new = session_object(700, START + 300 * 60)
    stripe_server.objects["sessions"].append(new)
    asked = len(stripe_server.asked("sessions"))
    summary = pull(case, now=first + dt.timedelta(days=1))
    rows = kept(tmp_path, "sessions")
    assert len(rows) == len({row["id"] for row in rows}) == 251
    assert next(row for row in rows if row["id"] == late["id"])["payment_status"] == "unpaid"
    low = int(stripe_server.asked("sessions")[asked]["created[gte]"])
    assert low == int(first.timestamp()) - 2 * 86_400
    assert {r.resource: r.rows for r in summary.resources}["sessions"] == 251

    # An earlier since fetches the earlier stretch only.
    old = session_object(800, START - 20 * 86_400)
    stripe_server.objects["sessions"].append(old)
    asked = len(stripe_server.asked("sessions"))
    earlier = case_at(tmp_path, stripe_server, since=dt.date(2025, 8, 1), until=first)
    pull(earlier, now=first + dt.timedelta(days=1))
    assert old["id"] in {row["id"] for row in kept(tmp_path, "sessions")}
    assert len(stripe_server.asked("sessions")) == asked + 1


def test_without_an_overlap_the_files_only_grow_at_their_ends(tmp_path, stripe_server):
    case = case_at(tmp_path, stripe_server)
    first = dt.datetime.fromtimestamp(START + 250 * 60, dt.UTC)
    pull(case, now=first)
    path = tmp_path / "stripe_pull" / "sessions.jsonl"
    before = path.read_bytes()
    stripe_server.objects["sessions"].append(session_object(700, START + 300 * 60))
    pull(case, now=first + dt.timedelta(days=1), overlap=dt.timedelta(0))
    assert path.read_bytes().startswith(before)
    assert [row["id"] for row in kept(tmp_path, "sessions")][250:] == ["cs_test_a10000700"]


def test_modes_are_not_mixed_in_one_folder(tmp_path, stripe_server):
    pull(case_at(tmp_path, stripe_server), now=NOW)
    with pytest.raises(CaseError, match="holds a pull of test mode"):
        pull(case_at(tmp_path, stripe_server, api_key="rk_live_51Secret"), now=NOW)


def test_two_pulls_at_once_are_refused(tmp_path, stripe_server):
    with open_spool(tmp_path / "stripe_pull"), pytest.raises(CaseError, match="Another pull"):
        pull(case_at(tmp_path, stripe_server), now=NOW)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"since": "yesterday"}, "stripe.since is not a date"),
        ({"until": True}, "stripe.until is not a date"),
        ({"since": 1 << 60}, "stripe.since is not a date"),
        ({"since": "2026-01-01"}, "the window holds nothing"),
        ({"api_key": None}, "needs stripe.api_key"),
    ],
)
def test_settings_that_cannot_be_used_are_named(tmp_path, stripe_server, settings, message):
    with pytest.raises(CaseError, match=message):
        pull(case_at(tmp_path, stripe_server, **settings), now=NOW)
    assert stripe_server.requests == []


def test_times_and_numbers_bound_the_window_too(tmp_path, stripe_server):
    case = case_at(tmp_path, stripe_server, since="2025-09-10T00:10:00+02:00", until=START)
    pull(case, now=NOW)
    first = stripe_server.asked("sessions")[0]
    assert first["created[gte]"] == str(START + 600 - 7200)
    assert first["created[lt]"] == str(START)


def test_a_case_that_never_pulled_has_no_files(tmp_path, stripe_server):
    assert pulled_paths(case_at(tmp_path, stripe_server)) == {}
    assert not (tmp_path / "stripe_pull").exists()


def test_an_analysis_reads_what_was_pulled_and_names_its_gaps(tmp_path, stripe_server):
    stripe_server.refused = {"disputes"}
    case = case_at(tmp_path, stripe_server)
    pull(case, now=NOW)
    asked = len(stripe_server.requests)
    evidence = load_evidence(case)
    payments = evidence.payments
    assert len(payments) == 250
    assert set(payments["payment_status"]) == {"paid"}
    assert set(payments["price_id"]) == {"price_small"}
    assert payments["card_fingerprint"].nunique() == 40
    assert evidence.count("events") == 250
    assert "disputes" in evidence.frame("gaps")["object"].tolist()
    assert len(stripe_server.requests) == asked
    # A key of the case file may name the spool; it is read once all the same.
    again = load_evidence(case_at(tmp_path, stripe_server, files="stripe_pull/*.jsonl"))
    assert again.count("stripe_sessions") == evidence.count("stripe_sessions")
    # Named by a pattern, the lists that are empty are inputs too.
    read, named = (
        [source.name for source in one.custody.inputs if source.rows] for one in (evidence, again)
    )
    assert len(read) == 5
    assert sorted(read) == sorted(named)


def test_a_pull_killed_again_and_again_ends_complete_and_without_duplicates(
    tmp_path, stripe_server
):
    (tmp_path / "case.toml").write_text(
        f'[stripe]\napi_key = "{KEY}"\napi_base = "{stripe_server.address}"\n'
        "since = 2025-09-01\nuntil = 2025-09-15\n"
    )
    script = (
        "import sys, datetime\n"
        "from credit_forensics.case_file import read_case_file\n"
        "from credit_forensics.evidence.stripe_api import pull\n"
        "pull.PAGE = 10\n"
        "pull.pull(read_case_file(sys.argv[1]), now=datetime.datetime(2025, 9, 20, tzinfo=datetime.UTC))\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    stripe_server.delay = 0.01
    kills = 0
    for target in (8, 20, 45, 70):
        process = subprocess.Popen(command, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 30
        while len(stripe_server.requests) < target and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            kills += 1
        process.communicate()
    # A half-written page, as a kill in the middle of the write leaves it.
    with (tmp_path / "stripe_pull" / "sessions.jsonl").open("ab") as file:
        file.write(b'{"id":"cs_half')
    assert kills == 4
    assert pulled_paths(read_case_file(tmp_path))["sessions"][0].read_bytes().endswith(b"}\n")
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    for name in RESOURCES:
        ids = [row["id"] for row in kept(tmp_path, name)]
        assert sorted(ids) == sorted(row["id"] for row in stripe_server.objects[name])
    # Only a page that was in flight at a kill may have been asked for twice.
    pages = Counter((name, tuple(sorted(q.items()))) for _, name, q in stripe_server.requests)
    assert sum(count - 1 for count in pages.values()) <= kills
    assert {method for method, _, _ in stripe_server.requests} == {"GET"}


def test_credit_grants_are_pulled_only_where_they_are_the_ledger(tmp_path, stripe_server):
    grants = [
        {"id": f"credgr_test_{n}", "object": "billing.credit_grant", "customer": f"cus_T{n:07d}",
         "category": "paid", "created": START + n * 60 + 40, "livemode": False,
         "metadata": {"session": f"cs_test_a1{n:07d}"}, "voided_at": None,
         "amount": {"type": "monetary", "monetary": {"currency": "eur", "value": 3990}}}
        for n in range(250)
    ]  # fmt: skip
    long_ago = {**grants[0], "id": "credgr_test_old", "created": 1_600_000_000}
    stripe_server.objects["credit_grants"] = [*grants, long_ago]
    pull(case_at(tmp_path / "without", stripe_server), now=NOW)
    assert not stripe_server.asked("credit_grants")

    settings = case_at(tmp_path / "with", stripe_server)
    case_file = settings.model_copy(
        update={"ledger": CaseFile.model_validate({"ledger": {"stripe_billing": True}}).ledger}
    )
    pull(case_file, now=NOW)
    # Their list takes no window: it ends with the first that is older.
    assert all("created[lt]" not in asked for asked in stripe_server.asked("credit_grants"))
    assert len(kept(tmp_path / "with", "credit_grants")) == 250
    evidence = load_evidence(case_file)
    assert len(evidence.ledger) == 250
    assert evidence.ledger["payment_id"].str.startswith("cs_test_a1").all()
    assert evidence.ledger_until == NOW
    again = len(stripe_server.asked("credit_grants"))
    pull(case_file, now=NOW + dt.timedelta(minutes=15), overlap=dt.timedelta(0))
    assert len(stripe_server.asked("credit_grants")) == again + 1
    assert len(kept(tmp_path / "with", "credit_grants")) == 250
