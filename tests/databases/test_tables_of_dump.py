"""Dumps in SQL: their rows are read, nothing of them is run."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from credit_forensics.databases.tables_of_dump import dumped_tables, is_dump
from credit_forensics.new_case.inventory import take_stock

PG_DUMP = """--
-- PostgreSQL database dump
--
SET standard_conforming_strings = on;
CREATE FUNCTION public.grant_credits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
INSERT INTO public.credits VALUES (NEW.id, 5);
RETURN NEW;
END;
$$;
CREATE TABLE public.users (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    name text,
    active boolean,
    balance numeric(12,2),
    CONSTRAINT users_check CHECK ((balance >= (0)::numeric))
);
CREATE TABLE auth.users (id uuid);
COPY auth.users (id) FROM stdin;
aa
\\.
COPY public.users (id, active, name) FROM stdin;
aa\tt\tAda\\tByte
bb\tf\t\\N
\\.
CREATE TABLE public.never_dumped (id integer);
"""
MYSQL = """-- MySQL dump 10.13  Distrib 8.0.36
/*!40101 SET NAMES utf8mb4 */;
CREATE TABLE `logs` (
  `id` bigint unsigned NOT NULL AUTO_INCREMENT,
  `type` enum('purchase','it''s, (use)') NOT NULL DEFAULT 'purchase',
  `note` varchar(255) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `logs_note` (`note`)
) ENGINE=InnoDB;
LOCK TABLES `logs` WRITE;
INSERT INTO `logs` VALUES (1,'purchase','it\\'s 5 o\\'clock; (really)'),
(2,'purchase',NULL);
UNLOCK TABLES;
DELIMITER ;;
CREATE TRIGGER t BEFORE INSERT ON logs FOR EACH ROW BEGIN
INSERT INTO audit VALUES (NEW.id);
END ;;
DELIMITER ;
"""
SQLITE = """PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE IF NOT EXISTS "logs"(id INTEGER PRIMARY KEY, note TEXT);
INSERT INTO logs VALUES(1,'a backslash \\');
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('logs',1);
COMMIT;
"""


def read(folder: Path, text: str) -> list[tuple[str, list[str], list[tuple[object, ...]]]]:
    path = folder / "dump.sql"
    path.write_text(text)
    assert is_dump(path)
    return [(table, list(kinds), list(rows)) for table, kinds, rows in dumped_tables(path)]


def test_copied_rows_are_read_and_no_body_of_a_function(tmp_path: Path):
    assert read(tmp_path, PG_DUMP) == [
        ("auth_users", ["id"], [("aa",)]),
        ("users", ["id", "active", "name"], [("aa", 1, "Ada\tByte"), ("bb", 0, None)]),
    ]


def test_a_dump_of_mysql_escapes_with_backslashes_and_one_of_sqlite_does_not(tmp_path: Path):
    assert read(tmp_path, MYSQL) == [
        (
            "logs",
            ["id", "type", "note"],
            [("1", "purchase", "it's 5 o'clock; (really)"), ("2", "purchase", None)],
        )
    ]
    assert read(tmp_path, SQLITE) == [("logs", ["id", "note"], [("1", "a backslash \\")])]


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE a (id int, -- the user's\nname text);\n",
        "/* Ada's\n * and nobody else's; it's hers */\nCREATE TABLE a (id int, name text);\n",
        "CREATE TABLE a (id int, /* the user's */ name text); -- that's all\n",
        "CREATE TABLE a (id int, name text)\n; -- it's\n",
    ],
)
def test_an_apostrophe_in_a_comment_hides_no_statement(tmp_path: Path, text: str):
    rows = (
        "INSERT INTO a VALUES (1,'-- no comment; /* nor this');\nINSERT INTO a VALUES (2,'it''s')"
    )
    assert read(tmp_path, text + rows) == [
        ("a", ["id", "name"], [("1", "-- no comment; /* nor this")]),
        ("a", ["id", "name"], [("2", "it's")]),
    ]


def test_a_packed_dump_is_read_too(tmp_path: Path):
    path = tmp_path / "dump.sql.gz"
    path.write_bytes(gzip.compress(SQLITE.encode()))
    assert is_dump(path)
    assert [table for table, _, _ in dumped_tables(path)] == ["logs"]


@pytest.mark.parametrize("kept", [50, 1200])
def test_a_packed_dump_that_was_cut_off_is_named(tmp_path: Path, kept: int):
    rows = "".join(f"INSERT INTO logs VALUES ({n},'{n * 7919 % 100_003}');\n" for n in range(9000))
    packed = gzip.compress((SQLITE + rows).encode())
    path = tmp_path / "dump.sql.gz"
    path.write_bytes(packed[:kept] if kept < 100 else packed[:-kept])
    with pytest.raises(ValueError, match="packed, and damaged or cut off"):
        is_dump(path) and [list(rows) for _, _, rows in dumped_tables(path)]
    assert take_stock(tmp_path)[0].use == "none"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("CREATE TABLE a (id int);\n", "it has no rows"),
        ("CREATE TABLE a (id int);\nINSERT INTO a VALUES (now());\n", "it computes a value"),
        ("INSERT INTO a VALUES (1);\n", "it does not say the columns of a"),
        ("INSERT INTO a (id) VALUES (1);\n", "it does not say what the columns of a are"),
        (f"{SQLITE}UPDATE logs SET note = NULL;\n", "it changes rows"),
        (
            "CREATE TABLE a (id int);\nINSERT INTO a VALUES (1) ON CONFLICT (id) DO UPDATE SET"
            " id = 2;\n",
            "it says more than rows",
        ),
        ("CREATE TABLE a (id int);\nINSERT INTO a VALUES (1,2);\n", "a row has 2 values for 1"),
        ("CREATE TABLE a (id int);\nCOPY a (id) FROM stdin;\n1\n", "ends in the middle"),
        (
            "CREATE TABLE a (id int);\nINSERT INTO a VALUES (1);\nINSERT INTO a VALUES ('b",
            "ends in the middle",
        ),
        (
            "CREATE TABLE a (id int);\nINSERT INTO a VALUES (1);\nINSERT INTO a VALUES (2,",
            "it computes a value",
        ),
    ],
)
def test_what_only_a_database_can_tell_is_refused(tmp_path: Path, text: str, problem: str):
    with pytest.raises(ValueError, match=problem):
        read(tmp_path, text)
