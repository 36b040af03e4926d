"""Sources that fail together: learned from shared errors, begun at the declaration, and used."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from credit_forensics.judgement.dependence import (
    ONE_WITNESS_FROM,
    learned_dependence,
    rivals_worth,
    witness_groups,
)
from credit_forensics.judgement.families import FAMILIES
from credit_forensics.judgement.model import fit_model
from credit_forensics.judgement.pattern_arrays import Cells, Patterns
from credit_forensics.judgement.posterior import posterior

SESSION, MAPPING, EMAIL, CARD, NAME = range(len(FAMILIES))


def patterns(rows, credited):
    """One pattern a row of slots (0 for silence), each voice at its family's first level."""
    slot = np.array(rows, dtype=np.int64)
    return Patterns(
        families=FAMILIES,
        slot=slot,
        level=(slot > 0).astype(np.int64),
        has_name=np.zeros(slot.shape, dtype=bool),
        credited=np.array(credited, dtype=np.int64),
        credited_has_name=np.zeros(len(slot), dtype=bool),
    )


def between(first, second, value):
    square = np.zeros((len(FAMILIES), len(FAMILIES)))
    square[first, second] = square[second, first] = value
    return square.tolist()


def shop(wrong_together, wrong_apart):
    """A thousand payments of which all agree, and some on which mapping and card are both wrong."""
    found = patterns(
        [[1, 1, 1, 1, 0], [1, 2, 1, 2, 0], [1, 2, 1, 4, 0]], [SESSION + 1, SESSION + 1, SESSION + 1]
    )
    count = np.array([1000, wrong_together, wrong_apart], dtype=float)
    return found, Cells(np.zeros(3, dtype=int), np.arange(3), count, 1)


@pytest.mark.parametrize(
    ("declared", "same", "both", "low", "high"),
    [
        (0.0, 0, 0, 0.0, 0.0),
        (1.0, 0, 0, 1.0, 1.0),
        # One in five is chance.
        (0.0, 20, 100, 0.0, 0.0),
        # A few common errors hardly move a declaration, many do.
        (0.0, 3, 3, 0.1, 0.15),
        (0.0, 300, 300, 0.9, 1.0),
        (1.0, 0, 3, 0.8, 0.9),
        (1.0, 60, 300, 0.0, 0.1),
    ],
)
def test_a_declaration_weighs_as_twenty_common_errors(declared, same, both, low, high):
    assert low <= learned_dependence(same, both, declared) <= high


def test_families_that_name_one_wrong_person_are_found_out():
    found, cells = shop(wrong_together=100, wrong_apart=0)
    together = fit_model(found, cells, accounts=500).dependence
    found, cells = shop(wrong_together=20, wrong_apart=80)
    apart = fit_model(found, cells, accounts=500).dependence
    assert together[MAPPING][CARD] > 0.75
    assert together[CARD][MAPPING] == together[MAPPING][CARD]
    assert apart[MAPPING][CARD] < 0.05
    assert together[SESSION][EMAIL] < 0.05


def test_a_part_that_is_judged_anew_keeps_what_the_whole_taught():
    found, cells = shop(wrong_together=100, wrong_apart=0)
    whole = fit_model(found, cells, accounts=500)
    part = Cells(np.zeros(1, dtype=int), np.array([1]), np.ones(1), 1)
    again = fit_model(found, part, accounts=500, accuracy=whole.accuracy, rates=whole.rates)
    assert again.dependence == whole.dependence


def test_what_fails_together_accuses_less():
    # Mapping and card name another than the credited person, whom session and e-mail name.
    found, cells = shop(wrong_together=100, wrong_apart=0)
    fit = fit_model(found, cells, accounts=500)
    one = Cells(np.zeros(1, dtype=int), np.array([1]), np.ones(1), 1)
    with_dependence = posterior(found, one, fit).misattributed
    without = posterior(found, one, replace(fit, dependence=[])).misattributed
    assert with_dependence < without / 2


def test_no_dependence_makes_an_accusation():
    # Whatever is learned of whatever pair: every way in which four families can name two people.
    ways = [(one, two, three) for one in (1, 2) for two in (1, 3, 2) for three in (1, 4, 3, 2)]
    rows = [
        [1, one, two, three, 0]
        for one, two, three in ways
        if two != 2 or one == 2  # a slot is its first namer's
        if three != 2 or one == 2
        if three != 3 or two == 3
    ]
    credited = [slot for slot in (1, 2, 3, 4) for _ in rows]
    found = patterns(rows * 4, credited)
    there = np.array([slot in (0, *row) for row, slot in zip(rows * 4, credited, strict=True)])
    cells = Cells(np.zeros(len(found), dtype=int), np.arange(len(found)), np.ones(len(found)), 1)
    fit = fit_model(found, cells, accounts=500)
    without = posterior(found, cells, replace(fit, dependence=[])).misattributed
    random = np.random.default_rng(4)
    for _ in range(50):
        square = random.random((len(FAMILIES), len(FAMILIES)))
        square = np.triu(square, 1) + np.triu(square, 1).T
        dependent = posterior(found, cells, replace(fit, dependence=square.tolist()))
        assert (dependent.misattributed <= without + 1e-12)[there].all()


def test_a_voice_for_the_credited_person_keeps_its_weight():
    found = patterns([[1, 1, 1, 1, 0], [1, 2, 1, 2, 0]], [1, 1])
    worth = rivals_worth(found, between(MAPPING, CARD, 1.0))
    assert worth[0].tolist() == [1, 1, 1, 1, 1]
    assert worth[1].tolist() == [1, 0.5, 1, 0.5, 1]
    assert rivals_worth(found, []).tolist() == np.ones((2, 5)).tolist()


@pytest.mark.parametrize(
    ("dependence", "witnesses"), [(ONE_WITNESS_FROM, 1), (ONE_WITNESS_FROM - 0.01, 2)]
)
def test_families_that_fail_together_are_one_witness(dependence, witnesses):
    found = patterns([[1, 1, 0, 0, 0]], [1])
    groups = witness_groups(found, between(SESSION, MAPPING, dependence))
    speaking = [group for group in groups if {SESSION, MAPPING} & set(group)]
    assert len(speaking) == witnesses
    cells = Cells(np.zeros(1, dtype=int), np.zeros(1, dtype=int), np.ones(1), 1)
    fit = replace(
        fit_model(found, cells, accounts=500), dependence=between(SESSION, MAPPING, dependence)
    )
    assert posterior(found, cells, fit).independent.tolist() == [witnesses]


def test_what_a_payer_typed_and_paid_with_is_one_witness_by_declaration():
    groups = witness_groups(patterns([[1, 1, 1, 1, 0]], [1]), [])
    assert sorted(groups) == [[SESSION], [MAPPING], [EMAIL, CARD, NAME]]
