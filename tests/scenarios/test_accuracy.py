"""The accuracy command: its figures on a small world, and the thresholds on large ones."""

import pytest

from credit_forensics.scenarios.accuracy import (
    as_markdown,
    grid_worlds,
    measure_worlds,
    rate_worlds,
    summarize,
)

BASELINES = ("first_hit", "majority_of_methods", "majority_of_families", "dawid_skene")


@pytest.fixture(scope="module")
def small():
    return measure_worlds(rate_worlds(2_000, [0.04]), [1])


def test_ours_and_every_baseline_are_measured_on_the_same_payments(small):
    assert set(small["judge"]) == {"ours", "ours_without_name", *BASELINES}
    assert small["payments"].nunique() == 1
    assert small["wrong"].nunique() == 1


def test_ours_beats_every_baseline_on_each_measure_that_compares(small):
    by_judge = small.set_index("judge")
    ours = by_judge.loc["ours"]
    for name in BASELINES:
        baseline = by_judge.loc[name]
        assert ours["brier"] < baseline["brier"], name
        assert ours["average_precision"] > baseline["average_precision"], name
        assert ours["recall"] > baseline["recall"], name
        assert ours["precision_at_80"] > baseline["precision_at_80"], name


def test_the_table_has_a_row_a_world_and_judge(small):
    table = summarize(small)
    assert len(table) == 6
    text = as_markdown(table)
    assert text.splitlines()[0].startswith("| world | judge | seeds |")
    assert "4 % wrong" in text


def test_the_grid_changes_one_thing_at_a_time():
    names = [variation.name for variation in grid_worlds(1_000)]
    assert len(names) == len(set(names)) >= 12
    assert {"0.1 % wrong", "5 % wrong", "no poisoned mappings", "30 % relogin ids"} <= set(names)


@pytest.mark.accuracy
@pytest.mark.parametrize(
    ("rate", "at_most", "at_least"),
    [
        (
            0.005,
            {"brier": 0.0005, "ece": 0.0005, "doubtful": 0.04, "brier_without_name": 0.0011},
            {"average_precision": 0.97, "precision": 0.98, "recall": 0.8, "ap_without_name": 0.92},
        ),
        (
            0.03,
            {"brier": 0.0022, "ece": 0.0015, "doubtful": 0.043, "brier_without_name": 0.0055},
            {
                "average_precision": 0.985,
                "precision": 0.99,
                "recall": 0.84,
                "ap_without_name": 0.95,
            },
        ),
    ],
)
def test_thresholds_on_each_world_of_200_000(rate, at_most, at_least):
    measured = measure_worlds(rate_worlds(200_000, [rate]), [1, 2])
    print(as_markdown(summarize(measured)))
    for _, world in measured.groupby("seed"):
        judges = world.set_index("judge")
        ours, without = judges.loc["ours"], judges.loc["ours_without_name"]
        figures = {
            **ours.to_dict(),
            "brier_without_name": without["brier"],
            "ap_without_name": without["average_precision"],
        }
        assert {name: figures[name] for name in at_most if figures[name] > at_most[name]} == {}
        assert {name: figures[name] for name in at_least if figures[name] < at_least[name]} == {}
        assert ours["confirmed_against_two"] == 0
        assert ours["causes"] >= 0.95
        assert ours["onset_hours"] <= 1.0
        assert ours["onsets_too_many"] <= 5
        for name in BASELINES:
            assert ours["brier"] < judges.loc[name, "brier"], name
            assert ours["average_precision"] > judges.loc[name, "average_precision"], name
            assert ours["precision_at_80"] > judges.loc[name, "precision_at_80"], name
