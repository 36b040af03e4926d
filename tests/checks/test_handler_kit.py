"""The handler kit: the original handler's faults shown, each with its finding; every kind of handler run."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from credit_forensics.checks.handler import SCENARIOS, run_kit
from credit_forensics.checks.handler.books import Books
from credit_forensics.checks.handler.original_handler import (
    create_original_app,
    create_original_schema,
)
from credit_forensics.checks.handler.run import _choose
from credit_forensics.checks.handler.scenarios import SUBSCRIPTION_SCENARIOS
from credit_forensics.checks.handler.transport import Delivery, open_transport
from credit_forensics.errors import CaseError
from credit_forensics.notebook.displays import kit_report_html
from credit_forensics.scenarios.signing import sign

SECRET = "whsec_kit_test"
RIGHT_BY_CHANCE = {"plain_purchase", "forged_signature", "dispute_won"}


@pytest.fixture
def seed(tmp_path: Path) -> tuple[Any, str, Path]:
    # The short time-out keeps the outage, which SQLite sits out, short.
    url = f"sqlite:///{tmp_path / 'seed.db'}?timeout=0.5"
    create_original_schema(url)
    log = tmp_path / "webhook.log"
    return create_original_app(url, SECRET, log), url, log


def test_kit_shows_every_fault_of_the_original_handler_with_its_finding(
    seed: tuple[Any, str, Path], tmp_path: Path
) -> None:
    app, url, log = seed
    report = run_kit(app, url, SECRET, log_file=log, out=tmp_path / "case")
    assert {r.scenario for r in report.results if r.right} == RIGHT_BY_CHANCE
    expected = {scenario.name: scenario.findings for scenario in SCENARIOS}
    for result in report.results:
        if not result.right:
            assert set(expected[result.scenario]) & set(result.findings), result
            # The original answers 200 to everything, so Stripe never tries again.
            assert set(result.statuses) == {200}, result
    # Of 31 payments several are one payer's for one other account: faults, or patrons.
    for name in ("stale_session", "agreeing_copies", "poisoned_mapping"):
        assert {"wrong_user", "paid_by_another"} & set(report[name].findings), name
    assert report.case == tmp_path / "case" / "case.toml"
    printed = str(report)
    assert printed.startswith("3 of 23 scenarios right")
    assert "WRONG  redelivery" in printed
    assert "happened  payer 150" in printed
    page = kit_report_html(report)
    assert "<caption>3 of 23 scenarios right</caption>" in page
    assert "<script" not in page


def test_original_handler_on_postgres_books_concurrent_duplicates_and_loses_what_fails(
    postgres_database: str,
) -> None:
    url = postgres_database.replace("postgresql://", "postgresql+psycopg://", 1)
    create_original_schema(url)
    names = ["concurrent_duplicates", "database_down", "guest"]
    report = run_kit(create_original_app(url, SECRET), url, SECRET, scenarios=names, analyse=False)
    assert report.wrong == tuple(names)
    assert "payer 450" in report["concurrent_duplicates"].happened
    assert report["database_down"].happened == "payer 50, accepted and not held"


def _wsgi_handler(url: str) -> Callable[..., Iterable[bytes]]:
    """A small handler of another make: WSGI, idempotent by payment, e-mail before metadata."""
    engine = sa.create_engine(url)

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        header = environ["HTTP_STRIPE_SIGNATURE"]
        timestamp = int(header.split(",")[0].removeprefix("t="))
        if sign(body, SECRET, timestamp) != header:
            start_response("400 Bad Request", [])
            return [b""]
        event = json.loads(body)
        session = event["data"]["object"]
        if session["object"] == "checkout.session" and session["payment_status"] == "paid":
            reason = f"purchase:payment_{session['id']}"
            with engine.begin() as connection:
                user = connection.execute(
                    sa.text("SELECT id FROM users WHERE email = :email"),
                    {"email": session["customer_details"]["email"]},
                ).scalar_one()
                connection.execute(
                    sa.text(
                        "INSERT INTO credit_ledger (user_id, delta, reason, stripe_event_id, "
                        "created_at) SELECT :user, 50, :reason, :event, CURRENT_TIMESTAMP WHERE "
                        "NOT EXISTS (SELECT 1 FROM credit_ledger WHERE reason = :reason)"
                    ),
                    {"user": user, "reason": reason, "event": event["id"]},
                )
        start_response("200 OK", [("content-type", "text/plain")])
        return [b"ok"]

    return app


def test_kit_runs_a_wsgi_handler(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'wsgi.db'}"
    create_original_schema(url)
    names = ["plain_purchase", "agreeing_copies", "redelivery", "foreign_id_scheme", "refund"]
    report = run_kit(_wsgi_handler(url), url, SECRET, scenarios=names, analyse=False)
    assert report.wrong == ("refund",)
    assert report["refund"].happened == "payer 50"


@pytest.fixture
def original_url(seed: tuple[Any, str, Path]) -> Iterator[str]:
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(seed[0], port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/"
    server.should_exit = True
    thread.join(10)


def test_kit_runs_a_handler_behind_a_url(seed: tuple[Any, str, Path], original_url: str) -> None:
    report = run_kit(
        original_url, seed[1], SECRET, scenarios=["plain_purchase", "redelivery"], analyse=False
    )
    assert report.wrong == ("redelivery",)


def test_url_of_nobody_is_no_answer() -> None:
    transport = open_transport("http://127.0.0.1:9/")
    (answer,) = transport.post([Delivery(b"{}", {})])
    transport.close()
    assert answer.status == 599
    assert not answer.accepted


@pytest.mark.parametrize(
    "url", ["http://shop.example.com/", "https://127.0.0.1/", "ftp://localhost/"]
)
def test_url_off_loopback_is_refused(url: str) -> None:
    with pytest.raises(CaseError, match="only speaks to a handler on loopback"):
        open_transport(url)


def test_handler_that_raises_is_a_500_and_is_sent_again(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'broken.db'}"
    create_original_schema(url)

    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("always")

    report = run_kit(broken, url, SECRET, scenarios=["plain_purchase", "guest"], analyse=False)
    assert report["plain_purchase"].statuses == (500, 500, 500, 500)
    assert "never accepted (answered 500)" in report["guest"].happened


def test_queue_is_believed_only_for_the_payment_that_waits(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'queue.db'}"
    create_original_schema(url)

    async def sleeper(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise RuntimeError("no lifespan")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    held = "SELECT 'cs_live_another' AS payment_id"
    report = run_kit(sleeper, url, SECRET, scenarios=["guest"], held=held, analyse=False)
    assert report.wrong == ("guest",)


def test_unknown_scenario_and_missing_ledger_are_said(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'empty.db'}"
    with pytest.raises(CaseError, match="No scenario 'stale'"):
        run_kit(lambda e, s: [], url, SECRET, scenarios=["stale"])
    with pytest.raises(CaseError, match="has no table credit_ledger"):
        Books(url)
    with pytest.raises(CaseError, match="cannot be reached"):
        Books("postgresql+psycopg://nobody@127.0.0.1:9/none?connect_timeout=1")


def test_kit_shows_a_handler_of_sessions_alone_that_renewals_bring_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'wsgi.db'}"
    create_original_schema(url)
    names = [scenario.name for scenario in SUBSCRIPTION_SCENARIOS]
    report = run_kit(_wsgi_handler(url), url, SECRET, scenarios=names)
    assert set(names) - set(report.wrong) == {"free_period", "upgrade"}
    for name in ("renewal", "renewal_of_the_older_api", "renewal_told_twice"):
        assert "missing_renewal" in report[name].findings, name


def test_subscriptions_are_played_where_they_are_asked_for() -> None:
    assert len(_choose(None, subscriptions=False)) == len(SCENARIOS)
    assert len(_choose(None, subscriptions=True)) == len(SCENARIOS) + len(SUBSCRIPTION_SCENARIOS)
