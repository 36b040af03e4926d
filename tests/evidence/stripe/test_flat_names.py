"""Flat tables under the names that other tools give: capitals, two lines between nested names."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.stripe.load import load_stripe_file
from credit_forensics.evidence.stripe.payments import assemble_payments

SESSION = {
    "id": "cs_live_a1Kite22",
    "created": "2026-03-01 10:00:00.000",
    "amount_total": "900",
    "currency": "usd",
    "customer_id": "cus_Kite",
    "payment_intent_id": "pi_3Kite22",
    "payment_status": "paid",
    "status": "complete",
}


def load(folder: Path, **files: str) -> Evidence:
    evidence = Evidence()
    for name, text in files.items():
        path = folder / name.replace("__", ".")
        path.write_text(text)
        load_stripe_file(evidence, path, path.name)
    assemble_payments(evidence, {})
    return evidence


def csv(*rows: dict[str, str]) -> str:
    return pd.DataFrame(list(rows)).to_csv(index=False)


@pytest.mark.parametrize("capitals", [False, True])
def test_headings_in_capitals_are_those_in_small_letters(tmp_path: Path, capitals: bool) -> None:
    charge = {
        "id": "ch_3Kite22", "amount": "900", "amount_refunded": "400", "currency": "usd",
        "customer_id": "cus_Kite", "payment_intent": "pi_3Kite22", "status": "succeeded",
    }  # fmt: skip
    pair = {"checkout_session_id": SESSION["id"], "key": "user_id", "value": "7"}
    tables = [
        csv({k.upper() if capitals else k: v for k, v in one.items()})
        for one in (SESSION, charge, pair)
    ]
    evidence = load(
        tmp_path, sessions__csv=tables[0], charges__csv=tables[1], metadata__csv=tables[2]
    )
    [row] = evidence.payments.to_dict("records")
    assert (row["payment_id"], row["amount_refunded"]) == (SESSION["id"], 400)
    assert evidence.metadata[["key", "value"]].values.tolist() == [["user_id", "7"]]


def test_names_with_two_lines_are_nested_ones(tmp_path: Path) -> None:
    row = {**SESSION, "object": "checkout.session", "customer_details__email": "a@example.com",
           "metadata__user_id": "7", "metadata__note": None}  # fmt: skip
    evidence = load(tmp_path, sessions__jsonl=json.dumps(row) + "\n")
    assert evidence.payments["payer_email"].tolist() == ["a@example.com"]
    assert evidence.metadata[["key", "value"]].values.tolist() == [["user_id", "7"]]


@pytest.mark.parametrize("beside", [False, True])
def test_the_export_of_all_payments_states_refund_and_card(tmp_path: Path, beside: bool) -> None:
    """A refund that is known itself, from an export of its own, counts once."""
    row = {"id": "pi_3Kite22", "Created date (UTC)": "2026-03-01 10:00:00", "Amount": "9.00",
           "Amount Refunded": "4.00", "Currency": "usd", "Status": "Refunded",
           "Customer Email": "a@example.com", "Card Name": "Ada L", "Card Fingerprint": "Xm1aKq93",
           "Checkout Session ID": SESSION["id"]}  # fmt: skip
    refund = {"id": "re_3Kite22", "object": "refund", "payment_intent": "pi_3Kite22",
              "amount": 400, "currency": "usd", "status": "succeeded"}  # fmt: skip
    files = {"payments__csv": csv(row)}
    if beside:
        files["refunds__jsonl"] = json.dumps(refund) + "\n"
    [paid] = load(tmp_path, **files).payments.to_dict("records")
    assert (paid["amount_refunded"], paid["payer_name"], paid["card_fingerprint"]) == (
        400, "Ada L", "Xm1aKq93",
    )  # fmt: skip
