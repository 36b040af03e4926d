"""The analysis inside a real PostgreSQL: the same bytes as DuckDB, and nothing written."""

from __future__ import annotations

import time

import ibis
import pandas as pd
import psycopg
import pyarrow as pa
import pytest
from engine_parity import analysed, assert_same, awkward_evidence, small_world
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql
from sqlalchemy.engine import make_url

from credit_forensics.case.case import Case
from credit_forensics.case.csv_bytes import csv_bytes
from credit_forensics.case_file import CaseFile
from credit_forensics.engines.choose import open_engine
from credit_forensics.engines.handover import hand_over
from credit_forensics.engines.postgres import PostgresEngine
from credit_forensics.errors import CaseError
from credit_forensics.scenarios.demo import write_demo_case
from credit_forensics.tables.catalogue import Tables

ROWS = {"key": "string", "n": "int64", "x": "float64", "yes": "boolean", "at": "timestamp('UTC')"}
AT = pd.Timestamp("2025-09-01T14:39:07.123456", tz="UTC")


@pytest.fixture
def engine(postgres_database):
    opened = PostgresEngine(postgres_database)
    yield opened
    opened.close()


@pytest.mark.parametrize("mode", ["hindsight", pytest.param("as_of", marks=pytest.mark.thorough)])
def test_a_world_gives_the_same_bytes(engine, mode):
    assert_same(small_world(), engine, mode)


def test_awkward_ids_and_fractions_of_seconds_give_the_same_bytes(engine):
    assert_same(awkward_evidence(), engine)


def test_the_demo_case_runs_where_the_case_file_says(postgres_database, tmp_path):
    path = write_demo_case(tmp_path)
    here = Case.open(path, store=False)
    text = path.read_text() + f'\n[engine]\nname = "postgres"\nurl = "{postgres_database}"\n'
    path.write_text(text)
    there = Case.open(path)
    assert csv_bytes(there.findings) == csv_bytes(here.findings)
    assert len(there.findings) > 20
    # What shows the case afterwards finds the results beside the evidence.
    assert csv_bytes(there.claims) == csv_bytes(here.claims)
    payment = there.findings["payment_id"].dropna().iloc[0]
    assert repr(there.explain(payment)) == repr(here.explain(payment))
    assert there.manifest["parameters"]["engine"] == "postgres"


def test_without_a_url_it_runs_where_the_ledger_is(postgres_database):
    case_file = CaseFile.model_validate(
        {"engine": "postgres", "ledger": {"url": postgres_database}}
    )
    opened = open_engine(case_file)
    assert opened is not None
    assert opened.name == "postgres"
    opened.close()
    with pytest.raises(CaseError, match=r"set \[engine\] url"):
        open_engine(CaseFile.model_validate({"engine": "postgres"}))


def test_the_users_own_tables_are_neither_read_nor_written(postgres_database):
    with psycopg.connect(postgres_database, autocommit=True) as owner:
        owner.execute("CREATE TABLE users (user_id text); INSERT INTO users VALUES ('mine')")
        owner.execute("CREATE TABLE balances (user_id text, balance bigint)")
        engine = PostgresEngine(postgres_database)
        engine.register("users", pd.DataFrame({"user_id": ["theirs"]}))
        assert engine.frame(Tables().users)["user_id"].tolist() == ["theirs"]
        # The user's own table of that name must not stand in for one that is missing.
        with pytest.raises(psycopg.errors.UndefinedTable):
            engine.frame(Tables().balances)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            engine._execute("INSERT INTO public.users VALUES ('written')")
        engine.close()
        assert owner.execute("SELECT user_id FROM users").fetchall() == [("mine",)]
        tables = owner.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        assert tables.fetchone() == (2,)
        # The server drops them once the session has ended, a moment after we hung up.
        for _ in range(100):
            query = "SELECT count(*) FROM pg_class WHERE relpersistence = 't'"
            left = owner.execute(query).fetchone()
            if left == (0,):
                break
            time.sleep(0.1)
        assert left == (0,)


def test_two_cases_at_once_do_not_see_each_other(postgres_database):
    one, other = PostgresEngine(postgres_database), PostgresEngine(postgres_database)
    one.register("balances", pd.DataFrame({"user_id": ["a"], "balance": [1]}))
    other.register("balances", pd.DataFrame({"user_id": ["b"], "balance": [2]}))
    assert one.frame(Tables().balances)["balance"].tolist() == [1]
    assert other.frame(Tables().balances)["balance"].tolist() == [2]
    one.close()
    other.close()


