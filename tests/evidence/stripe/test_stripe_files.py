"""What the case names is found, recognised by content, read once, and registered."""

from __future__ import annotations

import gzip
import hashlib
import json
import sqlite3

import pytest
import stripe_shapes as shapes

from credit_forensics.case_file import read_case_file
from credit_forensics.errors import CaseError
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.files.identify_input import identify, object_kind
from credit_forensics.evidence.files.input_paths import input_paths
from credit_forensics.evidence.stripe.load import load_stripe_files
from credit_forensics.evidence.stripe.payments import assemble_payments

LOG = (
    "[2025-09-01T14:39:07+0000 - app.base - INFO] WEBHOOK REQUEST ANALYSIS [ID: webhook-1]\n"
    "[2025-09-01T14:39:07+0000 - app.base - INFO]    User-Agent: Stripe/1.0\n"
)


@pytest.fixture
def case(tmp_path):
    def _case(stripe: str, **files: bytes) -> Evidence:
        for name, content in files.items():
            path = tmp_path / name.replace("__", "/").replace("_DOT_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        (tmp_path / "case.toml").write_text(f"[stripe]\n{stripe}\n", encoding="utf-8")
        evidence = Evidence()
        load_stripe_files(evidence, read_case_file(tmp_path / "case.toml"))
        return evidence

    return _case


def told(evidence: Evidence) -> dict[str, str]:
    return {source.name: source.taken_for for source in evidence.custody.inputs}


def test_each_key_is_read_and_registered(case):
    sessions = shapes.lines(shapes.session_2025())
    evidence = case(
        'sessions = "sessions.jsonl"\nevents = "events.jsonl"\ncharges = "charges.jsonl.gz"\n'
        'refunds = "refunds.jsonl"',
        sessions_DOT_jsonl=sessions,
        events_DOT_jsonl=shapes.lines(shapes.event(shapes.session_2025()), b"{"),
        charges_DOT_jsonl_DOT_gz=gzip.compress(shapes.lines(shapes.charge())),
        refunds_DOT_jsonl=shapes.lines(shapes.refund()),
    )
    assert told(evidence) == {
        "sessions.jsonl": "stripe sessions",
        "events.jsonl": "stripe events",
        "charges.jsonl.gz": "stripe charges",
        "refunds.jsonl": "stripe refunds",
    }
    first = evidence.custody.inputs[0]
    assert first.sha256 == hashlib.sha256(sessions).hexdigest()
    assert (first.size, first.rows, first.rejects) == (len(sessions), 1, 0)
    assert [source.rejects for source in evidence.custody.inputs] == [0, 1, 0, 0]
    assemble_payments(evidence, {"price_small": 50})
    payment = evidence.payments.iloc[0]
    assert payment["card_fingerprint"] == "fp_a1"
    assert payment["amount_refunded"] == 300
    assert payment["expected_credits"] == 50


def test_a_file_is_read_as_what_it_holds(case):
    evidence = case(
        'sessions = "wrong.jsonl"', wrong_DOT_jsonl=shapes.lines(shapes.event(shapes.charge()))
    )
    assert evidence.count("stripe_events") == 1
    assert evidence.custody.inputs[0].notes == [
        "given as sessions, holds stripe events, and is read as that"
    ]


def test_a_folder_of_mixed_files(case, tmp_path):
    (tmp_path / "in").mkdir()
    with sqlite3.connect(tmp_path / "in" / "ledger.db") as database:
        database.execute("CREATE TABLE users (id TEXT)")
    database.close()
    evidence = case(
        'files = "in"',
        in__a_DOT_json=json.dumps(shapes.page(shapes.session_2025())).encode(),
        in__b_DOT_txt=shapes.lines(shapes.charge(), shapes.refund()),
        in__deep__c_DOT_csv=b"id,Created (UTC),Amount,Currency,Status\nch_9,2025-09-01 10:00,1.00,eur,Paid\n",
        in__webhook_DOT_log=LOG.encode(),
        in__empty=b"",
        in__photo_DOT_png=b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40,
        in___DOT_hidden=shapes.lines(shapes.session_2025(7)),
    )
    assert told(evidence) == {
        "in/a.json": "stripe sessions",
        "in/b.txt": "stripe objects",
        "in/deep/c.csv": "stripe csv",
        "in/empty": "empty",
        "in/ledger.db": "sqlite database",
        "in/photo.png": "unknown",
        "in/webhook.log": "webhook log",
    }
    assert evidence.count("stripe_sessions") == 1
    assert evidence.count("stripe_charges") == 2
    assert evidence.custody.rejects().empty
    notes = {source.name: source.notes for source in evidence.custody.inputs}
    assert notes["in/webhook.log"] == ["not a Stripe export; passed over"]
    assert notes["in/empty"] == ["the file is empty"]


def test_lists_patterns_and_repeats(case):
    evidence = case(
        'sessions = ["s/*.jsonl", "s/1.jsonl", "extra.json"]\nfiles = "s"',
        s__1_DOT_jsonl=shapes.lines(shapes.session_2025(1)),
        s__2_DOT_jsonl=shapes.lines(shapes.session_2025(2)),
        extra_DOT_json=json.dumps([shapes.session_2025(3)]).encode(),
    )
    assert list(told(evidence)) == ["s/1.jsonl", "s/2.jsonl", "extra.json"]
    assert evidence.count("stripe_sessions") == 3


@pytest.mark.parametrize(
    ("stripe", "message"),
    [
        ('sessions = "missing.jsonl"', "stripe.sessions: there is no file missing.jsonl."),
        ('events = ["e-*.jsonl"]', "stripe.events: no file matches e-*.jsonl."),
        ('files = "nothing"', "stripe.files: the folder nothing has no files."),
    ],
)
def test_what_is_missing_is_named_by_its_key(case, tmp_path, stripe, message):
    (tmp_path / "nothing").mkdir()
    with pytest.raises(CaseError) as error:
        case(stripe)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (LOG.encode(), "not a Stripe export; it looks like a webhook log"),
        (
            b"SQLite format 3\x00" + bytes(100),
            "not a Stripe export; it looks like a sqlite database",
        ),
    ],
)
def test_another_kind_of_file_is_refused_as_a_whole(case, content, reason):
    evidence = case('sessions = "other"', other=content)
    assert evidence.custody.rejects()[["line", "reason"]].values.tolist() == [[0, reason]]


