"""The kept text of a step is what the compiler gives, and only ever a matter of time."""

from __future__ import annotations

import re
from dataclasses import replace

import ibis
import pandas as pd
import pytest

from credit_forensics.engines import recipes
from credit_forensics.engines.duckdb import DuckDBEngine
from credit_forensics.engines.recipes import Recipe
from credit_forensics.findings.catalogue import FINDINGS, _recipe
from credit_forensics.judgement.families import FAMILIES
from credit_forensics.judgement.judge import judge
from credit_forensics.judgement.plan import Steps
from credit_forensics.resolution.methods import METHODS
from credit_forensics.tables.catalogue import ALL

PAYMENTS = ibis.table({"payment_id": str, "amount": "int64"}, name="payments")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache of the test's own, where the user's would be."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    recipes._read.cache_clear()
    return tmp_path / "credit-forensics" / "sql"


def texts(cache):
    return sorted(cache.glob("*/*.sql"))


def never():
    raise AssertionError("a step whose text is kept was built again")


def engine_with_payments():
    engine = DuckDBEngine(threads=1)
    engine.register("payments", pd.DataFrame({"payment_id": ["cs_2", "cs_1"], "amount": [7, 5]}))
    return engine


def words(sql):
    """The compiler names what it leaves out in no particular order."""
    return sorted(re.findall(r"\w+|[^\w\s]", sql))


def test_a_step_is_built_once_and_gives_the_same_rows_and_columns(cache):
    engine = engine_with_payments()
    first = engine.materialize(
        "large", Recipe("large", lambda: PAYMENTS.filter(PAYMENTS.amount > 6))
    )
    recipe = Recipe("few", lambda: PAYMENTS.filter(PAYMENTS.amount < 6))
    built = engine.frame(recipe)
    again = Recipe("few", never)
    assert engine.frame(again).equals(built)
    assert engine.materialize("few", again).table.schema() == PAYMENTS.schema()
    assert first.table.schema() == PAYMENTS.schema()
    assert [path.name for path in texts(cache)] == ["duckdb-few.sql", "duckdb-large.sql"]


def test_what_has_no_name_is_kept_nowhere(cache):
    engine_with_payments().frame(Recipe("", lambda: PAYMENTS))
    assert texts(cache) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: b"",
        lambda whole: b"SELECT 1",
        lambda whole: b"-- {\n",
        lambda whole: b"\xff\xfe",
        lambda whole: b"-- [1]\nSELECT 1",
        lambda whole: whole[:-5],
        lambda whole: whole + b" LIMIT 1",
    ],
)
def test_a_damaged_text_is_compiled_again(cache, damage):
    engine = engine_with_payments()
    right = engine.frame(Recipe("all", lambda: PAYMENTS))
    (path,) = texts(cache)
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    recipes._read.cache_clear()
    assert engine.frame(Recipe("all", lambda: PAYMENTS)).equals(right)
    assert path.read_bytes() == whole


def test_a_text_with_a_carriage_return_is_found_again(cache):
    engine = engine_with_payments()
    stripped = PAYMENTS.mutate(payment_id=PAYMENTS.payment_id.strip())
    built = engine.frame(Recipe("stripped", lambda: stripped))
    (path,) = texts(cache)
    assert b"\r" in path.read_bytes()
    recipes._read.cache_clear()
    assert engine.frame(Recipe("stripped", never)).equals(built)


def test_a_cache_that_cannot_be_written_costs_only_time(tmp_path, monkeypatch):
    file = tmp_path / "a-file"
    file.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(file))
    assert len(engine_with_payments().frame(Recipe("all", lambda: PAYMENTS))) == 2


def test_another_source_of_the_package_has_texts_of_its_own(cache, monkeypatch, tmp_path):
    engine = engine_with_payments()
    engine.frame(Recipe("all", lambda: PAYMENTS))
    copy = tmp_path / "package"
    copy.mkdir()
    for source in ("a = 1", "a = 2"):
        (copy / "one.py").write_text(source)
        monkeypatch.setattr(recipes, "_PACKAGE", copy)
        recipes._digest.cache_clear()
        engine.frame(Recipe("all", lambda: PAYMENTS))
    recipes._digest.cache_clear()
    assert len(texts(cache)) == 3


def test_texts_of_the_oldest_versions_are_removed(cache):
    for number in range(recipes._VERSIONS_KEPT + 3):
        (cache / f"old-{number}").mkdir(parents=True)
    engine_with_payments().frame(Recipe("all", lambda: PAYMENTS))
    assert len(list(cache.iterdir())) == recipes._VERSIONS_KEPT


def test_a_name_is_a_files_name():
    with pytest.raises(ValueError, match="a file's"):
        Recipe("../verdicts", never)


def test_each_step_of_a_judgement_is_kept_as_the_compiler_gives_it(cache):
    engine = DuckDBEngine(threads=1)
    engine.create(*ALL)
    judge(engine)
    steps = Steps(METHODS, FAMILIES, "hindsight")
    kept = [path for path in texts(cache) if "-judgement-" in path.name]
    assert len(kept) > 20
    for path in kept:
        name = path.stem.removeprefix("duckdb-judgement-hindsight-")
        compiled = engine.sql(steps.recipe(name).expression)
        assert words(path.read_text().partition("\n")[2]) == words(compiled), name


def test_each_finding_is_kept_as_the_compiler_gives_it(cache):
    engine = DuckDBEngine(threads=1)
    for finding in FINDINGS:
        recipe = _recipe(finding, METHODS)
        assert recipe.name == f"finding-{finding.name}"
        assert words(engine.sql(recipe)) == words(engine.sql(recipe.expression))
    assert len(texts(cache)) == len(FINDINGS)


def test_findings_and_methods_of_ones_own_are_not_taken_for_the_houses():
    own = replace(FINDINGS[0], find=lambda tables: tables.payments)
    assert _recipe(own, METHODS).name == ""
    assert _recipe(FINDINGS[0], METHODS[1:]).name == ""
    assert Steps(METHODS[1:], FAMILIES, "as_of").recipe("verdicts").name == ""


@pytest.mark.parametrize(
    "other",
    [
        {"mode": "as_of"},
        {"left_out": ("email",)},
        {"linked": True},
        {"has_users": True},
    ],
)
def test_what_changes_a_step_is_in_its_name(other):
    plain = {"mode": "hindsight", "left_out": (), "linked": False, "has_users": False}
    names = {
        Steps(METHODS, FAMILIES, **settings).recipe("verdicts").name
        for settings in (plain, plain | other)
    }
    assert len(names) == 2