def test_a_table_may_be_computed_from_itself(engine):
    engine.register("balances", pd.DataFrame({"user_id": ["a", None], "balance": [1, None]}))
    balances = Tables().balances
    engine.materialize("balances", balances.mutate(balance=balances.balance + 1))
    engine.materialize("balances", balances.mutate(balance=balances.balance + 1))
    rows = engine.frame(balances.order_by("user_id"))
    assert rows["balance"].tolist() == [3, pd.NA]


def test_nothing_found_is_an_empty_table_of_the_right_types(engine):
    engine.register("users", pd.DataFrame({"user_id": ["a"]}))
    found = engine.arrow(Tables().users.filter(Tables().users.user_id == "b"))
    assert found.num_rows == 0
    assert found.schema.field("created_at").type == pa.timestamp("us", tz="UTC")


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.fixed_dictionaries(
    {
        "key": st.none() | text,
        "n": st.none() | st.integers(-(2**63), 2**63 - 1),
        "x": st.none() | st.floats(allow_nan=False),
        "yes": st.none() | st.booleans(),
        "at": st.none()
        | st.datetimes(pd.Timestamp("1900-01-01"), pd.Timestamp("2200-01-01")).map(
            lambda time: time.replace(tzinfo=AT.tzinfo)
        ),
    }
)


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(values, max_size=4))
def test_every_value_comes_back_as_it_went_in(engine, rows):
    schema = pa.schema(
        [
            ("key", pa.string()),
            ("n", pa.int64()),
            ("x", pa.float64()),
            ("yes", pa.bool_()),
            ("at", pa.timestamp("us", tz="UTC")),
        ]
    )
    given_rows = pa.Table.from_pylist(rows, schema)
    engine.register("kept_rows", given_rows)
    kept = engine.arrow(ibis.table(ROWS, name="kept_rows"))
    # PostgreSQL's text holds no NUL; the replacement character stands for it.
    expected = [
        {**row, "key": row["key"] and row["key"].replace("\x00", "\ufffd")}
        for row in given_rows.to_pylist()
    ]
    assert sorted(kept.to_pylist(), key=repr) == sorted(expected, key=repr)


def test_text_sorts_by_code_points_and_folds_all_of_unicode(engine):
    names = ["b", "B", "ä", "Ä", "a", "z", "\U0001f98a", "_", None]
    engine.register("users", pd.DataFrame({"user_id": names}))
    users = Tables().users
    rows = engine.frame(users.order_by("user_id").mutate(name=users.user_id.lower()))
    assert rows["user_id"].tolist()[:-1] == sorted(name for name in names if name)
    assert rows["name"].tolist()[:-1] == [name.lower() for name in sorted(filter(None, names))]


def test_a_role_without_temporary_tables_is_told_so(postgres_database, postgres_url):
    url = make_url(postgres_database)
    with psycopg.connect(postgres_url, autocommit=True) as owner:
        owner.execute("DROP ROLE IF EXISTS reader")
        owner.execute("CREATE ROLE reader LOGIN")
        database = sql.Identifier(url.database)
        owner.execute(sql.SQL("REVOKE TEMP ON DATABASE {} FROM PUBLIC").format(database))
    engine = PostgresEngine(url.set(username="reader").render_as_string(hide_password=False))
    with pytest.raises(CaseError, match=r"did not take the table users: permission denied"):
        engine.register("users", pd.DataFrame({"user_id": ["a"]}))
    engine.close()


def test_no_server_is_one_sentence_without_the_password():
    with pytest.raises(CaseError) as told:
        PostgresEngine("postgresql://reader:hunter2@127.0.0.1:9/shop")
    assert "cannot be used" in str(told.value)
    assert "hunter2" not in str(told.value)
    with pytest.raises(CaseError, match="PostgreSQL url"):
        PostgresEngine("sqlite:///ledger.db")


def test_a_session_that_is_ended_midway_is_one_sentence(postgres_database, postgres_url):
    evidence = small_world(200)
    engine = PostgresEngine(postgres_database)
    hand_over(evidence.engine, engine)
    with psycopg.connect(postgres_url, autocommit=True) as owner:
        owner.execute("SELECT pg_terminate_backend(%s)", [engine._connection.info.backend_pid])
    with pytest.raises(CaseError, match="PostgreSQL engine could not"):
        analysed(engine)
    engine.close()
