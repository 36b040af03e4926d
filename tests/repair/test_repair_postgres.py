"""Booking a plan on PostgreSQL while others write, and when the process is killed midway."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

import psycopg
import pytest

from credit_forensics.case.case import Case
from credit_forensics.repair import make_plan
from credit_forensics.repair.apply import apply_plan
from credit_forensics.repair.plan_files import write_plan
from credit_forensics.scenarios.case_writer import write_case
from credit_forensics.scenarios.demo import ORIGINAL_PAYER as PAYER
from credit_forensics.scenarios.demo import ORIGINAL_WRONG_USER as WRONG
from credit_forensics.scenarios.settings import FaultRates, WorldSettings
from credit_forensics.scenarios.world import make_world

KILLED = """
import sys
from credit_forensics.case.case import Case
from credit_forensics.repair import make_plan
from credit_forensics.repair.apply import apply_plan
plan = make_plan(Case.open(sys.argv[1], store=False))
print("ready", flush=True)
apply_plan(plan)
"""


def test_applied_it_is_clean_and_applied_again_it_changes_nothing(postgres_books):
    ledger = postgres_books("stale_session")
    before = {user: ledger.balance(user) for user in (PAYER, WRONG)}
    plan = make_plan(ledger.case())
    assert apply_plan(plan).complete
    assert ledger.balance(PAYER) == before[PAYER] + 50
    assert ledger.balance(WRONG) == before[WRONG] - 50
    after = ledger.everything()
    case = ledger.case()
    assert case.findings.empty
    assert make_plan(case).corrections == ()
    assert len(apply_plan(plan).of("already there")) == len(plan.corrections)
    assert ledger.everything() == after


def test_plan_sql_by_hand_is_what_apply_does(postgres_books, tmp_path):
    ledger = postgres_books("stale_session")
    plan = make_plan(ledger.case())
    write_plan(plan, tmp_path)
    text = (tmp_path / "plan.sql").read_text(encoding="utf-8")
    for _ in range(2):
        with psycopg.connect(ledger.psycopg_url, autocommit=True) as connection:
            connection.execute(text.encode())
    assert ledger.case().findings.empty
    keys = [entry.key for one in plan.corrections for entry in one.entries]
    found = ledger.rows("SELECT reason FROM credit_ledger WHERE reason LIKE '%:wrong_user:%'")
    assert sorted(row[0] for row in found) == sorted(keys)


def test_ids_of_their_own_types_and_a_view_of_balances(postgres_books):
    ledger = postgres_books("stale_session")
    ledger.run(
        "DROP TABLE user_credits",
        "ALTER TABLE credit_ledger ALTER user_id TYPE uuid USING user_id::uuid",
        "ALTER TABLE stripe_customers ALTER user_id TYPE uuid USING user_id::uuid",
        "ALTER TABLE users ALTER id TYPE uuid USING id::uuid",
        "CREATE VIEW user_credits AS SELECT user_id, sum(delta) AS total_credits "
        "FROM credit_ledger GROUP BY user_id",
    )
    before = ledger.balance(WRONG)
    assert apply_plan(make_plan(ledger.case())).complete
    assert ledger.balance(WRONG) == before - 50
    assert ledger.case().findings.empty


def test_hostile_ids_are_values_and_nothing_else(postgres_books):
    hostile = "x'); DROP TABLE credit_ledger; --\n \\' E\\"
    ledger = postgres_books("stale_session")
    for table, column in (
        ("users", "id"),
        ("credit_ledger", "user_id"),
        ("user_credits", "user_id"),
        ("stripe_customers", "user_id"),
    ):
        ledger.run(f"UPDATE {table} SET {column} = ? WHERE {column} = '{WRONG}'", values=(hostile,))
    for file in ledger.path.parent.glob("*.jsonl"):
        escaped = hostile.replace("\\", "\\\\").replace("\n", "\\n")
        file.write_text(file.read_text(encoding="utf-8").replace(WRONG, escaped), encoding="utf-8")
    plan = make_plan(ledger.case())
    assert hostile in {entry.user_id for one in plan.corrections for entry in one.entries}
    assert apply_plan(plan).complete
    assert make_plan(ledger.case()).corrections == ()


def test_two_who_apply_at_once_book_once(postgres_books):
    ledger = postgres_books("stale_session")
    plan = make_plan(ledger.case())
    results = []
    threads = [threading.Thread(target=lambda: results.append(apply_plan(plan))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    booked = [len(result.of("booked")) for result in results]
    assert sorted(booked) == [0, 0, 0, len(plan.corrections)]
    assert ledger.case().findings.empty


class Shop:
    """A second writer: spends and tops up the balances of some users, in no order of theirs."""

    def __init__(self, url: str, users: list[str], seed: int) -> None:
        self.url, self.users, self.seed = url, users, seed
        self.done = threading.Event()
        self.moves = 0
        self.errors: list[BaseException] = []
        self.thread = threading.Thread(target=self._work)

    def _work(self) -> None:
        chance = random.Random(self.seed)
        try:
            with psycopg.connect(self.url, autocommit=True) as connection:
                while not self.done.is_set():
                    with suppress(psycopg.errors.DeadlockDetected):
                        self._move(connection, chance)
                        self.moves += 1
        except BaseException as error:
            self.errors.append(error)

    def _move(self, connection: psycopg.Connection, chance: random.Random) -> None:
        with connection.transaction():
            # Two balances a transaction, in any order: what makes deadlocks.
            for user in chance.sample(self.users, 2):
                delta = chance.choice([-40, -15, -5, 5, 10])
                moved = connection.execute(
                    "UPDATE user_credits SET total_credits = total_credits + %s "
                    "WHERE user_id = %s AND total_credits + %s >= 0",
                    [delta, user, delta],
                )
                if moved.rowcount:
                    reason = "usage:generation" if delta < 0 else "grant:bonus"
                    connection.execute(
                        "INSERT INTO credit_ledger (user_id, delta, reason, created_at) "
                        "VALUES (%s, %s, %s, now())",
                        [user, delta, reason],
                    )


def test_beside_a_second_writer_no_credit_is_lost_and_no_balance_goes_below_zero(
    tmp_path, postgres_database
):
    url = postgres_database.replace("postgresql://", "postgresql+psycopg://", 1)
    faults = FaultRates(redelivered=0.02, refunded=0.05, balance_drift=0.0)
    settings = WorldSettings(
        payments=400, users=40, wrong_session_rate=0.08, usage_share=0.2, faults=faults
    )
    path = write_case(make_world(settings, 3), tmp_path, ledger_url=url)
    with psycopg.connect(postgres_database) as connection:
        connection.execute(
            "SELECT setval(pg_get_serial_sequence('credit_ledger', 'id'), max(id)) "
            "FROM credit_ledger"
        )
        # The world may have spent more than it had; the shop of this test never does.
        connection.execute(
            "INSERT INTO credit_ledger (user_id, delta, reason) "
            "SELECT user_id, -total_credits, 'grant:opening' FROM user_credits "
            "WHERE total_credits < 0"
        )
        connection.execute("UPDATE user_credits SET total_credits = 0 WHERE total_credits < 0")
    plan = make_plan(Case.open(path, store=False))
    users = sorted({entry.user_id for one in plan.corrections for entry in one.entries})
    assert len(plan.corrections) >= 15
    shops = [Shop(postgres_database, users, seed) for seed in range(3)]
    for shop in shops:
        shop.thread.start()
    try:
        while min(shop.moves for shop in shops) < 20:
            assert not any(shop.errors for shop in shops)
            time.sleep(0.01)
        applied = [apply_plan(plan) for _ in range(3)]
        while min(shop.moves for shop in shops) < 60:
            time.sleep(0.01)
    finally:
        for shop in shops:
            shop.done.set()
            shop.thread.join()
    assert [shop.errors for shop in shops] == [[], [], []]
    assert applied[0].of("booked")
    assert not applied[0].of("changed")
    with psycopg.connect(postgres_database) as connection:
        wrong = connection.execute(
            "SELECT b.user_id FROM user_credits AS b JOIN (SELECT user_id, sum(delta) AS credits "
            "FROM credit_ledger GROUP BY user_id) AS l USING (user_id) "
            "WHERE l.credits <> b.total_credits OR b.total_credits < 0"
        ).fetchall()
        assert wrong == []
        twice = connection.execute(
            "SELECT reason FROM credit_ledger WHERE reason LIKE '%:payment_%' "
            "AND created_at > now() - interval '1 hour' GROUP BY reason HAVING count(*) > 1"
        ).fetchall()
        assert twice == []
    booked = {(one.finding, one.payment_id) for result in applied for one in result.of("booked")}
    found = Case.open(path, store=False).findings
    assert not booked & set(zip(found["finding"], found["payment_id"], strict=True))


class Crosswise:
    """A second writer that PostgreSQL never ends: it locks the last account, then the first."""

    def __init__(self, url: str, first: str, last: str) -> None:
        self.url, self.pair = url, (last, first)
        self.done, self.holds = threading.Event(), threading.Event()
        self.errors: list[BaseException] = []
        self.thread = threading.Thread(target=self._work)

    def _work(self) -> None:
        try:
            with psycopg.connect(self.url, autocommit=True) as connection:
                # So the other of the two is ended, each time.
                connection.execute("SET deadlock_timeout = '60s'")
                while not self.done.is_set():
                    with connection.transaction():
                        for user in self.pair:
                            connection.execute(
                                "UPDATE user_credits SET total_credits = total_credits + 0 "
                                "WHERE user_id = %s",
                                [user],
                            )
                            self.holds.set()
                            time.sleep(0.1)
        except BaseException as error:
            self.errors.append(error)


def test_shops_that_lock_crosswise_all_the_time_do_not_keep_a_repair_from_its_end(
    postgres_books,
):
    ledger = postgres_books("stale_session")
    plan = make_plan(ledger.case())
    users = sorted({entry.user_id for one in plan.corrections for entry in one.entries})
    # Those that wait for the last account leave it to nobody else.
    shops = [Crosswise(ledger.psycopg_url, users[0], users[-1]) for _ in range(3)]
    for shop in shops:
        shop.thread.start()
    assert all(shop.holds.wait(10) for shop in shops)
    try:
        applied = apply_plan(plan)
    finally:
        for shop in shops:
            shop.done.set()
            shop.thread.join()
    assert [shop.errors for shop in shops] == [[], [], []]
    assert applied.complete
    assert ledger.case().findings.empty


@pytest.mark.parametrize("moment", ["entries", pytest.param("binding", marks=pytest.mark.thorough)])
def test_killed_in_the_middle_nothing_is_booked(postgres_books, moment):
    ledger = postgres_books("stale_session")
    before = ledger.everything()
    if moment == "entries":
        ledger.run(
            "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN IF NEW.delta > 0 THEN PERFORM pg_sleep(60); END IF; RETURN NEW; END $$",
            "CREATE TRIGGER slow AFTER INSERT ON credit_ledger FOR EACH ROW EXECUTE FUNCTION slow()",
        )
    with psycopg.connect(ledger.psycopg_url) as holder:
        if moment == "binding":
            holder.execute("SELECT * FROM stripe_customers FOR UPDATE")
        child = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(ledger.path)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None and child.stdout.readline() == "ready\n"
        waits = "pg_sleep" if moment == "entries" else "transactionid"
        _until_waiting(ledger.psycopg_url, waits)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        child.stdout.close()
    if moment == "entries":
        # The server learns of the death when it next writes to the client.
        ledger.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE wait_event = 'PgSleep' AND datname = current_database()"
        )
        ledger.run("DROP TRIGGER slow ON credit_ledger")
    assert ledger.everything() == before
    assert apply_plan(make_plan(ledger.case())).complete
    assert ledger.case().findings.empty


def _until_waiting(url: str, what: str) -> None:
    event = {"pg_sleep": "PgSleep", "transactionid": "transactionid"}[what]
    deadline = time.monotonic() + 30
    with psycopg.connect(url, autocommit=True) as connection:
        while time.monotonic() < deadline:
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event = %s "
                "AND datname = current_database()",
                [event],
            ).fetchone()
            if row and row[0]:
                return
            time.sleep(0.05)
    raise AssertionError(f"nobody waits for {event}")
