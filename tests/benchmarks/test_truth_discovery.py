"""The benchmark on public claims: its table, its baselines, and what it says without data."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import truth_discovery
from truth_baselines import dawid_skene, majority, one_coin, scored

# Two workers are right; a third says "no" whatever it is asked.
ASKED = [
    (f"q{number:02}", source, "no" if source == "lazy" else truth, truth)
    for number in range(40)
    for truth in ["yes" if number % 4 else "no"]
    for source in ("first", "second", "lazy")
]
CLAIMS = pd.DataFrame(ASKED, columns=["question", "source", "answer", "truth"])
TRUTH = CLAIMS[["question", "truth"]].drop_duplicates()


def test_a_line_a_judge_and_set(tmp_path, capsys):
    CLAIMS.drop(columns="truth").to_csv(tmp_path / "small_claims.csv", index=False)
    TRUTH.to_csv(tmp_path / "small_truth.csv", index=False)
    # Claims without a truth cannot be measured with.
    CLAIMS.to_csv(tmp_path / "other_claims.csv", index=False)
    assert truth_discovery.main(["--data", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()[2:]
    assert [line.split(" | ")[:3] for line in lines] == [
        ["| small", judge, "1.0000"] for judge in ("majority", "one-coin", "Dawid–Skene", "ours")
    ]


@pytest.mark.parametrize(
    ("arguments", "where"), [([], "as no folder is given"), (["--data", "nowhere"], "in nowhere")]
)
def test_without_data_one_sentence_says_what_is_missing(arguments, where, capsys):
    assert truth_discovery.main(arguments) == 2
    assert capsys.readouterr().err == (
        f"There are no claims with truth to measure {where}: give a folder that holds "
        "NAME_claims.csv and NAME_truth.csv by --data.\n"
    )


def test_baselines_see_who_never_says_yes():
    assert scored(dawid_skene(CLAIMS), TRUTH)["confidence"] > 0.99
    assert scored(majority(CLAIMS), TRUTH)["confidence"] == pytest.approx(0.75)
    assert scored(one_coin(CLAIMS), TRUTH)["accuracy"] == 1.0


def test_the_calibration_error_is_that_of_ten_bins():
    answers = pd.DataFrame(
        {"question": ["a", "b", "c"], "answer": ["x", "x", "y"], "probability": [0.95, 0.95, 0.65]}
    )
    truth = pd.DataFrame({"question": ["a", "b", "c", "d"], "truth": ["x", "y", "y", "y"]})
    # 0.9 too much over two, 0.35 too little over one; what nobody answered is not believed.
    assert scored(answers, truth) == pytest.approx(
        {"accuracy": 0.5, "confidence": 0.6375, "ece": (0.9 + 0.35) / 4, "brier": 1.0275 / 4}
    )
