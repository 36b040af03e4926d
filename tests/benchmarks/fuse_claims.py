"""Answers questions from the claims of many sources, and says how sure it is.

The dependence between sources is learned as the judgement of payments learns it between families, by
the same code and constants; the fit around it is for any questions and any sources.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from claim_set import claim_set
from open_answers import fit_open
from shared_answers import fit_shared


@dataclass(frozen=True)
class Fused:
    """``answers``: question, answer, probability; ``kind``: how answers were taken.

    ``dependence``: first, second, dependence of each two sources that answered a question both;
    empty where the answers are shared.
    """

    answers: pd.DataFrame
    kind: Literal["open", "shared"]
    dependence: pd.DataFrame


def fuse_claims(claims: pd.DataFrame) -> Fused:
    """The most probable answer of each question.

    Parameters
    ----------
    claims
        ``question, source, answer``. A confusion matrix a source where the claims support it (one
        claim for each of its cells on average), else one accuracy a source.

    Examples
    --------
    >>> rows = [("q", "a", "paris"), ("q", "b", "paris"), ("q", "c", "rome"), ("r", "a", "oslo")]
    >>> fused = fuse_claims(pd.DataFrame(rows, columns=["question", "source", "answer"]))
    >>> fused.kind, fused.answers["answer"].tolist()
    ('open', ['paris', 'oslo'])
    """
    numbered = claim_set(claims)
    if len(numbered) >= len(numbered.sources) * len(numbered.answers) ** 2 > 0:
        by_class, best = fit_shared(numbered)
        sure = by_class[np.arange(len(by_class)), best]
        none = pd.DataFrame({"first": [], "second": [], "dependence": []})
        return Fused(_table(numbered.questions, numbered.answers, best, sure), "shared", none)
    fit = fit_open(numbered)
    # The first of a question's candidates when they lie by probability, then by answer.
    order = np.lexsort((numbered.said, -fit.probability, numbered.asked))
    first = order[np.flatnonzero(np.diff(numbered.asked[order], prepend=-1))]
    answers = _table(
        numbered.questions, numbered.answers, numbered.said[first], fit.probability[first]
    )
    names = np.array(numbered.sources, dtype=object)
    one, other = numbered.pairs.sources.T
    pairs = {"first": names[one], "second": names[other], "dependence": fit.dependence}
    return Fused(answers, "open", pd.DataFrame(pairs))


def _table(
    questions: tuple[str, ...],
    answers: tuple[str, ...],
    best: np.ndarray[tuple[int, ...], np.dtype[np.int64]],
    probability: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
) -> pd.DataFrame:
    chosen = np.array(answers, dtype=object)[best]
    return pd.DataFrame({"question": questions, "answer": chosen, "probability": probability})
