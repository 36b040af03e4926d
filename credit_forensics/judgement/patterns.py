"""Turns voices into patterns: who agrees with whom, and how strongly each speaks.

The statistics never see a person, only which families name the same one. Payments of one pattern
in one period share one posterior, so the model's cost does not grow with the payments.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt

from credit_forensics.judgement.families import Family
from credit_forensics.resolution.method import NAME

_LEVELS = 8  # a family has at most seven levels, and silence
MOST_FAMILIES = 8  # more would not fit a 63-bit key


@dataclass(frozen=True)
class Patterns:
    """Distinct patterns, as arrays with one entry or row a pattern.

    ``slot[pattern, family]``: 1-based index of the first family that names the same person, 0 for
    silence; ``level[pattern, family]``; ``bears[pattern, slot]``: whether the slot's person bears
    the typed name; ``credited``: the slot of the credited person, 0 where nothing was credited,
    one past the last slot where nobody names that person; ``credited_bears``.
    """

    families: tuple[Family, ...]
    slot: npt.NDArray[np.int64]
    level: npt.NDArray[np.int64]
    bears: npt.NDArray[np.bool_]
    credited: npt.NDArray[np.int64]
    credited_bears: npt.NDArray[np.bool_]

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


def pattern_keys(voices: ir.Table, bearers: ir.Table, families: Sequence[Family]) -> ir.Table:
    """Each payment's pattern, as one integer; the voices are kept beside it.

    Parameters
    ----------
    voices
        as ``family_voices`` gives them.
    bearers
        ``person_id, name_key``: who bears which folded name, for names that several bear.
    families
        the families, in order.

    Returns
    -------
    the voices with ``pattern`` (int64).
    """
    names = [family.name for family in families]
    persons = [voices[f"v_{name}"] for name in names]
    rows = voices
    slots: list[ir.IntegerValue] = []
    for index, person in enumerate(persons):
        slots.append(
            ibis.cases(
                (person.isnull(), 0),
                *(
                    (ibis.coalesce(persons[earlier] == person, False), earlier + 1)
                    for earlier in range(index)
                ),
                else_=index + 1,
            )
        )
    credited_slot = ibis.cases(
        (rows.credited.isnull(), 0),
        *(
            (ibis.coalesce(person == rows.credited, False), index + 1)
            for index, person in enumerate(persons)
        ),
        else_=len(persons) + 1,
    )
    rows = rows.mutate(
        **{f"s_{name}": slot for name, slot in zip(names, slots, strict=True)},
        s_credited=credited_slot,
    )
    rows = _mark_bearers(rows, bearers, names)
    places = len(names) + 2
    key: ir.IntegerValue = rows.s_credited.cast("int64")
    for name in reversed(names):
        key = key * _LEVELS + rows[f"l_{name}"].cast("int64")
        key = key * places + rows[f"s_{name}"].cast("int64")
    for name in ["credited", *reversed(names)]:
        key = key * 2 + rows[f"b_{name}"].cast("int64")
    return rows.mutate(pattern=key).select(*voices.columns, "pattern")


def _mark_bearers(rows: ir.Table, bearers: ir.Table, names: Sequence[str]) -> ir.Table:
    """Add ``b_<family>``: the family's person bears the typed name (first family of a slot)."""
    single = rows.name_bearers == 1
    shared_key = ibis.ifelse(rows.name_bearers > 1, rows.name_key, ibis.null(str))
    rows = rows.mutate(shared_key=shared_key, alone=ibis.coalesce(single, False))
    for index, name in enumerate([*names, "credited"], start=1):
        person = rows[f"v_{name}"] if name != "credited" else rows.credited
        asked = rows[f"s_{name}"] == index
        marked = bearers.select(bearer="person_id", borne="name_key").view()
        probe = rows.mutate(asked_person=ibis.ifelse(asked, person, ibis.null(str)))
        joined = probe.left_join(
            marked, [probe.asked_person == marked.bearer, probe.shared_key == marked.borne]
        )
        same = ibis.coalesce(probe.asked_person == probe[f"v_{NAME}"], False)
        rows = joined.select(
            *(probe[column] for column in probe.columns if column != "asked_person"),
            **{f"b_{name}": marked.bearer.notnull() | (probe.alone & same)},
        )
    return rows


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
    bears = np.zeros((len(key), size), dtype=bool)
    for index in range(size):
        bears[:, index] = rest % 2
        rest //= 2
    credited_bears = (rest % 2).astype(bool)
    rest //= 2
    slot = np.zeros((len(key), size), dtype=np.int64)
    level = np.zeros((len(key), size), dtype=np.int64)
    for index in range(size):
        slot[:, index] = rest % (size + 2)
        rest //= size + 2
        level[:, index] = rest % _LEVELS
        rest //= _LEVELS
    return Patterns(
        families=families,
        slot=slot,
        level=level,
        bears=bears,
        credited=rest,
        credited_bears=credited_bears,
    )
