"""Writes the demo case: some hundred payments around September 2025 with every finding in them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from credit_forensics.scenarios.case_writer import write_case
from credit_forensics.scenarios.recurring import with_renewals
from credit_forensics.scenarios.settings import BurstSettings, FaultRates, WorldSettings
from credit_forensics.scenarios.world import World, make_world

ORIGINAL_PAYER = "e747de39-1b54-4cd0-96eb-e68f155931e2"
ORIGINAL_WRONG_USER = "7675e93c-341b-412d-a41c-cfe1dc519172"
"""The two ids of the incident that the toolkit grew from: who paid, and who was credited."""

DEMO_SETTINGS = WorldSettings(
    payments=400,
    users=70,
    start=datetime(2025, 8, 30, tzinfo=UTC),
    days=30.0,
    wrong_session_rate=0.065,
    bursts=BurstSettings(share_in_bursts=0.85, smallest=20, largest=22, lowest_share=0.6),
    returning_share=0.0,
    missing_metadata=0.01,
    async_share=0.01,
    faults=FaultRates(
        redelivered=0.005,
        two_events=0.0025,
        not_delivered=0.005,
        signature_refused=0.005,
        resolution_failed=0.0025,
        acknowledged_not_applied=0.005,
        retried=0.0025,
        unpaid=0.0025,
        async_failed=0.0025,
        test_mode=0.005,
        wrong_amount=0.005,
        unknown_user=0.005,
        split_without_account=0.0075,
        metadata_scan=0.0025,
        email_match=0.0025,
        id_namespace=0.0025,
        handler_ledger_mismatch=0.0025,
        orphan=0.005,
        balance_drift=0.03,
        refunded=0.03,
        refund_not_reversed=0.3,
        refund_over_reversed=0.2,
        disputed=0.01,
    ),
    original_ids=(ORIGINAL_PAYER, ORIGINAL_WRONG_USER),
)
"""A customer never returns here, so that the written case tells which customers were preset."""


def demo_world(seed: int = 2025) -> World:
    """The world of the demo case, in which one customer has a subscription.

    Its first month was booked by the session and by the invoice, and one renewal was not booked.
    """
    world = make_world(DEMO_SETTINGS, seed)
    truth = world.truth
    told = set(world.truth_findings["payment_id"])
    paid = world.tables["payments"].to_pandas().set_index("payment_id")
    right = truth[~truth["wrong"] & ~truth["payment_id"].isin(told)]
    right = right[right["credited_user_id"].notna() & (right["payer_user_id"] != ORIGINAL_PAYER)]
    right = right[paid.loc[right["payment_id"], "customer_id"].notna().to_numpy()]
    counts = right.groupby("payer_user_id").size()
    payer = counts[counts == counts.max()].index.min()
    order = paid["created_at"].loc[right.loc[right["payer_user_id"] == payer, "payment_id"]]
    renewals = order.sort_values(kind="stable").index[1:4].tolist()
    return with_renewals(world, payments=renewals, missing=0.4, twice=1.0, seed=seed)


def write_demo_case(folder: Path, seed: int = 2025) -> Path:
    """Write the demo case; the path of its ``case.toml``. The same seed gives the same bytes.

    With the default seed it holds at least one of every finding but ``balance_unreadable`` (its
    balances are there; see the scenario ``no_balance_table``), one incident of about twenty wrong
    payments within hours, and the two ids of the original incident.
    """
    name = "credits on the wrong account, September 2025"
    return write_case(demo_world(seed), folder, name=name)
