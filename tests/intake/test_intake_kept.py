"""A delivery is kept and answered; it is booked at once, or from the table, or waits for a person."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from intake_shop import REVIEWER_TOKEN, Shop, completed, prepared

from credit_forensics.intake import schema
from credit_forensics.intake.recovery import finish_unfinished

REVIEWER = {"authorization": f"Bearer {REVIEWER_TOKEN}"}


def due_now(shop: Shop) -> None:
    shop.run("UPDATE intake_events SET next_attempt_at = now() WHERE next_attempt_at IS NOT NULL")


def test_a_held_row_keeps_nobody_waiting_and_is_booked_when_it_is_free(in_shop: Any) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")
        shop.account("ben")
        shop.run("INSERT INTO user_credits VALUES ('ada', 0)")
        with shop.engine.begin() as other:
            other.execute(sa.text("SELECT * FROM user_credits FOR UPDATE"))
            started = time.monotonic()
            held = [
                asyncio.create_task(shop.deliver(completed(f"a{n}", "ada", "ada@example.com")))
                for n in range(20)
            ]
            await asyncio.sleep(0.1)
            answers = await asyncio.gather(*held)
            assert {a.status_code for a in answers} == {200}
            assert {a.json()["outcome"] for a in answers} == {"kept"}
            assert time.monotonic() - started < 6
            # Whoever pays beside them is not theirs to hold up.
            free = await shop.deliver(completed("b", "ben", "ben@example.com"))
            assert free.status_code == 200
        for _ in range(40):
            due_now(shop)
            await finish_unfinished(shop.app.state.webhook, older_than=0)
            if len(shop.ledger()) == 21:
                break
            await asyncio.sleep(0.25)
        assert sorted(shop.ledger()) == sorted([("ada", 50)] * 20 + [("ben", 50)])

    in_shop(story, answer_seconds=0.3, lock_timeout_seconds=0.5)


def test_what_fails_for_its_data_is_dead_in_the_end_seen_and_handled_again(in_shop: Any) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")
        shop.run("ALTER TABLE credit_ledger ADD CONSTRAINT no_fifty CHECK (delta <> 50)")
        answer = await shop.deliver(completed("1", "ada", "ada@example.com"))
        assert (answer.status_code, answer.json()) == (200, {"outcome": "kept"})
        for _ in range(3):
            due_now(shop)
            await finish_unfinished(shop.app.state.webhook)
        seen = (await shop.client.get("/api/v1/review/dead-events", headers=REVIEWER)).json()
        assert [(e["event_id"], e["attempts"]) for e in seen] == [("evt_1", 3)]
        assert "CheckViolation" in seen[0]["last_error"]
        assert "50" not in seen[0]["last_error"]
        # It is left alone now, and whoever asks is told.
        due_now(shop)
        assert await finish_unfinished(shop.app.state.webhook) == 0
        assert (await shop.client.get("/readyz")).json()["dead"] == 1
        shop.run("ALTER TABLE credit_ledger DROP CONSTRAINT no_fifty")
        path = "/api/v1/review/dead-events/evt_1/retry"
        assert (await shop.client.post(path, json={"why": "mended"})).status_code == 401
        done = await shop.client.post(path, json={"why": "mended"}, headers=REVIEWER)
        assert done.json() == {"state": "credited", "user_id": "ada", "credits": 50, "awaits": None}
        again = await shop.client.post(path, json={"why": "mended"}, headers=REVIEWER)
        assert again.status_code == 404
        assert shop.ledger() == [("ada", 50)]

    in_shop(story)


def test_a_time_is_handled_again_and_books_what_it_did_not_nothing_twice(in_shop: Any) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")
        await shop.deliver(completed("1", "ada", "ada@example.com"))
        body = json.dumps(completed("2", "ada", "ada@example.com")).encode()
        shop.run(
            "INSERT INTO intake_events (event_id, type, body) "
            "VALUES ('evt_2', 'checkout.session.completed', :body)",
            body=body,
        )
        now = datetime.now(UTC)
        span = {
            "since": (now - timedelta(hours=1)).isoformat(),
            "until": (now + timedelta(hours=1)).isoformat(),
            "why": "an outage",
        }
        path = "/api/v1/review/replay-events"
        done = await shop.client.post(path, json=span, headers=REVIEWER)
        assert done.json() == {"outcomes": {"duplicate": 1, "credited": 1}, "after": None}
        done = await shop.client.post(path, json=span, headers=REVIEWER)
        assert done.json() == {"outcomes": {"duplicate": 2}, "after": None}
        assert shop.ledger() == [("ada", 50), ("ada", 50)]

    in_shop(story)


@pytest.mark.parametrize(
    ("account", "ours", "outcome"),
    [
        (None, None, "credited"),
        ("acct_1", None, "ignored"),
        ("acct_1", "acct_1", "credited"),
        ("acct_2", "acct_1", "ignored"),
        (None, "acct_1", "ignored"),
    ],
)
def test_another_accounts_events_book_nothing(
    in_shop: Any, account: str | None, ours: str | None, outcome: str
) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")
        event = completed("1", "ada", "ada@example.com")
        event |= {} if account is None else {"account": account}
        assert (await shop.deliver(event)).json() == {"outcome": outcome}
        assert bool(shop.ledger()) is (outcome == "credited")

    in_shop(story, stripe_account=ours)


@pytest.mark.parametrize(
    ("charged", "least", "outcome"),
    [
        (0, None, "queued"),
        (1, None, "queued"),
        (2, None, "credited"),
        (0, 0, "credited"),
        (249, 250, "queued"),
        (250, 250, "credited"),
    ],
)
def test_next_to_nothing_buys_credits_only_where_the_price_allows_it(
    in_shop: Any, charged: int, least: int | None, outcome: str
) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")
        event = completed("1", "ada", "ada@example.com", amount_subtotal=500, amount_total=charged)
        assert (await shop.deliver(event)).json() == {"outcome": outcome}
        if outcome == "queued":
            assert shop.rows("SELECT problem FROM review_queue") == [("underpaid",)]

    in_shop(story, prices={"price_small": {"credits": 50, "amount": 500, "least": least}})


def test_the_log_is_in_the_database_line_by_line(
    in_shop: Any, delivery_lines: list[dict[str, Any]], tmp_path: Any
) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")
        await shop.deliver(completed("1", "ada", "ada@example.com"))
        await shop.deliver(completed("1", "ada", "ada@example.com"))
        await shop.deliver(completed("2", "ada", "bo@example.com"))
        lines = [row[0] for row in shop.rows("SELECT line FROM intake_delivery_log ORDER BY 1")]
        (tmp_path / "webhook.log").write_text("\n".join(lines) + "\n")

    in_shop(story)
    stored = [json.loads(line) for line in (tmp_path / "webhook.log").read_text().splitlines()]

    def told(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        rows = [{k: v for k, v in line.items() if k != "timestamp"} for line in lines]
        return sorted(rows, key=lambda row: str(row["request_id"]))

    assert told(stored) == told(delivery_lines)


def test_a_schema_that_takes_long_is_made_all_the_same(
    intake_settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = intake_settings(database_timeout_seconds=1, lock_timeout_seconds=0.1)
    limits: list[str] = []

    def look(connection: sa.Connection) -> None:
        names = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
        limits.extend(str(connection.scalar(sa.text(f"SHOW {name}"))) for name in names)

    monkeypatch.setattr(schema, "_add_columns", look)
    prepared(settings)
    assert limits == ["0", "0", "0"]
