"""A ledger in MariaDB, read under a proven read-only snapshot from a server of the tests' own."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pymysql
import pytest

from credit_forensics.case_file import CaseFile
from credit_forensics.databases.tables_of_mysql import copy_tables
from credit_forensics.databases.urls import mysql_url
from credit_forensics.errors import CaseError
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers.load import load_ledgers
from credit_forensics.evidence.stored.ledger_inputs import asks_a_server, ledger_files
from credit_forensics.repair.target import NoTargetError, open_target

pytestmark = pytest.mark.skipif(not shutil.which("mariadbd"), reason="make mariadb installs it")

SCRIPT = """
CREATE DATABASE shop CHARACTER SET utf8mb4;
USE shop;
CREATE TABLE users (id BINARY(16) PRIMARY KEY, email VARCHAR(190), `full name` TEXT);
INSERT INTO users VALUES (UNHEX('00000000000040008000000000000001'), 'ada@example.com', 'Ada Müller'),
  (UNHEX('00000000000040008000000000000002'), 'bo@example.com', 'Bo');
CREATE TABLE credit_transactions (id BIGINT PRIMARY KEY, user_id BINARY(16), amount DECIMAL(12, 4),
  type ENUM('purchase', 'usage'), meta JSON, confirmed TINYINT(1), created_at TIMESTAMP);
INSERT INTO credit_transactions VALUES
  (1, UNHEX('00000000000040008000000000000001'), 100, 'purchase', '{"s": "cs_1"}', 1, '2025-09-01 10:00:00'),
  (2, UNHEX('00000000000040008000000000000002'), 100, 'purchase', '{"s": "cs_2"}', 1, '2025-09-01 11:00:00'),
  (3, UNHEX('00000000000040008000000000000001'), -0.25, 'usage', NULL, 1, '2025-09-02 10:00:00'),
  (4, UNHEX('00000000000040008000000000000001'), 100, 'purchase', '{"s": "cs_9"}', 0, '2025-09-02 11:00:00');
CREATE TABLE page_views (id INT PRIMARY KEY);
CREATE USER reader IDENTIFIED BY 'sesame';
GRANT SELECT ON shop.* TO reader;
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The socket of a MariaDB in a temporary folder."""
    folder = tmp_path_factory.mktemp("mariadb")
    data, socket = folder / "data", folder / "s.sock"
    install = ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--user=root",
               "--auth-root-authentication-method=normal", "--skip-test-db"]  # fmt: skip
    subprocess.run(install, check=True, capture_output=True)
    command = ["mariadbd", "--no-defaults", f"--datadir={data}", f"--socket={socket}",
               "--skip-networking", "--user=root", "--innodb-buffer-pool-size=16M"]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(200):
                if socket.exists():
                    break
                time.sleep(0.05)
            with pymysql.connect(unix_socket=str(socket), user="root", autocommit=True) as root:
                for statement in SCRIPT.split(";\n"):
                    if statement.strip():
                        root.cursor().execute(statement)
            yield socket
        finally:
            process.terminate()


def case_of(socket: Path, password: str = "sesame") -> CaseFile:
    url = f"mysql+pymysql://reader:{password}@localhost/shop?unix_socket={quote(str(socket))}"
    return CaseFile.model_validate({"ledger": {"url": url}})


def test_a_ledger_is_inferred_from_the_copied_tables(server: Path) -> None:
    evidence = Evidence()
    load_ledgers(evidence, case_of(server))
    ada, bo = (f"00000000-0000-4000-8000-00000000000{n}" for n in (1, 2))
    rows = evidence.ledger.sort_values("entry_id")
    assert list(zip(rows["user_id"], rows["delta"], rows["fraction"].fillna(0), strict=True)) == [
        (ada, 100, 0), (bo, 100, 0), (ada, 0, -25 * 10**7),
    ]  # fmt: skip
    assert rows["payment_id"].fillna("").tolist() == ["cs_1", "cs_2", ""]
    assert rows["created_at"].iloc[0].isoformat() == "2025-09-01T10:00:00+00:00"
    assert evidence.users["name"].tolist() == ["Ada Müller", "Bo"]
    (source,) = evidence.custody.inputs
    assert "sesame" not in source.name
    assert len(source.sha256) == 64
    again = Evidence()
    load_ledgers(again, case_of(server))
    assert again.custody.inputs[0].sha256 == source.sha256


def test_only_what_may_belong_to_the_ledger_is_copied(server: Path, tmp_path: Path) -> None:
    url = mysql_url(case_of(server).ledger.url)
    seen: list[str] = []
    copy_tables(url, tmp_path / "copy.db", lambda table: bool(seen.append(table)))
    assert seen == ["credit_transactions", "page_views", "users"]


def test_a_refused_password_is_one_sentence_without_it(server: Path) -> None:
    with pytest.raises(CaseError, match="cannot be opened") as caught:
        load_ledgers(Evidence(), case_of(server, "swordfish"))
    assert "swordfish" not in str(caught.value)


def test_a_server_has_no_file_and_takes_no_plan(server: Path) -> None:
    case = case_of(server)
    assert asks_a_server(case)
    assert ledger_files(case) == []
    with pytest.raises(NoTargetError, match="SQLite and PostgreSQL only"), open_target(case):
        pass
