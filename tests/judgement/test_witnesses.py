"""Which families that agree can stand beside another: two of them confirm a payment."""

from __future__ import annotations

import numpy as np
import pytest

from credit_forensics.judgement.dependence import witness_groups
from credit_forensics.judgement.families import (
    BINDING,
    FAMILIES,
    HISTORY_MIXED,
    HISTORY_MORE,
    HISTORY_ONE,
)
from credit_forensics.judgement.pattern_arrays import Patterns
from credit_forensics.judgement.posterior import _groups_among, _witnesses


@pytest.mark.parametrize(
    ("mapping", "name", "acts"),
    [
        (HISTORY_ONE, "agrees", 3),
        (HISTORY_ONE, "silent", 2),
        # One payment that may have been as wrong as this one, where the typed name objects.
        (HISTORY_ONE, "objects", 1),
        (HISTORY_MORE, "objects", 2),
        (BINDING, "objects", 2),
        (HISTORY_MIXED, "silent", 1),
        (HISTORY_MIXED, "agrees", 2),
    ],
)
def test_a_weak_history_is_no_second_witness(mapping, name, acts):
    # In the order of the families: session, mapping, email, card, name.
    assert [family.name for family in FAMILIES] == ["session", "mapping", "email", "card", "name"]
    level = np.array([[2, mapping, 0, 0, int(name != "silent")]])
    agrees = np.array([[True, True, False, False, name == "agrees"]])
    none = np.zeros((1, len(FAMILIES)), dtype=bool)
    patterns = Patterns(
        families=FAMILIES,
        slot=np.ones((1, len(FAMILIES)), dtype=np.int64),
        level=level,
        has_name=none,
        credited=np.ones(1, dtype=np.int64),
        credited_has_name=np.zeros(1, dtype=bool),
    )
    found = _witnesses(patterns, np.array([0]), agrees)
    assert _groups_among(witness_groups(patterns, []), found).tolist() == [acts]
