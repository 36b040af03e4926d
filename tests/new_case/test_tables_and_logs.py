"""What is a table and what is a log, where one looks like the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from credit_forensics.evidence.files.identify_input import identify
from credit_forensics.new_case.inventory import take_stock
from credit_forensics.new_case.log_signs import look_at_log

EVENT = '{"type":"checkout.session.completed","id":"evt_1abcdefgh"}'


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (f"[2025-09-01 10:00:00] production.INFO: Stripe webhook {EVENT}\n", "webhook log"),
        (f"[812] INFO 2025-09-01 10:00:00 Stripe webhook {EVENT}\n", "webhook log"),
        (f"[{EVENT},\n{EVENT}]", "stripe events"),
        (f"[\n  {EVENT}\n]", "stripe events"),
    ],
)
def test_a_time_in_brackets_begins_no_list(tmp_path: Path, text: str, what: str):
    path = tmp_path / "any"
    path.write_text(text)
    assert identify(path).what == what


def test_a_statement_with_a_text_column_is_a_table_and_a_line_of_a_log_is_none(tmp_path: Path):
    path = tmp_path / "statement.csv"
    rows = "".join(f"{n},7,200.00,0.00,STRIPE pi_3abcdefgh{n},2025-09-0{n}\n" for n in (1, 2))
    path.write_text(f"no,user_id,credit,debit,text,booked_at\n{rows}")
    assert look_at_log(path).table == ("no", "user_id", "credit", "debit", "text", "booked_at")
    path.write_text(f"no,user_id,credit,debit,message,booked_at\n{rows}")
    assert look_at_log(path).table == ()


def test_a_table_of_accounts_may_come_newest_first(tmp_path: Path):
    path = tmp_path / "accounts.csv"
    rows = "".join(f"{n},a{n}@x.example,cus_abc{n},2025-09-0{9 - n} 08:00\n" for n in (1, 2, 3))
    path.write_text(f"id,email,stripe_customer_id,joined\n{rows}")
    assert look_at_log(path).table == ("id", "email", "stripe_customer_id", "joined")


def test_a_dump_with_rows_is_a_table_and_a_script_is_not(tmp_path: Path):
    (tmp_path / "dump.sql").write_text("CREATE TABLE a (id int);\nINSERT INTO a VALUES (1);\n")
    (tmp_path / "schema.sql").write_text("CREATE TABLE a (id int);\n")
    dump, schema = take_stock(tmp_path)
    assert (dump.use, dump.words) == ("table", "a dump in SQL (a)")
    assert (schema.use, schema.words[:23]) == ("none", "SQL, and it has no rows")


@pytest.mark.parametrize(("session", "use"), [("cs_live_a1", "stripe"), ("s-1", "table")])
def test_the_answer_of_a_query_over_sessions_is_an_export(tmp_path: Path, session: str, use: str):
    (tmp_path / "answer.csv").write_text(
        f"checkout_session_id,payment_status,amount_total,customer_id\n{session},paid,1200,cus_a1\n"
    )
    assert [found.use for found in take_stock(tmp_path)] == [use]


def test_a_log_whose_times_have_no_year_is_as_sure_as_one_with_them(tmp_path: Path):
    path = tmp_path / "function.txt"
    path.write_text(
        "Mar 2, 09:02:20 AM: a2d83d0f INFO   event evt_1abc checkout.session.completed\n"
    )
    assert look_at_log(path).certainty == 0.9
    path.write_text("to do: look at evt_1abc checkout.session.completed\n")
    assert look_at_log(path).certainty < 0.9
