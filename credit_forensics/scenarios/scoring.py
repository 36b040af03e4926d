"""Scores probabilities against the truth: precision, recall, average precision, Brier, ECE."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Reals = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Scores:
    """How well probabilities of being wrong tell the wrong payments.

    ``precision`` and ``recall`` are at p ≥ ``threshold``; a precision of nothing named is 1, so
    ``precision_at_recall`` is what compares: the precision where four in five are found.
    """

    payments: int
    wrong: int
    threshold: float
    precision: float
    recall: float
    precision_at_recall: float
    average_precision: float
    brier: float
    ece: float


def score(probability: Reals, wrong: Bools, *, threshold: float = 0.9) -> Scores:
    """Score one probability a payment; payments without one (NaN) are left out.

    Examples
    --------
    >>> s = score(np.array([0.95, 0.2, 0.1]), np.array([True, False, False]))
    >>> s.precision, s.recall, s.average_precision
    (1.0, 1.0, 1.0)
    """
    known = ~np.isnan(probability)
    p, truth = probability[known], wrong[known]
    named = p >= threshold
    hits = int((named & truth).sum())
    return Scores(
        payments=len(p),
        wrong=int(truth.sum()),
        threshold=threshold,
        precision=hits / int(named.sum()) if named.any() else 1.0,
        recall=hits / int(truth.sum()) if truth.any() else 1.0,
        precision_at_recall=precision_at_recall(p, truth),
        average_precision=average_precision(p, truth),
        brier=brier(p, truth),
        ece=expected_calibration_error(p, truth),
    )


def average_precision(probability: Reals, wrong: Bools) -> float:
    """Area under the precision-recall steps, payments of one probability taken together.

    AP = Σ (R_k - R_{k-1}) P_k over the distinct probabilities from high to low; 1 where nothing is
    wrong. Ties as one step, so that a baseline of few distinct values gains nothing by its order.

    Examples
    --------
    >>> average_precision(np.array([0.5, 0.5]), np.array([True, False]))
    0.5
    """
    if not wrong.any():
        return 1.0
    precision, recall = _steps(probability, wrong)
    return float((precision * np.diff(recall, prepend=0.0)).sum())


def precision_at_recall(probability: Reals, wrong: Bools, *, recall: float = 0.8) -> float:
    """The highest precision at any threshold that finds at least this share of the wrong ones.

    Examples
    --------
    >>> precision_at_recall(np.array([0.9, 0.4, 0.4]), np.array([True, True, False]))
    0.6666666666666666
    """
    if not wrong.any():
        return 1.0
    precision, found = _steps(probability, wrong)
    return float(precision[found >= recall].max())


def _steps(probability: Reals, wrong: Bools) -> tuple[Reals, Reals]:
    """Precision and recall at each distinct probability, from high to low."""
    order = np.argsort(-probability, kind="stable")
    sorted_p = probability[order]
    ends = np.append(np.flatnonzero(np.diff(sorted_p)), len(sorted_p) - 1)
    hits = np.cumsum(wrong[order])[ends]
    return hits / (ends + 1), hits / wrong.sum()


def brier(probability: Reals, wrong: Bools) -> float:
    """Mean squared distance of the probability from what is true; 0 without payments.

    Examples
    --------
    >>> brier(np.array([1.0, 0.5]), np.array([True, False]))
    0.125
    """
    return float(np.mean((probability - wrong) ** 2)) if len(probability) else 0.0


def expected_calibration_error(probability: Reals, wrong: Bools, *, bins: int = 15) -> float:
    """Mean over payments of |share wrong - mean probability| in bins of equal width.

    Source: Naeini, Cooper and Hauskrecht (2015), with equal widths.

    Examples
    --------
    >>> expected_calibration_error(np.array([0.25, 0.25]), np.array([True, False]))
    0.25
    """
    if not len(probability):
        return 0.0
    place = np.minimum((probability * bins).astype(np.int64), bins - 1)
    gap = np.bincount(place, probability - wrong, minlength=bins)
    return float(np.abs(gap).sum() / len(probability))
