"""The live checklist, against an intake that runs, one that is broken, and one that is not there."""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
import uvicorn

from credit_forensics.intake.app import create_app, make_engine
from credit_forensics.intake.live_doctor import check_live
from credit_forensics.intake.schema import create_schema
from credit_forensics.intake.settings import IntakeSettings

Running = Callable[[IntakeSettings], str]


@pytest.fixture
def running() -> Iterator[Running]:
    stops: list[Callable[[], None]] = []

    def run(settings: IntakeSettings) -> str:
        app = create_app(settings)
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.01)

        def stop() -> None:
            server.should_exit = True
            thread.join(10)

        stops.append(stop)
        return f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"

    yield run
    for stop in stops:
        stop()


def whole(intake_settings: Any, **more: Any) -> IntakeSettings:
    return intake_settings(stripe_api_key="rk_live_local", **more)


def test_healthy_intake_is_right_in_every_line_and_left_as_it_was(
    intake_settings: Any, running: Running
) -> None:
    settings = whole(intake_settings)
    report = check_live(settings, running(settings))
    assert report.all_right, str(report)
    assert "50 credits booked" in str(report) or "500 credits booked" in str(report)
    engine = sa.create_engine(settings.database_url)
    with engine.connect() as connection:
        for table in ("users", "credit_ledger", "user_credits", "intake_events", "intake_payments"):
            count = connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one()
            assert count == 0, table
    engine.dispose()


def test_other_secret_and_missing_index_and_double_booking_are_named(
    intake_settings: Any, running: Running
) -> None:
    settings = whole(intake_settings)
    url = running(settings)
    engine = sa.create_engine(settings.database_url)
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO intake_events (event_id, type, body, dead_at) "
                "VALUES ('evt_dead', 'x', '{}', now())"
            )
        )
        connection.execute(sa.text("DROP INDEX intake_one_purchase_an_event"))
        connection.execute(sa.text("ALTER TABLE users DROP COLUMN name"))
        for _ in range(2):
            connection.execute(
                sa.text(
                    "INSERT INTO credit_ledger (user_id, delta, reason, stripe_event_id) "
                    "VALUES ('a', 1, 'stripe_purchase:x', 'evt_1')"
                )
            )
    engine.dispose()
    asked = settings.model_copy(
        update={
            "webhook_secrets": whole(
                intake_settings, webhook_secrets=["whsec_other"]
            ).webhook_secrets
        }
    )
    report = check_live(asked, url)
    wrong = {check.name: check.detail for check in report.checks if not check.right}
    assert "intake_one_purchase_an_event on credit_ledger" in wrong["unique indexes"]
    assert wrong["schema"] == "missing: users.name"
    assert wrong["no payment booked twice"].startswith("1 events")
    assert wrong["no event is dead"].startswith("1 could not be handled")
    assert "test purchase" in wrong


def test_endpoint_that_believes_anything_is_caught(intake_settings: Any) -> None:
    from fastapi import FastAPI

    app = FastAPI()

    @app.get("/healthz")
    def health() -> dict[str, str]:
        return {}

    @app.post("/api/v1/stripe/webhook")
    def believe() -> dict[str, str]:
        return {}

    @app.get("/api/v1/users/validate/{user_id}")
    def validate(user_id: str) -> dict[str, str]:
        return {"email": "ada@example.com"}

    settings = whole(intake_settings)

    async def prepare() -> None:
        engine = make_engine(settings)
        await create_schema(engine)
        await engine.dispose()

    asyncio.run(prepare())
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    report = check_live(settings, f"http://127.0.0.1:{port}", purchase=False)
    server.should_exit = True
    thread.join(10)
    wrong = {check.name: check.detail for check in report.checks if not check.right}
    assert wrong == {
        "bad signatures refused": "none, wrong, old: answered 200, 200, 200",
        "user validation closed": "without a token answered 200",
    }


def test_clock_that_is_off_is_told_in_seconds(intake_settings: Any, running: Running) -> None:
    settings = whole(intake_settings)
    report = check_live(
        settings, running(settings), purchase=False, clock=lambda: time.time() - 400
    )
    wrong = {check.name: check.detail for check in report.checks if not check.right}
    # HTTP tells whole seconds.
    assert re.search(r" (399|40[0-9]) s ", wrong["database"])
    assert re.search(r" (399|40[0-9]) s ", wrong["endpoint"])


def test_what_is_not_there_is_said_and_no_address_or_secret_is(intake_settings: Any) -> None:
    settings = intake_settings(
        database_url="postgresql+psycopg://shop:very_secret@127.0.0.1:9/none",
        prices={},
        seal_keys=(),
        webhook_secrets=["not a stripe secret"],
    )
    report = check_live(settings, "http://127.0.0.1:9")
    assert not any(check.right for check in report.checks if check.name in ("database", "endpoint"))
    printed = str(report)
    assert "very_secret" not in printed
    assert "not a stripe secret" not in printed
    assert "could not be checked" in printed
    wrong = {check.name for check in report.checks if not check.right}
    assert {"webhook secrets", "Stripe key", "seal keys", "prices", "test purchase"} <= wrong
    json.dumps([check.__dict__ for check in report.checks])


def test_a_payment_with_more_credits_than_it_is_worth_is_counted_whoever_booked_them(
    intake_settings: Any, running: Running
) -> None:
    settings = whole(intake_settings)
    url = running(settings)
    engine = sa.create_engine(settings.database_url)
    add = sa.text("INSERT INTO credit_ledger (user_id, delta, reason) VALUES ('ada', :d, :r)")

    def line() -> tuple[bool, str]:
        checks = {c.name: c for c in check_live(settings, url, purchase=False).checks}
        return checks["no payment booked twice"].right, checks["no payment booked twice"].detail

    with engine.begin() as connection:
        connection.execute(add, {"d": 50, "r": "stripe_purchase:event_evt_1:payment_cs_1"})
        # Moved, and half of it refunded: all is well.
        connection.execute(add, {"d": -50, "r": "reversal:wrong_user:payment_cs_1"})
        connection.execute(add, {"d": 50, "r": "correction:wrong_user:payment_cs_1"})
        connection.execute(add, {"d": -25, "r": "refund:event_evt_2:payment_cs_1"})
    assert line()[0]
    with engine.begin() as connection:
        connection.execute(add, {"d": 50, "r": "Gutschrift cs_1"})
    assert line() == (
        False,
        "0 events with more than one purchase entry, "
        "1 payments with more credits than they are worth",
    )
    engine.dispose()
