"""Dashboard exports: headings in any case, comma decimals, metadata columns, damage."""

from __future__ import annotations

import pandas as pd
import pytest

from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.stripe.load import load_stripe_file
from credit_forensics.evidence.stripe.payments import assemble_payments
from credit_forensics.money import minor_units

UNIFIED = [
    "id",
    "Created date (UTC)",
    "Amount",
    "Amount Refunded",
    "Currency",
    "Captured",
    "Converted Amount",
    "Converted Amount Refunded",
    "Converted Currency",
    "Decline Reason",
    "Description",
    "Fee",
    "Refunded date (UTC)",
    "Statement Descriptor",
    "Status",
    "Seller Message",
    "Taxes On Fee",
    "Card ID",
    "Card Name",
    "Card Fingerprint",
    "Disputed Amount",
    "Dispute Status",
    "Mode",
    "PaymentIntent ID",
    "Payment Source Type",
    "Invoice ID",
    "Customer ID",
    "Customer Description",
    "Customer Email",
    "Checkout Session ID",
    "Checkout Line Item Summary",
    "Client Reference ID",
    "user_id (metadata)",
    "Plan_Name (metadata)",
]


def row(**fields: str) -> list[str]:
    names = {name.lower(): name for name in UNIFIED}
    known = {
        "id": "ch_1",
        "created date (utc)": "2025-09-01 14:39:07",
        "amount": "399.00",
        "amount refunded": "0.00",
        "currency": "eur",
        "captured": "true",
        "status": "Paid",
        "mode": "Live",
        "paymentintent id": "pi_1",
        "card fingerprint": "fp_1",
        "card name": "Ada Example",
        "customer email": "ada@example.com",
        "checkout session id": "cs_live_1",
        "client reference id": "00123",
        "user_id (metadata)": "00123",
    } | {key.replace("_", " ") if key not in names else key: v for key, v in fields.items()}
    return [known.get(name.lower(), "") for name in UNIFIED]


def text(*rows: list[str], delimiter: str = ",", headings: list[str] = UNIFIED) -> str:
    quoted = [
        [f'"{cell}"' if set(cell) & set(',;"\n\t') else cell for cell in cells]
        for cells in (headings, *rows)
    ]
    return "\r\n".join(delimiter.join(cells) for cells in quoted) + "\r\n"


@pytest.fixture
def load(tmp_path):
    def _load(content: str | bytes, name: str = "unified_payments.csv") -> Evidence:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        evidence = Evidence()
        load_stripe_file(evidence, path, name, "sessions")
        return evidence

    return _load


def test_a_row_of_the_unified_export_is_a_charge_and_its_session(load):
    evidence = load(text(row()))
    assemble_payments(evidence, {})
    payment = evidence.payments.iloc[0]
    assert len(evidence.payments) == 1
    assert payment["payment_id"] == "cs_live_1"
    assert payment["created_at"] == pd.Timestamp("2025-09-01 14:39:07", tz="UTC")
    assert payment["amount"] == 39900
    assert payment["currency"] == "eur"
    assert payment["payment_status"] == "paid"
    assert payment["payment_intent_id"] == "pi_1"
    assert payment["card_fingerprint"] == "fp_1"
    assert payment["payer_email"] == "ada@example.com"
    assert payment["payer_name"] == "Ada Example"
    assert payment["client_reference_id"] == "00123"
    assert bool(payment["livemode"])
    assert evidence.metadata[["source", "key", "value"]].values.tolist() == [
        ["charge", "user_id", "00123"]
    ]
    source = evidence.custody.inputs[0]
    assert (source.taken_for, source.rows, source.rejects) == ("stripe csv", 1, 0)


@pytest.mark.parametrize(
    ("second", "kept", "notes"),
    [
        ("00123", {"user_id": "00123"}, []),
        ("", {"user_id": "00123"}, []),
        ("00777", {}, ["1 values of metadata stand twice and differ; they stay empty"]),
    ],
)
def test_two_columns_of_one_key_count_where_they_agree(load, second, kept, notes):
    evidence = load(text([*row(), second], headings=[*UNIFIED, "user_id (metadata)"]))
    charge = evidence.frame("stripe_charges").iloc[0]
    assert dict(charge["metadata"] or {}) == kept
    assert [n for n in evidence.custody.inputs[0].notes if "twice" in n] == notes


def test_a_year_that_no_report_knows_is_no_time(load):
    evidence = load(text(row(**{"created date (utc)": "275760-09-13 00:00:00"})))
    assert evidence.frame("stripe_charges")["created_at"].isna().tolist() == [True]


