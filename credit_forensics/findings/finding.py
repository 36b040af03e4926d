"""What a finding is: how it is found, how it is said, and how it is put right.

A finding stands in one file of ``findings`` and nowhere else: the catalogue, the reports, the
repair plan and the checks take what they need from the object at the end of that file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from credit_forensics.findings.practice import Practice
from credit_forensics.tables.expressions import ir

SEVERITIES = ("critical", "high", "medium", "low")
"""From the gravest on."""


@dataclass(frozen=True)
class Words:
    """One language's words: the finding's name, its sentence, and what its causes are called."""

    name: str
    sentence: str
    causes: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Correction:
    """How a finding is put right.

    Parameters
    ----------
    done
        what is done, in one sentence.
    action
        what happens to credits (or to a binding); ``none`` where no entry is needed.
    rule
        the repair's rule that makes the entries; empty where none is offered.
    person
        why a person must decide, whatever the cause; empty where the rule may decide.
    person_for
        the causes for which a person must decide, each with the reason.
    turn
        its turn among the findings of one payment.
    settled_by_move
        whether a move of the same payment's credits puts this right as well.
    """

    done: str = ""
    action: Literal["move", "give", "take", "adjust", "rebind", "none"] = "none"
    rule: str = ""
    person: str = ""
    person_for: tuple[tuple[str, str], ...] = ()
    turn: int = 1000
    settled_by_move: bool = False

    @property
    def needed(self) -> bool:
        """Whether anything is to be decided or booked."""
        return self.action != "none" or bool(self.person)

    def why_a_person(self, cause: object) -> str:
        """Why a person must decide a finding of this cause; empty where the rule may.

        Examples
        --------
        >>> one = Correction(rule="unearned", person_for=(("unpaid", "it may still succeed"),))
        >>> one.why_a_person("unpaid"), one.why_a_person("failed")
        ('it may still succeed', '')
        """
        return self.person or next((why for of, why in self.person_for if of == cause), "")

    @property
    def text(self) -> str:
        """The correction as the documentation states it.

        Examples
        --------
        >>> Correction("The entry is reversed.", person="it may be forged").text
        'The entry is reversed. A person decides: it may be forged.'
        """
        parts = [self.done]
        if self.person:
            parts.append(f"A person decides: {self.person}.")
        parts += [
            f"A person decides where the cause is `{of}`: {why}." for of, why in self.person_for
        ]
        return " ".join(parts)


FOR_A_PERSON = Correction(person="no entry puts this right")
"""Of a finding that states no correction."""


@dataclass(frozen=True)
class Finding:
    """A finding, with all that is known of it.

    ``find`` gives its rows in the columns of ``findings``; with ``by_methods`` it takes the case's
    methods beside the tables; with ``odd`` the tables hold odd payments alone
    (``odd_payments.OddTables``), save ``tables.whole``. ``practices`` are those for which it passes
    payments over. ``follows`` names the findings of which it
    is a consequence where both are of one payment: then it is part of that matter, and no loss of
    its own. ``concerns`` is what is wrong: the ``ledger`` (and balances), a ``binding`` or a
    ``delivery``. ``place`` is its turn in every list of findings.
    """

    name: str
    severity: str
    proof: str
    find: Callable[..., ir.Table]
    correction: Correction = FOR_A_PERSON
    en: Words | None = None
    de: Words | None = None
    by_methods: bool = False
    odd: bool = False
    practices: tuple[Practice, ...] = ()
    follows: tuple[str, ...] = ()
    concerns: Literal["ledger", "binding", "delivery"] = "ledger"
    place: int = 1000
