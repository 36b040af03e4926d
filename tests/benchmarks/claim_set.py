"""Claims of many sources about many questions, as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from credit_forensics.arrays import Bools, Floats, Ints


@dataclass(frozen=True)
class Pairs:
    """Every two claims about one question, each pair of sources numbered.

    ``first``, ``second``: claims; ``pair``: the number of their sources' pair; ``alike``: whether
    they name one answer. ``sources[pair]``: the two sources, in order.
    """

    first: Ints
    second: Ints
    pair: Ints
    alike: Bools
    sources: Ints

    def summed(self, values: Floats) -> Floats:
        """``[pair]``: the sum of one value for each two claims."""
        result: Floats = np.bincount(self.pair, values, len(self.sources)).astype(np.float64)
        return result

    def on_each(self, values: Floats) -> Floats:
        """``[claim]``: of one value for each two claims, the sum over those that a claim is in."""
        size = 1 + int(max(self.first.max(initial=-1), self.second.max(initial=-1)))
        result: Floats = np.zeros(size)
        for place in (self.first, self.second):
            result += np.bincount(place, values, size)
        return result


@dataclass(frozen=True)
class ClaimSet:
    """One entry a claim, by question and source; an answer to a question is a candidate.

    ``question``, ``source``, ``answer``, ``candidate``: numbers, into ``questions``, ``sources``,
    ``answers`` (texts, sorted) and the candidates, whose question is ``asked`` and whose answer is
    ``said``.
    """

    question: Ints
    source: Ints
    answer: Ints
    candidate: Ints
    asked: Ints
    said: Ints
    questions: tuple[str, ...]
    sources: tuple[str, ...]
    answers: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.question)

    @cached_property
    def pairs(self) -> Pairs:
        """Every two claims about one question."""
        size = np.bincount(self.question, minlength=len(self.questions))
        start = np.cumsum(size) - size
        blocks = [np.zeros((2, 0), dtype=np.int64)]
        # Questions of one size have their pairs at the same places.
        for many in np.unique(size):
            here = start[size == many][:, None]
            one, other = np.triu_indices(many, 1)
            blocks.append(np.stack([(here + one).ravel(), (here + other).ravel()]))
        first, second = np.concatenate(blocks, axis=1)
        # Claims lie by source within a question, so the first of two has the lower number.
        key = self.source[first] * len(self.sources) + self.source[second]
        pair, distinct = pd.factorize(key, sort=True)
        sources = np.column_stack([distinct // len(self.sources), distinct % len(self.sources)])
        alike = self.candidate[first] == self.candidate[second]
        return Pairs(first, second, pair.astype(np.int64), alike, sources)


def claim_set(claims: pd.DataFrame) -> ClaimSet:
    """Number the claims of a table.

    Parameters
    ----------
    claims
        ``question, source, answer``, in any order; of several claims of one source about one
        question the first in the order of the answers counts.

    Examples
    --------
    >>> rows = pd.DataFrame({"question": ["q", "q"], "source": ["b", "a"], "answer": ["x", "y"]})
    >>> numbered = claim_set(rows)
    >>> numbered.sources, numbered.answer.tolist(), numbered.pairs.alike.tolist()
    (('a', 'b'), [1, 0], [False])
    """
    rows = claims[["question", "source", "answer"]].astype("str")
    rows = rows.sort_values(["question", "source", "answer"])
    rows = rows.drop_duplicates(["question", "source"])
    question, questions = pd.factorize(rows["question"], sort=True)
    source, sources = pd.factorize(rows["source"], sort=True)
    answer, answers = pd.factorize(rows["answer"], sort=True)
    key = question.astype(np.int64) * max(len(answers), 1) + answer
    candidate, distinct = pd.factorize(key, sort=True)
    return ClaimSet(
        question=question.astype(np.int64),
        source=source.astype(np.int64),
        answer=answer.astype(np.int64),
        candidate=candidate.astype(np.int64),
        asked=distinct // max(len(answers), 1),
        said=distinct % max(len(answers), 1),
        questions=tuple(questions),
        sources=tuple(sources),
        answers=tuple(answers),
    )
