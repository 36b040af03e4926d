"""One payment a session, merged from whatever tells of it."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.stripe.payments import assemble_payments
from credit_forensics.tables.catalogue import spec

T0 = pd.Timestamp("2025-09-01 12:00", tz="UTC")


def at(minutes: float) -> pd.Timestamp:
    return T0 + pd.Timedelta(minutes=minutes)


def session(**fields):
    row = {
        "session_id": "cs_1",
        "created_at": at(0),
        "livemode": True,
        "mode": "payment",
        "status": "complete",
        "payment_status": "paid",
        "amount_total": 999,
        "currency": "eur",
        "payment_intent_id": "pi_1",
        "source": "sessions",
    }
    return row | fields


def charge(**fields):
    row = {
        "charge_id": "ch_1",
        "created_at": at(2),
        "payment_intent_id": "pi_1",
        "status": "succeeded",
        "paid": True,
        "amount": 999,
        "currency": "eur",
        "amount_refunded": 0,
        "disputed": False,
        "card_fingerprint": "fp_1",
        "source": "charges",
    }
    return row | fields


def event(**fields):
    row = {
        "event_id": "evt_1",
        "type": "checkout.session.completed",
        "created_at": at(3),
        "object_id": "cs_1",
        "object_type": "checkout.session",
        "livemode": True,
    }
    return row | fields


def assembled(prices=None, **rows) -> Evidence:
    evidence = Evidence()
    for name, values in rows.items():
        frame = pd.DataFrame(values)
        if "metadata" in frame:
            frame["metadata"] = [
                list(value.items()) if isinstance(value, dict) else None
                for value in frame["metadata"]
            ]
        evidence.add(f"stripe_{name}", _typed(f"stripe_{name}", frame))
    assemble_payments(evidence, prices or {})
    return evidence


def _typed(name, frame):
    import pyarrow as pa

    schema = spec(name).arrow_schema
    return pa.table(
        {
            column: pa.array(
                [None if value is pd.NaT else value for value in frame[column].tolist()]
                if column == "metadata"
                else [None if pd.isna(value) else value for value in frame[column].tolist()],
                schema.field(column).type,
            )
            for column in frame.columns
        }
    )


def only(evidence: Evidence) -> dict:
    rows = evidence.payments
    assert len(rows) == 1
    return rows.iloc[0].to_dict()


def test_a_session_its_charge_and_its_event_are_one_payment():
    evidence = assembled(
        sessions=[
            session(
                customer_id="cus_1",
                customer_creation="always",
                details_email="a@example.com",
                details_name="Ada Example",
                client_reference_id="00123",
                metadata={"user_id": "00123", "credits": "50"},
            )
        ],
        charges=[charge(customer_id="cus_1", billing_email="b@example.com")],
        events=[event()],
    )
    payment = only(evidence)
    assert payment["payment_id"] == "cs_1"
    assert payment["completed_at"] == at(3)
    assert payment["payment_status"] == "paid"
    assert payment["card_fingerprint"] == "fp_1"
    assert payment["payer_email"] == "a@example.com"
    assert payment["payer_name"] == "Ada Example"
    assert payment["client_reference_id"] == "00123"
    assert not payment["customer_preset"]
    assert payment["expected_credits"] == 50
    assert payment["amount_refunded"] == 0
    assert payment["amount_lost"] == 0
    assert evidence.events["payment_id"].tolist() == ["cs_1"]
    assert evidence.metadata[["position", "key", "value"]].values.tolist() == [
        [1, "user_id", "00123"],
        [2, "credits", "50"],
    ]


def test_the_latest_snapshot_wins_and_an_absent_field_says_nothing():
    evidence = assembled(
        sessions=[
            session(
                status="open",
                payment_status="unpaid",
                metadata={"user_id": "old"},
                client_reference_id="ref",
                source="events",
                snapshot_at=at(0),
            ),
            session(
                created_at=None,
                payment_status="unpaid",
                details_email="late@example.com",
                metadata={"user_id": "new"},
                source="events",
                snapshot_at=at(5),
            ),
            session(metadata={}, details_email=None, client_reference_id=None),
        ]
    )
    payment = only(evidence)
    assert payment["created_at"] == at(0)
    assert (payment["status"], payment["payment_status"]) == ("complete", "paid")
    assert payment["client_reference_id"] == "ref"
    assert payment["payer_email"] == "late@example.com"
    assert evidence.metadata["value"].tolist() == ["new"]


def test_the_same_object_in_two_files_is_one():
    rows = [session(metadata={"k": "v"}), session(metadata={"k": "v"})]
    evidence = assembled(sessions=rows, charges=[charge()] * 2, events=[event()] * 3)
    assert len(evidence.payments) == 1
    assert len(evidence.events) == 1
    assert len(evidence.metadata) == 1


def test_a_lone_intent_or_charge_is_a_payment():
    evidence = assembled(
        intents=[
            {
                "payment_intent_id": "pi_9",
                "status": "succeeded",
                "amount": 500,
                "currency": "usd",
                "receipt_email": "r@example.com",
                "created_at": at(1),
                "metadata": {"user_id": "u9"},
            },
            {"payment_intent_id": "pi_8", "status": "canceled", "amount": 5},
        ],
        charges=[
            charge(charge_id="ch_9", payment_intent_id="pi_9"),
            charge(charge_id="ch_old", payment_intent_id=None, billing_email="o@example.com"),
        ],
    )
    rows = evidence.payments.set_index("payment_id")
    assert sorted(rows.index) == ["ch_old", "pi_8", "pi_9"]
    assert rows.loc["pi_9", ["payment_status", "amount", "currency", "payer_email"]].tolist() == [
        "paid",
        500,
        "usd",
        "r@example.com",
    ]
    assert rows.loc["pi_9", "completed_at"] == at(2)
    assert rows.loc["pi_8", ["status", "payment_status"]].tolist() == ["expired", "unpaid"]
    assert pd.isna(rows.loc["ch_old", "payment_intent_id"])
    assert rows.loc["ch_old", "payer_email"] == "o@example.com"


@pytest.mark.parametrize(
    ("events", "charges", "status"),
    [
        ([event()], [], "unpaid"),
        (
            [event(), event(event_id="evt_2", type="checkout.session.async_payment_failed")],
            [],
            "failed",
        ),
        (
            [event(), event(event_id="evt_2", type="checkout.session.async_payment_succeeded")],
            [],
            "paid",
        ),
        ([event()], [charge(status="pending", paid=False)], "unpaid"),
        ([event()], [charge(status="failed", paid=False)], "failed"),
        ([event()], [charge(status="failed", paid=False), charge(charge_id="ch_2")], "paid"),
    ],
)
def test_a_delayed_method_completes_unpaid_and_is_settled_later(events, charges, status):
    evidence = assembled(
        sessions=[session(payment_status="unpaid")],
        events=events,
        **({"charges": charges} if charges else {}),
    )
    assert only(evidence)["payment_status"] == status


def test_completion_is_the_late_success_else_the_completion_else_the_charge():
    late = event(
        event_id="evt_2", type="checkout.session.async_payment_succeeded", created_at=at(99)
    )
    assert only(assembled(sessions=[session()], events=[event(), late]))["completed_at"] == at(99)
    assert only(assembled(sessions=[session()], charges=[charge()]))["completed_at"] == at(2)
    failed = charge(status="failed", paid=False)
    assert pd.isna(only(assembled(sessions=[session()], charges=[failed]))["completed_at"])


@pytest.mark.parametrize(
    ("fields", "preset"),
    [
        ({"customer_id": None}, False),
        ({"customer_id": None, "customer_creation": "if_required"}, False),
        ({"customer_id": "cus_1", "customer_creation": "always"}, False),
        ({"customer_id": "cus_1", "customer_creation": "if_required"}, False),
        ({"customer_id": "cus_1", "customer_creation": None}, True),
        ({"customer_id": "cus_1", "customer_creation": None, "mode": None}, True),
    ],
)
def test_whether_the_session_was_given_its_customer(fields, preset):
    assert bool(only(assembled(sessions=[session(**fields)]))["customer_preset"]) is preset


@pytest.mark.parametrize(
    ("mode", "customer_made", "preset"),
    [
        # A subscription makes its customer when it is paid; without one it was given one.
        ("subscription", 1, False),
        ("subscription", 0, True),
        ("subscription", -1, True),
        ("subscription", None, True),
        ("payment", 1, True),
    ],
)
def test_a_subscription_was_given_a_customer_that_is_no_younger(mode, customer_made, preset):
    made = None if customer_made is None else at(customer_made)
    evidence = assembled(
        sessions=[session(customer_id="cus_1", mode=mode)],
        customers=[{"customer_id": "cus_1", "created_at": made}],
    )
    assert bool(only(evidence)["customer_preset"]) is preset


def test_a_customer_of_an_earlier_payment_was_given():
    creation = {"customer_id": "cus_1", "customer_creation": "always"}
    rows = [
        session(**creation),
        session(session_id="cs_2", payment_intent_id="pi_2", created_at=at(60), **creation),
    ]
    payments = assembled(sessions=rows).payments.set_index("payment_id")
    assert payments["customer_preset"].tolist() == [False, True]


@pytest.mark.parametrize(
    ("fields", "customer_email", "prefilled"),
    [
        ({"customer_email": "p@example.com"}, None, True),
        ({}, None, False),
        ({"customer_id": "cus_1"}, "c@example.com", True),
        ({"customer_id": "cus_1"}, None, False),
        ({"customer_id": "cus_1", "customer_creation": "always"}, "c@example.com", False),
    ],
)
def test_whether_the_email_was_prefilled(fields, customer_email, prefilled):
    evidence = assembled(
        sessions=[session(**fields)],
        customers=[{"customer_id": "cus_1", "email": customer_email, "created_at": at(0)}],
    )
    assert bool(only(evidence)["email_prefilled"]) is prefilled


def refund(**fields):
    row = {"refund_id": "re_1", "charge_id": "ch_1", "amount": 300, "status": "succeeded"}
    return row | fields


def dispute(**fields):
    row = {"dispute_id": "dp_1", "charge_id": "ch_1", "amount": 999, "status": "lost"}
    return row | fields


def test_refunds_are_cumulative_and_never_counted_twice():
    evidence = assembled(
        sessions=[session()],
        charges=[
            charge(amount_refunded=300, snapshot_at=at(10), source="events"),
            charge(amount_refunded=700, snapshot_at=at(20), source="events"),
            charge(amount_refunded=300, snapshot_at=at(15), source="events"),
        ],
        refunds=[refund(), refund(refund_id="re_2", amount=400, status="pending")],
    )
    assert only(evidence)["amount_refunded"] == 700
    assert only(evidence)["amount_lost"] == 700


def test_a_failed_refund_is_no_refund():
    evidence = assembled(
        sessions=[session()],
        charges=[
            charge(amount_refunded=999, snapshot_at=at(10), source="events"),
            charge(amount_refunded=0),
        ],
        refunds=[refund(amount=999, status="failed")],
    )
    assert only(evidence)["amount_refunded"] == 0


@pytest.mark.parametrize("whole_refund", [{}, {"charge_id": None, "payment_intent_id": "pi_1"}])
@pytest.mark.parametrize(
    ("told", "lost"),
    [
        # How much of the charge is refunded so far, told in these minutes; the refund was made in
        # minute 10 and failed in minute 20.
        ([(10, 300)], 0),
        ([(10, 300), (15, 500)], 200),
        ([(10, 300), (25, 300)], 300),
        ([(10, 300), (15, 500), (25, 999)], 999),
        ([(25, 300), (None, 100)], 300),
        ([(5, 200)], 200),
        ([(10, 300), (None, 0)], 0),
    ],
)
def test_a_refund_anew_after_one_that_failed_is_lost(told, lost, whole_refund):
    failed = refund(created_at=at(10), **whole_refund)
    evidence = assembled(
        sessions=[session()],
        charges=[
            charge(amount_refunded=amount, snapshot_at=at(m) if m else None) for m, amount in told
        ],
        refunds=[
            failed | {"snapshot_at": at(10)},
            failed | {"status": "failed", "snapshot_at": at(20)},
            # Changed later: it failed in minute 20 all the same.
            failed | {"status": "failed", "snapshot_at": at(30)},
        ],
    )
    assert only(evidence)["amount_lost"] == lost


def test_a_refund_reaches_its_session_without_the_charge():
    evidence = assembled(
        sessions=[session()], refunds=[refund(payment_intent_id="pi_1", charge_id=None)]
    )
    assert only(evidence)["amount_refunded"] == 300


def test_a_refund_of_an_unknown_payment_makes_no_payment():
    evidence = assembled(sessions=[session()], refunds=[refund(payment_intent_id="pi_other")])
    assert only(evidence)["amount_refunded"] == 0


@pytest.mark.parametrize(
    ("status", "disputed", "lost"),
    [
        (None, True, 0),
        ("won", False, 0),
        ("lost", True, 999),
        ("under_review", True, 0),
        ("warning_closed", False, 0),
    ],
)
def test_a_dispute_won_is_no_loss(status, disputed, lost):
    evidence = assembled(
        sessions=[session()],
        charges=[charge(disputed=True)],
        **({"disputes": [dispute(status=status)]} if status else {}),
    )
    payment = only(evidence)
    assert bool(payment["disputed"]) is disputed
    assert payment["amount_lost"] == lost


def test_what_is_lost_is_at_most_the_amount():
    evidence = assembled(
        sessions=[session()],
        charges=[charge(amount_refunded=500, disputed=True)],
        disputes=[dispute()],
    )
    assert only(evidence)["amount_lost"] == 999


@pytest.mark.parametrize(
    ("price_id", "metadata", "expected"),
    [
        ("price_small", {"credits": "7"}, 50),
        (None, {"price_id": "price_small", "credits": "7"}, 50),
        (None, {"price_id": "price_other", "credits": "7"}, 7),
        (None, {"credits": "007"}, 7),
        (None, {"credits": "0"}, None),
        (None, {"credits": "-5"}, None),
        (None, {"credits": "25.00"}, 25),
        (None, {"credits": "5.5"}, None),
        (None, {"credits": "99999999999999999999"}, None),
        (None, {}, None),
    ],
)
def test_what_a_price_is_worth(price_id, metadata, expected):
    evidence = assembled(
        {"price_small": 50}, sessions=[session(price_id=price_id, metadata=metadata)]
    )
    found = only(evidence)["expected_credits"]
    assert (None if pd.isna(found) else found) == expected


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        # The customer's own entries are of no one payment.
        ({"customer": "7"}, None),
        ({"customer": "7", "charge": "6"}, 6),
        ({"charge": "6", "intent": "5"}, 5),
        ({"charge": "6", "intent": "5", "session": "4"}, 4),
    ],
)
def test_whose_metadata_names_the_credits(sources, expected):
    named = {source: {"credits": value} for source, value in sources.items()}
    evidence = assembled(
        sessions=[session(customer_id="cus_1", metadata=named.get("session", {}))],
        intents=[{"payment_intent_id": "pi_1", "metadata": named.get("intent", {})}],
        charges=[charge(metadata=named.get("charge", {}))],
        customers=[{"customer_id": "cus_1", "metadata": named.get("customer", {})}],
    )
    found = only(evidence)["expected_credits"]
    assert (None if pd.isna(found) else found) == expected


def test_events_find_their_payment_by_session_intent_charge_refund_and_dispute():
    evidence = assembled(
        sessions=[session()],
        charges=[charge(), charge(charge_id="ch_lone", payment_intent_id=None)],
        refunds=[refund()],
        disputes=[dispute()],
        events=[
            event(),
            event(
                event_id="evt_2",
                object_id="pi_1",
                object_type="payment_intent",
                payment_intent_id="pi_1",
            ),
            event(
                event_id="evt_3", object_id="ch_1", object_type="charge", payment_intent_id="pi_1"
            ),
            event(event_id="evt_4", object_id="re_1", object_type="refund"),
            event(event_id="evt_5", object_id="dp_1", object_type="dispute"),
            event(event_id="evt_6", object_id="ch_lone", object_type="charge"),
            event(event_id="evt_7", object_id="cus_1", object_type="customer"),
        ],
    )
    found = evidence.events.set_index("event_id")["payment_id"]
    assert found.loc["evt_1":"evt_5"].tolist() == ["cs_1"] * 5
    assert found["evt_6"] == "ch_lone"
    assert pd.isna(found["evt_7"])


def test_metadata_of_intent_charge_and_customer_keep_their_source():
    evidence = assembled(
        sessions=[session(customer_id="cus_1", metadata={"b": "1", "a": "2"})],
        intents=[{"payment_intent_id": "pi_1", "metadata": {"i": "1"}}],
        charges=[charge(metadata={"c": "1"})],
        customers=[{"customer_id": "cus_1", "metadata": {"u": "1"}}],
    )
    rows = evidence.metadata.sort_values(["source", "position"])
    assert rows[["source", "position", "key"]].values.tolist() == [
        ["charge", 1, "c"],
        ["customer", 1, "u"],
        ["intent", 1, "i"],
        ["session", 1, "b"],
        ["session", 2, "a"],
    ]


def test_livemode_of_an_export_without_it_is_read_from_the_id():
    rows = [
        session(session_id="cs_test_1", payment_intent_id=None, livemode=None),
        session(session_id="cs_live_1", payment_intent_id=None, livemode=None),
    ]
    assert assembled(sessions=rows).payments["livemode"].tolist() == [True, False]


def test_assembling_twice_changes_nothing():
    evidence = assembled(sessions=[session(metadata={"k": "v"})], events=[event()])
    before = evidence.payments
    assemble_payments(evidence, {})
    pd.testing.assert_frame_equal(evidence.payments, before)
    assert len(evidence.metadata) == len(evidence.events) == 1


SNAPSHOTS = [
    session(status="open", payment_status="unpaid", snapshot_at=at(0), source="events"),
    session(details_email="a@example.com", metadata={"u": "1"}, snapshot_at=at(1), source="events"),
    session(details_email="b@example.com", metadata={"u": "2"}, snapshot_at=at(1), source="events"),
    session(client_reference_id="x", metadata={}),
    session(client_reference_id="y", metadata={"u": "3"}),
]


@settings(deadline=None, max_examples=15)
@given(st.permutations(range(len(SNAPSHOTS))))
def test_the_order_of_snapshots_changes_nothing(order):
    expected = assembled(sessions=SNAPSHOTS)
    shuffled = assembled(sessions=[SNAPSHOTS[i] for i in order])
    pd.testing.assert_frame_equal(shuffled.payments, expected.payments)
    pd.testing.assert_frame_equal(shuffled.metadata, expected.metadata)
