"""What one command stored the next one takes, and the results are the same to the byte."""

from __future__ import annotations

import datetime as dt
import logging
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import ibis.expr.types as ir
import pandas as pd
import pytest

from credit_forensics.case import case as case_module
from credit_forensics.case.case import Case
from credit_forensics.case.explain_stored import explain_stored
from credit_forensics.case.review_queue import review_queue
from credit_forensics.case_file import read_case_file
from credit_forensics.evidence.stored.whether_current import case_store
from credit_forensics.monitoring.stored_look import StoredLook
from credit_forensics.repair.plan import make_plan
from credit_forensics.resolution.method import Method
from credit_forensics.tables.catalogue import Tables

NOW = dt.datetime(2025, 12, 1, tzinfo=dt.UTC)


def analysis(folder: Path, out: Path, **options: object) -> dict[str, bytes]:
    case = Case.open(folder, **options)  # type: ignore[arg-type]
    case.analyze(out)
    if isinstance(getattr(case.evidence.engine, "folder", None), Path):
        case.evidence.engine.close()
    return {path.name: path.read_bytes() for path in out.iterdir()}


def forbid(monkeypatch, *names: str) -> None:
    """From here on nothing is judged, examined or grouped."""

    def judged(*_args: object, **_options: object) -> None:
        raise AssertionError("it was judged before")

    for name in names or ("judge", "examine_with_practices", "with_incidents"):
        monkeypatch.setattr(case_module, name, judged)


def made_anew(folder: Path) -> dict[str, str]:
    return {name: part.reason for name, part in case_store(read_case_file(folder)).parts().items()}


def test_the_same_bytes_with_the_store_without_it_fresh_and_in_the_second_run(
    folder, tmp_path, expected, monkeypatch
):
    assert analysis(folder, tmp_path / "first") == expected
    assert analysis(folder, tmp_path / "fresh", fresh=True) == expected
    forbid(monkeypatch)
    assert analysis(folder, tmp_path / "second") == expected
    for path in (folder / ".store").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_no_store_leaves_none(folder, tmp_path, expected):
    before = sorted(folder.rglob("*"))
    assert analysis(folder, tmp_path / "out", store=False) == expected
    assert sorted(folder.rglob("*")) == before


def test_what_was_analysed_is_explained_reviewed_and_repaired_without_judging(
    folder, tmp_path, monkeypatch
):
    fresh = Case.open(folder, store=False)
    payments = fresh.verdicts["payment_id"].tolist()[:3]
    theirs = [fresh.explain(payment).to_dict() for payment in payments]
    queue, plan = review_queue(fresh), make_plan(fresh)
    Case.open(folder).analyze(tmp_path / "out")
    forbid(monkeypatch)
    settings = read_case_file(folder)
    for payment, explanation in zip(payments, theirs, strict=True):
        mine = explain_stored(settings, payment, "hindsight")
        assert mine is not None
        assert mine.to_dict() == explanation
    case = Case.open(folder)
    pd.testing.assert_frame_equal(review_queue(case), queue)
    pd.testing.assert_frame_equal(make_plan(case).rows, plan.rows)
    for name in ("matrix", "claims", "persons", "method_summary", "method_agreement"):
        pd.testing.assert_frame_equal(getattr(case, name), getattr(fresh, name), obj=name)
    pd.testing.assert_frame_equal(case.family_accuracies, fresh.family_accuracies)
    pd.testing.assert_frame_equal(case.agree_when_wrong, fresh.agree_when_wrong)
    assert case.model == fresh.model