@pytest.mark.parametrize("change", [str.upper, str.lower, str.title, lambda s: f"  {s} "])
def test_headings_in_any_case(load, change):
    headings = [name if "(metadata)" in name else change(name) for name in UNIFIED]
    evidence = load(text(row(), headings=headings))
    charge = evidence.frame("stripe_charges").iloc[0]
    assert charge["amount"] == 39900
    assert charge["payment_intent_id"] == "pi_1"
    assert dict(charge["metadata"]) == {"user_id": "00123"}


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_byte_order_mark_comma_decimals_and_other_delimiters(load, delimiter):
    content = text(row(amount="399,00"), row(id="ch_2", amount="1.234,50"), delimiter=delimiter)
    evidence = load(b"\xef\xbb\xbf" + content.encode())
    assert evidence.frame("stripe_charges")["amount"].tolist() == [39900, 123450]
    assert evidence.custody.rejects().empty


def test_metadata_keys_keep_their_case(load):
    evidence = load(text(row(**{"plan_name (metadata)": "Gold, big"})))
    found = dict(evidence.frame("stripe_charges")["metadata"].iloc[0])
    assert found == {"user_id": "00123", "Plan_Name": "Gold, big"}


@pytest.mark.parametrize(
    ("status", "payment_status"),
    [("Paid", "paid"), ("Refunded", "paid"), ("Failed", "unpaid"), ("Pending", "unpaid")],
)
def test_what_a_status_means(load, status, payment_status):
    evidence = load(text(row(status=status)))
    assemble_payments(evidence, {})
    assert evidence.payments["payment_status"].tolist() == [payment_status]


def test_refunds_and_a_lost_dispute(load):
    evidence = load(
        text(
            row(amount_refunded="100.00"),
            row(
                id="ch_2",
                **{
                    "paymentintent id": "pi_2",
                    "checkout session id": "cs_live_2",
                    "disputed amount": "399.00",
                    "dispute status": "lost",
                },
            ),
            row(
                id="ch_3",
                **{
                    "paymentintent id": "pi_3",
                    "checkout session id": "cs_live_3",
                    "disputed amount": "399.00",
                    "dispute status": "won",
                },
            ),
        )
    )
    assemble_payments(evidence, {})
    found = evidence.payments.set_index("payment_id")
    assert found["amount_lost"].to_dict() == {
        "cs_live_1": 10000,
        "cs_live_2": 39900,
        "cs_live_3": 0,
    }
    assert found["disputed"].tolist() == [False, True, False]


def test_a_dispute_known_itself_overrules_the_export(load):
    evidence = load(text(row(**{"disputed amount": "399.00", "dispute status": "needs_response"})))
    evidence.add(
        "stripe_disputes",
        pd.DataFrame([{"dispute_id": "du_1", "charge_id": "ch_1", "status": "won", "amount": 1}]),
    )
    assemble_payments(evidence, {})
    assert evidence.payments["disputed"].tolist() == [False]


def test_the_export_does_not_move_the_time_of_a_session(load):
    evidence = load(text(row()))
    created = pd.Timestamp("2025-09-01 14:30", tz="UTC")
    evidence.add(
        "stripe_sessions",
        pd.DataFrame([{"session_id": "cs_live_1", "created_at": created, "status": "complete"}]),
    )
    assemble_payments(evidence, {})
    assert evidence.payments["created_at"].tolist() == [created]


def test_a_session_without_an_intent_column_is_still_one_payment(load):
    headings = [name for name in UNIFIED if name != "PaymentIntent ID"]
    cells = [c for name, c in zip(UNIFIED, row(), strict=True) if name != "PaymentIntent ID"]
    evidence = load(text(cells, headings=headings))
    assemble_payments(evidence, {})
    payment = evidence.payments.iloc[0]
    assert len(evidence.payments) == 1
    assert payment["payment_id"] == "cs_live_1"
    assert payment["amount"] == 39900
    assert payment["payment_status"] == "paid"
    assert payment["payer_email"] == "ada@example.com"
    assert any("PaymentIntent ID" in note for note in evidence.custody.inputs[0].notes)


