"""Makes the people of a world: households, accounts, names, e-mails, cards, browsers they share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from credit_forensics.arrays import Bools, Ints
from credit_forensics.scenarios import names
from credit_forensics.scenarios.identifiers import take
from credit_forensics.scenarios.settings import WorldSettings


@dataclass(frozen=True)
class People:
    """One position a person in every array.

    ``household_start`` and ``household_size`` tell the span of positions of a person's household;
    ``browser_partner`` is who used the same browser before; ``bound_at`` is when the person's own
    Stripe customer was bound before the world began, -1 if it was not.
    """

    first: Ints
    last: Ints
    full_name: pa.Array
    initial_name: pa.Array
    email: pa.Array
    created: Ints
    household_start: Ints
    household_size: Ints
    shares_card: Bools
    browser_partner: Ints
    activity: npt.NDArray[np.float64]
    second_card: Bools
    card_replaced_at: npt.NDArray[np.float64]
    bound_at: Ints

    def __len__(self) -> int:
        return len(self.first)

    def other_member(self, rng: np.random.Generator, persons: Ints) -> Ints:
        """A random other member of each person's household; the person where there is none."""
        size, start = self.household_size[persons], self.household_start[persons]
        step = 1 + np.floor(rng.random(len(persons)) * np.maximum(size - 1, 1)).astype(np.int64)
        other: Ints = start + (persons - start + step) % size
        return other


def make_people(settings: WorldSettings, rng: np.random.Generator, start: int) -> People:
    """Make ``settings.user_count`` people; ``start`` is the world's start in microseconds."""
    count = settings.user_count
    household_start, household_size = _households(rng, count, settings.household_share)
    leaders = household_start
    first = names.skewed(rng, len(names.FIRST), count)
    own_last = names.skewed(rng, len(names.LAST), count)
    last = np.where(rng.random(count) < 0.8, own_last[leaders], own_last)
    first_names, last_names = pa.array(names.FIRST), pa.array(names.LAST)
    first_text, last_text = take(first_names, first), take(last_names, last)
    numbers = pa.array(np.arange(count)).cast(pa.string())
    handle = pc.binary_join_element_wise(
        pc.utf8_lower(first_text), ".", pc.utf8_lower(last_text), numbers, "@example.com", ""
    )
    shared = rng.random(count) < settings.household_card_share
    partner = (np.arange(count) + 1 + rng.integers(0, max(count - 1, 1), count)) % count
    created = start - rng.integers(30, 400 * 86_400, count) * 1_000_000
    bound_at = created + ((start - created) * rng.uniform(0.1, 0.9, count)).astype(np.int64)
    bound_before = rng.random(count) < settings.bound_before_share
    return People(
        first=first,
        last=last,
        full_name=pc.binary_join_element_wise(first_text, last_text, " "),
        initial_name=pc.binary_join_element_wise(
            pc.utf8_slice_codeunits(first_text, 0, 1), pa.scalar(". "), last_text, ""
        ),
        email=_ascii(handle),
        created=created,
        household_start=household_start,
        household_size=household_size,
        shares_card=shared[leaders] & (household_size > 1),
        browser_partner=partner,
        activity=rng.lognormal(0.0, 1.0, count),
        second_card=rng.random(count) < settings.extra_card_share,
        card_replaced_at=np.where(
            rng.random(count) < settings.card_replaced_share, rng.random(count), 2.0
        ),
        bound_at=np.where(bound_before, bound_at, -1),
    )


def _households(rng: np.random.Generator, count: int, share: float) -> tuple[Ints, Ints]:
    """Start and size of each person's household; members stand next to each other."""
    # Drawn by household: a share of people in households of mean size 2.7 is fewer households.
    mean = 0.5 * 2 + 0.3 * 3 + 0.2 * 4
    together = share / mean / (share / mean + 1.0 - share) if share < 1.0 else 1.0
    draws = rng.random(count)
    sizes = np.where(
        draws < together, rng.choice(np.array([2, 3, 4]), count, p=[0.5, 0.3, 0.2]), 1
    ).astype(np.int64)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    households = int(np.searchsorted(starts, count))
    starts = starts[:households]
    sizes = np.diff(np.append(starts, count))
    return np.repeat(starts, sizes), np.repeat(sizes, sizes)


def _ascii(texts: pa.Array) -> pa.Array:
    for letter, plain in (("ö", "o"), ("ü", "u"), ("é", "e"), ("ë", "e")):
        texts = pc.replace_substring(texts, letter, plain)
    return texts
