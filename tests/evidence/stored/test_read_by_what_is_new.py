"""A case with a store reads only what is new, and is to the byte the case that reads everything."""

from __future__ import annotations

import random
import shutil
import sqlite3
from pathlib import Path

import pandas as pd
import psycopg
import pytest
from growing_case import GROWING, grow, shorten

from credit_forensics.case.case import Case
from credit_forensics.case_file import read_case_file
from credit_forensics.errors import CaseError
from credit_forensics.evidence.ledgers import unchanged_rows as ledger_unchanged
from credit_forensics.evidence.stored.custody import ReadAnew
from credit_forensics.evidence.stored.open import open_evidence
from credit_forensics.evidence.stored.refresh_files import LOG_OVERLAP
from credit_forensics.evidence.stored.whether_current import case_store
from credit_forensics.scenarios.case_writer import write_case
from credit_forensics.scenarios.settings import WorldSettings
from credit_forensics.scenarios.world import make_world


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    write_case(make_world(WorldSettings(payments=300), seed=9), folder)
    return folder


@pytest.fixture(autouse=True)
def small_overlap(monkeypatch):
    monkeypatch.setattr(ledger_unchanged, "ID_OVERLAP", 20)


def reread(folder: Path) -> dict[str, ReadAnew]:
    """Open the case both ways; they must be the same to the byte. What the stored one read."""
    stored, full = Case.open(folder), Case.open(folder, store=False)
    assert len(full.findings) > 10
    for name in ("gaps", "spans", "payments", "ledger", "deliveries", "balances", "users"):
        mine, theirs = getattr(stored.evidence, name), getattr(full.evidence, name)
        pd.testing.assert_frame_equal(mine, theirs, obj=name)
    assert stored.manifest == full.manifest
    written = [folder.parent / f"{folder.name}-{name}" for name in ("stored", "full")]
    for case, out in zip((stored, full), written, strict=True):
        case.analyze(out)
    for path in sorted(written[1].iterdir()):
        assert (written[0] / path.name).read_bytes() == path.read_bytes(), path.name
    stored.evidence.engine.close()
    return {read.name: read for read in stored.read_anew}


def read_once(folder: Path) -> dict[str, ReadAnew]:
    """Store what there is now; what was read, by input."""
    case_file = read_case_file(folder)
    opened = open_evidence(case_store(case_file), case_file)
    assert opened is not None
    opened.evidence.engine.close()
    return {one.name: one for one in opened.read}


def change(folder: Path, *statements: str) -> None:
    with sqlite3.connect(folder / "ledger.db") as db:
        for statement in statements:
            assert db.execute(statement).rowcount > 0, statement


def test_the_second_run_reads_only_what_is_new(tmp_path, whole):
    folder = shorten(whole, tmp_path, 0.8)
    first = read_once(folder)
    assert {read.how for read in first.values()} == {"new"}
    sizes = {name: (folder / name).stat().st_size for name in first if "://" not in name}
    with sqlite3.connect(folder / "ledger.db") as db:
        ((entries, last),) = db.execute("SELECT count(*), max(id) FROM credit_ledger")
    grow(whole, folder)
    second = reread(folder)
    for name, before in sizes.items():
        read, now = second[name], (whole / name).stat().st_size
        assert read.how == "grown"
        assert read.start + read.size <= now
        # JSON begins again with its unfinished line, a log with the deliveries under way.
        overlap = 2 * LOG_OVERLAP + 200 if name == "webhook.log" else 20_000
        assert before - overlap <= read.start <= before
    (ledger,) = (read for name, read in second.items() if "://" in name)
    (at_first,) = (read for name, read in first.items() if "://" in name)
    with sqlite3.connect(folder / "ledger.db") as db:
        ((newer,),) = db.execute("SELECT count(*) FROM credit_ledger WHERE id > ?", [last - 20])
    assert ledger.how == "grown"
    # Entries after the bound alone; accounts, bindings and balances at most as before.
    assert ledger.rows <= at_first.rows - entries + newer
    assert newer < entries / 2
    assert read_once(folder) == {}, "nothing changed, so nothing is read"


def test_late_and_shuffled_rows_are_found(tmp_path, whole):
    folder = shorten(whole, tmp_path, 0.9)
    chance = random.Random(1)
    late: dict[str, list[str]] = {}
    for name in GROWING[:3]:
        lines = (folder / name).read_text().splitlines(keepends=True)
        held = set(chance.sample(range(len(lines) - 1), 25))
        late[name] = [lines[place] for place in sorted(held, reverse=True)]
        (folder / name).write_text("".join(x for i, x in enumerate(lines) if i not in held))
    change(folder, "DELETE FROM credit_ledger WHERE id % 17 = 3")
    read_once(folder)
    for name, lines in late.items():
        rest = (whole / name).read_bytes()[int((whole / name).stat().st_size * 0.9) :].decode()
        with (folder / name).open("a") as file:
            # The line that was cut goes on first; then what came late, then the rest.
            end, _, more = rest.partition("\n")
            file.write(end + "\n" + "".join(lines) + more)
    shutil.copy(whole / "ledger.db", folder / "ledger.db")
    second = reread(folder)
    assert {second[name].how for name in late} == {"grown"}
    assert len(Case.open(folder).evidence.payments) == len(
        Case.open(whole, store=False).evidence.payments
    )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE credit_ledger SET user_id = (SELECT min(id) FROM users) WHERE id = 7",
        "DELETE FROM stripe_customers WHERE rowid % 9 = 0",
        *(
            pytest.param(statement, marks=pytest.mark.thorough)
            for statement in (
                "DELETE FROM credit_ledger WHERE id IN (5, 6)",
                "DELETE FROM credit_ledger WHERE id = (SELECT max(id) FROM credit_ledger)",
                "UPDATE users SET email = 'other@example.com' WHERE id = (SELECT min(id) FROM users)",
                "UPDATE user_credits SET total_credits = total_credits + 11 WHERE rowid % 20 = 0",
                "UPDATE credit_ledger SET created_at = '2025-09-01 00:00:00' WHERE id % 40 = 1",
            )
        ),
    ],
)
def test_rows_that_change_or_go_in_place_are_noticed(tmp_path, whole, statement):
    folder = Path(shutil.copytree(whole, tmp_path / "case"))
    read_once(folder)
    change(folder, statement)
    reread(folder)