def test_lone_intents_refunds_disputes_and_customers_have_their_exports(load):
    intents = load(text(row(id="pi_9", status="requires_payment_method", mode="Test")))
    assert intents.frame("stripe_intents")[["status", "livemode"]].values.tolist() == [
        ["requires_payment_method", False]
    ]
    refunds = load(
        "id,Created (UTC),Amount,Currency,Status,Charge ID\nre_1,2025-09-02 10:00,12.5,usd,succeeded,ch_1\n"
    )
    assert refunds.frame("stripe_refunds")[["charge_id", "amount"]].values.tolist() == [
        ["ch_1", 1250]
    ]
    disputes = load(
        "id,Created (UTC),Amount,Currency,Status,Charge ID\ndu_1,2025-09-02 10:00,12.5,usd,Needs response,ch_1\n"
    )
    assert disputes.frame("stripe_disputes")["status"].tolist() == ["needs_response"]
    customers = load(
        "id,Description,Email,Name,Created (UTC)\ncus_1,,ada@example.com,Ada,2025-09-02 10:00\n"
    )
    assert customers.frame("stripe_customers")["email"].tolist() == ["ada@example.com"]


@pytest.mark.parametrize(
    ("created", "heading", "expected"),
    [
        ("2025-09-01 14:39:07", "Created date (UTC)", "2025-09-01 14:39:07"),
        ("2025-09-01 14:39", "Created (UTC)", "2025-09-01 14:39"),
        ("2025-09-01T14:39:07Z", "created", "2025-09-01 14:39:07"),
        ("2025-09-01T14:39:07+02:00", "created", "2025-09-01 12:39:07"),
        ("1756737547", "created", "2025-09-01 14:39:07"),
        ("2025-09-01 14:39:07", "Created date (Europe/Berlin)", "2025-09-01 12:39:07"),
        ("soon", "created", None),
    ],
)
def test_times_in_the_forms_exports_have(load, created, heading, expected):
    evidence = load(f"id,{heading},Amount,Currency,Status\nch_1,{created},1.00,usd,Paid\n")
    found = evidence.frame("stripe_charges")["created_at"].iloc[0]
    assert (pd.isna(found) and expected is None) or found == pd.Timestamp(expected, tz="UTC")


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        ("399,00", "eur", 39900),
        ("399", "eur", 39900),
        ("1,000.00", "usd", 100000),
        ("1'234.50", "chf", 123450),
        ("1 234,50", "eur", 123450),
        ("1.234.567", "jpy", 1234567),
        ("500", "jpy", 500),
        ("500.00", "jpy", 500),
        ("1.234", "kwd", 1234),
        ("1,234", "kwd", 1234),
        ("1.5", "bhd", 1500),
        ("100", "ugx", 10000),
        ("-5.00", "eur", -500),
        ("(5.00)", "eur", -500),
        ("€ 5,00", "eur", 500),
        ("5.00 EUR", "eur", 500),
        ("0.00", "", 0),
        ("5.005", "eur", 500500),
        ("5.0059", "eur", None),
        ("five", "eur", None),
        ("٥٫٠٠", "eur", None),
        ("99999999999999999999", "eur", None),
        (",", "eur", None),
    ],
)
def test_major_units_to_minor_units(amount, currency, expected):
    assert minor_units(amount, currency) == expected


def test_amounts_that_cannot_be_read_stay_empty_and_are_counted(load):
    evidence = load(text(row(amount="n/a"), row(id="ch_2")))
    assert evidence.frame("stripe_charges")["amount"].isna().tolist() == [True, False]
    assert evidence.custody.inputs[0].notes == ["1 amounts could not be read and stay empty"]


def test_bad_rows_are_kept_with_their_line_and_the_rest_is_read(load):
    good = text(row(), row(id="ch_2"), row(id="ch_3")).split("\r\n")
    rows = [good[0], good[1], "ch_short,2025", "", 'ch_open,"never closed', good[2], "x" + good[3]]
    evidence = load("\r\n".join([*rows, good[3]]))
    assert sorted(evidence.frame("stripe_charges")["charge_id"]) == ["ch_1", "ch_2", "ch_3"]
    found = evidence.custody.rejects()
    assert found[["line", "reason"]].values.tolist() == [
        [3, f"2 fields where the heading has {len(UNIFIED)}"],
        [5, "a quote that does not end"],
        [7, "no id of a Stripe object"],
    ]


def test_a_description_over_several_lines_is_one_row(load):
    evidence = load(text(row(description="one\ntwo, three"), row(id="ch_2")))
    assert evidence.custody.rejects().empty
    assert evidence.count("stripe_charges") == 2


def test_windows_text_is_read(load):
    content = text(row(**{"card name": "Jürgen Müller"})).encode("cp1252")
    assert load(content).frame("stripe_charges")["billing_name"].tolist() == ["Jürgen Müller"]


