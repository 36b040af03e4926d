"""What cannot be told from a folder: a question with its possible answers, and who answers it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Question:
    """A question, its answers, and which of them is the likeliest (none where all are alike)."""

    text: str
    answers: tuple[str, ...]
    best: int | None = 0


# Gives the number of an answer, or none to leave the question open.
Answer = Callable[[Question], int | None]


def take_best(question: Question) -> int | None:
    """The likeliest answer.

    Examples
    --------
    >>> take_best(Question("Which?", ("a", "b"), best=1))
    1
    """
    return question.best


def leave_open(question: Question) -> int | None:
    """No answer: the question becomes a comment of the case file.

    Examples
    --------
    >>> leave_open(Question("Which?", ("a", "b"))) is None
    True
    """
    return None