def test_the_monitor_takes_an_analysis_and_an_analysis_takes_the_monitors(
    folder, tmp_path, expected, monkeypatch
):
    look = StoredLook(folder / "case.toml")
    watched = look(NOW, ())
    watched.remembered()
    # A tick groups nothing.
    forbid(monkeypatch, "judge", "examine_with_practices")
    assert analysis(folder, tmp_path / "out") == expected
    (folder / "monitor").mkdir(exist_ok=True)
    with sqlite3.connect(folder / "ledger.db") as db:
        db.execute("DELETE FROM credit_ledger WHERE id = (SELECT max(id) FROM credit_ledger)")
    assert explain_stored(read_case_file(folder), "cs_x", "hindsight") is None, "it is stale"


def test_both_modes_lie_side_by_side(folder, tmp_path, monkeypatch):
    first = analysis(folder, tmp_path / "hindsight")
    second = analysis(folder, tmp_path / "as_of", mode="as_of")
    forbid(monkeypatch)
    assert analysis(folder, tmp_path / "again") == first
    assert analysis(folder, tmp_path / "as_of_again", mode="as_of") == second
    assert {"judgement as_of", "judgement hindsight"} <= made_anew(folder).keys()


def customers(tables: Tables) -> ir.Table:
    payments = tables.payments.filter(tables.payments.customer_id.notnull())
    return payments.select("payment_id", user_id="customer_id")


def test_methods_of_ones_own_are_judged_anew_and_change_nothing_that_is_stored(folder, tmp_path):
    Case.open(folder).analyze(tmp_path / "first")
    before = made_anew(folder)
    own = Method("own", "own", "the customer", rows=customers)
    case = Case.open(folder, methods=[own])
    assert "own" in case.matrix.columns
    assert made_anew(folder) == before
    assert "own" not in Case.open(folder).matrix.columns


# Why something is stale: a change that matters, and beside it one that does not. -----------------


def grow(folder: Path) -> None:
    with (folder / "webhook.log").open("a") as file:
        file.write("[2025-09-01T10:00:00+0000 - app.base - INFO] a line more\n")


def edit(folder: Path) -> None:
    text = (folder / "sessions.jsonl").read_text()
    (folder / "sessions.jsonl").write_text(text.replace('"eur"', '"usd"', 1))


def touch(folder: Path) -> None:
    os.utime(folder / "sessions.jsonl", ns=(1, 1))


def copy(folder: Path) -> None:
    data = (folder / "webhook.log").read_bytes()
    (folder / "webhook.log").unlink()
    (folder / "webhook.log").write_bytes(data)


def entry(folder: Path) -> None:
    with sqlite3.connect(folder / "ledger.db") as db:
        db.execute("UPDATE credit_ledger SET delta = delta + 1 WHERE id = 1")


def setting(before: str, after: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "case.toml"
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after, 1))

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (grow, "webhook.log has grown"),
        (entry, "ledger.db was written again"),
        (setting("price_small = 50", "price_small = 51"), "the case file was changed"),
        pytest.param(edit, "sessions.jsonl was written again", marks=pytest.mark.thorough),
        pytest.param(
            setting("[prices]", '[ids]\nshape = "uuid"\n[prices]'),
            "the case file was changed",
            marks=pytest.mark.thorough,
        ),
    ],
)
def test_a_change_that_matters_is_read_and_judged_anew_and_the_reason_is_kept(
    folder, tmp_path, change, reason
):
    analysis(folder, tmp_path / "before")
    change(folder)
    after = analysis(folder, tmp_path / "after")
    assert after == analysis(folder, tmp_path / "plain", store=False)
    reasons = made_anew(folder)
    assert reasons["evidence"] == reason
    assert reasons["judgement hindsight"].endswith(f"({reason})")


@pytest.mark.parametrize("change", [touch, copy])
def test_a_file_that_holds_the_same_is_not_judged_again(
    folder, tmp_path, monkeypatch, expected, change
):
    analysis(folder, tmp_path / "before")
    before = made_anew(folder)
    change(folder)
    forbid(monkeypatch)
    assert analysis(folder, tmp_path / "after") == expected
    assert made_anew(folder) == before


