"""Answers about pairs of payer and account teach about pairs like them, and accuse nobody alone."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from credit_forensics.judgement.families import FAMILIES
from credit_forensics.judgement.pair_features import FEATURES, _parts, as_features
from credit_forensics.judgement.pair_learning import answered_pairs, learn_of_pairs
from credit_forensics.judgement.pattern_arrays import relation_unit
from credit_forensics.judgement.relations import (
    FURTHERS,
    ONCE,
    RELATIONS,
    SEVERAL,
    TOTAL_BOUNDS,
    code,
)

DOMAIN = FEATURES.index("one e-mail domain")


def pairs(count, wrong=0.3, patron=0.65):
    return pd.DataFrame({"misattributed": [wrong] * count, "patron": patron})


def features(*domains):
    table = np.zeros((len(domains), len(FEATURES)))
    table[:, DOMAIN] = domains
    return table


def learned(wrong, of_one_domain):
    return learn_of_pairs(
        pairs(len(wrong)), features(*of_one_domain), np.array(wrong, dtype=np.float64)
    )


def test_an_answer_moves_pairs_like_it_and_not_the_others():
    # Who shares a domain pays for each other; strangers do not.
    taught = learned([0] * 20 + [1] * 20, [1] * 20 + [0] * 20)
    alike, stranger = expit(taught.log_odds(pairs(2), features(1, 0)))
    assert alike < 0.3 * 0.6
    assert stranger > 2 * 0.3


def test_without_a_word_about_the_pair_it_is_as_probable_as_that_another_paid_at_most():
    taught = learned([1] * 40 + [0] * 5, [0] * 40 + [1] * 5)
    doubtful = pairs(1, wrong=0.4, patron=0.1)
    assert expit(taught.log_odds(doubtful, features(0)))[0] <= 0.5


@pytest.mark.parametrize(("count", "learns"), [(9, False), (10, True)])
def test_ten_pairs_teach_and_nine_do_not(count, learns):
    assert (learned([0] * count, [0] * count) is not None) is learns


@pytest.mark.parametrize(("right", "raises"), [(4, False), (5, True)])
def test_five_answers_of_each_kind_before_any_probability_rises(right, raises):
    taught = learned([1] * 30 + [0] * right, [0] * 30 + [1] * right)
    before = np.log(0.3 / 0.7)
    assert bool(taught.log_odds(pairs(1), features(0))[0] > before + 1e-9) is raises


@pytest.mark.parametrize("seed", range(5))
def test_answers_that_all_say_right_raise_no_pair_whatever_it_is_like(seed):
    random = np.random.default_rng(seed)
    known, unknown = random.random((2, 60, len(FEATURES)))
    model = pairs(60).assign(misattributed=random.random(60) * 0.9, patron=0.1)
    taught = learn_of_pairs(model, known, np.zeros(60))
    p = expit(taught.log_odds(model, unknown))
    assert (p <= model["misattributed"] + 1e-12).all()


def test_a_pair_counts_once_and_not_at_all_where_answers_contradict_each_other():
    rows = pd.DataFrame(
        {
            "payment_id": ["a", "b", "c", "d", "e"],
            "payer": ["boss", "boss", "eve", "eve", "ann"],
            "account": "ann",
        }
    )
    labels = pd.DataFrame(
        {
            "payment_id": ["a", "b", "c", "d", "e"],
            "label": ["wrong", "wrong", "wrong", "right", "unsure"],
        }
    )
    chosen, wrong = answered_pairs(rows, labels)
    assert chosen.tolist() == [True, False, False, False, False]
    assert wrong.tolist() == [1.0]


def test_what_a_relation_was_made_of_is_read_back():
    counts = (0, 1, 2, 99)
    assert len(counts) == FURTHERS
    of = product(
        range(FURTHERS),
        (0, *TOTAL_BOUNDS),
        range(len(RELATIONS)),
        (False, True),
        (False, True),
    )
    for further, total, pair, mutual, shared in of:
        if further == SEVERAL and 2 * further >= total:
            continue  # half or more: the next place
        relation = np.array([code(counts[further], total, pair, mutual=mutual, shared=shared)])
        assert [part[0] for part in _parts(relation)] == [further, total, pair, mutual, shared]


@pytest.mark.parametrize(
    ("further", "total", "most", "some", "itself"),
    [
        (0, 5, 0, 0, 1),
        (1, 2, 1, 0, 0),
        (1, 3, 0, 1, 1),
        (2, 5, 0, 1, 1),
        (3, 5, 1, 0, 0),
        (4, 10, 0, 1, 1),
        (5, 10, 1, 0, 1),
    ],
)
def test_whether_a_payer_buys_for_others_in_most_purchases(further, total, most, some, itself):
    pattern = code(further, total, ONCE) * relation_unit(len(FAMILIES))
    marks = dict.fromkeys(("one_domain", "members", "spends"), False)
    found = as_features(pd.DataFrame([{"pattern": pattern, "burst": 0.0, **marks}]), FAMILIES)
    assert found[0, :3].tolist() == [most, some, itself]
