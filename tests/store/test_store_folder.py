"""The folder itself: who may read it, who writes, what becomes of what nobody names."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from credit_forensics.errors import CaseError
from credit_forensics.store.in_use import mark_in_use
from credit_forensics.store.store import FOLDER, Store
from credit_forensics.store.stored_parts import Part
from credit_forensics.store.version import store_version

A, B = "a" * 16, "b" * 16


def store_in(folder: Path, version: str = "1") -> Store:
    return Store(folder / FOLDER, folder, version)


def filled(folder: Path, version: str = "1") -> Store:
    store = store_in(folder, version)
    with store.writing():
        (store.folder / A).mkdir()
        (store.folder / A / "rows").write_text("x" * 1000)
        store.put("evidence", Part("key", A, "nothing was stored"))
    return store


def test_a_store_is_for_its_owner_alone_and_for_no_repository(tmp_path):
    store = filled(tmp_path)
    for path in (store.folder, *store.folder.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path
    assert store.folder.stat().st_mode & 0o777 == 0o700
    assert (store.folder / "manifest.json").stat().st_mode & 0o777 == 0o600
    assert (store.folder / ".gitignore").read_text() == "*\n"


def test_a_store_of_another_version_is_discarded_with_one_line(tmp_path, caplog):
    filled(tmp_path, "1")
    newer = store_in(tmp_path, "2")
    assert newer.part("evidence") is None
    with caplog.at_level(logging.WARNING), newer.writing():
        pass
    assert [record.getMessage() for record in caplog.records] == [
        f"Discarded the store {newer.folder}, which is of another version."
    ]
    assert not (newer.folder / A).exists()
    caplog.clear()
    with newer.writing():
        pass
    assert not caplog.records


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": "1"}', '{"version": 1, "parts": []}'])
def test_a_damaged_table_of_contents_discards_the_store(tmp_path, caplog, text):
    store = filled(tmp_path)
    (store.folder / "manifest.json").write_text(text)
    assert store_in(tmp_path).part("evidence") is None
    with store.writing():
        pass
    assert "is damaged" in caplog.text
    assert not (store.folder / A).exists()


@pytest.mark.parametrize("name", ["notes.txt", "reports/index.html", "manifest.json.old"])
@pytest.mark.parametrize("used", [True, False], ids=["after a use", "before any"])
def test_somebodys_own_files_are_never_removed(tmp_path, name, used):
    store = filled(tmp_path) if used else store_in(tmp_path)
    path = store.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine")
    for version in ("1", "2"):
        with (
            pytest.raises(CaseError, match="is no part of a store"),
            store_in(tmp_path, version).writing(),
        ):
            pass
        with pytest.raises(CaseError, match="is no part of a store"):
            store_in(tmp_path, version).clear()
    assert path.read_text() == "mine"
    assert used == (store.folder / A).exists()


def test_hidden_files_of_somebody_stay_when_a_store_is_cleared(tmp_path):
    store = filled(tmp_path)
    (store.folder / ".mask_key").write_text("mine")
    store.clear()
    assert [path.name for path in store.folder.iterdir()] == [".mask_key"]


@pytest.mark.parametrize("name", [".kept/evidence.duckdb", "monitor/evidence.duckdb"])
def test_what_older_versions_stored_is_discarded_with_one_line(tmp_path, caplog, name):
    path = tmp_path / name
    path.parent.mkdir()
    path.write_bytes(b"rows")
    (tmp_path / "monitor").mkdir(exist_ok=True)
    (tmp_path / "monitor" / "state.sqlite").write_bytes(b"told")
    with store_in(tmp_path).writing():
        pass
    assert not path.exists()
    assert (tmp_path / "monitor" / "state.sqlite").exists(), "what was said to whom stays"
    assert [record.getMessage() for record in caplog.records] == [
        f"Discarded {name}, which an older version stored."
    ]


def test_what_nobody_names_is_removed_once_nobody_reads_it(tmp_path):
    store = filled(tmp_path)
    (store.folder / "half.part").mkdir()
    release = mark_in_use(store.folder / A)
    with store.writing():
        store.put("evidence", Part("other", B, "the case file was changed"))
        store.tidy()
        assert (store.folder / A).exists(), "somebody reads it"
        assert not (store.folder / "half.part").exists()
    release()
    with store.writing():
        store.tidy()
    assert not (store.folder / A).exists()


def test_one_process_writes_and_others_read_meanwhile(tmp_path):
    store = filled(tmp_path)
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from credit_forensics.store.store import Store\n"
        "folder = Path(sys.argv[1])\n"
        "with Store(folder / '.store', folder, '1').writing():\n"
        "    print('writing', flush=True)\n"
        "    time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        assert store.part("evidence") is not None
        with pytest.raises(CaseError, match=str(process.pid)), store.writing(seconds=0.3):
            pass
    finally:
        process.kill()
        process.communicate()
    with store.writing(seconds=5):
        assert store.part("evidence") is not None


def test_clearing_leaves_nothing(tmp_path):
    store = filled(tmp_path)
    assert store.clear() > 1000
    assert not store.folder.exists()
    assert store.clear() == 0


def test_a_column_more_in_a_table_is_another_version(tmp_path):
    for package, text in (("one", "COLUMNS = 1"), ("same", "COLUMNS = 1"), ("more", "COLUMNS = 2")):
        tables = tmp_path / package / "tables"
        tables.mkdir(parents=True)
        (tables / "evidence.py").write_text(text)
        reporting = tmp_path / package / "reporting"
        reporting.mkdir()
        (reporting / "page.py").write_text(package)
    one, same, more = (store_version(tmp_path / name) for name in ("one", "same", "more"))
    assert one == same, "what only shows results makes none of them stale"
    assert one != more
