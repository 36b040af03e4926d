"""Says how far to trust the model: accuracies, dependence, and what each verdict hangs on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from credit_forensics.extras import Later
from credit_forensics.judgement.bursts import STATES
from credit_forensics.judgement.dependence import common_errors
from credit_forensics.judgement.families import FALSE_VALUES
from credit_forensics.judgement.model import Fit, state_posteriors
from credit_forensics.judgement.pattern_arrays import Cells, Patterns, without_family
from credit_forensics.judgement.posterior import posterior
from credit_forensics.judgement.verdicts import CONFIRMED_AT_MOST, MISATTRIBUTED_FROM
from credit_forensics.resolution.method import NAME

if TYPE_CHECKING:
    from scipy import special
else:
    # Slow to load, and what is stored was judged before.
    special = Later("scipy.special")

Booleans = npt.NDArray[np.bool_]


def family_accuracies(fit: Fit) -> pd.DataFrame:
    """The accuracy that EM found for each family and level, with a 95 % interval.

    Returns
    -------
    family, level, accuracy, low, high, voices (on payments with two families or more), prior (its
    mean). The interval is that of the Beta posterior with the expected counts; it does not hold
    the uncertainty of who paid, so it is a lower bound of the true width.
    """
    rows = []
    for index, family in enumerate(fit.families):
        for place, level in enumerate(family.levels):
            right = level.alpha + fit.right[index][place]
            wrong = level.beta + fit.voices[index][place] - fit.right[index][place]
            low, high = special.betaincinv(right, max(wrong, 1e-9), [0.025, 0.975])
            rows.append(
                {
                    "family": family.name,
                    "level": level.name,
                    "accuracy": float(fit.accuracy[index][place]),
                    "low": float(low),
                    "high": float(high),
                    "voices": float(fit.voices[index][place]),
                    "prior": level.alpha / (level.alpha + level.beta),
                }
            )
    return pd.DataFrame(rows)


def agree_when_wrong(patterns: Patterns, cells: Cells, fit: Fit) -> pd.DataFrame:
    """How often two families name the same wrong person, beside what independence allows.

    Returns
    -------
    first, second, both_wrong (expected payments on which both are wrong), same_wrong (of them,
    naming one person), share, independent (the share that ``n`` effective false values allow) and
    ratio of the two. A ratio well above one says that the pair fails together.
    """
    thought = state_posteriors(patterns, fit)
    weight = np.zeros((len(STATES), len(patterns)))
    np.add.at(weight.T, cells.pattern, cells.count[:, None] * fit.states_of(cells))
    expected = (thought.probability * weight[:, :, None]).sum(axis=0)
    total = weight.sum(axis=0)
    wrong, alike = common_errors(patterns, expected, total)
    speaking = [index for index, family in enumerate(patterns.families) if family.name != NAME]
    lines = []
    for place, first in enumerate(speaking):
        for second in speaking[place + 1 :]:
            both_wrong, same_wrong = float(wrong[first, second]), float(alike[first, second])
            share = same_wrong / both_wrong if both_wrong > 0 else float("nan")
            lines.append(
                {
                    "first": patterns.families[first].name,
                    "second": patterns.families[second].name,
                    "both_wrong": both_wrong,
                    "same_wrong": same_wrong,
                    "share": share,
                    "independent": 1 / FALSE_VALUES,
                    "ratio": share * FALSE_VALUES,
                }
            )
    return pd.DataFrame(lines)


def verdict_sensitivity(patterns: Patterns, cells: Cells, fit: Fit) -> pd.DataFrame:
    """Which families each cell's verdict hangs on.

    Returns
    -------
    one row a cell, in the cells' order: ``flips_without``, the families (comma-separated) whose
    absence would turn a confirmed or misattributed payment into something else; empty where no
    single family decides. Accuracies stay as fitted.
    """
    whole = _class(patterns, cells, fit)
    names: list[Booleans] = []
    for family in patterns.families:
        without = _class(without_family(patterns, family.name), cells, fit)
        names.append((whole != 0) & (without != whole))
    text = np.full(len(cells.count), "", dtype=object)
    for family, flips in zip(patterns.families, names, strict=True):
        joined = np.where(text == "", family.name, text + "," + family.name)
        text = np.where(flips, joined, text)
    return pd.DataFrame({"flips_without": text}).astype("str")


def _class(patterns: Patterns, cells: Cells, fit: Fit) -> npt.NDArray[np.int64]:
    """1 for confirmed, 2 for misattributed, 0 for anything between."""
    thought = posterior(patterns, cells, fit)
    credited_slot = patterns.credited[cells.pattern] - 1
    same = thought.best == credited_slot
    p = thought.misattributed
    with np.errstate(invalid="ignore"):
        confirmed = (p <= CONFIRMED_AT_MOST) & (thought.independent >= 2) & same
        wrong = (p >= MISATTRIBUTED_FROM) & (thought.best >= 0) & (thought.available >= 2) & ~same
    return np.where(confirmed, 1, np.where(wrong, 2, 0)).astype(np.int64)
