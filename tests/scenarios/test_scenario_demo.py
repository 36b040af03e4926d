"""The demo case: every finding in it, the two ids of the original incident, the same bytes each time."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from credit_forensics.case_file import read_case_file
from credit_forensics.scenarios.demo import (
    ORIGINAL_PAYER,
    ORIGINAL_WRONG_USER,
    demo_world,
    write_demo_case,
)

# balance_unreadable needs a ledger without balances: the scenario no_balance_table.
FINDINGS = {
    "wrong_user",
    "split_identity",
    "unknown_user",
    "missing_credit",
    "missing_renewal",
    "duplicate_credit",
    "unpaid_credit",
    "test_mode_credit",
    "orphan_credit",
    "wrong_amount",
    "refund_not_reversed",
    "refund_over_reversed",
    "poisoned_mapping",
    "failed_delivery",
    "balance_drift",
}


def test_every_finding_is_in_the_demo() -> None:
    world = demo_world()
    assert set(world.truth_findings["finding"]) == FINDINGS
    causes = set(world.truth["cause"].dropna())
    assert causes >= {
        "stale_session",
        "email_match",
        "metadata_scan",
        "id_namespace",
        "handler_ledger_mismatch",
    }


def test_the_demo_tells_the_original_incident() -> None:
    world = demo_world()
    truth = world.truth
    story = truth[
        (truth["payer_user_id"] == ORIGINAL_PAYER)
        & (truth["credited_user_id"] == ORIGINAL_WRONG_USER)
    ]
    assert len(story) >= 1
    assert story["cause"].iloc[0] == "stale_session"
    assert len(world.bursts) == 1
    assert world.bursts["payments"].iloc[0] >= 20


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
    }


def test_the_demo_is_the_same_to_the_byte(tmp_path: Path) -> None:
    one = hashes(write_demo_case(tmp_path / "one").parent)
    assert one == hashes(write_demo_case(tmp_path / "two").parent)
    assert one != hashes(write_demo_case(tmp_path / "three", seed=2026).parent)
    assert set(one) == {
        ".credit-forensics-demo",
        "case.toml",
        "charges.jsonl",
        "events.jsonl",
        "invoices.jsonl",
        "ledger.db",
        "sessions.jsonl",
        "webhook.log",
    }


def test_the_demo_can_be_written_over(tmp_path: Path) -> None:
    first = hashes(write_demo_case(tmp_path).parent)
    assert hashes(write_demo_case(tmp_path).parent) == first


def test_the_demo_holds_invented_addresses_only(tmp_path: Path) -> None:
    path = write_demo_case(tmp_path)
    assert read_case_file(path).name == "credits on the wrong account, September 2025"
    payers = demo_world().tables["payments"]["payer_email"].to_pandas().dropna()
    assert payers.str.endswith(("@example.com", "@mail.example.org")).all()


@pytest.mark.parametrize("seed", [1, 7])
def test_other_seeds_work(seed: int) -> None:
    assert "wrong_user" in set(demo_world(seed).truth_findings["finding"])
