"""Weights, agreement and accuracies on single patterns, written out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from credit_forensics.judgement.families import FALSE_VALUES, FAMILIES
from credit_forensics.judgement.model import fit_model
from credit_forensics.judgement.pattern_arrays import Cells, Patterns
from credit_forensics.judgement.posterior import posterior
from credit_forensics.judgement.scores import contributions, others_weight

SESSION, MAPPING, EMAIL, CARD, NAME = range(5)
ADA, BEN, CAT, DAN, EVE, FAY = range(6)


def patterns(*rows):
    """A row a pattern: whom each family names, and optionally who was credited and who has the
    typed name: ``({EMAIL: ADA}, {"credited": ADA, "named": [ADA]})``.
    """
    size = len(FAMILIES)
    slot = np.zeros((len(rows), size), dtype=np.int64)
    level = np.zeros_like(slot)
    has_name = np.zeros((len(rows), size), dtype=bool)
    credited = np.zeros(len(rows), dtype=np.int64)
    credited_has_name = np.zeros(len(rows), dtype=bool)
    for place, (voices, *more) in enumerate(rows):
        first: dict[int, int] = {}
        for family, person in voices.items():
            level[place, family] = 1
            if person is not None:
                slot[place, family] = first.setdefault(person, family + 1)
        options = more[0] if more else {}
        for person in options.get("named", ()):
            if person in first:
                has_name[place, first[person] - 1] = True
            else:
                credited_has_name[place] = True
        if "credited" in options:
            credited[place] = first.get(options["credited"], size + 1)
    return Patterns(FAMILIES, slot, level, has_name, credited, credited_has_name)


def fitted(found, counts):
    cells = Cells(
        period=np.zeros(len(found), dtype=np.int64),
        pattern=np.arange(len(found)),
        count=np.array(counts, dtype=float),
        periods=1,
    )
    return fit_model(found, cells, accounts=1000), cells


@pytest.mark.parametrize(
    ("voices", "options", "weight"),
    [
        ({SESSION: ADA}, {}, 5.0),
        ({SESSION: ADA, EMAIL: ADA, CARD: ADA}, {}, 5.0),
        ({SESSION: ADA, EMAIL: BEN}, {}, 4.0),
        ({SESSION: ADA, EMAIL: BEN, CARD: CAT}, {}, 3.0),
        # Credited to one whom nobody names, who is a candidate as well.
        ({SESSION: ADA}, {"credited": BEN}, 4.0),
        # Never less than one.
        ({SESSION: ADA, MAPPING: BEN, EMAIL: CAT, CARD: DAN, NAME: EVE}, {"credited": FAY}, 1.0),
    ],
)
def test_whom_nobody_names_weighs_less_the_more_are_named(voices, options, weight):
    found = patterns((voices, options))
    fit, _ = fitted(found, [1])
    assert others_weight(found, fit.believed).tolist() == [weight]


def test_a_voice_weighs_what_its_accuracy_and_the_false_values_make_it():
    found = patterns(({EMAIL: ADA},))
    fit, _ = fitted(found, [1])
    weight = contributions(found, fit.believed, np.array([0.98]))[0, EMAIL, EMAIL]
    assert FALSE_VALUES == 5
    assert weight == pytest.approx(np.log(5 * 0.95 / 0.05))


def test_a_name_alone_weighs_less_and_beside_a_card_hardly_more():
    found = patterns(
        # The name alone names ben; the card names whom the name names as well; so does the e-mail.
        ({SESSION: ADA, NAME: BEN}, {"named": [BEN]}),
        ({SESSION: ADA, CARD: BEN, NAME: None}, {"named": [BEN]}),
        ({SESSION: ADA, EMAIL: BEN, NAME: None}, {"named": [BEN]}),
    )
    fit, _ = fitted(found, [1, 1, 1])
    fit.accuracy[NAME][:] = 0.85
    name = contributions(found, fit.believed, np.full(3, 0.98))[:, NAME, :].max(axis=1)
    odds = 0.85 / 0.15
    assert name[0] == pytest.approx(np.log(5 * 0.69 / 0.31))
    # Of 1000 accounts one has the name, so by chance it is hardly ever somebody else's.
    assert name[1] == pytest.approx(np.log(odds / (1 / 1.25 + 0.001)))
    assert name[2] == pytest.approx(np.log(odds / (1 / 5 + 0.001)))


@pytest.mark.parametrize(
    ("voices", "named", "agreeing", "available"),
    [
        ({SESSION: ADA, EMAIL: ADA}, [], 2, 2),
        ({SESSION: ADA, EMAIL: ADA, NAME: None}, [ADA], 3, 3),
        ({SESSION: ADA, EMAIL: ADA, NAME: None}, [], 2, 3),
        ({SESSION: ADA, EMAIL: ADA, CARD: BEN, NAME: None}, [BEN], 2, 4),
        ({SESSION: ADA, CARD: BEN}, [], 1, 2),
    ],
)
def test_a_name_agrees_where_the_best_person_has_it(voices, named, agreeing, available):
    found = patterns((voices, {"named": named}))
    fit, cells = fitted(found, [1])
    thought = posterior(found, cells, fit)
    assert thought.best.tolist() == [SESSION]
    assert (thought.agreeing.tolist(), thought.available.tolist()) == ([agreeing], [available])


def test_accuracies_are_learned_from_payments_of_two_families_and_more():
    found = patterns(({EMAIL: ADA},), ({EMAIL: ADA, CARD: ADA},), ({MAPPING: ADA, CARD: ADA},))
    fit, _ = fitted(found, [1000, 10, 20])
    assert fit.identifiable
    voices = {one.name: fit.voices[n][0] for n, one in enumerate(FAMILIES)}
    assert voices == pytest.approx(
        {"session": 0, "mapping": 20, "email": 10, "card": 30, "name": 0}
    )


@pytest.mark.parametrize(
    ("email", "accuracy"),
    [
        (BEN, 0.505),  # always wrong, and yet not read backwards
        (ADA, 0.9998),  # never wrong, and yet not certain
    ],
)
def test_an_accuracy_stays_above_one_half_and_below_certainty(email, accuracy):
    found = patterns(({SESSION: ADA, MAPPING: ADA, EMAIL: email, CARD: ADA},))
    fit, _ = fitted(found, [1_000_000])
    assert fit.accuracy[EMAIL].tolist() == [accuracy]


@pytest.mark.parametrize(("families", "identifiable"), [(2, False), (3, True)])
def test_below_three_families_accuracies_stay_at_their_priors(families, identifiable):
    found = patterns((dict.fromkeys([MAPPING, EMAIL, CARD][:families], ADA),))
    fit, _ = fitted(found, [1000])
    assert fit.identifiable is identifiable
    assert (fit.accuracy[EMAIL].tolist() == [0.95]) is not identifiable
