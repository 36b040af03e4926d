"""Recalibrates log-odds on labels that people gave, and says how well calibrated they are.

Labels are no random sample: a reviewer sees the doubtful first. Each label therefore stands for
the payments of its band (inverse-probability weights, post-stratified by band of probability).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from credit_forensics.arrays import Floats
from credit_forensics.extras import Later
from credit_forensics.judgement.verdicts import CONFIRMED_AT_MOST, MISATTRIBUTED_FROM

if TYPE_CHECKING:
    from scipy import optimize, special
else:
    # Slow to load, and needed only where there are labels enough.
    special = Later("scipy.special")
    optimize = Later("scipy.optimize")

ENOUGH, ENOUGH_A_CLASS, ENOUGH_FOR_ISOTONIC = 50, 5, 1000
UNCALIBRATED = "model-based, uncalibrated"
_BANDS = (-0.1, CONFIRMED_AT_MOST, 0.5, MISATTRIBUTED_FROM, 1.0)
# How far labels must pull before they move the model: a Gaussian prior on Platt's two numbers.
_PRIOR_SCALE = 2.0


@dataclass(frozen=True)
class Calibration:
    """A monotone map from the model's log-odds to calibrated ones.

    ``kind`` is ``none``, ``platt`` (``intercept + slope · log_odds``) or ``isotonic`` (from
    ``knots`` on, ``values`` hold). ``labels`` counts what it was fitted on. ``pairs`` counts the
    pairs of payer and account that were answered, ``pair_weights`` is what they taught: their
    payments have a probability of their own, and the map is for the others.
    """

    kind: str = "none"
    intercept: float = 0.0
    slope: float = 1.0
    knots: tuple[float, ...] = field(default_factory=tuple)
    values: tuple[float, ...] = field(default_factory=tuple)
    labels: int = 0
    pairs: int = 0
    pair_weights: dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        if self.kind == "none":
            return f"learned of {self.pairs} pairs" if self.pair_weights else UNCALIBRATED
        if self.pair_weights:
            return f"{replace(self, pair_weights={})}; learned of {self.pairs} pairs"
        if self.kind == "platt":
            return (
                f"Platt on {self.labels} labels: log-odds {self.intercept:+.3f} "
                f"{self.slope:+.3f} x model"
            )
        return f"isotonic on {self.labels} labels, {len(self.knots)} steps"

    def apply(self, log_odds: Floats) -> Floats:
        """Calibrated log-odds.

        Examples
        --------
        >>> Calibration("platt", 1.0, 2.0).apply(np.array([0.0, 1.0])).tolist()
        [1.0, 3.0]
        """
        if self.kind == "platt":
            moved: Floats = self.intercept + self.slope * log_odds
            return moved
        if self.kind == "isotonic":
            place = np.searchsorted(np.array(self.knots), log_odds, side="right") - 1
            stepped: Floats = np.array(self.values)[np.maximum(place, 0)]
            return stepped
        return log_odds


def labelled(verdicts: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    """Labels beside the model's word, each with the weight of its band.

    Parameters
    ----------
    verdicts
        the table ``verdicts``.
    labels
        payment_id, label (``right``, ``wrong``; others are left out).

    Returns
    -------
    payment_id, log_odds, probability, wrong (0 or 1), weight (mean 1).
    """
    judged = verdicts[verdicts["probability_misattributed"].notna()]
    p = judged["probability_misattributed"].astype("float64")
    bands = pd.cut(p, _BANDS, labels=False)
    sizes = bands.value_counts()
    told = labels[labels["label"].isin(["right", "wrong"])].drop_duplicates(
        "payment_id", keep="last"
    )
    rows = pd.DataFrame(
        {
            "payment_id": judged["payment_id"],
            "log_odds": judged["log_odds"].astype("float64"),
            "probability": p,
            "band": bands,
        }
    ).merge(told[["payment_id", "label"]], on="payment_id")
    rows["wrong"] = (rows["label"] == "wrong").astype("float64")
    seen = rows["band"].value_counts()
    weight = rows["band"].map(sizes).astype("float64") / rows["band"].map(seen).astype("float64")
    rows["weight"] = weight / weight.mean() if len(rows) else weight
    return rows.sort_values("payment_id")[
        ["payment_id", "log_odds", "probability", "wrong", "weight"]
    ].reset_index(drop=True)


def fit_calibration(rows: pd.DataFrame) -> Calibration:
    """Fit a calibration on labelled rows.

    Parameters
    ----------
    rows
        as ``labelled`` gives them.

    Returns
    -------
    None below 50 labels or 5 of a class; Platt's two numbers (Platt 1999, with a Gaussian prior
    towards no change: his smoothed targets would weigh as much as the band that a few labels stand
    for) up to a thousand; isotonic regression above.
    """
    wrong = rows["wrong"].to_numpy(dtype=np.float64)
    if len(rows) < ENOUGH or min(wrong.sum(), (1 - wrong).sum()) < ENOUGH_A_CLASS:
        return Calibration(labels=len(rows))
    weight = rows["weight"].to_numpy(dtype=np.float64)
    x = rows["log_odds"].to_numpy(dtype=np.float64)
    if len(rows) >= ENOUGH_FOR_ISOTONIC:
        return _isotonic(x, wrong, weight)
    design = np.column_stack([np.ones_like(x), x])
    prior_mean = np.array([0.0, 1.0])
    prior = np.eye(2) / _PRIOR_SCALE**2

    def loss(parameters: Floats) -> tuple[float, Floats]:
        score = design @ parameters
        apart = parameters - prior_mean
        # ln(1 + e^s) - y s, without overflow.
        fit = (weight * (np.logaddexp(0.0, score) - wrong * score)).sum()
        slope = design.T @ (weight * (special.expit(score) - wrong))
        return float(fit + apart @ prior @ apart / 2), slope + prior @ apart

    parameters = optimize.minimize(loss, prior_mean, jac=True, method="L-BFGS-B").x
    # A negative slope would turn the order round: then the labels contradict the model, and the
    # order is kept as flat as can be.
    slope = max(float(parameters[1]), 1e-3)
    return Calibration("platt", round(float(parameters[0]), 6), round(slope, 6), labels=len(rows))


def _isotonic(x: Floats, wrong: Floats, weight: Floats) -> Calibration:
    order = np.argsort(x, kind="stable")
    fitted = optimize.isotonic_regression(wrong[order], weights=weight[order]).x
    # Never quite certain: what a thousand labels did not see may still be one in as many.
    floor = 1 / (len(x) + 2)
    values = np.clip(fitted, floor, 1 - floor)
    starts = np.flatnonzero(np.concatenate([[True], np.diff(values) > 0]))
    return Calibration(
        "isotonic",
        knots=tuple(np.round(x[order][starts], 9).tolist()),
        values=tuple(np.round(np.log(values / (1 - values))[starts], 9).tolist()),
        labels=len(x),
    )


def calibration_quality(rows: pd.DataFrame, bins: int = 10, draws: int = 200) -> dict[str, float]:
    """Weighted Brier score and skill, and ECE, each with a bootstrap interval.

    Parameters
    ----------
    rows
        as ``labelled`` gives them.
    bins
        bins of equal width for the ECE (Naeini et al. 2015).
    draws
        bootstrap draws, from a fixed seed.

    Returns
    -------
    brier, skill (one minus the ratio to the base rate's Brier), ece; each with ``_low`` and
    ``_high`` (95 %).

    Examples
    --------
    >>> rows = pd.DataFrame({"probability": [0.0, 1.0], "wrong": [0.0, 1.0], "weight": 1.0})
    >>> calibration_quality(rows)["brier"]
    0.0
    """
    p = rows["probability"].to_numpy(dtype=np.float64)
    wrong = rows["wrong"].to_numpy(dtype=np.float64)
    weight = rows["weight"].to_numpy(dtype=np.float64)
    whole = _quality(p, wrong, weight, bins)
    random = np.random.default_rng(2025)
    drawn = []
    for _ in range(draws):
        pick = random.integers(0, len(p), len(p))
        drawn.append(_quality(p[pick], wrong[pick], weight[pick], bins))
    low, high = np.nanquantile(np.array(drawn), [0.025, 0.975], axis=0)
    result: dict[str, float] = {}
    for place, name in enumerate(("brier", "skill", "ece")):
        result[name] = float(whole[place])
        result[f"{name}_low"], result[f"{name}_high"] = float(low[place]), float(high[place])
    return result


def reliability(rows: pd.DataFrame, bins: int = 10) -> pd.DataFrame:
    """The reliability curve: bin, predicted (mean), observed (weighted share wrong), labels.

    Examples
    --------
    >>> rows = pd.DataFrame({"probability": [0.1, 0.9], "wrong": [0.0, 1.0], "weight": 1.0})
    >>> reliability(rows, 2)[["predicted", "observed"]].values.tolist()
    [[0.1, 0.0], [0.9, 1.0]]
    """
    place = np.minimum((rows["probability"] * bins).astype("int64"), bins - 1)
    weighted = rows.assign(
        bin=place,
        p=rows["probability"] * rows["weight"],
        y=rows["wrong"] * rows["weight"],
    )
    grouped = weighted.groupby("bin").agg(
        p=("p", "sum"), y=("y", "sum"), weight=("weight", "sum"), labels=("wrong", "size")
    )
    return pd.DataFrame(
        {
            "predicted": grouped["p"] / grouped["weight"],
            "observed": grouped["y"] / grouped["weight"],
            "labels": grouped["labels"],
        }
    ).reset_index()


def _quality(p: Floats, wrong: Floats, weight: Floats, bins: int) -> tuple[float, float, float]:
    total = weight.sum()
    brier = float((weight * (p - wrong) ** 2).sum() / total)
    base = float((weight * wrong).sum() / total)
    reference = base * (1 - base)
    place = np.minimum((p * bins).astype(int), bins - 1)
    mass = np.bincount(place, weight, bins)
    apart = np.abs(np.bincount(place, weight * p, bins) - np.bincount(place, weight * wrong, bins))
    ece = float(apart[mass > 0].sum() / total)
    return brier, 1 - brier / reference if reference > 0 else float("nan"), ece
