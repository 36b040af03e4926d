"""Credits of Stripe Billing as a ledger: a small shop that grants what was paid, and its faults."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from credit_forensics.case.case import Case
from credit_forensics.case.doctor import check_up
from credit_forensics.case_file import CaseFile
from credit_forensics.evidence.load import load_evidence
from credit_forensics.new_case.start import start_case
from credit_forensics.repair.plan import make_plan

START = 1_756_720_800
PAYMENTS = 8
AMOUNTS = (1000, 2500, 5000)


def grant(n: int, customer: str, value: int, at: int, **fields: Any) -> dict[str, Any]:
    """A credit grant, as Stripe's API reference shows one."""
    return {
        "id": f"credgr_live_{n:04d}",
        "object": "billing.credit_grant",
        "amount": {"monetary": {"currency": "usd", "value": value}, "type": "monetary"},
        "applicability_config": {"scope": {"price_type": "metered"}},
        "category": "paid",
        "created": at,
        "customer": customer,
        "effective_at": at,
        "expires_at": at + 86400 * 365,
        "livemode": True,
        "metadata": {},
        "name": f"Pack of {value}",
        "voided_at": None,
    } | fields


def transaction(n: int, of: str, type_: str, value: int, at: int) -> dict[str, Any]:
    """A credit balance transaction."""
    side = "credit" if type_ in ("credits_granted",) else "debit"
    moved = {
        "amount": {"monetary": {"currency": "usd", "value": value}, "type": "monetary"},
        "credits_applied": {"invoice": f"in_use{n:03d}", "invoice_line_item": "il_1"}
        if type_ == "credits_applied"
        else None,
        "type": type_,
    }
    return {
        "id": f"cbtxn_live_{n:04d}",
        "object": "billing.credit_balance_transaction",
        "created": at,
        "credit_grant": of,
        "effective_at": at,
        "livemode": True,
        "type": side,
        "credit": None,
        "debit": None,
        side: moved,
    }


def shop(*, named: bool = True, bound: bool = True) -> dict[str, list[dict[str, Any]]]:
    """Eight buyers: the third's credits on the fourth, the sixth's missing, the fifth's voided."""
    made: dict[str, list[dict[str, Any]]] = {
        name: [] for name in ("sessions", "charges", "customers", "refunds", "grants", "moves")
    }
    for n in range(PAYMENTS):
        at, value, customer = START + n * 7200, AMOUNTS[n % 3], f"cus_Buyer{n:03d}"
        email, name = f"buyer{n}@mail{n}.example.org", f"Name{n} Family{n}"
        session = f"cs_live_buy{n:03d}"
        payer = {"email": email, "name": name}
        made["sessions"].append({
            "id": session, "object": "checkout.session", "created": at, "livemode": True,
            "mode": "payment", "status": "complete", "payment_status": "paid",
            "amount_total": value, "currency": "usd", "customer": customer,
            "customer_creation": None, "customer_details": payer,
            "payment_intent": f"pi_buy{n:03d}", "metadata": {},
            "client_reference_id": f"usr_{n:04d}" if bound else None,
        })  # fmt: skip
        made["charges"].append({
            "id": f"ch_buy{n:03d}", "object": "charge", "created": at + 40, "livemode": True,
            "payment_intent": f"pi_buy{n:03d}", "customer": customer, "status": "succeeded",
            "paid": True, "amount": value, "currency": "usd", "disputed": False,
            "amount_refunded": value if n == 4 else 0, "billing_details": payer, "metadata": {},
            "payment_method_details": {"card": {"fingerprint": f"card{n}"}},
        })  # fmt: skip
        made["customers"].append({
            "id": customer, "object": "customer", "created": START - 86400, "email": email,
            "name": name, "metadata": {"appUserId": f"usr_{n:04d}"} if bound else {},
        })  # fmt: skip
        if n == 5:
            continue
        holder = "cus_Buyer003" if n == 2 else customer
        one = grant(n, holder, value, at + 60, metadata={"session": session} if named else {})
        made["moves"].append(transaction(n, one["id"], "credits_granted", value, at + 60))
        if n == 4:
            one["voided_at"] = at + 90000
            made["moves"].append(transaction(40, one["id"], "credits_voided", value, at + 90000))
            made["refunds"].append({
                "id": "re_buy004", "object": "refund", "created": at + 89000, "status": "succeeded",
                "charge": "ch_buy004", "payment_intent": "pi_buy004", "amount": value,
                "currency": "usd",
            })  # fmt: skip
        made["grants"].append(one)
    welcome = grant(90, "cus_Buyer001", 500, START - 3600, category="promotional", name="Welcome")
    made["grants"].append(welcome)
    made["moves"].append(transaction(50, "credgr_live_0000", "credits_applied", 300, START + 99999))
    return made