def test_a_heading_alone_is_no_error(load):
    evidence = load(text())
    assert evidence.custody.inputs[0].rows == 0
    assert evidence.custody.rejects().empty


def test_sessions_with_api_names_have_minor_units(load):
    evidence = load(
        "id,created,amount_total,currency,status,payment_status,client_reference_id\n"
        "cs_live_1,1756737547,39900,eur,complete,paid,00123\n"
    )
    found = evidence.frame("stripe_sessions").iloc[0]
    assert found["amount_total"] == 39900
    assert found["payment_status"] == "paid"
    assert found["client_reference_id"] == "00123"


@pytest.mark.parametrize(
    ("headings", "amount", "minor"),
    [
        # A flat table has minor units, the Dashboard major ones, whatever the case of its headings.
        ("id,created,amount,currency,status,payment_intent_id,customer_id", "900", 900),
        ("id,created,amount,currency,status,payment_intent_id,customer_id", "9.00", 900),
        ("id,created,amount,currency,status,paymentintent id,customer id", "9", 900),
    ],
)
def test_a_flat_table_is_told_from_the_dashboards_by_headings_and_decimals(
    load, headings, amount, minor
):
    evidence = load(f"{headings}\nch_1,2025-09-01 12:00:00,{amount},eur,succeeded,pi_1,cus_1\n")
    (found,) = evidence.frame("stripe_charges").to_dict("records")
    assert (found["amount"], found["payment_intent_id"]) == (minor, "pi_1")
    assert found["created_at"] == pd.Timestamp("2025-09-01 12:00", tz="UTC")


@pytest.mark.parametrize("own", ["_fivetran_synced", "_airbyte_extracted_at", "_sdc_batched_at"])
def test_a_tools_own_column_does_not_make_a_flat_table_the_dashboards(load, own):
    evidence = load(
        f"id,created,status,total,amount_paid,customer_id,subscription_id,{own}\n"
        "in_1,2025-09-01T12:00:00Z,paid,900,900,cus_1,sub_1,2026-04-28T00:00:00Z\n"
    )
    (found,) = evidence.frame("stripe_invoices").to_dict("records")
    assert (found["amount_paid"], found["subscription_id"]) == (900, "sub_1")


def test_a_damaged_row_of_a_flat_table_costs_that_row(load):
    evidence = load(
        "id,created,amount,customer_id\nch_1,1756737547,900,cus_1\nch_2,1\nch_3,,,cus_3\n"
    )
    assert evidence.frame("stripe_charges")["charge_id"].tolist() == ["ch_1", "ch_3"]
    assert evidence.custody.rejects()["reason"].tolist() == ["2 fields where the heading has 4"]


def test_an_export_that_an_office_saved_again_keeps_its_times(load):
    evidence = load(
        "id;Created date (UTC);Amount;Currency;Status;PaymentIntent ID\n"
        "ch_1;28.05.2026 20:26;5,00;usd;Paid;pi_1\n"
    )
    (found,) = evidence.frame("stripe_charges").to_dict("records")
    assert found["created_at"] == pd.Timestamp("2026-05-28 20:26", tz="UTC")


def test_the_answer_of_a_query_may_call_the_sessions_id_by_its_name(load):
    evidence = load(
        "checkout_session_id,created,amount_total,payment_status,payment_intent_id\n"
        "cs_live_1,2025-09-01 12:00:00.000,900,paid,pi_1\n"
    )
    (found,) = evidence.frame("stripe_sessions").to_dict("records")
    assert (found["session_id"], found["payment_intent_id"]) == ("cs_live_1", "pi_1")


@pytest.mark.parametrize("headings", ["id,event_id,payload", "nr,kind,body"])
def test_a_table_that_keeps_events_as_text_is_read_by_its_payloads(load, headings):
    session = '{""id"": ""cs_live_1"", ""object"": ""checkout.session"", ""metadata"": {}}'
    event = f'{{""id"": ""evt_1"", ""object"": ""event"", ""data"": {{""object"": {session}}}}}'
    evidence = load(f'{headings}\n1,evt_1,"{event}"\n2,evt_2,"{{broken"\n')
    assert evidence.frame("stripe_events")["event_id"].tolist() == ["evt_1"]
    assert evidence.frame("stripe_sessions")["session_id"].tolist() == ["cs_live_1"]
    assert evidence.custody.rejects()["line"].tolist() == [3]
