"""The evidence families: which levels a family's one voice can have, and what is believed of them.

A level says how strong a voice is (how many copies, how long a history). Each has a Beta prior on
its accuracy, the chance that the voice names the payer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from credit_forensics.resolution.family_names import CARD, EMAIL, MAPPING, NAME, SESSION

# Effective number of false values a voice could have named instead (ACCU; Dong et al. 2009). Five,
# not ten: households make families err together, and of 10, 5, 3 and 2 it gave the lowest Brier
# score on worlds with truth.
FALSE_VALUES = 5


@dataclass(frozen=True)
class Level:
    """A level of a family's voice, with the Beta prior of its accuracy."""

    name: str
    alpha: float
    beta: float


@dataclass(frozen=True)
class Family:
    """A family and its levels; a voice's level is a number, 0 meaning silence.

    ``rule`` says how the methods' values become one voice: by how many ``copies`` agree, led by a
    ``history``, as ``typed`` by the payer, or by how many accounts have a name (``names``).
    """

    name: str
    levels: tuple[Level, ...]
    rule: Literal["copies", "history", "typed", "names"] = "copies"

    def level_name(self, number: int) -> str:
        """The name of level ``number`` (from 1)."""
        return self.levels[number - 1].name


ALONE, UNANIMOUS, SPLIT, TRANSLATED, SCAN = 1, 2, 3, 4, 5
BINDING, BINDING_AND_HISTORY, HISTORY_ONE, HISTORY_MORE, HISTORY_MIXED = 1, 2, 3, 4, 5
CARD_ONE, CARD_MORE, CARD_MIXED = 1, 2, 3
# Of a family that a history leads: another method alone, with the history, then the history alone
# on one payment and on more, and mixed.
LED = {
    MAPPING: (BINDING, BINDING_AND_HISTORY, HISTORY_ONE, HISTORY_MORE, HISTORY_MIXED),
    CARD: (CARD_ONE, None, CARD_ONE, CARD_MORE, CARD_MIXED),
}
# Upper bounds of how many accounts bear a name, one level each; the last has none.
NAME_BOUNDS = (1, 2, 4, 10, 30)

# Beta prior of the share of payments that somebody pays for another.
PATRONS_ALPHA, PATRONS_BETA = 0.5, 300.0
# Of a shop where paying for others is usual, and how usual such shops are.
MANY_ALPHA, MANY_BETA, MANY_SHOPS = 1.0, 10.0, 0.1
# Beta priors of the share of patrons who pay for others as a rule, and of the wrong sessions whose
# id sticks to a payer.
REGULAR_ALPHA, REGULAR_BETA = 3.0, 3.0
STICKS_ALPHA, STICKS_BETA = 3.0, 17.0
# Beta prior of the session's accuracy where it names an account that many others' sessions name,
# and the least share of such payments that somebody may well pay for another.
SHARED_ALPHA, SHARED_BETA = 2.0, 2.0
PATRONS_OF_SHARED = 0.02

FAMILIES: tuple[Family, ...] = (
    Family(
        SESSION,
        (
            Level("alone", 98, 2),
            Level("unanimous", 995, 5),
            Level("split", 9, 1),
            Level("another system's id", 9, 1),
            Level("scan only", 7, 3),
        ),
    ),
    Family(
        MAPPING,
        (
            Level("binding", 95, 5),
            Level("binding and history", 95, 5),
            Level("history of one", 90, 10),
            Level("history of more", 95, 5),
            Level("mixed history", 8, 2),
        ),
        "history",
    ),
    Family(EMAIL, (Level("typed", 95, 5),), "typed"),
    Family(
        CARD,
        (
            Level("one other payment", 90, 10),
            Level("more payments", 95, 5),
            Level("mixed payments", 8, 2),
        ),
        "history",
    ),
    Family(
        NAME,
        (
            Level("one account has it", 85, 15),
            Level("two accounts have it", 85, 15),
            Level("up to 4 accounts have it", 85, 15),
            Level("up to 10 accounts have it", 85, 15),
            Level("up to 30 accounts have it", 85, 15),
            Level("more accounts have it", 85, 15),
        ),
        "names",
    ),
)

# A family that a user adds: one method alone, several that agree, several that do not.
CUSTOM_LEVELS = (Level("alone", 95, 5), Level("unanimous", 95, 5), Level("split", 8, 2))


def with_custom(names: list[str]) -> tuple[Family, ...]:
    """The house's families and one more for each new name, in order.

    Examples
    --------
    >>> [family.name for family in with_custom(["email", "phone"])]
    ['session', 'mapping', 'email', 'card', 'name', 'phone']
    """
    known = {family.name for family in FAMILIES}
    new = [name for name in dict.fromkeys(names) if name not in known]
    return (*FAMILIES, *(Family(name, CUSTOM_LEVELS) for name in new))