def test_files_that_change_shrink_or_go_are_read_again(tmp_path, whole):
    folder = Path(shutil.copytree(whole, tmp_path / "case"))
    read_once(folder)
    sessions = (folder / "sessions.jsonl").read_bytes()
    # As long as before.
    (folder / "sessions.jsonl").write_bytes(sessions.replace(b'"eur"', b'"usd"', 40))
    assert reread(folder)["sessions.jsonl"].how == "other"
    # Edited far from its beginning and its end, and longer.
    half = len(sessions) // 2
    shifted = sessions[:half] + sessions[half:].replace(b'"paid"', b'"unpaid"', 3)
    (folder / "sessions.jsonl").write_bytes(shifted + sessions[-3000:].partition(b"\n")[2])
    log = (folder / "webhook.log").read_bytes()
    (folder / "webhook.log").write_bytes(log[: len(log) // 2])
    told = reread(folder)
    assert (told["sessions.jsonl"].how, told["webhook.log"].how) == ("other", "other")
    case = folder / "case.toml"
    case.write_text(case.read_text().replace('charges = "charges.jsonl"', 'charges = "ch*.jsonl"'))
    read_once(folder)
    (folder / "charges.jsonl").rename(folder / "ch2.jsonl")
    told = reread(folder)
    assert (told["charges.jsonl"].how, told["ch2.jsonl"].how) == ("gone", "new")


def test_rejects_keep_their_lines_wherever_they_were_read(tmp_path, whole):
    folder = shorten(whole, tmp_path, 0.5)
    sessions = folder / "sessions.jsonl"
    text = sessions.read_text().rpartition("\n")[0] + "\n"
    sessions.write_text("broken\n" + text + '{"id": "cs_cut\n')
    first = read_once(folder)
    with sessions.open("a") as file:
        file.write("[1,\n" + text[: text.index("\n") + 1] + "no end")
    read_once(folder)
    with sessions.open("a") as file:
        file.write(" yet\n")
    reread(folder)
    case = Case.open(folder)
    lines = case.rejects[case.rejects["file"] == "sessions.jsonl"]["line"].tolist()
    count = text.count("\n")
    assert sorted(set(lines)) == [1, count + 2, count + 3, count + 5]
    assert first["sessions.jsonl"].rows > 0


def test_damaged_rows_or_other_inputs_are_begun_anew(tmp_path, whole):
    folder = Path(shutil.copytree(whole, tmp_path / "case"))
    read_once(folder)
    (folder / ".store" / "rows.duckdb").write_bytes(b"damaged" * 1000)
    with (folder / "webhook.log").open("a") as file:
        file.write("\n")
    assert {read.how for read in reread(folder).values()} == {"new"}
    (folder / "case.toml").write_text(
        (folder / "case.toml").read_text().replace('charges = "charges.jsonl"', "")
    )
    assert {read.how for read in reread(folder).values()} == {"new"}, "other inputs"


def test_postgres_finds_by_its_own_digest_whether_rows_changed(tmp_path, postgres_database):
    folder = tmp_path / "case"
    write_case(
        make_world(WorldSettings(payments=300), seed=4),
        folder,
        ledger_url=postgres_database.replace("postgresql://", "postgresql+psycopg://"),
    )
    # Else a server covers the time until the clock of each reading.
    case = folder / "case.toml"
    text = case.read_text().replace("[ledger]\n", "[ledger]\nuntil = 2026-01-01\n")
    case.write_text(text)
    first = read_once(folder)
    (name,) = (name for name in first if "://" in name)
    reread(folder)
    part = case_store(read_case_file(folder)).part("evidence")
    again = read_once(folder)[name]
    assert again.how == "grown"
    assert again.rows < first[name].rows
    assert case_store(read_case_file(folder)).part("evidence") == part, "asked, and as it was"
    with psycopg.connect(postgres_database, autocommit=True) as db:
        db.execute("UPDATE credit_ledger SET delta = delta + 1 WHERE id = 3")
        third = reread(folder)[name]
        assert third.rows > again.rows
        db.execute(
            "INSERT INTO credit_ledger SELECT max(id) + 1, min(user_id), 50, 'admin_grant', NULL, "
            "max(created_at) FROM credit_ledger"
        )
        assert reread(folder)[name].rows == again.rows + 1
    assert case_store(read_case_file(folder)).part("evidence").reason == "a database has other rows"


def test_tables_of_a_sync_engine_are_read_whole(tmp_path):
    (tmp_path / "case.toml").write_text('[stripe]\ndatabase = "sqlite:///x.db"\n')
    with pytest.raises(CaseError, match=r"x\.db"):
        Case.open(tmp_path)
    assert not list(tmp_path.rglob("*.duckdb"))
