"""Makes the account ids of a world: one a person, and those that sign-ins, deletions and
migrations add."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from credit_forensics.arrays import Bools, Ints
from credit_forensics.scenarios.checkout import (
    EMAIL_OWN,
    EMAIL_UNKNOWN,
    NAME_OTHER,
    Checkouts,
)
from credit_forensics.scenarios.faults import Fault
from credit_forensics.scenarios.identifiers import user_ids
from credit_forensics.scenarios.people import People
from credit_forensics.scenarios.settings import WorldSettings


@dataclass(frozen=True)
class Accounts:
    """One position an id: first the people's own, then the further ids.

    ``person`` is who it belongs to (-1: nobody else's, a deleted account), ``has_account`` whether
    the table ``users`` has it, ``cast`` the position that the handler's integer cast turns it
    into, ``session_id`` and ``payer_id`` the positions that each payment's session carries and
    that its true payer has.
    """

    text: pa.Array
    person: Ints
    has_account: Bools
    created: Ints
    cast: Ints
    session_id: Ints
    payer_id: Ints

    def owner(self, positions: Ints) -> Ints:
        """A number for the person behind each id; a deleted account is a person of its own."""
        owner = np.where(self.person < 0, np.arange(len(self.person)), self.person)
        found: Ints = np.where(positions < 0, -1, owner[np.maximum(positions, 0)])
        return found


def make_accounts(
    settings: WorldSettings,
    people: People,
    checkouts: Checkouts,
    fault: Ints,
    rng: np.random.Generator,
) -> Accounts:
    """Give ids to people and to the payments that carry an id of their own.

    Checkouts by a deleted account lose what would tie them to anybody else, in place.
    """
    persons = len(people)
    split = (fault == Fault.SPLIT_WITHOUT_ACCOUNT) | (fault == Fault.SPLIT_WITH_ACCOUNT)
    unknown = fault == Fault.UNKNOWN_USER
    further = np.flatnonzero(split | unknown)
    session_id = checkouts.session.copy()
    session_id[further] = persons + np.arange(len(further))
    payer_id = checkouts.payer.copy()
    payer_id[unknown] = session_id[unknown]
    checkouts.email_kind[unknown] = EMAIL_UNKNOWN
    checkouts.name_kind[unknown] = NAME_OTHER
    checkouts.card[unknown] = -1
    person = np.concatenate([np.arange(persons), checkouts.payer[further]])
    person[session_id[unknown]] = -1
    has_account = np.ones(len(person), dtype=np.bool_)
    has_account[persons:] = fault[further] == Fault.SPLIT_WITH_ACCOUNT
    created = np.concatenate([people.created, checkouts.created[further] - 60_000_000])
    text = np.array(user_ids(rng, settings.id_scheme, len(person)).to_pylist(), dtype=object)
    cast = np.arange(len(person))
    _pad_ids(checkouts, fault, persons, text, cast)
    if settings.original_ids is not None and checkouts.wrong.any():
        # The first that other evidence can prove, so that the original incident can be proven.
        provable = checkouts.wrong & ~checkouts.preset & ~checkouts.identity_lost
        provable &= (checkouts.email_kind == EMAIL_OWN) & (checkouts.card >= 0)
        at = int(np.argmax(provable if provable.any() else checkouts.wrong))
        text[checkouts.payer[at]], text[checkouts.session[at]] = settings.original_ids
    return Accounts(
        text=pa.array(text, pa.string()),
        person=person,
        has_account=has_account,
        created=created,
        cast=cast,
        session_id=session_id,
        payer_id=payer_id,
    )


def _pad_ids(checkouts: Checkouts, fault: Ints, persons: int, text: np.ndarray, cast: Ints) -> None:
    """Turn the ids of some payers into ``00417`` and those of others into ``417``, in place."""
    padded = np.unique(checkouts.payer[fault == Fault.ID_NAMESPACE])
    bare = np.setdiff1d(np.arange(persons), padded)[: len(padded)]
    for number, (one, other) in enumerate(zip(padded, bare, strict=False), start=417):
        text[one], text[other] = f"00{number}", str(number)
        cast[one] = other
