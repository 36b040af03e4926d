"""Takes steps away from a run that fails, as long as it fails without them."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def shrink(
    steps: Sequence[int], fails: Callable[[Sequence[int]], bool], *, most_runs: int = 60
) -> list[int]:
    """The fewest steps found that still fail, by halves first and single steps last.

    ``fails`` plays a run of some of the steps; time decides in a few, so what it says of one run
    is believed and not asked twice.

    Examples
    --------
    >>> shrink(range(8), lambda steps: {2, 5} <= set(steps))
    [2, 5]
    """
    left, size, runs = list(steps), max(1, len(steps) // 2), 0
    while runs < most_runs:
        for start in range(0, len(left), size):
            without = left[:start] + left[start + size :]
            runs += 1
            if without and fails(without):
                left = without
                break
            if runs == most_runs:
                return left
        else:
            if size == 1:
                return left
            size = max(1, size // 2)
    return left