def test_a_setting_that_does_not_matter_judges_nothing_again(folder, tmp_path, monkeypatch):
    analysis(folder, tmp_path / "before")
    before = made_anew(folder)
    setting('name = "', 'name = "renamed ')(folder)
    setting("[prices]", "[monitor]\ngrace_minutes = 5\n[prices]")(folder)
    setting("[prices]", '[report]\nlanguage = "de"\n[prices]')(folder)
    plain = analysis(folder, tmp_path / "plain", store=False)
    forbid(monkeypatch)
    assert analysis(folder, tmp_path / "after") == plain
    assert made_anew(folder) == before


def test_labels_judge_anew_and_read_nothing(folder, tmp_path):
    analysis(folder, tmp_path / "before")
    (folder / "labels.csv").write_text("payment_id,label\ncs_1,right\n")
    case = Case.open(folder)
    assert case.read_anew == ()
    case.analyze(tmp_path / "after")
    assert made_anew(folder)["judgement hindsight"] == "labels.csv was changed"
    assert made_anew(folder)["evidence"] == "nothing was stored"


# Where the store cannot be used ------------------------------------------------------------------


def test_a_folder_that_cannot_be_made_is_reported_once_and_the_case_read_without(
    folder, tmp_path, expected, caplog
):
    (folder / ".store").write_text("a file stands here")
    with caplog.at_level(logging.WARNING):
        assert analysis(folder, tmp_path / "one") == expected
        assert analysis(folder, tmp_path / "two") == expected
    (record,) = caplog.records
    assert "cannot be written" in record.getMessage()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="needs to become another user")
def test_a_case_that_may_only_be_read_works_without_a_store_and_says_so_once(folder, tmp_path):
    for path in (*folder.rglob("*"), folder, *tmp_path.parents, tmp_path):
        if path.is_relative_to("/tmp/") and path != Path("/tmp"):
            path.chmod(0o755 if path.is_dir() else 0o644)
    script = (
        "import os, sys\n"
        "from credit_forensics.case.case import Case\n"
        "len(Case.open(sys.argv[1], store=False).findings)  # loads what another cannot read\n"
        "os.setgroups([])\nos.setgid(65534)\nos.setuid(65534)\n"
        "for _ in range(2):\n"
        "    print(len(Case.open(sys.argv[1]).findings))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("the case is read without it") == 1
    assert not (folder / ".store").exists()


def test_while_another_process_writes_a_reader_goes_on_and_a_newcomer_reads_without(
    folder, tmp_path, expected, monkeypatch, caplog
):
    monkeypatch.setattr("credit_forensics.evidence.stored.open.WAIT_SECONDS", 0.2)
    analysis(folder, tmp_path / "first")
    script = (
        "import sys, time\n"
        "from credit_forensics.case_file import read_case_file\n"
        "from credit_forensics.evidence.stored.whether_current import case_store\n"
        "with case_store(read_case_file(sys.argv[1])).writing():\n"
        "    print('writing', flush=True)\n"
        "    time.sleep(600)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(folder)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        assert analysis(folder, tmp_path / "reader") == expected
        grow(folder)
        plain = analysis(folder, tmp_path / "plain", store=False)
        assert analysis(folder, tmp_path / "newcomer") == plain
        assert "read without its store" in caplog.text
    finally:
        process.kill()
        process.communicate()


def test_evidence_or_a_judgement_that_is_not_whole_is_made_again(folder, tmp_path, expected):
    analysis(folder, tmp_path / "first")
    (stamp,) = (folder / ".store").glob("*/stamp.json")
    stamp.write_text("{")
    assert analysis(folder, tmp_path / "second") == expected
    assert made_anew(folder)["evidence"] == "it was not whole"
    (judged,) = (folder / ".store").glob("*/judgement-hindsight-*/judgement.json")
    judged.write_text("{")
    assert analysis(folder, tmp_path / "third") == expected
    assert made_anew(folder)["judgement hindsight"] == "it was not whole"