def test_a_named_file_of_nothing_known_is_told_line_by_line(case):
    evidence = case('sessions = "notes.txt"', notes_DOT_txt=b"hello\n\n{\n")
    assert evidence.custody.rejects()["line"].tolist() == [1, 3]
    assert evidence.custody.inputs[0].rows == 0


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({"object": "checkout.session"}, "checkout.session"),
        ({"id": "evt_1", "data": {}}, "event"),
        ({"specversion": "1.0", "id": "x", "data": {"id": "evt_1", "object": "event"}}, "event"),
        ({"detail": {"object": "v2.core.event"}}, "v2.core.event"),
        ({"object": {"id": "cus_1", "object": "customer"}}, "customer"),
        ({"id": 5}, ""),
        ([1], ""),
        (None, ""),
    ],
)
def test_kinds_by_value(value, kind):
    assert object_kind(value) == kind


def test_json_logs_and_long_first_lines(tmp_path):
    log = tmp_path / "a"
    log.write_text('{"level": "info", "msg": "webhook", "time": 1}\n', encoding="utf-8")
    assert identify(log).what == "webhook log"
    long = tmp_path / "b"
    long.write_bytes(shapes.lines(shapes.session_2025(url="x" * 200_000)))
    assert identify(long).what == "stripe sessions"
    cut = tmp_path / "c"
    cut.write_bytes(json.dumps(shapes.page(*map(shapes.session_2025, range(200)))).encode())
    assert identify(cut).what == "stripe sessions"


@pytest.mark.parametrize("key", ["sessions", "files"])
def test_an_archive_of_which_nothing_can_be_read_is_told(case, key):
    evidence = case(
        f'{key} = "cut.gz"', cut_DOT_gz=gzip.compress(shapes.lines(shapes.session_2025()))[:12]
    )
    assert evidence.custody.rejects()["reason"].str.contains("the gz archive is truncated").all()
    assert len(evidence.custody.rejects()) == 1


def test_an_export_cut_in_its_first_object_is_still_known_as_one(case):
    evidence = case('files = "cut.jsonl"', cut_DOT_jsonl=shapes.lines(shapes.session_2025())[:900])
    assert told(evidence) == {"cut.jsonl": "stripe sessions"}
    assert evidence.custody.rejects()["reason"].tolist() == [
        "the text ends in the middle of an object"
    ]


def test_absolute_paths_and_folders_of_a_key(tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "b").write_bytes(b"")
    (tmp_path / "x" / "a").write_bytes(b"")
    found = input_paths(tmp_path / "elsewhere", str(tmp_path / "x"), "stripe.files")
    assert [path.name for path in found] == ["a", "b"]
