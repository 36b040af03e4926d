"""Patterns and cells as arrays: what the statistics see of payments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from credit_forensics.judgement.families import Family

LEVELS = 8  # a family has at most seven levels, and silence


@dataclass(frozen=True)
class Patterns:
    """Distinct patterns, as arrays with one entry or row a pattern.

    ``slot[pattern, family]``: 1-based index of the first family that names the same person, 0 for
    silence; ``level[pattern, family]``; ``has_name[pattern, slot]``: whether the slot's person has
    the typed name; ``credited``: the slot of the credited person, 0 where nothing was credited,
    one past the last slot where nobody names that person; ``credited_has_name``.
    """

    families: tuple[Family, ...]
    slot: npt.NDArray[np.int64]
    level: npt.NDArray[np.int64]
    has_name: npt.NDArray[np.bool_]
    credited: npt.NDArray[np.int64]
    credited_has_name: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.credited)

    def index(self, family: str) -> int:
        """The position of a family by name."""
        return [one.name for one in self.families].index(family)

    @property
    def exists(self) -> npt.NDArray[np.bool_]:
        """``[pattern, slot]``: whether some family names a person first in that slot."""
        there: npt.NDArray[np.bool_] = self.slot == np.arange(1, len(self.families) + 1)
        return there

    @property
    def outsider(self) -> npt.NDArray[np.bool_]:
        """``[pattern]``: credits went to a person whom no family names."""
        apart: npt.NDArray[np.bool_] = self.credited == len(self.families) + 1
        return apart


@dataclass(frozen=True)
class Cells:
    """How many payments of each pattern lie in each period; one entry a cell that has any."""

    period: npt.NDArray[np.int64]
    pattern: npt.NDArray[np.int64]
    count: npt.NDArray[np.float64]
    periods: int


def decode(families: tuple[Family, ...], key: npt.NDArray[np.int64]) -> Patterns:
    """Patterns from their keys; the inverse of ``pattern_keys``.

    Parameters
    ----------
    families
        the families, in the order in which the keys were made.
    key
        distinct keys.
    """
    size = len(families)
    rest = key.copy()
    has_name = np.zeros((len(key), size), dtype=bool)
    for index in range(size):
        has_name[:, index] = rest % 2
        rest //= 2
    credited_has_name = (rest % 2).astype(bool)
    rest //= 2
    slot = np.zeros((len(key), size), dtype=np.int64)
    level = np.zeros((len(key), size), dtype=np.int64)
    for index in range(size):
        slot[:, index] = rest % (size + 2)
        rest //= size + 2
        level[:, index] = rest % LEVELS
        rest //= LEVELS
    return Patterns(
        families=families,
        slot=slot,
        level=level,
        has_name=has_name,
        credited=rest,
        credited_has_name=credited_has_name,
    )
