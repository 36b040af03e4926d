"""Events that never arrived are listed by a Stripe on loopback, by the real SDK, and booked once."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from intake_shop import KEY, REVIEWER_TOKEN, SECRET, Shop, completed
from local_stripe import LocalStripe, error
from typer.testing import CliRunner

from credit_forensics.cli import app as command_line
from credit_forensics.errors import CaseError
from credit_forensics.intake.catch_up import catch_up

DAY = 86_400


@pytest.fixture
def stripe() -> Iterator[LocalStripe]:
    with LocalStripe({"events": []}) as local:
        yield local


def at(event: dict[str, Any], days_ago: float) -> dict[str, Any]:
    """An event as Stripe lists it, of so many days ago."""
    return event | {"created": int(time.time() - days_ago * DAY)}


def refunded(number: str, amount: int) -> dict[str, Any]:
    charge = {
        "id": f"ch_{number}",
        "object": "charge",
        "amount": 500,
        "amount_refunded": amount,
        "payment_intent": f"pi_{number}",
    }
    return {
        "id": f"evt_refund_{number}",
        "object": "event",
        "type": "charge.refunded",
        "livemode": True,
        "data": {"object": charge},
    }


def play(in_shop: Any, stripe: LocalStripe, story: Any, **more: Any) -> None:
    key = more.pop("stripe_api_key", "rk_live_local")
    in_shop(story, stripe_api_key=key, stripe_api_base=stripe.address, **more)


def test_what_never_arrived_is_booked_once_and_not_said_to_be_signed(
    in_shop: Any, stripe: LocalStripe, delivery_lines: list[dict[str, Any]]
) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")
        arrived = completed("1", "ada", "ada@example.com")
        await shop.deliver(arrived)
        stripe.objects["events"] = [
            at(arrived, 0.01),
            at(completed("2", "ada", "ada@example.com"), 10),
            at(refunded("2", 250), 9),
            at(completed("3", "ada", "someone@example.com"), 2),
            at({"id": "evt_4", "object": "event", "type": "customer.created", "data": {}}, 1),
        ]
        webhook = shop.app.state.webhook
        done = await catch_up(webhook, since=dt.datetime.now(dt.UTC) - dt.timedelta(days=20))
        assert done is not None
        assert (done.listed, done.missed) == (4, 3)
        assert done.outcomes == {"credited": 1, "ignored": 1, "queued": 1}
        assert sorted(shop.ledger()) == [("ada", -25), ("ada", 50), ("ada", 50)]
        kept = shop.rows("SELECT event_id, signed FROM intake_events ORDER BY 1")
        assert kept == [
            ("evt_1", True),
            ("evt_2", False),
            ("evt_3", False),
            ("evt_refund_2", False),
        ]
        # Neither asking again nor Stripe's own delivery after all books it twice.
        done = await catch_up(webhook, since=dt.datetime.now(dt.UTC) - dt.timedelta(days=20))
        assert done is not None
        assert done.missed == 0
        await shop.deliver(completed("2", "ada", "ada@example.com"))
        assert len(shop.ledger()) == 3

    play(in_shop, stripe, story)
    told = {line["event_id"]: line["signature_valid"] for line in delivery_lines[:4]}
    assert told == {"evt_1": True, "evt_2": None, "evt_refund_2": None, "evt_3": None}
    assert {query.get("types[0]") for query in stripe.asked("events")} == {
        "checkout.session.completed"
    }


def test_a_start_goes_on_where_the_last_listing_ended_and_never_before_the_first(
    in_shop: Any, stripe: LocalStripe
) -> None:
    stripe.objects["events"] = [at(completed("old", "ada", "ada@example.com"), 3)]

    async def first(shop: Shop) -> None:
        shop.account("ada")
        await until(lambda: bool(shop.rows("SELECT until FROM intake_caught_up")))
        # An intake that has taken nothing begins now: the handler before it booked what was.
        assert shop.ledger() == []
        assert stripe.requests == []
        shop.run("UPDATE intake_caught_up SET until = now() - interval '2 days'")
        stripe.objects["events"].append(at(completed("new", "ada", "ada@example.com"), 1.5))

    async def second(shop: Shop) -> None:
        await until(lambda: len(shop.ledger()) == 1)
        assert shop.rows("SELECT payment_id FROM intake_payments") == [("cs_new",)]
        await until(
            lambda: bool(
                shop.rows("SELECT 1 FROM intake_caught_up WHERE until > now() - interval '2 hours'")
            )
        )

    play(in_shop, stripe, first)
    play(in_shop, stripe, second)


def test_a_listing_that_breaks_off_goes_on_at_the_day_it_came_to(
    in_shop: Any, stripe: LocalStripe
) -> None:
    stripe.objects["events"] = [
        at(completed(str(days), "ada", "ada@example.com"), days - 0.5) for days in (5, 4, 3, 2)
    ]

    async def story(shop: Shop) -> None:
        shop.account("ada")
        shop.run("INSERT INTO intake_caught_up (until) VALUES (now() - interval '5 days')")
        webhook = shop.app.state.webhook
        stripe.interfere = lambda _name, nth: error(403, "x", "no") if nth == 3 else None
        with pytest.raises(CaseError, match="events may not be read with this key"):
            await catch_up(webhook)
        assert len(shop.ledger()) == 2
        ((days,),) = shop.rows(
            "SELECT extract(epoch FROM now() - until) / 86400 FROM intake_caught_up"
        )
        assert 3 < days < 3.1
        stripe.interfere = lambda _name, _nth: None
        done = await catch_up(webhook)
        assert done is not None
        assert done.missed == 2
        assert len(shop.ledger()) == 4

    play(in_shop, stripe, story, catch_up_at_start=False)


def test_what_stripe_lists_no_more_is_said_and_noted(in_shop: Any, stripe: LocalStripe) -> None:
    stripe.objects["events"] = [at(completed("1", "ada", "ada@example.com"), 29)]

    async def story(shop: Shop) -> None:
        shop.account("ada")
        shop.run("INSERT INTO intake_caught_up (until) VALUES (now() - interval '40 days')")
        done = await catch_up(shop.app.state.webhook)
        assert done is not None
        assert done.outcomes == {"credited": 1}
        assert "are listed no more (Stripe keeps 30 days)" in str(done)
        done = await catch_up(shop.app.state.webhook)
        assert done is not None
        assert done.unlisted_since is None
        assert len(stripe.asked("events")) == 31

    play(in_shop, stripe, story, catch_up_at_start=False)


def test_one_odd_event_keeps_no_other_from_being_booked(in_shop: Any, stripe: LocalStripe) -> None:
    odd = completed("1", "ada", "ada@example.com")
    odd["data"]["object"]["metadata"] |= {"note": "\ud800", "nul": "\x00"}
    stripe.objects["events"] = [
        at(odd, 3),
        at(completed("2", "ada", "ada@example.com") | {"data": None}, 2),
        at(completed("3", "ada", "ada@example.com"), 1),
    ]

    async def story(shop: Shop) -> None:
        shop.account("ada")
        done = await catch_up(shop.app.state.webhook)
        assert done is not None
        assert done.outcomes == {"credited": 2, "resolution_failed": 1}

    play(in_shop, stripe, story, catch_up_at_start=False)


def test_pages_are_read_to_their_end_and_failures_are_tried_again(
    in_shop: Any, stripe: LocalStripe
) -> None:
    stripe.objects["events"] = [
        at(completed(f"{n:03d}", "ada", "ada@example.com"), 0.5) for n in range(230)
    ]
    stripe.interfere = lambda _name, nth: error(500, "api_error", "x") if nth == 2 else None

    async def story(shop: Shop) -> None:
        shop.account("ada")
        shop.run("INSERT INTO intake_caught_up (until) VALUES (now() - interval '1 day')")
        done = await catch_up(shop.app.state.webhook)
        assert done is not None
        assert done.outcomes == {"credited": 230}
        assert shop.rows("SELECT total_credits FROM user_credits") == [(230 * 50,)]

    play(in_shop, stripe, story, catch_up_at_start=False)


def test_what_cannot_be_booked_now_is_kept_and_dead_in_the_end(
    in_shop: Any, stripe: LocalStripe
) -> None:
    stripe.objects["events"] = [at(completed("1", "ada", "ada@example.com"), 1)]

    async def story(shop: Shop) -> None:
        shop.account("ada")
        shop.run("ALTER TABLE credit_ledger ADD CONSTRAINT no_fifty CHECK (delta <> 50)")
        webhook = shop.app.state.webhook
        done = await catch_up(webhook)
        assert done is not None
        assert done.outcomes == {"database_error": 1}
        assert shop.rows("SELECT event_id, attempts, signed FROM intake_events") == [
            ("evt_1", 1, False)
        ]
        shop.run("UPDATE intake_events SET attempts = 2, next_attempt_at = now()")
        from credit_forensics.intake.recovery import finish_unfinished

        await finish_unfinished(webhook)
        done = await catch_up(webhook)
        assert done is not None
        assert (done.missed, done.dead) == (0, 1)
        assert "1 events are dead" in str(done)

    play(in_shop, stripe, story, catch_up_at_start=False)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"stripe_api_key": None}, "stripe_api_key is needed"),
        ({"stripe_api_key": "rk_test_local"}, "not of live mode"),
        ({"stripe_api_key": "whsec_live_x"}, "is not a secret or restricted key"),
    ],
)
def test_a_key_that_does_not_fit_is_refused_before_anything_is_asked(
    in_shop: Any, stripe: LocalStripe, more: dict[str, Any], sentence: str
) -> None:
    async def story(shop: Shop) -> None:
        with pytest.raises(CaseError, match=sentence):
            await catch_up(shop.app.state.webhook)
        assert stripe.requests == []

    play(in_shop, stripe, story, **more)


def test_a_connected_accounts_list_is_asked_for_and_its_events_are_its_own(
    in_shop: Any, stripe: LocalStripe
) -> None:
    stripe.objects["events"] = [at(completed("1", "ada", "ada@example.com"), 1)]

    async def story(shop: Shop) -> None:
        shop.account("ada")
        done = await catch_up(shop.app.state.webhook)
        assert done is not None
        assert done.outcomes == {"credited": 1}

    play(in_shop, stripe, story, stripe_account="acct_1")


def test_a_stripe_that_does_not_answer_keeps_nobody_from_stopping(
    in_shop: Any, stripe: LocalStripe
) -> None:
    stripe.interfere = lambda _name, _nth: error(500, "api_error", "x")

    async def story(shop: Shop) -> None:
        shop.run("INSERT INTO intake_caught_up (until) VALUES (now() - interval '1 day')")
        stop = threading.Event()
        asking = asyncio.create_task(catch_up(shop.app.state.webhook, stop=stop))
        await until(lambda: len(stripe.requests) > 1)
        stop.set()
        with pytest.raises(CaseError, match="ended"):
            await asking

    started = time.monotonic()
    play(in_shop, stripe, story, catch_up_at_start=False)
    assert time.monotonic() - started < 20


def test_the_command_says_what_was_missed(
    in_shop: Any, intake_url: str, stripe: LocalStripe, tmp_path: Path
) -> None:
    async def prepare(shop: Shop) -> None:
        shop.account("ada")

    in_shop(prepare)
    stripe.objects["events"] = [at(completed("1", "ada", "ada@example.com"), 2)]
    settings = tmp_path / "intake.toml"
    settings.write_text(
        f'database_url = "{intake_url}"\nwebhook_secrets = ["{SECRET}"]\nseal_keys = ["{KEY}"]\n'
        f'stripe_api_key = "rk_live_local"\nstripe_api_base = "{stripe.address}"\n'
        f'[reviewers]\none = "{REVIEWER_TOKEN}"\n'
        "[prices.price_small]\ncredits = 50\namount = 500\n"
    )
    log = tmp_path / "webhook.log"
    arguments = ["serve", str(settings), "--catch-up", "--log-file", str(log)]
    runner = CliRunner()
    done = runner.invoke(command_line, arguments)
    assert done.exit_code == 0, done.output
    assert "Stripe lists 1 events, 1 of them had not arrived: 1 credited." in done.output
    assert json.loads(log.read_text())["outcome"] == "credited"
    again = runner.invoke(command_line, [*arguments, "--since", "2020-01-01"])
    assert "1 events, 0 of them" in again.output
    assert runner.invoke(command_line, ["serve", str(settings), "--since", "2020-01-01"]).exit_code


async def until(condition: Any, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        await asyncio.sleep(0.05)
