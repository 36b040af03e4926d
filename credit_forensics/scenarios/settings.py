"""The settings of a world: how people, checkouts, faults and the handler behave in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

IdScheme = Literal["uuid4", "integer", "cuid"]


@dataclass(frozen=True)
class Price:
    """A price: its id, its amount in minor units, the credits it is worth, its share of sales.

    Amounts and credits are even, so that half a refund has a whole number of credits.
    """

    price_id: str
    amount: int
    credits: int
    share: float


DEFAULT_PRICES = (
    Price("price_small", 500, 50, 0.55),
    Price("price_medium", 1800, 200, 0.33),
    Price("price_large", 4000, 500, 0.12),
)


@dataclass(frozen=True)
class BurstSettings:
    """How wrong sessions cluster.

    ``share_in_bursts`` of the wrong sessions lie in bursts, the rest is a thin background. A burst
    has ``smallest`` to ``largest`` wrong payments (fewer only where the world has fewer); in its
    window ``lowest_share`` to ``highest_share`` of the sessions are wrong. ``versioned_share`` of
    the bursts come with a front-end version of their own, which the wrong sessions of the window
    carry and ``version_leak`` of the right ones beside them. A window longer than
    ``longest_hours`` is compressed to that: a rush, so that small worlds have bursts too.
    """

    share_in_bursts: float = 0.85
    smallest: int = 20
    largest: int = 120
    lowest_share: float = 0.4
    highest_share: float = 0.8
    versioned_share: float = 0.6
    version_leak: float = 0.7
    longest_hours: float = 6.0


@dataclass(frozen=True)
class NameBehaviour:
    """What is typed as the name, as shares of the payments; the rest is something else.

    ``household`` falls to something else where the payer lives alone. Of what is something else
    ``other_is_person`` is a common name, which accounts may bear; the others are companies.
    """

    equal: float = 0.78
    variant: float = 0.11
    household: float = 0.05
    other_is_person: float = 0.4


@dataclass(frozen=True)
class FaultRates:
    """Shares of the payments (of the users for ``balance_drift``) that carry each fault.

    The refund and dispute shares tell how many payments are refunded or disputed at all, and
    which part of those is booked wrongly.
    """

    redelivered: float = 0.002
    two_events: float = 0.001
    not_delivered: float = 0.0015
    signature_refused: float = 0.0015
    resolution_failed: float = 0.001
    acknowledged_not_applied: float = 0.0015
    retried: float = 0.0015
    unpaid: float = 0.001
    async_failed: float = 0.0015
    test_mode: float = 0.0015
    wrong_amount: float = 0.002
    unknown_user: float = 0.001
    split_without_account: float = 0.002
    split_with_account: float = 0.0
    metadata_scan: float = 0.0001
    email_match: float = 0.0001
    id_namespace: float = 0.0
    handler_ledger_mismatch: float = 0.0001
    orphan: float = 0.001
    balance_drift: float = 0.003
    refunded: float = 0.02
    refund_not_reversed: float = 0.15
    refund_over_reversed: float = 0.05
    disputed: float = 0.004
    dispute_lost: float = 0.5
    dispute_misbooked: float = 0.3

    @classmethod
    def none(cls) -> FaultRates:
        """No fault at all, no refund, no dispute."""
        return cls(**dict.fromkeys(cls.__dataclass_fields__, 0.0))


@dataclass(frozen=True)
class WorldSettings:
    """Everything about a world but its seed. Shares lie between 0 and 1.

    Parameters
    ----------
    payments
        rows of the table ``payments``.
    users
        people, each with one account; ``payments // 6`` (at least 8) without it.
    start, days
        first day, and length; the length without it follows from about 1,600 payments a day,
        so that a burst lasts minutes to hours.
    wrong_session_rate
        share of payments whose session carries the id of somebody else.
    wrong_by_household
        share of those by a member of the household, where there is one; the others carry the
        person who used the same browser before.
    bursts
        how wrong sessions cluster.
    household_share
        share of people who live with others; households have two to four members.
    household_card_share
        share of those households that pay with one card.
    preset_share
        share of sessions that were given the Stripe customer of the signed-in account, the
        e-mail then being prefilled.
    guest_share
        share of the other sessions without a Stripe customer.
    bound_before_share
        share of accounts whose own customer was bound to them before the world begins.
    returning_share
        share of the remaining ones in which the payer's own customer is used again (the shop
        recognises a returning payer); the others make a new customer. Stripe makes a new one
        unless it is given one, so a written case cannot tell this apart from a preset: set 0
        where a case is to read back exactly.
    email_match, email_household
        share of typed e-mails that are the payer's account's, and of those that are a household
        member's; the rest no account has.
    missing_metadata, kept_credits_share
        share of sessions without identity in their metadata, and which part of them still has
        credits and price.
    old_front_end_share
        share of sessions by an old front end that leaves out ``user_id``, or that and its backup.
    id_scheme
        shape of account ids; the handler accepts that shape.
    relogin_share, relogin_account_share
        share of people whose every sign-in makes a new id, and which part of these ids has an
        account (with the same e-mail).
    poisoned_mappings
        whether a wrong payment may bind a customer (first writer wins).
    extra_card_share, one_off_card_share, no_card_share, card_replaced_share
        share of people with a second card; of payments by a card used once, and without a card
        fingerprint; of people whose card is replaced midway.
    async_share
        share of payments by a delayed method that later succeeds.
    abandoned_share
        share of sessions that expire unpaid.
    usage_share, grant_share
        ledger entries for usage, and admin grants, a payment.
    other_events_share
        share of payments with a further event that the handler ignores.
    intent_metadata_share
        share of sessions that copy the user id to the PaymentIntent.
    original_ids
        (payer, wrong user): ids to give to the two sides of a wrong payment.
    mechanisms
        further ways in which payers, accounts and sessions come apart: name to share
        (``mechanisms.MECHANISMS``).
    """

    payments: int = 2_000
    users: int | None = None
    start: datetime = datetime(2025, 9, 1, tzinfo=UTC)
    days: float | None = None
    wrong_session_rate: float = 0.02
    wrong_by_household: float = 0.4
    bursts: BurstSettings = field(default_factory=BurstSettings)
    household_share: float = 0.5
    household_card_share: float = 0.5
    preset_share: float = 0.36
    guest_share: float = 0.12
    bound_before_share: float = 0.85
    returning_share: float = 0.5
    email_match: float = 0.88
    email_household: float = 0.005
    names: NameBehaviour = field(default_factory=NameBehaviour)
    missing_metadata: float = 0.02
    kept_credits_share: float = 0.5
    old_front_end_share: float = 0.005
    id_scheme: IdScheme = "uuid4"
    relogin_share: float = 0.0
    relogin_account_share: float = 0.0
    poisoned_mappings: bool = True
    extra_card_share: float = 0.3
    one_off_card_share: float = 0.1
    no_card_share: float = 0.38
    card_replaced_share: float = 0.2
    async_share: float = 0.01
    abandoned_share: float = 0.02
    usage_share: float = 0.4
    grant_share: float = 0.005
    other_events_share: float = 0.05
    intent_metadata_share: float = 0.0
    prices: tuple[Price, ...] = DEFAULT_PRICES
    currency: str = "eur"
    faults: FaultRates = field(default_factory=FaultRates)
    original_ids: tuple[str, str] | None = None
    mechanisms: Mapping[str, float] = field(default_factory=dict)

    @property
    def user_count(self) -> int:
        """Number of people."""
        return self.users if self.users is not None else max(8, self.payments // 6)

    @property
    def length_days(self) -> float:
        """Length of the world in days."""
        return self.days if self.days is not None else max(2.0, self.payments / 1_600)
