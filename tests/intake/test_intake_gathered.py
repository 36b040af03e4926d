"""Deliveries at the same time share a statement; what fails together is done alone."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import sqlalchemy as sa
from intake_shop import Shop, completed

from credit_forensics.intake.gathered import Gathered, Turns


class Connection:
    async def __aenter__(self) -> None: ...

    async def __aexit__(self, *_error: object) -> None: ...


class Engine:
    def connect(self) -> Connection:
        return Connection()


def gathered(runs: list[list[str]], **more: Any) -> Gathered[str, str]:
    """Answers in capitals; ``bad`` fails, and ``slow`` takes its time."""

    async def run(_connection: Any, asked: Sequence[str], patience: str | None) -> list[str]:
        runs.append(list(asked))
        await asyncio.sleep(0.3 if "slow" in asked and patience else 0)
        if "bad" in asked:
            raise ValueError("bad")
        return [one.upper() for one in asked]

    turns = Turns(Engine(), 10, more.pop("seconds", 5))  # type: ignore[arg-type]
    return Gathered(run, turns, **({"unlike": lambda one: one} | more))


def played(story: Callable[[], Any]) -> Any:
    return asyncio.run(story())


def test_who_asks_at_the_same_time_is_answered_by_one_run() -> None:
    runs: list[list[str]] = []

    async def story() -> list[str]:
        ask = gathered(runs)
        return await asyncio.gather(*map(ask, "abc"))

    assert played(story) == ["A", "B", "C"]
    assert runs == [["a", "b", "c"]]


def test_one_that_fails_fails_alone() -> None:
    runs: list[list[str]] = []

    async def story() -> list[Any]:
        ask = gathered(runs)
        return await asyncio.gather(*map(ask, ["a", "bad", "b"]), return_exceptions=True)

    first, bad, last = played(story)
    assert (first, last) == ("A", "B")
    assert isinstance(bad, ValueError)
    assert runs == [["a", "bad", "b"], ["a"], ["bad"], ["b"]]


def test_two_of_one_payment_are_never_in_one_run() -> None:
    runs: list[list[str]] = []

    async def story() -> list[str]:
        ask = gathered(runs, unlike=lambda one: one[0])
        return await asyncio.gather(*map(ask, ["a1", "a2", "b1"]))

    assert played(story) == ["A1", "A2", "B1"]
    assert runs == [["a1", "b1"], ["a2"]]


def test_a_run_that_does_not_answer_is_done_alone_and_keeps_nobody_waiting() -> None:
    runs: list[list[str]] = []

    async def story() -> list[str]:
        ask = gathered(runs, seconds=0.05)
        return await asyncio.wait_for(asyncio.gather(*map(ask, ["a", "slow"])), 0.25)

    assert played(story) == ["A", "SLOW"]
    assert runs == [["a", "slow"], ["a"], ["slow"]]


def test_who_no_longer_waits_stops_nobody() -> None:
    runs: list[list[str]] = []

    async def story() -> str:
        ask = gathered(runs)
        gone = asyncio.create_task(ask("a"))
        stays = asyncio.create_task(ask("b"))
        await asyncio.sleep(0)
        gone.cancel()
        return await stays

    assert played(story) == "B"


def test_sixteen_deliveries_at_once_take_fewer_statements_than_one_each(in_shop: Any) -> None:
    async def story(shop: Shop) -> None:
        statements: list[str] = []
        for number in range(16):
            shop.account(f"u{number}")

        @sa.event.listens_for(shop.app.state.engine.sync_engine, "before_cursor_execute")
        def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            statements.append(statement)

        answers = await asyncio.gather(
            *(shop.deliver(completed(str(n), f"u{n}", f"u{n}@example.com")) for n in range(16))
        )
        assert {answer.json()["outcome"] for answer in answers} == {"credited"}
        assert len([one for one in statements if "INSERT" in one]) < 16
        assert sorted(shop.ledger()) == sorted((f"u{n}", 50) for n in range(16))
        assert shop.rows("SELECT count(*) FROM intake_events, intake_deliveries") == [(256,)]

    in_shop(story)


@pytest.mark.parametrize("same", ["payment", "user", "event"])
def test_what_is_the_same_at_once_is_booked_once(in_shop: Any, same: str) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")
        events = [completed(str(number), "ada", "ada@example.com") for number in range(6)]
        if same == "payment":
            events = [events[0] | {"id": f"evt_{number}"} for number in range(6)]
        if same == "event":
            events = [events[0]] * 6
        told = await asyncio.gather(*map(shop.deliver, events))
        outcomes = sorted(answer.json()["outcome"] for answer in told)
        booked = 6 if same == "user" else 1
        assert outcomes == ["credited"] * booked + ["duplicate"] * (6 - booked)
        assert shop.ledger() == [("ada", 50)] * booked
        assert shop.rows("SELECT total_credits FROM user_credits") == [(50 * booked,)]

    in_shop(story)


def test_an_entry_that_the_ledger_refuses_stops_no_other(in_shop: Any) -> None:
    async def story(shop: Shop) -> None:
        for user in ("ada", "ben", "cat"):
            shop.account(user)
        shop.run("ALTER TABLE credit_ledger ADD CONSTRAINT not_ben CHECK (user_id <> 'ben')")
        told = await asyncio.gather(
            *(
                shop.deliver(completed(user, user, f"{user}@example.com"))
                for user in ("ada", "ben", "cat")
            )
        )
        assert [one.json()["outcome"] for one in told] == ["credited", "kept", "credited"]
        assert sorted(shop.ledger()) == [("ada", 50), ("cat", 50)]

    in_shop(story)


SWALLOWS = "RETURN NULL;"
CHANGES = "NEW.delta := NEW.delta * 2; RETURN NEW;"
MOVES = "NEW.user_id := 'cat'; RETURN NEW;"


@pytest.mark.parametrize(
    ("table", "does"),
    [
        ("credit_ledger", SWALLOWS),
        ("credit_ledger", CHANGES),
        ("credit_ledger", MOVES),
        ("user_credits", SWALLOWS),
    ],
)
def test_a_trigger_that_swallows_or_changes_a_booking_is_no_booking(
    in_shop: Any, table: str, does: str
) -> None:
    async def story(shop: Shop) -> None:
        for user in ("ada", "ben"):
            shop.account(user)
        shop.run(
            "CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN IF NEW.user_id = 'ben' THEN {does} END IF; RETURN NEW; END $$"
        )
        shop.run(
            f"CREATE TRIGGER meddles BEFORE INSERT ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION meddle()"
        )
        told = await asyncio.gather(
            *(shop.deliver(completed(one, one, f"{one}@example.com")) for one in ("ada", "ben"))
        )
        assert [one.json()["outcome"] for one in told] == ["credited", "kept"]
        assert shop.ledger() == [("ada", 50)]
        assert shop.rows("SELECT user_id FROM intake_payments") == [("ada",)]
        assert shop.rows("SELECT user_id, total_credits FROM user_credits") == [("ada", 50)]
        # With the trigger gone it is booked from the table.
        shop.run(f"DROP TRIGGER meddles ON {table}")
        again = await shop.deliver(completed("ben", "ben", "ben@example.com"))
        assert again.json()["outcome"] == "credited"

    in_shop(story)


def test_a_database_that_is_frozen_is_answered_for_in_time(in_shop: Any) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")
        assert (await shop.deliver(completed("0", "ada", "ada@example.com"))).status_code == 200
        found = shop.rows(
            "SELECT pid FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        try:
            for (pid,) in found:
                os.kill(pid, signal.SIGSTOP)
            async with asyncio.timeout(30):
                told = await asyncio.gather(
                    *(shop.deliver(completed(str(n), "ada", "ada@example.com")) for n in (1, 2))
                )
            # Stripe sends again what was refused; a caller that waits for ever it takes for one.
            assert {one.status_code for one in told} <= {200, 503}
        finally:
            for (pid,) in found:
                os.kill(pid, signal.SIGCONT)
        for number in (1, 2):
            for _ in range(20):
                answer = await shop.deliver(completed(str(number), "ada", "ada@example.com"))
                if answer.json()["outcome"] in ("credited", "duplicate"):
                    break
                await asyncio.sleep(0.2)
        assert shop.ledger() == [("ada", 50)] * 3

    in_shop(story, database_timeout_seconds=1, answer_seconds=0.3)
