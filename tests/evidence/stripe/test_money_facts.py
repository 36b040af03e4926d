"""Sessions, invoices, invoice payments, intents and charges of one purchase are one payment."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from credit_forensics.case_file import Price
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers.load import link_ledger
from credit_forensics.evidence.stripe.for_credits import settle_for_credits
from credit_forensics.evidence.stripe.load import load_stripe_file
from credit_forensics.evidence.stripe.payments import assemble_payments
from credit_forensics.evidence.stripe.told_nothing import LEAST

DAY = 86_400
BEGUN = 1_756_700_000


def session(**fields):
    return {
        "id": "cs_live_1",
        "object": "checkout.session",
        "created": BEGUN,
        "livemode": True,
        "mode": "subscription",
        "status": "complete",
        "payment_status": "paid",
        "amount_total": 1900,
        "currency": "eur",
        "customer": "cus_1",
        "customer_details": {"email": "ada@example.org", "name": "Ada"},
        "subscription": "sub_1",
        "metadata": {"user_id": "u1"},
    } | fields


def invoice(number="in_1", *, old=False, at=BEGUN, reason="subscription_create", **fields):
    details = {"subscription": "sub_1", "metadata": {"user_id": "u1"}}
    shape = (
        {"subscription": "sub_1", "subscription_details": {"metadata": {"user_id": "u1"}}}
        if old
        else {"parent": {"type": "subscription_details", "subscription_details": details}}
    )
    return (
        {
            "id": number,
            "object": "invoice",
            "created": at,
            "livemode": True,
            "status": "paid",
            "billing_reason": reason,
            "total": 1900,
            "amount_paid": 1900,
            "currency": "eur",
            "customer": "cus_1",
            "customer_email": "ada@example.org",
            "status_transitions": {"paid_at": at + 60},
            "lines": {"object": "list", "data": [line()]},
            "metadata": {},
        }
        | shape
        | fields
    )


def line(of="price_pro", quantity=1, **fields):
    return {
        "id": "il_1",
        "object": "line_item",
        "amount": 1900 * quantity,
        "quantity": quantity,
        "metadata": {},
        "pricing": {"price_details": {"price": of, "product": "prod_1"}},
        "period": {"start": BEGUN, "end": BEGUN + 30 * DAY},
    } | fields


def intent(number="pi_1", at=BEGUN, **fields):
    return {
        "id": number,
        "object": "payment_intent",
        "created": at,
        "status": "succeeded",
        "amount": 1900,
        "currency": "eur",
        "customer": "cus_1",
        "livemode": True,
        "metadata": {},
    } | fields


def charge(number="ch_1", money="pi_1", at=BEGUN + 55, **fields):
    return {
        "id": number,
        "object": "charge",
        "created": at,
        "payment_intent": money,
        "customer": "cus_1",
        "status": "succeeded",
        "paid": True,
        "amount": 1900,
        "amount_refunded": 0,
        "currency": "eur",
        "livemode": True,
        "metadata": {},
    } | fields


def invoice_payment(number="inpay_1", of="in_1", money="pi_1"):
    return {
        "id": number,
        "object": "invoice_payment",
        "invoice": of,
        "status": "paid",
        "payment": {"type": "payment_intent", "payment_intent": money},
    }


def told(name, kind, thing, at=BEGUN + 60, **fields):
    return {
        "id": name,
        "object": "event",
        "type": kind,
        "created": at,
        "livemode": True,
        "data": {"object": thing},
    } | fields


@pytest.fixture
def assembled(tmp_path):
    def build(*objects, prices=None, bindings=()):
        evidence = Evidence()
        path = tmp_path / "objects.jsonl"
        path.write_text("".join(json.dumps(one) + "\n" for one in objects), encoding="utf-8")
        load_stripe_file(evidence, path, path.name)
        if bindings:
            evidence.add("customers", pd.DataFrame(bindings))
        assemble_payments(evidence, prices or {})
        return evidence

    return build


def ids(evidence):
    return evidence.payments["payment_id"].tolist()


def aliases(evidence):
    return evidence.payment_objects.set_index("object_id")["payment_id"].to_dict()


@pytest.mark.parametrize(
    "objects",
    [
        pytest.param(
            [session(invoice="in_1"), invoice(old=True, payment_intent="pi_1", charge="ch_1")],
            id="invoice.payment_intent",
        ),
        pytest.param([session(), invoice(old=True, charge="ch_1")], id="invoice.charge"),
        pytest.param([session(invoice="in_1"), invoice(), invoice_payment()], id="invoice_payment"),
        pytest.param(
            [
                session(),
                invoice(payments={"object": "list", "data": [invoice_payment()]}),
            ],
            id="invoice.payments",
        ),
        pytest.param(
            [told("evt_1", "invoice.paid", invoice()), session(), invoice_payment()], id="event"
        ),
        pytest.param([session(invoice=invoice(payment_intent=intent()))], id="expanded"),
    ],
)
def test_the_first_month_of_a_subscription_is_one_payment(assembled, objects):
    evidence = assembled(*objects, intent(), charge())
    assert ids(evidence) == ["cs_live_1"]
    found = aliases(evidence)
    assert {found[name] for name in ("in_1", "pi_1", "ch_1")} == {"cs_live_1"}
    assert set(evidence.payment_objects["tie"]) == {"named"}
    (row,) = evidence.payments.to_dict("records")
    assert (row["kind"], row["billing_reason"], row["subscription_id"]) == (
        "checkout",
        "subscription_create",
        "sub_1",
    )


@pytest.mark.parametrize(
    "objects",
    [
        [charge(invoice="in_2"), intent()],
        [charge(), intent(invoice="in_2")],
    ],
)
def test_money_that_names_an_invoice_which_was_not_read_is_that_invoices(assembled, objects):
    evidence = assembled(*objects)
    assert ids(evidence) == ["in_2"]
    assert set(aliases(evidence)) == {"pi_1", "ch_1"}


def test_a_renewal_has_its_invoices_id_and_says_what_it_pays_for(assembled):
    evidence = assembled(
        session(invoice="in_1"),
        invoice(old=True, payment_intent="pi_1"),
        invoice("in_2", old=True, at=BEGUN + 30 * DAY, reason="subscription_cycle"),
        invoice_payment("inpay_2", "in_2", "pi_2"),
        charge("ch_2", "pi_2", BEGUN + 30 * DAY + 55, billing_details={"name": "Ada B"}),
    )
    (row,) = evidence.payments.query("payment_id == 'in_2'").to_dict("records")
    assert (row["kind"], row["mode"], row["payment_status"]) == ("invoice", "subscription", "paid")
    assert row["period_end"] - row["period_start"] == pd.Timedelta(days=30)
    assert (row["payer_email"], row["payer_name"]) == ("ada@example.org", "Ada B")
    named = evidence.metadata.query("payment_id == 'in_2' and key == 'user_id'")
    assert named[["source", "value"]].values.tolist() == [["subscription", "u1"]]


@pytest.mark.parametrize(
    ("apart", "amount", "customer", "payments"),
    [
        (600, 1900, "cus_1", 1),
        (601, 1900, "cus_1", 2),
        (0, 1901, "cus_1", 2),
        (0, 1900, "cus_2", 2),
    ],
)
def test_money_without_any_id_is_tied_by_customer_sum_and_time(
    assembled, apart, amount, customer, payments
):
    paid_at = BEGUN + 60
    evidence = assembled(invoice(), charge(at=paid_at - apart, amount=amount, customer=customer))
    assert len(ids(evidence)) == payments
    if payments == 1:
        assert set(evidence.payment_objects["tie"]) == {"inferred"}


def test_one_charge_is_not_taken_for_two_invoices(assembled):
    evidence = assembled(invoice("in_1"), invoice("in_2", at=BEGUN + 10), charge())
    assert sorted(ids(evidence)) == ["in_1", "in_2"]
    assert aliases(evidence) == {"ch_1": "in_1", "pi_1": "in_1"}


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, "paid"),
        ({"total": 0, "amount_paid": 0}, "no_payment_required"),
        # Paid from the customer's balance: the money came before.
        ({"amount_paid": 0}, "paid"),
        ({"status": "open", "amount_paid": 0}, "unpaid"),
        ({"status": "void", "amount_paid": 0}, "unpaid"),
    ],
)
def test_what_became_of_an_invoice(assembled, fields, status):
    (row,) = assembled(invoice(**fields)).payments.to_dict("records")
    assert row["payment_status"] == status


def test_entries_events_and_reasons_find_the_payment_by_any_alias(assembled):
    evidence = assembled(
        session(invoice="in_1"),
        invoice(),
        invoice_payment(),
        intent(),
        charge(),
        told("evt_1", "invoice.paid", invoice()),
        told("evt_2", "invoice_payment.paid", invoice_payment()),
        told("evt_3", "charge.succeeded", charge()),
    )
    assert set(evidence.events["payment_id"]) == {"cs_live_1"}
    named = [{"payment_id": name} for name in ("in_1", "inpay_1", "pi_1", "ch_1")]
    named += [{"reason": "grant for in_1"}, {"reason": "refund of ch_1"}, {"event_id": "evt_2"}]
    entries = pd.DataFrame(named).astype("str").replace("nan", None)
    evidence.add("ledger", entries.assign(entry_id=[str(n) for n in range(len(named))]))
    link_ledger(evidence)
    assert evidence.ledger["payment_id"].tolist() == ["cs_live_1"] * len(named)


@pytest.mark.parametrize(
    ("lines", "prices", "expected"),
    [
        ([line()], {"price_pro": 500}, 500),
        ([line(quantity=3)], {"price_pro": 500}, 1500),
        ([line(), line("price_extra", 2)], {"price_pro": 500, "price_extra": 20}, 540),
        ([line(), line("price_book")], {"price_pro": 500}, 500),
        ([line("price_book")], {"price_pro": 500}, 0),
        ([line(proration=True)], {"price_pro": 500}, None),
        ([line(pricing=None, price={"id": "p", "metadata": {"credits": "40"}})], {}, 40),
        ([line()], {"price_pro": Price(credits=7, amount=1900, currency="EUR")}, 7),
        ([line()], {}, None),
    ],
)
def test_what_its_lines_are_worth(assembled, lines, prices, expected):
    evidence = assembled(invoice(lines={"object": "list", "data": lines}), prices=prices)
    found = evidence.payments["expected_credits"][0]
    assert (None if pd.isna(found) else found) == expected


def test_credits_in_the_metadata_of_a_price_or_product_file(assembled):
    price = {"id": "price_pro", "object": "price", "product": "prod_1", "metadata": {}}
    product = {"id": "prod_1", "object": "product", "metadata": {"credits": "12"}}
    assert assembled(invoice(), price, product).payments["expected_credits"][0] == 12
    listed = price | {"metadata": {"credits": "9"}}
    assert assembled(invoice(), listed, product).payments["expected_credits"][0] == 9


def test_a_connected_accounts_event_gives_its_payment_the_account(assembled):
    evidence = assembled(session(), told("evt_1", "x", session(), account="acct_2"))
    assert evidence.payments["account"].tolist() == ["acct_2"]
    assert evidence.events["account"].tolist() == ["acct_2"]


@pytest.mark.parametrize(
    ("older_by", "preset"), [(DAY + 1, False), (DAY, True), (-60, True), (None, True)]
)
def test_a_renewals_binding_is_a_witness_where_it_is_older_than_the_subscription(
    assembled, older_by, preset
):
    bound_at = None if older_by is None else pd.Timestamp(BEGUN - older_by, unit="s", tz="UTC")
    bindings = [{"customer_id": "cus_1", "user_id": "u1", "bound_at": bound_at}]
    evidence = assembled(
        session(invoice="in_1"),
        invoice("in_2", at=BEGUN + 30 * DAY, reason="subscription_cycle"),
        bindings=bindings,
    )
    renewal = evidence.payments.query("payment_id == 'in_2'")
    assert renewal["customer_preset"].tolist() == [preset]


def orders(count, booked, *, status="paid", price="book", credits=None, first=1):
    """Payments of a price, of which the first ``booked`` have a purchase entry."""
    names = [f"{price}_{number}" for number in range(count)]
    payments = pd.DataFrame(
        {
            "payment_id": names,
            "price_id": price,
            "payment_status": status,
            "for_credits": "yes",
            "expected_credits": pd.array([credits] * count, dtype="Int64"),
            "created_at": [
                pd.Timestamp("2025-09-01", tz="UTC") + pd.Timedelta(days=first + number)
                for number in range(count)
            ],
        }
    )
    ledger = pd.DataFrame({"payment_id": names[:booked], "kind": "purchase", "delta": 5})
    return payments, ledger


def settled(*groups, **given):
    evidence = Evidence()
    for payments, ledger in groups:
        evidence.add("payments", payments)
        if len(ledger):
            evidence.add("ledger", ledger)
    return settle_for_credits(evidence, **given), evidence


@pytest.mark.parametrize(
    ("count", "credits", "expected"),
    [(LEAST, None, {"price book": "probably not"}), (LEAST - 1, None, {}), (LEAST, 40, {})],
)
def test_a_price_that_never_brought_an_entry_is_probably_not_for_credits(count, credits, expected):
    classes, evidence = settled(
        orders(count, 0, credits=credits), orders(5, 5, price="pack", first=0)
    )
    assert classes == expected
    assert len(evidence.custody.gaps()) == len(expected)


def test_where_nothing_else_was_granted_meanwhile_nothing_is_said_of_a_price():
    assert settled(orders(4, 0), orders(3, 3, price="pack", first=90))[0] == {}


@pytest.mark.parametrize(
    ("count", "booked", "credits", "expected"),
    [
        (5, 3, None, "yes"),
        (5, 2, None, "no"),
        (4, 2, None, "probably not"),
        (LEAST, 0, None, "probably not"),
        (LEAST + 1, 0, None, "no"),
        (LEAST, 0, 50, "yes"),
        (LEAST + 1, 0, 50, "no"),
    ],
)
def test_free_orders_follow_what_the_others_got(count, booked, credits, expected):
    given = orders(count, booked, status="no_payment_required", price="gift", credits=credits)
    classes, evidence = settled(given)
    assert classes == {"free gift": expected}
    assert set(evidence.payments["for_credits"]) == {expected}


@pytest.mark.parametrize(
    ("amount", "credits", "expected"),
    [
        # A discount leaves nothing to pay, and the price is worth credits all the same.
        (500, 40, {"free month": "yes"}),
        # A trial: nothing was sold.
        (0, 40, {"trial month": "probably not"}),
        (None, 40, {"free month": "yes"}),
    ],
)
def test_a_trial_is_owed_no_credits_where_a_full_discount_is(amount, credits, expected):
    given, _ = orders(1, 0, status="no_payment_required", price="month", credits=credits)
    lines = pd.DataFrame({"payment_id": given["payment_id"], "amount": amount})
    evidence = Evidence()
    evidence.add("payments", given)
    evidence.add("payment_items", lines.astype({"amount": "Int64"}))
    assert settle_for_credits(evidence) == expected


@pytest.mark.parametrize(
    ("count", "booked", "expected"),
    [
        (LEAST, 0, {"account acct_2": "no"}),
        (LEAST - 1, 0, {"account acct_2": "probably not"}),
        (5, 2, {"account acct_2": "probably not"}),
        (4, 2, {}),
    ],
)
def test_what_a_connected_account_sells_is_its_own_unless_it_is_granted(count, booked, expected):
    theirs, entries = orders(count, booked, price="sale", credits=40)
    theirs["account"] = "acct_2"
    own = orders(3, 3, price="pack", credits=50)
    classes, evidence = settled((theirs, entries), own)
    assert classes == expected
    of_theirs = evidence.payments.query("account == 'acct_2'")["for_credits"]
    assert set(of_theirs) == set(expected.values() or ["yes"])
    # Where nothing of the own sales is granted either, nobody knows whose are for credits.
    assert settled((theirs, entries), orders(3, 0, price="pack", credits=50))[0] == {}


@pytest.mark.parametrize(("free", "expected"), [("granted", "yes"), ("not_granted", "no")])
def test_the_case_file_settles_free_orders(free, expected):
    given = orders(4, 2, status="no_payment_required", price="gift")
    assert settled(given, free=free)[0] == {"free gift": expected}


def test_a_part_of_the_payments_takes_what_all_of_them_settled():
    known = {"price book": "probably not"}
    _, evidence = settled(orders(1, 0), known=known)
    assert evidence.payments["for_credits"].tolist() == ["probably not"]


@pytest.mark.parametrize(
    ("of_intent", "of_charge", "expected"),
    [
        # Taken whole; in part, and the rest let go; not taken yet; let go.
        ({}, {"captured": True, "amount_captured": 1900}, ["paid", 1900, 0]),
        (
            {"amount_received": 500},
            {"captured": True, "amount_captured": 500, "amount_refunded": 1400},
            ["paid", 500, 0],
        ),
        # What was taken in part may go back as well.
        (
            {"amount_received": 500},
            {"captured": True, "amount_captured": 500, "amount_refunded": 1600},
            ["paid", 500, 200],
        ),
        ({"status": "requires_capture"}, {"captured": False}, ["unpaid", 1900, 0]),
        (
            {"status": "canceled"},
            {"captured": False, "refunded": True, "amount_refunded": 1900},
            ["unpaid", 1900, 0],
        ),
        # A shape of the API that does not say.
        ({}, {"amount_refunded": 1900}, ["paid", 1900, 1900]),
    ],
)
def test_an_authorisation_is_paid_so_far_as_it_is_captured(
    assembled, of_intent, of_charge, expected
):
    payments = assembled(intent(**of_intent), charge(**of_charge)).payments
    assert payments[["payment_status", "amount", "amount_lost"]].values.tolist() == [expected]