def write(folder: Path, made: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """The shop as files in a folder; the section ``[stripe]`` that names them."""
    for name, rows in made.items():
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    return {"files": [f"{name}.jsonl" for name in made]}


def judged(
    folder: Path, made: dict[str, list[dict[str, Any]]]
) -> tuple[dict[str, str], set[tuple]]:
    case = Case(load_evidence(CaseFile(stripe=write(folder, made), folder=folder)))
    verdicts = case.verdicts.set_index("payment_id")["verdict"].to_dict()
    found = case.findings[["finding", "payment_id", "credited_user_id"]].fillna("")
    return verdicts, set(found.itertuples(index=False, name=None))


@pytest.mark.parametrize(("bound", "fourth"), [(True, "usr_0003"), (False, "cus_Buyer003")])
def test_grants_on_the_wrong_customer_and_missing_ones_are_found_and_nothing_else(
    tmp_path, bound, fourth
):
    verdicts, found = judged(tmp_path, shop(bound=bound))
    assert found == {
        ("wrong_user", "cs_live_buy002", fourth),
        ("missing_credit", "cs_live_buy005", ""),
    }
    assert verdicts["cs_live_buy000"] == "confirmed"
    # Refunded, and its grant voided: nothing is owed either way.
    assert verdicts["cs_live_buy004"] == "undetermined"


def test_grants_that_name_no_payment_are_paired_by_amount_and_accuse_nobody(tmp_path):
    verdicts, found = judged(tmp_path, shop(named=False))
    assert verdicts["cs_live_buy002"] == "ambiguous"
    assert {finding for finding, *_ in found} == {"missing_credit"}


def test_entries_take_what_was_used_expired_or_voided(tmp_path):
    made = shop()
    made["moves"].append(
        transaction(60, "credgr_live_0001", "credits_expired", 200, START + 900000)
    )
    evidence = load_evidence(CaseFile(stripe=write(tmp_path, made), folder=tmp_path))
    entries = evidence.ledger.set_index("entry_id")
    assert entries.loc["cbtxn_live_0050", ["delta", "kind"]].tolist() == [-300, "usage"]
    assert entries.loc["cbtxn_live_0060", ["delta", "kind"]].tolist() == [-200, "usage"]
    voided = entries.loc["cbtxn_live_0040"]
    assert voided[["delta", "kind", "payment_id"]].tolist() == [-2500, "reversal", "cs_live_buy004"]
    assert entries.loc["credgr_live_0090", "kind"] == "grant"


def test_a_voided_grant_takes_also_where_no_transaction_tells_of_it(tmp_path):
    made = shop()
    made["moves"] = []
    evidence = load_evidence(CaseFile(stripe=write(tmp_path, made), folder=tmp_path))
    entries = evidence.ledger.set_index("entry_id")
    assert entries.loc["credgr_live_0004:void", ["delta", "kind"]].tolist() == [-2500, "reversal"]


def test_a_shop_that_calls_all_its_grants_promotional_sells_those_that_name_a_payment(tmp_path):
    made = shop()
    for one in made["grants"]:
        one["category"] = "promotional"
    _, found = judged(tmp_path, made)
    assert ("wrong_user", "cs_live_buy002", "usr_0003") in found
    evidence = load_evidence(CaseFile(stripe=write(tmp_path, made), folder=tmp_path))
    kinds = evidence.ledger.set_index("entry_id")["kind"]
    assert (kinds["credgr_live_0000"], kinds["credgr_live_0090"]) == ("purchase", "grant")


def as_event(n: int, type_: str, at: int, of: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"evt_bill{n:04d}", "object": "event", "type": type_, "created": at,
        "livemode": True, "api_version": "2025-03-31.basil", "data": {"object": of},
    }  # fmt: skip


def as_events(folder: Path, rows: list[dict[str, Any]]) -> None:
    events = [
        as_event(n, f"{row['object']}.created", row["created"], row) for n, row in enumerate(rows)
    ]
    text = "".join(json.dumps(event) + "\n" for event in events)
    (folder / "credits.jsonl").write_text(text)


def as_page(folder: Path, rows: list[dict[str, Any]]) -> None:
    page = {"object": "list", "data": rows, "has_more": False, "url": "/v1/billing/credit_grants"}
    (folder / "credits.json").write_text(json.dumps(page, indent=1))


def as_parquet(folder: Path, rows: list[dict[str, Any]]) -> None:
    """Flat columns, as a pipeline writes them; a table a kind of object."""
    grants = [row for row in rows if row["object"] == "billing.credit_grant"]
    frame = pd.DataFrame({
        "id": [row["id"] for row in grants],
        "amount_monetary_value": [row["amount"]["monetary"]["value"] for row in grants],
        "amount_monetary_currency": [row["amount"]["monetary"]["currency"] for row in grants],
        "category": [row["category"] for row in grants],
        "customer_id": [row["customer"] for row in grants],
        "created": pd.to_datetime([row["created"] for row in grants], unit="s", utc=True),
        "metadata": [json.dumps(row["metadata"]) for row in grants],
        "voided_at": [row["voided_at"] for row in grants],
    })  # fmt: skip
    connection = duckdb.connect()
    connection.register("frame", frame)
    path = folder / "credits.parquet"
    connection.execute(f"COPY frame TO '{path}' (FORMAT parquet)")


@pytest.mark.parametrize("shape", [as_events, as_page, as_parquet])
def test_grants_are_read_from_whatever_they_come_in(tmp_path, shape):
    made = shop()
    grants, moves = made.pop("grants"), made.pop("moves")
    files = write(tmp_path, made)["files"]
    shape(tmp_path, [*grants, *moves])
    case_file = CaseFile(stripe={"files": [*files, "credits.*"]}, folder=tmp_path)
    evidence = load_evidence(case_file)
    tied = evidence.ledger[evidence.ledger["kind"] == "purchase"].set_index("entry_id")
    assert tied.loc["credgr_live_0001", ["user_id", "delta", "payment_id"]].tolist() == [
        "usr_0001",
        2500,
        "cs_live_buy001",
    ]
    assert len(tied) == PAYMENTS - 1
    assert not evidence.custody.rejects().size


def test_with_a_ledger_of_its_own_the_shop_says_whether_grants_count_as_well(tmp_path):
    stripe = write(tmp_path, shop())
    (tmp_path / "entries.csv").write_text("id,user_id,delta,reason,created_at\n1,usr_0000,9,x,\n")
    own = {"files": {"credit_ledger": "entries.csv"}}
    alone = load_evidence(CaseFile(stripe=stripe, ledger=own, folder=tmp_path))
    assert len(alone.ledger) == 1
    assert "credit grants of Stripe Billing" in " ".join(alone.gaps["consequence"])
    both = CaseFile(stripe=stripe, ledger=own, ledgers=[{"stripe_billing": True}], folder=tmp_path)
    assert len(load_evidence(both).ledger) > PAYMENTS


def test_a_plan_books_nothing_in_stripe_and_says_so(tmp_path):
    case_file = CaseFile(
        stripe=write(tmp_path, shop()), ledger={"stripe_billing": True}, folder=tmp_path
    )
    plan = make_plan(Case(load_evidence(case_file), case_file))
    assert plan.script is None
    assert "Stripe Billing" in plan.refusal
    assert set(plan.rows["finding"]) == {"wrong_user", "missing_credit"}


def test_init_writes_it_and_the_doctor_says_what_was_read_as_the_ledger(tmp_path):
    write(tmp_path, shop())
    case = start_case(tmp_path, lambda _question: None, environment={})
    assert "stripe_billing = true" in case.text
    checkup = check_up(CaseFile(stripe={"files": "*.jsonl"}, folder=tmp_path), store=False)
    assert "of 7 paid grants 7 name their payment" in str(checkup)


@pytest.mark.parametrize(("until", "last"), [(None, False), (START + 10**6, True)])
def test_the_last_payment_lacks_its_grant_only_where_the_export_is_known_to_be_later(
    tmp_path, until, last
):
    made = shop()
    made["grants"] = [one for one in made["grants"] if one["id"] != "credgr_live_0007"]
    made["moves"] = []
    made["refunds"], made["grants"][4]["voided_at"] = [], None
    ledger = {"stripe_billing": True} | (
        {"until": pd.Timestamp(until, unit="s", tz="UTC").to_pydatetime()} if until else {}
    )
    case_file = CaseFile(stripe=write(tmp_path, made), ledger=ledger, folder=tmp_path)
    found = Case(load_evidence(case_file)).findings
    missing = set(found.loc[found["finding"] == "missing_credit", "payment_id"])
    assert ("cs_live_buy007" in missing) is last
