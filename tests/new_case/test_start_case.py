"""A folder becomes a case file: what lies there is recognised, shown, and nothing is harmed."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kite_shop import session, write_ledger, write_sessions

from credit_forensics.case_file import read_case_file
from credit_forensics.errors import CaseError
from credit_forensics.new_case.case_text import Section, case_text
from credit_forensics.new_case.credits_of_prices import BookedCredits
from credit_forensics.new_case.inventory import look_at
from credit_forensics.new_case.questions import leave_open, take_best
from credit_forensics.new_case.start import NewCase, start_case

LOG = (
    "2025-09-01T10:00:00Z info Received event evt_1Kite checkout.session.completed\n"
    "2025-09-01T10:00:01Z info Added 40 credits to user 0017\n"
)


def booked(*credits: int) -> list[tuple[str, int, str]]:
    """Entries that name the sessions in turn."""
    return [(f"00{n}", c, f"purchase:cs_live_kite{n}") for n, c in enumerate(credits)]


def begin(folder: Path, answer=take_best, **more: Any) -> NewCase:
    return start_case(folder, answer, **{"environment": {}, **more})


def test_exports_a_log_and_a_ledger_become_a_case(tmp_path: Path) -> None:
    write_sessions(tmp_path)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "out.txt").write_text(LOG)
    write_ledger(tmp_path / "shop.sqlite", booked(40, 40, 40, 7))
    case = begin(tmp_path)
    read = read_case_file(case.path)
    assert read.stripe.sessions == "checkout.jsonl"
    assert read.webhook_log.files == "logs/out.txt"
    assert read.ledger is not None
    assert read.ledger.url == "sqlite:///shop.sqlite"
    assert read.prices == {"price_kite": 40}
    assert "3 of 4 payments of price_kite" in case.text
    assert "4 of 4 entries that add credits name a payment" in case.text
    assert case.remarks == []


def test_nobody_is_named_in_the_case_file(tmp_path: Path) -> None:
    write_sessions(tmp_path)
    write_ledger(tmp_path / "a.db", [("mira@kites.example", 40, "for Mira Windt, cs_live_kite0")])
    (tmp_path / "a.log").write_text(LOG + "2025-09-01T10:00:02Z Mira Windt paid evt_2Kite\n")
    text = begin(tmp_path).text
    assert "Mira" not in text
    assert "@" not in text
    assert "example: cs_live_kite0, created 2025-09-01" in text


def test_what_is_there_stays_as_it_is(tmp_path: Path) -> None:
    write_sessions(tmp_path)
    (tmp_path / "case.toml").write_text("mine")
    with pytest.raises(CaseError, match="is there already"):
        begin(tmp_path)
    assert (tmp_path / "case.toml").read_text() == "mine"
    assert begin(tmp_path, out=Path("second.toml")).path == tmp_path / "second.toml"


def test_a_database_is_not_written_into(tmp_path: Path) -> None:
    write_sessions(tmp_path)
    write_ledger(tmp_path / "a.db", booked(40))
    before = (tmp_path / "a.db").read_bytes()
    begin(tmp_path)
    assert (tmp_path / "a.db").read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.db", "case.toml", "checkout.jsonl"]


@pytest.mark.parametrize(
    ("answer", "prices", "open_"),
    [(take_best, {"price_kite": 40}, False), (leave_open, {}, True)],
)
def test_a_price_that_one_payment_shows_is_asked(tmp_path: Path, answer, prices, open_) -> None:
    write_sessions(tmp_path, 2)
    write_ledger(tmp_path / "a.db", booked(40))
    case = begin(tmp_path, answer)
    assert read_case_file(case.path).prices == prices
    assert ("# Question: How many credits is price_kite worth?" in case.text) == open_
    assert ("# price_kite = 40" in case.text) == open_


@pytest.mark.parametrize(("sessions", "taken"), [(2, True), (3, False)])
def test_a_price_that_few_of_its_payments_brought_credits_for_is_not_taken(
    tmp_path: Path, sessions: int, taken: bool
) -> None:
    # The price of something else than credits, of which one order made the handler act.
    write_sessions(tmp_path, sessions)
    write_ledger(tmp_path / "a.db", booked(40))
    case = begin(tmp_path, take_best)
    assert bool(read_case_file(case.path).prices) == taken
    assert ("it may\n# be no price" in case.text or "may be no price" in case.text) != taken


def test_what_was_given_for_nothing_teaches_no_price(tmp_path: Path) -> None:
    rows = [session(n, amount_total=0, payment_status="no_payment_required") for n in range(3)]
    (tmp_path / "s.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    write_ledger(tmp_path / "a.db", booked(20, 20, 20))
    assert read_case_file(begin(tmp_path, take_best).path).prices == {}


def test_exported_tables_are_the_ledger_where_no_database_is(tmp_path: Path) -> None:
    write_sessions(tmp_path, 2)
    (tmp_path / "entries.csv").write_text(
        "id,user_id,amount,type,session,created_at\n"
        "1,000,40,purchase,cs_live_kite0,2025-09-01 10:00:10\n"
        "2,001,40,purchase,cs_live_kite1,2025-09-01 11:00:10\n"
    )
    (tmp_path / "people.csv").write_text("id,email,name\n000,a@x.example,A\n001,b@x.example,B\n")
    case = begin(tmp_path)
    ledger = read_case_file(case.path).ledger
    assert ledger is not None
    assert ledger.files == {"entries": "entries.csv", "people": "people.csv"}
    assert "2 of 2 entries that add credits name a payment" in case.text


def test_a_file_a_month_is_one_ledger(tmp_path: Path) -> None:
    write_sessions(tmp_path, 2)
    heading = "id,user_id,amount,type,session,created_at\n"
    for number, month in enumerate(("2025-08", "2025-09")):
        (tmp_path / f"ledger-{month}.csv").write_text(
            f"{heading}1,00{number},40,purchase,cs_live_kite{number},{month}-01 10:00:10\n"
        )
    (tmp_path / "people.csv").write_text("id,email\n000,a@x.example\n001,b@x.example\n")
    case = begin(tmp_path)
    assert "read as one: ledger_2025_08, ledger_2025_09" in " ".join(case.text.split())
    assert "2 of 2 entries that add credits name a payment" in case.text


def test_tables_that_are_no_ledger_stay_comments(tmp_path: Path) -> None:
    write_sessions(tmp_path, 2)
    (tmp_path / "weather.csv").write_text("day,rain,wind,station\n2025-09-01,3,4,x\n")
    case = begin(tmp_path)
    assert read_case_file(case.path).ledger is None
    assert '# files = { weather = "weather.csv" }' in case.text


def test_a_price_is_worth_what_one_of_it_brought(tmp_path: Path) -> None:
    sold = {"data": [{"price": {"id": "price_kite"}, "quantity": 3}]}
    rows = [session(0), session(1), session(2, line_items=sold)]
    (tmp_path / "s.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    write_ledger(tmp_path / "a.db", booked(40, 40, 120))
    assert "3 of 3 payments of price_kite" in begin(tmp_path).text


def test_a_price_whose_units_went_to_an_account_each(tmp_path: Path) -> None:
    sold = {"data": [{"price": {"id": "price_kite"}, "quantity": 2}]}
    rows = [session(0, line_items=sold), session(1, line_items=sold)]
    (tmp_path / "s.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    entries = [("000", 40, "0"), ("007", 40, "0"), ("001", 40, "1"), ("008", 40, "1")]
    named = [(user, credits, f"purchase:cs_live_kite{n}") for user, credits, n in entries]
    write_ledger(tmp_path / "a.db", named)
    assert read_case_file(begin(tmp_path).path).prices == {"price_kite": 40}


@pytest.mark.parametrize(
    ("counts", "sure"),
    [
        (((40, 1),), False),
        (((40, 2),), True),
        (((40, 3), (7, 2)), True),
        (((40, 4), (7, 3)), False),
        (((40, 2), (7, 2)), False),
    ],
)
def test_when_a_price_is_sure(counts, sure) -> None:
    assert BookedCredits("price", counts).sure == sure


def test_of_two_databases_the_one_that_names_the_payments_is_the_ledger(tmp_path: Path) -> None:
    write_sessions(tmp_path)
    write_ledger(tmp_path / "a.db", [("0", 40, "welcome")])
    write_ledger(tmp_path / "b.db", booked(40, 40))
    ledger = read_case_file(begin(tmp_path, leave_open).path).ledger
    assert ledger is not None
    assert ledger.url == "sqlite:///b.db"


def test_two_that_both_name_payments_are_a_question(tmp_path: Path) -> None:
    write_sessions(tmp_path)
    write_ledger(tmp_path / "a.db", booked(40))
    write_ledger(tmp_path / "b.db", booked(40, 40))
    case = begin(tmp_path, leave_open)
    assert read_case_file(case.path).ledger is None
    assert "# [ledger]" in case.text
    assert case.remarks == ["Open: Which database holds the credit ledger?"]
    assert '# url = "sqlite:///b.db"\n# url = "sqlite:///a.db"' in case.text


def test_a_password_is_written_nowhere(tmp_path: Path) -> None:
    write_sessions(tmp_path)
    url = "postgresql://shop:hush@127.0.0.1:1/shop"
    with pytest.raises(CaseError) as refused:
        begin(tmp_path, given=[url])
    assert "hush" not in str(refused.value)
    case = begin(tmp_path, environment={"DATABASE_URL": url})
    assert "hush" not in case.text


def test_without_exports_the_api_is_to_be_asked(tmp_path: Path) -> None:
    case = begin(tmp_path, environment={"STRIPE_API_KEY": "sk_live_hush"})
    assert read_case_file(case.path).stripe.api_key == "env:STRIPE_API_KEY"
    assert case.pull
    assert "hush" not in case.text


def test_beside_exports_the_api_is_offered(tmp_path: Path) -> None:
    write_sessions(tmp_path)
    case = begin(tmp_path, environment={"STRIPE_API_KEY": "sk_live_hush"})
    assert read_case_file(case.path).stripe.api_key is None
    assert '# api_key = "env:STRIPE_API_KEY"' in case.text


def test_a_folder_of_nothing_is_said_to_be_so(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("call Tom\n")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CaseError, match="holds no export"):
        begin(tmp_path)
    assert not (tmp_path / "case.toml").exists()


ENTRY = '{"id": 1, "userId": "7", "credits": 40, "eventId": "evt_1Kite", "at": "2025-09-01"}\n'


@pytest.mark.parametrize(
    ("name", "text", "use", "words"),
    [
        ("a", LOG, "log", "webhook log, text"),
        ("a", "2025-09-01T10:00:00Z POST /webhooks/stripe 400\n", "log", "names no event"),
        ("a", "2025-09-01T10:00:00Z page shown\n", "none", "nothing that is known"),
        (
            "a",
            "id,user_id,delta,event_id,created_at\n1,7,40,evt_1,2025-09-01\n",
            "table",
            "a table",
        ),
        ("a", "id,session,status,made\n1,cs_live_kite1,paid,2025-09-01\n", "table", "a table"),
        ("a", "id,email\n7,a@kites.example\n", "table", "a table"),
        ("a", "id,page\n7,/kites\n", "none", "nothing that is known"),
        ("a", "\x01,\x02\r\x03,;\x04\r,\x04\n" * 9, "none", "nothing that is known"),
        ("a", "time,message\n2025-09-01 10:00,Received evt_1Kite\n", "log", "webhook log, a table"),
        ("a", ENTRY, "table", "a table"),
        (
            "a",
            '{\n  "user": "7",\n  "credits": 40,\n  "day": 1\n}',
            "none",
            "nothing that is known",
        ),
        ("a", '{"session": "cs_live_kite1", "created_at": "2025-09-01"}\n', "table", "a table"),
        ("a", "-- dump\nINSERT INTO credits VALUES (1, 'evt_1Kite');\n", "none", "SQL"),
        ("a", "id,Amount,Currency,Status\nch_1,9.00,eur,Paid\n", "stripe", "Dashboard"),
        ("a", "\x00\x01\x02" * 50, "none", "no text"),
        ("a", "", "none", "empty"),
    ],
)
def test_what_a_file_is_taken_for(tmp_path: Path, name, text, use, words) -> None:
    (tmp_path / name).write_text(text)
    found = look_at(tmp_path, tmp_path / name)
    assert found.use == use
    assert words in found.words


def test_results_and_sources_are_passed_over(tmp_path: Path) -> None:
    write_sessions(tmp_path)
    results = tmp_path / "analysis"
    results.mkdir()
    for name in ("manifest.json", "SHA256SUMS", "events.jsonl"):
        (results / name).write_text('{"id": "evt_1", "object": "event"}')
    (tmp_path / "handler.py").write_text(LOG)
    assert [found.name for found in begin(tmp_path).stock] == ["checkout.jsonl"]


@given(st.text(), st.text(min_size=1), st.text())
def test_whatever_is_said_the_file_stays_one(comment: str, key: str, value: str) -> None:
    section = Section("prices")
    section.say(comment)
    section.offer(comment)
    section.set(key, value)
    read = tomllib.loads(case_text(value, [section]))
    assert read == {"name": value, "prices": {key: value}}
