"""Claims of sources whose accuracies, classes and copying are known."""

from __future__ import annotations

import numpy as np
import pandas as pd


def copiers(seed: int, questions: int = 400) -> tuple[pd.DataFrame, pd.DataFrame, set[str]]:
    """Twelve independent sources that are right in 70 % of a third of the questions, and one that is
    right in 35 % of two thirds, whom fourteen others copy.

    Returns
    -------
    claims, truth, and who copies or is copied.
    """
    random = np.random.default_rng(seed)
    rows = []
    for number in range(12):
        asked = random.random(questions) < 0.33
        right = random.random(questions) < 0.7
        false = random.integers(1, 9, questions)
        said = np.where(right, 0, false)
        rows += [(q, f"own{number:02}", said[q]) for q in np.flatnonzero(asked)]
    first = np.where(random.random(questions) < 0.35, 0, random.integers(1, 9, questions))
    there = random.random(questions) < 0.67
    rows += [(q, "copied", first[q]) for q in np.flatnonzero(there)]
    for number in range(14):
        copies = there & (random.random(questions) < 0.6)
        rows += [(q, f"copier{number:02}", first[q]) for q in np.flatnonzero(copies)]
    claims = pd.DataFrame(rows, columns=["question", "source", "answer"])
    claims, truth = _named(claims, questions)
    # Each question has answers of its own.
    claims["answer"] = claims["question"] + claims["answer"]
    truth["truth"] = truth["question"] + truth["truth"]
    return claims, truth, {"copied", *(f"copier{number:02}" for number in range(14))}


def crowd(seed: int, questions: int = 300) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Twenty workers and three classes; a question of the third class looks like the first to most,
    and a quarter of the questions look like another class to everybody.
    """
    random = np.random.default_rng(seed)
    truth = random.integers(0, 3, questions)
    looks = np.where(random.random(questions) < 0.25, (truth + 1) % 3, truth)
    rows = []
    for number in range(20):
        care = random.uniform(0.45, 0.85)
        said = np.where(random.random(questions) < care, looks, random.integers(0, 3, questions))
        blind = (looks == 2) & (random.random(questions) < 0.4)
        said = np.where(blind, 0, said)
        asked = random.random(questions) < 0.4
        rows += [(q, f"worker{number:02}", said[q]) for q in np.flatnonzero(asked)]
    claims = pd.DataFrame(rows, columns=["question", "source", "answer"])
    claims, named = _named(claims, questions)
    return claims, named.assign(truth=[f"a{one}" for one in truth])


def _named(claims: pd.DataFrame, questions: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    names = np.array([f"q{one:04}" for one in range(questions)])
    claims = claims.assign(
        question=names[claims["question"]], answer="a" + claims["answer"].astype("str")
    )
    return claims, pd.DataFrame({"question": names, "truth": "a0"})
