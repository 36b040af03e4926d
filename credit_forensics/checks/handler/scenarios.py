"""Lists the scenarios, each with what the analysis finds when a handler gets it wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from credit_forensics.checks.handler import (
    scenarios_delivery,
    scenarios_identity,
    scenarios_money,
    scenarios_subscription,
)
from credit_forensics.checks.handler.stage import Stage


@dataclass(frozen=True)
class Scenario:
    """A scenario: how it is played, and the findings that a handler's failure in it may make."""

    play: Callable[[Stage], None]
    findings: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its name."""
        return self.play.__name__

    @property
    def story(self) -> str:
        """What happens in it, in a sentence."""
        return (self.play.__doc__ or "").strip().splitlines()[0]


# Credits on another than the payer: named where the case tells a fault from a patron, else asked.
_WRONG = ("wrong_user", "poisoned_mapping", "paid_by_another")

SCENARIOS: tuple[Scenario, ...] = (
    Scenario(scenarios_identity.plain_purchase, ("missing_credit",)),
    Scenario(scenarios_identity.stale_session, _WRONG),
    Scenario(scenarios_identity.agreeing_copies, _WRONG),
    Scenario(scenarios_identity.poisoned_mapping, _WRONG),
    Scenario(scenarios_identity.rightful_user_blocked, ("missing_credit",)),
    Scenario(scenarios_identity.foreign_id_scheme, ("missing_credit",)),
    Scenario(scenarios_identity.scanned_foreign_uuid, ("unknown_user", "wrong_user")),
    Scenario(scenarios_identity.guest, ("missing_credit",)),
    Scenario(scenarios_identity.missing_metadata, ("missing_credit",)),
    Scenario(scenarios_delivery.redelivery, ("duplicate_credit",)),
    Scenario(scenarios_delivery.two_events_one_fact, ("duplicate_credit",)),
    Scenario(scenarios_delivery.concurrent_duplicates, ("duplicate_credit",)),
    Scenario(scenarios_delivery.out_of_order, ("missing_credit", "duplicate_credit")),
    Scenario(scenarios_delivery.forged_signature, ("orphan_credit",)),
    Scenario(scenarios_delivery.database_down, ("missing_credit",)),
    Scenario(scenarios_money.unpaid_then_success, ("unpaid_credit", "missing_credit")),
    Scenario(scenarios_money.async_failure, ("unpaid_credit",)),
    Scenario(scenarios_money.test_mode, ("test_mode_credit",)),
    Scenario(scenarios_money.inflated_credits, ("wrong_amount",)),
    Scenario(scenarios_money.refund, ("refund_not_reversed", "refund_over_reversed")),
    Scenario(scenarios_money.refund_first, ("refund_not_reversed",)),
    Scenario(scenarios_money.dispute_lost, ("refund_not_reversed",)),
    Scenario(scenarios_money.dispute_won, ("refund_over_reversed",)),
)

SUBSCRIPTION_SCENARIOS: tuple[Scenario, ...] = (
    Scenario(scenarios_subscription.renewal, ("missing_renewal", "duplicate_credit")),
    Scenario(
        scenarios_subscription.renewal_of_the_older_api, ("missing_renewal", "duplicate_credit")
    ),
    Scenario(scenarios_subscription.renewal_told_twice, ("missing_renewal", "duplicate_credit")),
    Scenario(scenarios_subscription.free_period, ("unpaid_credit", "wrong_amount")),
    Scenario(scenarios_subscription.upgrade, ("wrong_amount", "price_mismatch")),
    Scenario(scenarios_subscription.refunded_renewal, ("missing_renewal", "refund_not_reversed")),
)
"""For handlers that sell subscriptions; the others have no use for them."""
