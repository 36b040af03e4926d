"""Each missing credit is sent again, booked or asked about: one of them, and why."""

from __future__ import annotations

import csv
import json
import shutil
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
import uvicorn
from typer.testing import CliRunner

from credit_forensics.checks.handler.original_handler import create_original_app
from credit_forensics.checks.handler.trial_post import posting
from credit_forensics.cli import app
from credit_forensics.errors import CaseError
from credit_forensics.repair import make_plan
from credit_forensics.repair.recovery_plan import ASK, BOOK, RESEND, recovery_rows
from credit_forensics.repair.recovery_trial import try_on_copy
from credit_forensics.repair.support_list import draft, support_rows

SECRET = "whsec_trial"


def only(case: Any, plan: Any = None, **more: Any) -> dict[str, Any]:
    """The one row of a case with one missing credit."""
    (row,) = recovery_rows(case, plan or make_plan(case), **more).to_dict("records")
    return row


def paid_at(case: Any) -> datetime:
    (at,) = case.findings.query("finding == 'missing_credit'")["created_at"]
    return at.to_pydatetime()


def test_what_never_arrived_is_sent_again_for_thirty_days_and_booked_after_them(books):
    case = books("not_delivered").case()
    plan, last = make_plan(case), paid_at(case) + timedelta(days=30)
    row = only(case, plan, now=last - timedelta(seconds=1))
    assert row["action"] == RESEND
    (event,) = case.findings.query("finding == 'missing_credit'")["event_id"]
    assert row["command"] == f"stripe events resend {event} --webhook-endpoint=we_… --live"
    assert row["handler"] == "by metadata_user_id it would credit the rightful account"
    assert row["note"] == "do not book it as well"
    row = only(case, plan, now=last)
    assert row["action"] == BOOK
    assert row["note"] == "do not send the event again as well"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("missing_metadata", "it could not tell the user and would not again"),
        ("database_error", "it acknowledged the event and may remember it as done"),
    ],
)
def test_what_the_handler_had_and_did_not_book_is_booked(books, name, why):
    case = books(name).case()
    row = only(case, now=paid_at(case))
    assert (row["action"], row["handler"]) == (BOOK, why)


def test_a_handler_that_chooses_otherwise_than_the_replayed_order_is_not_foretold(books):
    ledger = books("not_delivered")
    ledger.run("UPDATE credit_ledger SET user_id = 'somebody else'")
    case = ledger.case()
    row = only(case, now=paid_at(case))
    assert row["action"] != RESEND
    assert row["handler"].startswith("not known: the replayed order chose as it did in 0 of ")


def test_what_the_plan_leaves_to_a_person_is_not_sent_again(books):
    ledger = books("not_delivered")
    (user,) = ledger.case().findings.query("finding == 'missing_credit'")["rightful_user_id"]
    ledger.run(
        "INSERT INTO credit_ledger (user_id, delta, reason, created_at) "
        f"VALUES ('{user}', 50, 'Gutschrift', '2025-09-25 00:00:00')"
    )
    case = ledger.case()
    row = only(case, now=paid_at(case))
    assert row["action"] == ASK
    assert "if that was for this payment, nothing is to be booked" in row["note"]


def test_an_event_id_that_is_more_than_an_id_is_never_part_of_a_command(books):
    ledger = books("not_delivered")
    case = ledger.case()
    (event,) = case.findings.query("finding == 'missing_credit'")["event_id"]
    files = [p for p in ledger.path.parent.rglob("*.jsonl") if event in p.read_text()]
    for path in files:
        path.write_text(path.read_text().replace(event, event + "; rm -rf ~"))
    hostile = ledger.case()
    row = only(hostile, now=paid_at(hostile))
    assert row["action"] == BOOK
    assert "rm -rf" not in str(row["command"])


def test_another_live_subscription_is_said_in_the_plan_the_recovery_and_the_letter(books):
    ledger = books("not_delivered")
    (payment,) = ledger.case().findings.query("finding == 'missing_credit'")["payment_id"]
    give_subscription(ledger, payment)
    case = ledger.case()
    plan = make_plan(case)
    booked = plan.rows.query("finding == 'missing_credit'").iloc[0]
    assert "another subscription of this customer's is live: sub_other" in booked["note"]
    row = only(case, plan, now=paid_at(case))
    assert row["other_subscriptions"] == "sub_other"
    assert row["note"].startswith("another subscription of this customer's is live: sub_other; ")
    (letter,) = support_rows(case, recovery_rows(case, plan), case.masked()).to_dict("records")
    assert "ask which is meant" in letter["note"]
    assert "please tell us which is meant" in letter["draft"]


def give_subscription(ledger: Any, payment: str) -> None:
    """Another payment's subscription for the payer's customer."""
    sessions = ledger.path.parent / "sessions.jsonl"
    rows = [json.loads(line) for line in sessions.read_text().splitlines()]
    (customer,) = {row["customer"] for row in rows if row["id"] == payment}
    subscription = {
        "id": "sub_other",
        "object": "subscription",
        "customer": customer,
        "status": "active",
        "created": rows[0]["created"],
        "ended_at": None,
    }
    (ledger.path.parent / "subscriptions.jsonl").write_text(json.dumps(subscription) + "\n")
    text = ledger.path.read_text()
    ledger.path.write_text(
        text.replace("[stripe]", '[stripe]\nsubscriptions = "subscriptions.jsonl"', 1)
    )


