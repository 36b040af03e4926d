"""The assertions: they pass on what is right, and fail with a table that can be read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import stripe

from credit_forensics.case.case import Case
from credit_forensics.case_file import CaseFile
from credit_forensics.checks import (
    assert_ledger_matches,
    assert_methods_agree,
    assert_no_findings,
    assert_resolves_to,
    case_of,
    named_world,
    resolve_payer,
    write_baseline,
)
from credit_forensics.checks.baseline import finding_keys, new_findings, read_baseline
from credit_forensics.checks.readable_table import readable_table
from credit_forensics.checks.sarif import sarif_of, write_sarif
from credit_forensics.errors import CaseError
from credit_forensics.findings.catalogue import FINDINGS
from credit_forensics.scenarios.settings import FaultRates, WorldSettings
from credit_forensics.scenarios.world import make_world

USERS = [
    {"id": "00123", "email": "ada@example.com", "name": "Ada Holm"},
    {"id": "u-bo", "email": "bo@example.com", "name": "Bo Falk"},
]


def session(user: str, email: str | None, **more: Any) -> dict[str, Any]:
    return {
        "id": "cs_1",
        "object": "checkout.session",
        "created": 1_756_720_000,
        "payment_status": "paid",
        "status": "complete",
        "livemode": True,
        "amount_total": 500,
        "currency": "eur",
        "customer_details": {"email": email, "name": None},
        "metadata": {"user_id": user, "user_id_backup": user, "session_user_id": user},
    } | more


@pytest.fixture(scope="module")
def doubled() -> Case:
    """Four hundred payments, twenty of them booked twice, and nothing else wrong."""
    faults = replace(FaultRates.none(), redelivered=0.05)
    quiet = WorldSettings(payments=400, wrong_session_rate=0.0, missing_metadata=0.0, faults=faults)
    world = make_world(quiet, 0)
    prices = {price.price_id: price.credits for price in world.prices}
    return Case.from_evidence(world.evidence(), CaseFile(prices=prices))


def test_dicts_stripe_objects_and_frames_give_one_answer() -> None:
    plain = session("00123", "ada@example.com")
    as_object = stripe.checkout.Session.construct_from(plain, "sk_test_x")
    frame = pd.DataFrame(
        {
            "payment_id": ["cs_1"],
            "created_at": ["2025-09-01T10:00:00Z"],
            "payer_email": ["ada@example.com"],
            "metadata": [plain["metadata"]],
        }
    )
    answers = [resolve_payer(given, users=USERS) for given in (plain, as_object, [plain], frame)]
    assert {answer.user_id for answer in answers} == {"00123"}
    assert all(answer.agreed for answer in answers)
    columns = ["method", "family", "user_id"]
    first = answers[0].claims[columns].values.tolist()
    assert all(answer.claims[columns].values.tolist() == first for answer in answers)


def test_users_and_bindings_come_as_rows_or_frames_with_ids_as_text() -> None:
    customers = pd.DataFrame(
        {"stripe_customer_id": ["cus_1"], "user_id": [7], "created_at": ["2025-08-01T00:00:00Z"]}
    )
    users = pd.DataFrame({"id": [7], "email": ["cy@example.com"]})
    case = case_of(session("7", None, customer="cus_1"), users, customers=customers)
    claims = case.claims[["method", "family", "user_id"]].values.tolist()
    assert ["customer_mapping", "session", "7"] in claims
    assert case.claims["known"].all()


@pytest.mark.parametrize("given", [5, None, b"cs_1"])
def test_what_is_no_session_is_told(given: Any) -> None:
    with pytest.raises(TypeError, match="a session is a dict"):
        case_of(given, USERS)


def test_payment_ids_need_their_case_and_several_sessions_are_refused() -> None:
    with pytest.raises(ValueError, match="needs the case"):
        resolve_payer("cs_1")
    two = [session("00123", None), session("u-bo", None, id="cs_2")]
    with pytest.raises(ValueError, match="one session is resolved at a time, not 2"):
        resolve_payer(two, users=USERS)
    with pytest.raises(ValueError, match="no payment cs_9"):
        resolve_payer("cs_9", case_of(two, USERS))


def test_a_payment_is_taken_by_the_id_of_any_of_its_objects() -> None:
    given = session("00123", "ada@example.com", payment_intent="pi_1")
    charge = {"id": "ch_1", "object": "charge", "payment_intent": "pi_1", "paid": True}
    case = case_of([given], USERS, charges=[charge | {"status": "succeeded"}])
    for alias in ("cs_1", "pi_1", "ch_1"):
        assert resolve_payer(alias, case).payment_id == "cs_1"
        assert assert_resolves_to(alias, "00123", case=case).payment_id == "cs_1"
        assert assert_methods_agree(alias, case=case).payment_id == "cs_1"


def test_what_is_allowed_or_known_is_so_by_any_id_of_the_payment(tmp_path: Path) -> None:
    given = session("00123", "ada@example.com", payment_intent="pi_1")
    entry = {"user_id": "00123", "delta": 50, "payment_id": "cs_1", "kind": "purchase"}
    at = pd.Timestamp("2025-09-01 10:02", tz="UTC")
    twice = [entry | {"entry_id": name, "created_at": at, "tie": "named"} for name in ("e1", "e2")]
    case = case_of([given], USERS, ledger=twice)
    assert case.findings["finding"].tolist() == ["duplicate_credit"]
    assert_no_findings(case, allow=["duplicate_credit:pi_1"])
    write_baseline(case.findings.assign(payment_id="pi_1"), tmp_path / "known.json")
    assert_no_findings(case, baseline=tmp_path / "known.json")
    with pytest.raises(AssertionError):
        assert_no_findings(case, allow=["duplicate_credit:pi_2"])


def test_wrong_user_fails_with_what_each_method_says() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_resolves_to(session("00123", "ada@example.com"), "u-bo", users=USERS)
    told = str(caught.value)
    assert told.startswith("expected u-bo to be named as the payer.\ncs_1: ")
    assert "2 of 2 families name 00123" in told
    assert re.search(r"^  metadata_user_id +session +00123 ", told, re.MULTILINE)
    assert re.search(r"^  payer_email +email +00123 ", told, re.MULTILINE)
    assert "ada@example.com" not in told


def test_another_id_of_the_same_person_is_no_failure() -> None:
    users = [*USERS, {"id": "old-ada", "email": "ada@example.com"}]
    assert_resolves_to(session("00123", "ada@example.com"), "old-ada", users=users)


def test_agreement_counts_families_and_not_copies() -> None:
    with pytest.raises(AssertionError, match="2 independent families to agree; 1 speaks"):
        assert_methods_agree(session("00123", None), users=USERS)
    with pytest.raises(AssertionError, match="the methods name 2 persons"):
        assert_methods_agree(session("00123", "bo@example.com"), users=USERS)
    payer = assert_methods_agree(session("00123", "ada@example.com"), users=USERS)
    assert payer.families_agreeing == 2
    with pytest.raises(AssertionError, match="3 independent families to agree; 2 speak"):
        assert_methods_agree(session("00123", "ada@example.com"), families=3, users=USERS)


def test_findings_fail_by_severity_and_pass_when_allowed(doubled: Case) -> None:
    with pytest.raises(AssertionError, match=r"^20 findings:\n  finding"):
        assert_no_findings(doubled)
    assert_no_findings(doubled, severity="critical")
    assert_no_findings(doubled, allow=["duplicate_credit"])
    one = f"duplicate_credit:{doubled.findings['payment_id'].iloc[0]}"
    with pytest.raises(AssertionError, match=r"^19 findings"):
        assert_no_findings(doubled, allow=[one])
    with pytest.raises(ValueError, match="no severity 'worst'"):
        assert_no_findings(doubled, severity="worst")
    with pytest.raises(ValueError, match="no finding 'doubled'"):
        assert_no_findings(doubled, allow=["doubled"])


def test_a_finding_that_could_not_run_is_no_pass() -> None:
    case = case_of(session("00123", "ada@example.com"), USERS)
    assert case.findings.empty
    assert_no_findings(case)
    case = case_of(session("00123", "ada@example.com"), USERS)
    case.judgement  # noqa: B018  # what the findings need is there, but for one table
    case.evidence.connection.execute("DROP TABLE balances")
    with pytest.raises(AssertionError, match="could not be looked for"):
        assert_no_findings(case)


def test_baseline_lets_known_findings_pass_and_no_new_one(doubled: Case, tmp_path: Path) -> None:
    path = tmp_path / "known.json"
    write_baseline(doubled.findings.iloc[1:], path)
    with pytest.raises(AssertionError, match=r"^1 new findings"):
        assert_no_findings(doubled, baseline=path)
    write_baseline(doubled.findings, path)
    assert_no_findings(doubled, baseline=path)
    first = path.read_bytes()
    write_baseline(doubled.findings.sample(frac=1, random_state=1), path)
    assert path.read_bytes() == first
    assert new_findings(doubled.findings, set(finding_keys(doubled.findings))).empty


@pytest.mark.parametrize("text", ["", "[]", '{"format": 2, "findings": []}', '{"format": 1}'])
def test_what_is_no_baseline_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "known.json"
    path.write_text(text)
    with pytest.raises(CaseError, match=r"known\.json"):
        read_baseline(path)
    with pytest.raises(CaseError, match="cannot be read"):
        read_baseline(tmp_path / "absent.json")


def test_ledger_is_held_against_stripe_or_against_what_is_expected(doubled: Case) -> None:
    with pytest.raises(AssertionError, match="the ledger does not match the payments"):
        assert_ledger_matches(doubled)
    ledger = [
        {"id": "1", "user_id": "00123", "delta": 50, "reason": "stripe_purchase:payment_cs_1"},
        {"id": "2", "user_id": "00123", "delta": -20, "reason": "usage:job"},
    ]
    for entry in ledger:
        entry["kind"] = "purchase" if str(entry["reason"]).startswith("stripe") else "usage"
    case = case_of(session("00123", "ada@example.com"), USERS, ledger=ledger)
    assert_ledger_matches(case, {"00123": 50})
    with pytest.raises(AssertionError) as caught:
        assert_ledger_matches(case, {"00123": 60, "u-bo": 1})
    assert "00123    60        50" in str(caught.value)
    assert "u-bo     1         0" in str(caught.value)


def test_worlds_hold_the_fault_of_their_name_and_the_clean_one_none() -> None:
    assert named_world("clean")[0].findings.empty
    expected = {
        "unpaid": {"unpaid_credit"},
        "stale_session": {"wrong_user"},
        "orphan_credit": {"orphan_credit"},
    }
    for name, findings in expected.items():
        case, world = named_world(name)
        assert set(case.findings["finding"]) >= findings
        assert set(world.truth_findings["finding"]) >= findings
    with pytest.raises(CaseError, match="No world 'stale'"):
        named_world("stale")


def test_sarif_is_whole_stable_and_tells_new_from_known(doubled: Case, tmp_path: Path) -> None:
    keys = finding_keys(doubled.findings)
    log = sarif_of(doubled.findings, case_file="ops/case.toml", baseline={keys.iloc[0]})
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules == [finding.name for finding in FINDINGS]
    assert len(run["results"]) == len(doubled.findings)
    states = [result["baselineState"] for result in run["results"]]
    assert states.count("unchanged") == 1
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        place = result["locations"][0]["physicalLocation"]["artifactLocation"]
        assert place == {"uri": "ops/case.toml"}
        assert len(result["partialFingerprints"]["finding/v1"]) == 64
    assert "@" not in json.dumps(run["results"])
    paths = [tmp_path / "a.sarif", tmp_path / "b.sarif"]
    for path in paths:
        write_sarif(doubled.findings, path)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_tables_are_capped_and_say_so() -> None:
    text = readable_table(pd.DataFrame({"n": range(60), "x": [None] * 60}))
    assert text.endswith("40 of 60 shown")
    assert len(text.splitlines()) == 42


def test_public_names_load_when_asked_for(capsys: Callable[..., Any]) -> None:
    from credit_forensics import checks

    assert set(checks.__all__) <= set(dir(checks))
    for name in checks.__all__:
        assert getattr(checks, name) is not None
    with pytest.raises(AttributeError, match="assert_all_well"):
        checks.assert_all_well  # noqa: B018
