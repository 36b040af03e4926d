"""Writes the demo case: some hundred payments around September 2025 with every finding in them."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

from credit_forensics.errors import CaseError
from credit_forensics.scenarios.case_writer import write_case
from credit_forensics.scenarios.recurring import with_renewals
from credit_forensics.scenarios.settings import BurstSettings, FaultRates, WorldSettings
from credit_forensics.scenarios.world import World, make_world

DEMO_NAME = "credits on the wrong account, September 2025"
DEMO_MARK = ".credit-forensics-demo"
"""Beside a demo's case file, with its hash: so a case of somebody's own is not taken for one."""
_WRITTEN = ("sessions.jsonl", "events.jsonl", "charges.jsonl", "webhook.log", "ledger.db")
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
    path = write_case(demo_world(seed), folder, name=DEMO_NAME)
    (folder / DEMO_MARK).write_text(f"{_sha256(path)}\n", encoding="ascii")
    return path


def for_demo(folder: Path) -> Path:
    """The folder, where it is free for a demo.

    Raises
    ------
    CaseError
        where somebody's own files lie there.
    """
    if not is_free_for_demo(folder):
        raise CaseError(
            f"{folder} holds files that are no demo's, and the demo would overwrite them; name "
            "another folder, or let credit-forensics demo --force overwrite them."
        )
    return folder


def is_free_for_demo(folder: Path) -> bool:
    """Whether a folder holds no case of somebody's own: none at all, or a demo as it was written.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> is_free_for_demo(folder)
    True
    >>> _ = (folder / "case.toml").write_text("name = 'ours'")
    >>> is_free_for_demo(folder)
    False
    """
    path, mark = folder / "case.toml", folder / DEMO_MARK
    if not path.exists():
        return not any((folder / name).exists() for name in _WRITTEN)
    if mark.exists():
        return mark.read_text(encoding="ascii", errors="replace").strip() == _sha256(path)
    # Written before there was a mark.
    return path.read_text(encoding="utf-8", errors="replace").startswith(
        f"name = {json.dumps(DEMO_NAME)}\n"
    )


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