def test_addresses_are_masked_until_they_are_revealed_and_no_letter_names_an_account(
    books, tmp_path
):
    ledger = books("not_delivered")

    def run(*more: str) -> tuple[str, dict[str, str]]:
        out = tmp_path / "plan"
        done = CliRunner().invoke(
            app, ["repair", "--no-store", str(ledger.path), "--out", str(out), *more]
        )
        assert done.exit_code == 0, done.output
        assert stat.S_IMODE((out / "support.csv").stat().st_mode) == 0o600
        (row,) = csv.DictReader((out / "support.csv").open())
        return done.output, row

    output, row = run()
    assert "Missing credits: 0 to send again, 1 to book, 0 to ask about (recovery.csv)." in output
    assert row["to"].startswith("email~") and "@" not in "".join(row.values())
    _, shown = run("--reveal")
    assert "@" in shown["to"] and shown["draft"] == row["draft"]
    assert row["user_id"] not in row["draft"]


def test_a_letter_asks_where_nobody_is_sure():
    row = {
        "action": ASK,
        "credits": None,
        "amount": None,
        "currency": None,
        "created_at": None,
        "payment_id": "cs_1",
        "other_subscriptions": "",
    }
    assert "please answer from the address" in draft(row)
    assert "booked now" not in draft(row)


def test_a_stale_recovery_goes_when_nothing_is_missing_any_more(books, tmp_path):
    out = tmp_path / "plan"
    ledger = books("not_delivered")
    CliRunner().invoke(
        app, ["repair", "--no-store", str(ledger.path), "--out", str(out), "--apply", "--yes"]
    )
    assert (out / "recovery.csv").exists()
    CliRunner().invoke(app, ["repair", "--no-store", str(ledger.path), "--out", str(out)])
    assert {path.name for path in out.iterdir()} == {"plan.csv", "plan.json", "plan.md", "plan.sql"}


@contextmanager
def serving(handler: Any) -> Iterator[str]:
    """A handler served on loopback."""
    server = uvicorn.Server(uvicorn.Config(handler, port=0, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"
    server.should_exit = True
    thread.join()


def on_copy(ledger: Any) -> str:
    folder = ledger.path.parent
    shutil.copy(folder / "ledger.db", folder / "copy.db")
    return f"sqlite:///{folder / 'copy.db'}"


def test_a_handler_on_a_copy_says_itself_what_it_would_do(books, tmp_path):
    ledger = books("database_error")
    copy = on_copy(ledger)
    before = ledger.everything()
    with serving(create_original_app(copy, SECRET)) as address:
        done = CliRunner().invoke(
            app,
            [
                *("repair", "--no-store", str(ledger.path), "--out", str(tmp_path / "plan")),
                *("--handler", address, "--handler-secret", SECRET, "--copy", copy),
            ],
        )
    assert done.exit_code == 0, done.output
    (row,) = csv.DictReader((tmp_path / "plan" / "recovery.csv").open())
    # What the log made doubtful the trial has shown; it is too late for Stripe all the same.
    assert row["handler"] == "tried on a copy: it books 50 credits, on the rightful account"
    assert row["action"] == BOOK
    assert ledger.everything() == before
    case = ledger.case()
    tried = {row["payment_id"]: (True, row["handler"])}
    assert only(case, now=paid_at(case), tried=tried)["action"] == RESEND


def test_a_handler_that_books_nothing_on_the_copy_is_not_sent_to(books):
    ledger = books("not_delivered")
    case, copy = ledger.case(), on_copy(ledger)
    with posting(create_original_app(copy, "whsec_other"), SECRET) as post:
        tried = try_on_copy(case, case.findings, copy=copy, post=post)
    assert only(case, now=paid_at(case), tried=tried)["action"] == BOOK
    ((right, told),) = tried.values()
    assert (right, told) == (False, "tried on a copy: it answers 400 and books nothing")


def test_a_handler_that_writes_into_the_ledger_itself_is_stopped_at_once(books):
    ledger = books("not_delivered")
    case, copy = ledger.case(), on_copy(ledger)
    with (
        posting(create_original_app(ledger.url, SECRET), SECRET) as post,
        pytest.raises(CaseError, match="wrote into the case's own ledger"),
    ):
        try_on_copy(case, case.findings, copy=copy, post=post)


def test_a_copy_that_is_the_ledger_is_refused_before_anything_is_sent(books):
    ledger = books("not_delivered")
    case, sent = ledger.case(), []
    for copy in (ledger.url, "sqlite:///../not_delivered/ledger.db"):
        with pytest.raises(CaseError, match="own ledger; nothing was sent"):
            try_on_copy(case, case.findings, copy=copy, post=sent.append)
    assert sent == []


def test_where_the_ledger_cannot_be_watched_nothing_is_sent(books):
    ledger = books("not_delivered")
    copy = on_copy(ledger)
    columns = {
        **{"entry_id": "id", "user_id": "user_id", "delta": "delta", "reason": "reason"},
        **{"event_id": "stripe_event_id", "created_at": "created_at"},
    }
    mapped = "".join(f'{name} = "{column}"\n' for name, column in columns.items())
    with ledger.path.open("a") as file:
        file.write('\n[ledger.entries]\nquery = "SELECT * FROM credit_ledger"\n')
        file.write(f"[ledger.entries.columns]\n{mapped}")
    case, sent = ledger.case(), []
    with pytest.raises(CaseError, match="mapped by a query; nothing was sent"):
        try_on_copy(case, case.findings, copy=copy, post=sent.append)
    assert sent == []


def test_half_a_trial_is_refused(books, tmp_path):
    done = CliRunner().invoke(
        app, ["repair", str(books("not_delivered").path), "--copy", "sqlite:///x"]
    )
    assert done.exit_code != 0
