"""Learns from answers about pairs of payer and account what wrong pairs look like in this case.

That somebody else than the account's owner paid is the model's to say; whether that person pays
for the account or the session was wrong is what an answer tells. So labels move the share of the
wrong among the pairs whose payer is another: a logistic regression on what is known of a pair, with
the model's own log-odds as an offset and a Gaussian prior towards no change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from credit_forensics.arrays import Bools, Floats
from credit_forensics.extras import Later
from credit_forensics.judgement.pair_features import FEATURES

if TYPE_CHECKING:
    from scipy import special
else:
    # Slow to load, and what is stored was judged before.
    special = Later("scipy.special")

ENOUGH_PAIRS, ENOUGH_OF_EACH = 10, 5
"""Answers from which pairs learn of one another; of each kind, before any is raised."""
_PRIOR_SCALES = (2.0, 1.0)  # of the intercept, and of each feature
_FURTHEST = 8.0  # log-odds: the model is never surer than this of which of the two it is
_ROUNDS = 50


@dataclass(frozen=True)
class PairLearning:
    """What answers taught: ``weights`` of the intercept and of each of ``FEATURES``, and their
    covariance; ``raises``: there were enough answers of each kind to raise a probability.
    """

    weights: Floats
    covariance: Floats
    answers: int
    raises: bool

    def log_odds(self, pairs: pd.DataFrame, features: Floats) -> Floats:
        """Log-odds that the account is wrong, of each payment.

        Moderated by how unsure the weights are (MacKay 1992): a pair that is unlike those that
        were answered stays nearer to even.
        """
        design = _design(features)
        offset, another = _model(pairs)
        spread = np.einsum("ij,jk,ik->i", design, self.covariance, design)
        moved = (offset + design @ self.weights) / np.sqrt(1 + np.pi * spread / 8)
        if not self.raises:
            moved = np.minimum(moved, offset)
        result: Floats = special.logit(np.clip(another * special.expit(moved), 1e-12, 1 - 1e-12))
        return result


def learn_of_pairs(pairs: pd.DataFrame, features: Floats, wrong: Floats) -> PairLearning | None:
    """Fit on answered pairs; nothing below ``ENOUGH_PAIRS`` of them.

    Parameters
    ----------
    pairs
        ``misattributed, patron`` (above 0): a row a pair that was answered.
    features
        ``[pair, feature]``, each from 0 to 1.
    wrong
        1 where the answer was wrong, 0 where it was right.

    Notes
    -----
    With another payer of probability q, the answer is "wrong" with q · expit(offset + w · x), by
    Newton's steps on Fisher's information. With features that are never negative, answers that are
    all "right" can only lower every pair.
    """
    if len(pairs) < ENOUGH_PAIRS:
        return None
    design = _design(features)
    offset, another = _model(pairs)
    offset = np.clip(offset, -_FURTHEST, _FURTHEST)
    precision = np.diag(
        [1 / _PRIOR_SCALES[0] ** 2, *[1 / _PRIOR_SCALES[1] ** 2] * features.shape[1]]
    )
    weights = np.zeros(design.shape[1])
    information = precision
    for _ in range(_ROUNDS):
        share = special.expit(offset + design @ weights)
        chance = np.clip(another * share, 1e-9, 1 - 1e-9)
        slope = another * share * (1 - share)
        pull = design.T @ (slope * (wrong - chance) / (chance * (1 - chance)))
        information = design.T @ (design * (slope**2 / (chance * (1 - chance)))[:, None])
        information += precision
        step = np.linalg.solve(information, pull - precision @ weights)
        # Half a step at most in each direction keeps Newton from overshooting.
        weights = weights + np.clip(step, -0.5, 0.5)
        if np.abs(step).max() < 1e-9:
            break
    fewest = min(wrong.sum(), (1 - wrong).sum())
    return PairLearning(
        weights.round(9), np.linalg.inv(information), len(pairs), bool(fewest >= ENOUGH_OF_EACH)
    )


def answered_pairs(pairs: pd.DataFrame, labels: pd.DataFrame) -> tuple[Bools, Floats]:
    """The row of each pair that was answered, and whether the answer was wrong.

    A pair counts once, by its first payment; answers that contradict each other do not count.
    """
    asked = pairs[["payment_id", "payer", "account"]].merge(
        labels[labels["label"].isin(["right", "wrong"])][["payment_id", "label"]], on="payment_id"
    )
    by_pair = asked.groupby(["payer", "account"], sort=True)
    told = by_pair.agg(
        payment_id=("payment_id", "min"), label=("label", "first"), kinds=("label", "nunique")
    )
    answers = told[told["kinds"] == 1].set_index("payment_id")["label"].to_dict()
    chosen = pairs["payment_id"].isin(list(answers)).to_numpy()
    label = pairs.loc[chosen, "payment_id"].map(answers)
    wrong: Floats = (label == "wrong").to_numpy().astype(np.float64)
    return chosen, wrong


def weights_by_name(learning: PairLearning) -> dict[str, float]:
    """The weights beside what they weigh."""
    names = ("any pair", *FEATURES)
    return {name: float(one) for name, one in zip(names, learning.weights.round(3), strict=True)}


def _design(features: Floats) -> Floats:
    return np.column_stack([np.ones(len(features)), features])


def _model(pairs: pd.DataFrame) -> tuple[Floats, Floats]:
    """The model's log-odds of wrong against paid for, and that another paid at all."""
    wrong = pairs["misattributed"].to_numpy(dtype=np.float64)
    patron = pairs["patron"].to_numpy(dtype=np.float64)
    with np.errstate(divide="ignore"):
        offset = np.log(wrong) - np.log(patron)
    return offset, np.minimum(wrong + patron, 1.0)
