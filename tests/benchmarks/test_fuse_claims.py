"""Claims with planted copiers and crowds with common errors: what fusion makes of them."""

from __future__ import annotations

import pandas as pd
import pytest
from claim_worlds import copiers, crowd
from fuse_claims import fuse_claims


def figures(answers: pd.DataFrame, truth: pd.DataFrame) -> tuple[float, float]:
    """The share of right answers, and the calibration error over ten bins."""
    both = truth.merge(answers, on="question", how="left")
    hit = (both["answer"] == both["truth"]).astype(float)
    sure = both["probability"].fillna(0.0)
    gaps = (sure - hit).groupby((sure * 10).astype(int).clip(upper=9)).sum().abs()
    return float(hit.mean()), float(gaps.sum() / len(both))


def most_claimed(claims: pd.DataFrame) -> pd.DataFrame:
    votes = claims.value_counts(["question", "answer"]).rename("votes").reset_index()
    share = votes["votes"] / votes.groupby("question")["votes"].transform("sum")
    votes = votes.assign(probability=share).sort_values(["question", "votes"])
    return votes.drop_duplicates("question", keep="last")


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_fourteen_copiers_of_a_bad_source_do_not_outvote_four_that_are_their_own(seed):
    claims, truth, group = copiers(seed)
    fused = fuse_claims(claims)
    assert fused.kind == "open"
    right, error = figures(fused.answers, truth)
    voted_right, _ = figures(most_claimed(claims), truth)
    assert right > voted_right + 0.25
    assert right > 0.83
    # Not sure of what it does not know: one that takes copies for evidence is off by 0.45 or more.
    assert error < 0.1
    inside = fused.dependence["first"].isin(group) & fused.dependence["second"].isin(group)
    among, others = (fused.dependence["dependence"][rows] for rows in (inside, ~inside))
    assert among.min() > 0.9
    assert others.max() < 0.5
    assert others.mean() < 0.3


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_little_is_lost_where_nobody_copies(seed):
    claims, truth, group = copiers(seed)
    claims = claims[~claims["source"].isin(group)]
    truth = truth[truth["question"].isin(claims["question"])]
    fused = fuse_claims(claims)
    right, error = figures(fused.answers, truth)
    # All are equally good, so majority is the best there is.
    assert right > figures(most_claimed(claims), truth)[0] - 0.025
    assert error < 0.1
    assert fused.dependence["dependence"].max() < 0.3


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_crowd_that_errs_together_is_not_believed_to_the_full(seed):
    claims, truth = crowd(seed)
    fused = fuse_claims(claims)
    assert fused.kind == "shared"
    right, error = figures(fused.answers, truth)
    voted_right, _ = figures(most_claimed(claims), truth)
    # A third of one class is taken for another; each worker's confusions put that right.
    assert right > voted_right + 0.04
    # Dawid and Skene's own probabilities are off by 0.26 to 0.29.
    assert error < 0.24


@pytest.mark.parametrize("make", [lambda: copiers(1, 100)[0], lambda: crowd(1, 100)[0]])
def test_the_order_of_the_claims_changes_no_bit(make):
    claims = make()
    fused, again = fuse_claims(claims), fuse_claims(claims.sample(frac=1.0, random_state=3))
    pd.testing.assert_frame_equal(fused.answers, again.answers, check_exact=True)
    pd.testing.assert_frame_equal(fused.dependence, again.dependence, check_exact=True)


@pytest.mark.parametrize(("claims", "kind"), [(8, "shared"), (7, "open")])
def test_confusions_need_a_claim_for_each_of_their_cells(claims, kind):
    # Two sources and two answers make eight cells.
    rows = [(f"q{one // 2}", "ab"[one % 2], "xy"[one // 4]) for one in range(claims)]
    assert fuse_claims(pd.DataFrame(rows, columns=["question", "source", "answer"])).kind == kind


def test_of_several_claims_of_one_source_one_counts():
    rows = [("q", "a", "x"), ("q", "a", "x"), ("q", "a", "x"), ("q", "b", "y"), ("q", "c", "y")]
    fused = fuse_claims(pd.DataFrame(rows, columns=["question", "source", "answer"]))
    assert fused.answers["answer"].tolist() == ["y"]


def test_no_claims_have_no_answers():
    none = pd.DataFrame({"question": [], "source": [], "answer": []})
    assert fuse_claims(none).answers.empty
