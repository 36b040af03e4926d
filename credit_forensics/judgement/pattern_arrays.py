"""Patterns and cells as arrays: what the statistics see of payments."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from credit_forensics.judgement.families import Family
from credit_forensics.resolution.family_names import NAME

LEVELS = 8  # a family has at most seven levels, and silence


@dataclass(frozen=True)
class Patterns:
    """Distinct patterns, as arrays with one entry or row a pattern.

    ``slot[pattern, family]``: 1-based index of the first family that names the same person, 0 for
    silence; ``level[pattern, family]``; ``has_name[pattern, slot]``: whether the slot's person has
    the typed name; ``credited``: the slot of the credited person, 0 where nothing was credited,
    one past the last slot where nobody names that person; ``credited_has_name``; ``relation`` of a
    payer whom the session does not name to the account (``relations.code``), 0 for none.
    """

    families: tuple[Family, ...]
    slot: npt.NDArray[np.int64]
    level: npt.NDArray[np.int64]
    has_name: npt.NDArray[np.bool_]
    credited: npt.NDArray[np.int64]
    credited_has_name: npt.NDArray[np.bool_]
    relation: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.credited)

    def index(self, family: str) -> int:
        """The position of a family by name."""
        return [one.name for one in self.families].index(family)

    @property
    def related(self) -> npt.NDArray[np.int64]:
        """``relation``; 0 where patterns were made without."""
        return np.zeros(len(self), dtype=np.int64) if self.relation is None else self.relation

    @property
    def exists(self) -> npt.NDArray[np.bool_]:
        """``[pattern, slot]``: whether some family names a person first in that slot."""
        there: npt.NDArray[np.bool_] = self.slot == np.arange(1, len(self.families) + 1)
        return there

    @cached_property
    def alike(self) -> npt.NDArray[np.bool_]:
        """``[pattern, family, family]``: whether two families speak and name one person."""
        same = (self.slot[:, :, None] == self.slot[:, None, :]) & (self.slot > 0)[:, :, None]
        apart: npt.NDArray[np.bool_] = same & ~np.eye(len(self.families), dtype=np.bool_)
        return apart

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
        credited=rest % (size + 2),
        credited_has_name=credited_has_name,
        relation=rest // (size + 2),
    )


def some_patterns(patterns: Patterns, chosen: npt.NDArray[np.int64]) -> Patterns:
    """Only those patterns, in the order given.

    Examples
    --------
    >>> len(some_patterns(decode((), np.array([0, 1])), np.array([1])))
    1
    """
    arrays = {
        one.name: getattr(patterns, one.name)[chosen]
        for one in fields(patterns)
        if one.name != "families" and getattr(patterns, one.name) is not None
    }
    return replace(patterns, **arrays)


def without_family(patterns: Patterns, family: str) -> Patterns:
    """The patterns as they would be had one family said nothing.

    A person whom that family named first and another names too moves to the other's slot.

    Examples
    --------
    >>> from credit_forensics.judgement.families import FAMILIES
    >>> one = Patterns(FAMILIES, np.array([[1, 0, 1, 0, 0]]), np.array([[2, 0, 1, 0, 0]]),
    ...                np.zeros((1, 5), bool), np.array([1]), np.zeros(1, bool))
    >>> without = without_family(one, "session")
    >>> without.slot.tolist(), without.credited.tolist()
    ([[0, 0, 3, 0, 0]], [3])
    """
    gone = patterns.index(family)
    slot, level = patterns.slot.copy(), patterns.level.copy()
    has_name, credited = patterns.has_name.copy(), patterns.credited.copy()
    credited_has_name = patterns.credited_has_name.copy()
    size = len(patterns.families)
    mine = slot[:, gone] == gone + 1
    slot[:, gone], level[:, gone] = 0, 0
    others = (slot == gone + 1) & mine[:, None]
    heir = np.where(others.any(axis=1), others.argmax(axis=1), size)
    moved = np.flatnonzero(mine)
    slot = np.where(others, heir[:, None] + 1, slot)
    taken = credited == gone + 1
    inherited = moved[heir[moved] < size]
    has_name[inherited, heir[inherited]] = has_name[inherited, gone]
    orphaned = taken & mine & (heir == size)
    credited_has_name[orphaned] = has_name[orphaned, gone]
    has_name[:, gone] = False
    credited = np.where(taken & mine, heir + 1, credited)
    if family == NAME:
        has_name[:] = False
        credited_has_name[:] = False
    return replace(
        patterns,
        slot=slot,
        level=level,
        has_name=has_name,
        credited=credited,
        credited_has_name=credited_has_name,
    )
