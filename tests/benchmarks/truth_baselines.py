"""What the fusion of claims is measured against: majority, one accuracy a source, Dawid–Skene."""

from __future__ import annotations

import numpy as np
import pandas as pd
from claim_set import ClaimSet, claim_set
from scipy.special import logsumexp

_ROUNDS = 100
OPEN_FALSE_VALUES = 10
"""False values of a question whose answers are its own (Dong, Berti-Equille, Srivastava 2009)."""


def majority(claims: pd.DataFrame) -> pd.DataFrame:
    """The answer with most claims, and its share of them."""
    numbered = claim_set(claims)
    votes = np.bincount(numbered.candidate).astype(float)
    return answers_of(numbered, votes / _by_question(numbered, votes)[numbered.asked])


def one_coin(claims: pd.DataFrame) -> pd.DataFrame:
    """One accuracy a source, fitted by EM without a prior (ACCU)."""
    numbered = claim_set(claims)
    classes = len(numbered.answers)
    false_values = classes - 1 if is_shared(numbered) else OPEN_FALSE_VALUES
    votes = np.bincount(numbered.candidate).astype(float)
    belief = votes / _by_question(numbered, votes)[numbered.asked]
    many = np.bincount(numbered.source)
    for _ in range(_ROUNDS):
        right = np.bincount(numbered.source, belief[numbered.candidate])
        accuracy = np.clip(right / many, 0.01, 0.99)
        weight = np.log(false_values * accuracy / (1 - accuracy))[numbered.source]
        score = np.bincount(numbered.candidate, weight)
        highest = np.full(len(numbered.questions), -np.inf)
        np.maximum.at(highest, numbered.asked, score)
        there = np.exp(score - highest[numbered.asked])
        belief = there / _by_question(numbered, there)[numbered.asked]
    return answers_of(numbered, belief)


def dawid_skene(claims: pd.DataFrame) -> pd.DataFrame:
    """One confusion matrix a source, fitted by EM with a hundredth of a claim a cell."""
    numbered = claim_set(claims)
    questions, sources = len(numbered.questions), len(numbered.sources)
    classes = len(numbered.answers)
    belief = np.zeros((questions, classes))
    np.add.at(belief, (numbered.question, numbered.answer), 1)
    belief /= belief.sum(axis=1, keepdims=True)
    for _ in range(_ROUNDS):
        confusion = np.full((sources, classes, classes), 0.01)
        places = (numbered.source, slice(None), numbered.answer)
        np.add.at(confusion, places, belief[numbered.question])
        confusion /= confusion.sum(axis=2, keepdims=True)
        score = np.tile(np.log(belief.mean(axis=0) + 1e-12), (questions, 1))
        np.add.at(score, numbered.question, np.log(confusion[places]))
        belief = np.exp(score - logsumexp(score, axis=1, keepdims=True))
    best = belief.argmax(axis=1)
    return pd.DataFrame(
        {
            "question": numbered.questions,
            "answer": np.array(numbered.answers, dtype=object)[best],
            "probability": belief.max(axis=1),
        }
    )


def is_shared(numbered: ClaimSet) -> bool:
    """Whether all questions are answered by the same few classes."""
    return len(numbered.answers) <= 20


def answers_of(numbered: ClaimSet, belief: np.ndarray) -> pd.DataFrame:
    """The most probable candidate of each question."""
    order = np.lexsort((numbered.said, -belief, numbered.asked))
    best = order[np.flatnonzero(np.diff(numbered.asked[order], prepend=-1))]
    said = np.array(numbered.answers, dtype=object)[numbered.said[best]]
    return pd.DataFrame(
        {"question": numbered.questions, "answer": said, "probability": belief[best]}
    )


def scored(answers: pd.DataFrame, truth: pd.DataFrame) -> dict[str, float]:
    """Over the questions with a truth: accuracy, mean probability, calibration error over ten bins
    of equal width, Brier score.
    """
    both = truth.merge(answers, on="question", how="left")
    hit = (both["answer"] == both["truth"]).to_numpy(dtype=float)
    sure = both["probability"].fillna(0.0).to_numpy()
    place = np.minimum(9, (sure * 10).astype(int))
    gap = np.abs(np.bincount(place, sure - hit, 10)).sum()
    return {
        "accuracy": hit.mean(),
        "confidence": sure.mean(),
        "ece": gap / len(both),
        "brier": ((sure - hit) ** 2).mean(),
    }


def _by_question(numbered: ClaimSet, values: np.ndarray) -> np.ndarray:
    return np.bincount(numbered.asked, values, len(numbered.questions))
