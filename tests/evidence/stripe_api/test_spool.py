from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from credit_forensics.errors import CaseError
from credit_forensics.evidence.stripe_api import spool


def rows(*ids: str, version: int = 1) -> list[dict]:
    return [{"id": i, "version": version} for i in ids]


def read(folder: Path) -> dict[str, int]:
    lines = (folder / "charges.jsonl").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    assert len({row["id"] for row in found}) == len(found)
    return {row["id"]: row["version"] for row in found}


def filled(folder: Path) -> None:
    with spool.open_spool(folder) as kept:
        kept.begin("charges", 0, 10)
        kept.keep("charges", rows("a", "b"), last=False)
        kept.keep("charges", rows("c"), last=True)
        kept.finish("charges")
        kept.begin("charges", 8, 20)
        kept.keep("charges", rows("d", "b", version=2), last=True)


def test_a_newer_round_replaces_older_snapshots(tmp_path):
    filled(tmp_path)
    with spool.open_spool(tmp_path) as kept:
        kept.finish("charges")
        assert kept.state.resources["charges"].covered == (0, 20)
        assert kept.state.resources["charges"].rows == 4
    assert read(tmp_path) == {"a": 1, "c": 1, "d": 2, "b": 2}


@pytest.mark.parametrize("step", ["state.json", "charges.jsonl.next", "charges.jsonl"])
def test_a_kill_at_any_rename_of_the_replacement_loses_nothing(tmp_path, monkeypatch, step):
    """Each rename is a point of no return, so the folder is copied as it is just before each."""
    filled(tmp_path / "pull")
    copies: list[Path] = []
    rename = Path.replace

    def copying(path: Path, target: Path) -> Path:
        if Path(target).name == step:
            copies.append(tmp_path / f"copy{len(copies)}")
            shutil.copytree(path.parent, copies[-1])
        return rename(path, target)

    with spool.open_spool(tmp_path / "pull") as kept:
        monkeypatch.setattr(Path, "replace", copying)
        kept.finish("charges")
        monkeypatch.undo()
    assert copies
    for copy in copies:
        with spool.open_spool(copy) as kept:
            if kept.state.resources["charges"].round:
                assert kept.state.resources["charges"].round.last
                kept.finish("charges")
            assert kept.state.resources["charges"].covered == (0, 20)
        assert read(copy) == {"a": 1, "c": 1, "d": 2, "b": 2}
        assert not list(copy.glob("*.next"))


def test_a_file_shorter_than_its_state_is_not_built_on(tmp_path):
    filled(tmp_path)
    (tmp_path / "charges.jsonl").write_text("")
    with pytest.raises(CaseError, match="shorter than"), spool.open_spool(tmp_path):
        pass


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"version": 99}', "\x00", '{"version": 1}'])
def test_a_state_that_cannot_be_read_is_said(tmp_path, body):
    filled(tmp_path)
    (tmp_path / "state.json").write_text(body)
    with pytest.raises(CaseError, match="move the folder away"), spool.open_spool(tmp_path):
        pass


def test_a_tail_is_left_alone_while_a_pull_is_at_work(tmp_path):
    filled(tmp_path)
    with spool.open_spool(tmp_path):
        with (tmp_path / "charges.jsonl").open("ab") as file:
            file.write(b'{"id":')
        before = (tmp_path / "charges.jsonl").read_bytes()
        assert spool.paths(tmp_path)["charges"].read_bytes() == before
    assert spool.paths(tmp_path)["charges"].read_bytes() == before.removesuffix(b'{"id":')


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(CaseError, match="cannot be used"),
        spool.open_spool(tmp_path / "file" / "x"),
    ):
        pass
