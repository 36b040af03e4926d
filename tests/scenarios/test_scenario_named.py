"""The named scenarios: each is a consistent small world about what its name says."""

from __future__ import annotations

from pathlib import Path

import pytest

from credit_forensics.case_file import read_case_file
from credit_forensics.evidence.load import load_evidence
from credit_forensics.scenarios.case_writer import write_case
from credit_forensics.scenarios.named import scenario, scenario_names

CAUSES = {
    "stale_session": "stale_session",
    "stale_session_preset": "stale_session",
    "guest_checkout": "stale_session",
    "customer_mapping": "customer_mapping",
    "metadata_scan": "metadata_scan",
    "handler_ledger_mismatch": "handler_ledger_mismatch",
    "email_match": "email_match",
    "id_namespace": "id_namespace",
}
FINDING = {
    "redelivery": "duplicate_credit",
    "two_events_one_fact": "duplicate_credit",
    "async_failure": "unpaid_credit",
    "unpaid": "unpaid_credit",
    "test_mode": "test_mode_credit",
    "refund_unreversed": "refund_not_reversed",
    "dispute_lost": "refund_not_reversed",
    "refund_over_reversed": "refund_over_reversed",
    "missing_metadata": "missing_credit",
    "not_delivered": "missing_credit",
    "signature_refused": "missing_credit",
    "database_error": "missing_credit",
    "orphan_credit": "orphan_credit",
    "wrong_amount": "wrong_amount",
    "unknown_user": "unknown_user",
    "balance_drift": "balance_drift",
    "relogin_ids": "split_identity",
    "poisoned_mapping": "poisoned_mapping",
    "no_balance_table": "balance_unreadable",
}
NOTHING = ["clean", "household_card", "async_success", "dispute_won", "refund_reversed", "repaired"]


def test_the_names_are_complete() -> None:
    assert set(scenario_names()) == {*CAUSES, *FINDING, *NOTHING, "empty"}


@pytest.mark.parametrize("name", sorted(CAUSES))
def test_wrong_scenarios_have_their_cause(name: str) -> None:
    wrong = scenario(name).truth.query("wrong")
    assert len(wrong) >= 1
    assert set(wrong["cause"]) == {CAUSES[name]}


@pytest.mark.parametrize("name", sorted(FINDING))
def test_scenarios_state_their_finding(name: str) -> None:
    assert FINDING[name] in set(scenario(name).truth_findings["finding"])


@pytest.mark.parametrize("name", NOTHING)
def test_harmless_scenarios_have_no_finding(name: str) -> None:
    world = scenario(name)
    assert world.truth_findings.empty
    assert not world.truth["wrong"].any()


@pytest.mark.parametrize("name", scenario_names())
def test_scenarios_are_small_consistent_and_repeatable(name: str) -> None:
    world = scenario(name)
    payments = world.tables["payments"].to_pandas()
    assert payments["payment_id"].tolist() == world.truth["payment_id"].tolist()
    assert payments["payment_id"].is_unique
    assert len(payments) == 0 if name == "empty" else 5 <= len(payments) <= 40
    ledger = world.tables["ledger"].to_pandas()
    if "balances" in world.tables and name != "balance_drift":
        stored = world.tables["balances"].to_pandas().set_index("user_id")["balance"]
        assert stored.to_dict() == ledger.groupby("user_id")["delta"].sum().to_dict()
    again = scenario(name)
    assert all(table.equals(again.tables[key]) for key, table in world.tables.items())
    assert world.evidence().count("payments") == len(payments)


@pytest.mark.parametrize("name", ["stale_session", "repaired", "dispute_lost", "async_failure"])
def test_scenarios_can_be_written_as_cases(name: str, tmp_path: Path) -> None:
    world = scenario(name)
    evidence = load_evidence(read_case_file(write_case(world, tmp_path)))
    for table in ("payments", "metadata", "events", "deliveries", "ledger", "users", "balances"):
        assert evidence.count(table) == world.tables[table].num_rows, table


def test_a_case_without_balances_says_so(tmp_path: Path) -> None:
    evidence = load_evidence(read_case_file(write_case(scenario("no_balance_table"), tmp_path)))
    assert "balances" in set(evidence.custody.gaps()["object"])


def test_an_unknown_name_lists_those_there_are() -> None:
    with pytest.raises(KeyError, match="stale_session"):
        scenario("nothing_like_it")
