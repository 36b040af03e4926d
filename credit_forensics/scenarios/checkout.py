"""Simulates the checkouts: who pays, what the session carries, what is typed, which card pays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from credit_forensics.arrays import Bools, Ints
from credit_forensics.scenarios.bursts import Timeline
from credit_forensics.scenarios.people import People
from credit_forensics.scenarios.settings import WorldSettings

EMAIL_UNKNOWN, EMAIL_OWN, EMAIL_HOUSEHOLD, EMAIL_PREFILLED = 0, 1, 2, 3
NAME_EQUAL, NAME_UPPER, NAME_LOWER, NAME_INITIAL, NAME_OTHER = 0, 1, 2, 3, 4
GUEST = -1


@dataclass
class Checkouts:
    """One position a payment in every array, in order of creation.

    ``session`` is the person whose account the session carries; ``customer`` below the number of
    people is that person's own Stripe customer, from there on a new one, ``GUEST`` none;
    ``email_of`` and ``name_of`` are persons (for other names: a draw of its own); ``card`` is -1
    where no fingerprint exists. ``identity_lost`` sessions have no ids in their metadata, and
    ``metadata_empty`` ones nothing at all; ``keys_missing`` counts the id keys that an old
    front end left out (1: user_id, 2: user_id_backup too).
    """

    created: Ints
    completed: Ints
    payer: Ints
    session: Ints
    wrong: Bools
    preset: Bools
    customer: Ints
    email_kind: Ints
    email_of: Ints
    name_kind: Ints
    name_of: Ints
    card: Ints
    price: Ints
    identity_lost: Bools
    metadata_empty: Bools
    reference_kept: Bools
    keys_missing: Ints
    version: Ints
    browser: Ints

    def __len__(self) -> int:
        return len(self.created)


def make_checkouts(
    settings: WorldSettings, people: People, timeline: Timeline, rng: np.random.Generator
) -> Checkouts:
    """Draw every checkout of the timeline."""
    count, persons = settings.payments, len(people)
    payer = rng.choice(persons, count, p=people.activity / people.activity.sum()).astype(np.int64)
    session, wrong = _sessions(settings, people, timeline, payer, rng)
    preset = rng.random(count) < settings.preset_share
    guest = ~preset & (rng.random(count) < settings.guest_share)
    returning = rng.random(count) < settings.returning_share
    fresh = persons + np.arange(count, dtype=np.int64)
    customer = np.select([preset, guest, returning], [session, GUEST, payer], fresh)
    member = people.other_member(rng, payer)
    email_kind, email_of = _emails(settings, payer, session, member, preset=preset, rng=rng)
    name_kind, name_of = _names(settings, payer, member, rng)
    identity_lost = rng.random(count) < settings.missing_metadata
    metadata_empty = identity_lost & (rng.random(count) >= settings.kept_credits_share)
    shares = np.array([price.share for price in settings.prices])
    return Checkouts(
        created=timeline.created,
        completed=timeline.created + rng.integers(25, 420, count) * 1_000_000,
        payer=payer,
        session=session,
        wrong=wrong,
        preset=preset,
        customer=customer,
        email_kind=email_kind,
        email_of=email_of,
        name_kind=name_kind,
        name_of=name_of,
        card=_cards(settings, people, payer, count, rng),
        price=rng.choice(len(shares), count, p=shares / shares.sum()).astype(np.int64),
        identity_lost=identity_lost,
        metadata_empty=metadata_empty,
        reference_kept=~metadata_empty & (~identity_lost | (rng.random(count) < 0.5)),
        keys_missing=np.where(
            rng.random(count) < settings.old_front_end_share, rng.integers(1, 3, count), 0
        ),
        version=_versions(settings, timeline, wrong, rng),
        browser=rng.integers(0, 8, count),
    )


def _sessions(
    settings: WorldSettings,
    people: People,
    timeline: Timeline,
    payer: Ints,
    rng: np.random.Generator,
) -> tuple[Ints, Bools]:
    household = (rng.random(len(payer)) < settings.wrong_by_household) & (
        people.household_size[payer] > 1
    )
    stranger = people.browser_partner[payer]
    other = np.where(household, people.other_member(rng, payer), stranger)
    session: Ints = np.where(timeline.wrong, other, payer)
    return session, session != payer


def _emails(
    settings: WorldSettings,
    payer: Ints,
    session: Ints,
    member: Ints,
    *,
    preset: Bools,
    rng: np.random.Generator,
) -> tuple[Ints, Ints]:
    draw = rng.random(len(payer))
    own = draw < settings.email_match
    household = (draw >= settings.email_match) & (
        draw < settings.email_match + settings.email_household
    )
    household &= member != payer
    kind = np.select(
        [preset, own, household], [EMAIL_PREFILLED, EMAIL_OWN, EMAIL_HOUSEHOLD], EMAIL_UNKNOWN
    )
    of = np.select([preset, own, household], [session, payer, member], -1)
    return kind.astype(np.int64), of.astype(np.int64)


def _names(
    settings: WorldSettings, payer: Ints, member: Ints, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    behaviour = settings.names
    draw = rng.random(len(payer))
    equal = draw < behaviour.equal
    variant = ~equal & (draw < behaviour.equal + behaviour.variant)
    household = (
        ~equal & ~variant & (draw < behaviour.equal + behaviour.variant + behaviour.household)
    )
    household &= member != payer
    which = rng.integers(NAME_UPPER, NAME_INITIAL + 1, len(payer))
    kind = np.select([equal, variant, household], [NAME_EQUAL, which, NAME_EQUAL], NAME_OTHER)
    of = np.select([equal | variant, household], [payer, member], -1)
    return kind.astype(np.int64), of.astype(np.int64)


def _cards(
    settings: WorldSettings, people: People, payer: Ints, count: int, rng: np.random.Generator
) -> Ints:
    """Three cards a person (own, its replacement, a second), then those used once."""
    persons = len(people)
    progress = np.arange(count) / max(count, 1)
    replaced = progress > people.card_replaced_at[payer]
    own = payer * 2 + replaced
    second = people.second_card[payer] & (rng.random(count) < 0.35)
    card = np.where(second, 2 * persons + payer, own)
    leader = people.household_start[payer]
    card = np.where(people.shares_card[payer], leader * 2, card)
    once = rng.random(count) < settings.one_off_card_share
    card = np.where(once, 3 * persons + np.arange(count), card)
    none = rng.random(count) < settings.no_card_share
    cards: Ints = np.where(none, -1, card)
    return cards


def _versions(
    settings: WorldSettings, timeline: Timeline, wrong: Bools, rng: np.random.Generator
) -> Ints:
    """Releases over time from 0; a burst's own version is -1 minus the burst's position."""
    count = len(wrong)
    releases = max(1, min(12, int(settings.length_days // 7)))
    base = np.arange(count) * releases // max(count, 1)
    inside = timeline.window >= 0
    versioned = np.zeros(count, dtype=np.bool_)
    if len(timeline.versioned):
        versioned = inside & timeline.versioned[np.maximum(timeline.window, 0)]
    leak = rng.random(count) < settings.bursts.version_leak
    own: Ints = np.where(versioned & (wrong | leak), -1 - timeline.window, base)
    return own
