"""A payment is found by whatever a person has at hand, and what has no match says so."""

from __future__ import annotations

import pytest

from credit_forensics.notebook.entities import Entity, entity_page, neighbours
from credit_forensics.notebook.find import Finder
from credit_forensics.notebook.picker import PickedPayment, PickedUser
from credit_forensics.notebook.pivot import Pivot
from credit_forensics.reporting.incident_report import case_view
from credit_forensics.reporting.payment_dossier import PaymentDossier
from credit_forensics.reporting.user_dossier import UserDossier


@pytest.fixture(scope="module")
def case(literal_case):
    """Two payments: anna's of 500 cents, booked on ben; carl's of 500 yen, booked on carl."""
    users = [("anna", "anna@example.com"), ("ben", "ben@example.com"), ("carl", "c@example.com")]
    payments = [
        ("cs_1", "2025-09-01T10:00:00Z", "anna@example.com", 500, "eur", "cus_1", "fp_1"),
        ("cs_2", "2025-09-02T23:59:00Z", "c@example.com", 500, "jpy", "cus_2", "fp_2"),
    ]
    return literal_case(
        users=[
            {"user_id": user, "email": email, "name": f"N {email}", "created_at": "2025-01-01T00:00:00Z"}
            for user, email in users
        ],
        payments=[
            {
                "payment_id": payment,
                "created_at": at,
                "completed_at": at,
                "payment_status": "paid",
                "status": "complete",
                "livemode": True,
                "payer_email": email,
                "amount": amount,
                "currency": currency,
                "customer_id": customer,
                "card_fingerprint": card,
            }
            for payment, at, email, amount, currency, customer, card in payments
        ],
        metadata=[
            {"payment_id": payment, "key": "user_id", "value": user, "source": "session"}
            for payment, user in (("cs_1", "anna"), ("cs_2", "carl"))
        ],
        events=[
            {"event_id": "evt_77", "type": "checkout.session.completed", "payment_id": "cs_2",
             "created_at": "2025-09-02T23:59:30Z", "livemode": True},
        ],
        ledger=[
            {"entry_id": "e_1", "user_id": "ben", "delta": 50, "payment_id": "cs_1",
             "kind": "purchase", "created_at": "2025-09-01T10:01:00Z"},
            {"entry_id": "e_2", "user_id": "carl", "delta": 50, "payment_id": "cs_2",
             "kind": "purchase", "created_at": "2025-09-02T23:59:40Z"},
        ],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("cs_", ["cs_1", "cs_2"]),
        ("CS_2", ["cs_2"]),
        ("evt_77", ["cs_2"]),  # an event
        ("e_1", ["cs_1"]),  # a ledger entry
        ("cus_2", ["cs_2"]),  # a customer
        ("fp_1", ["cs_1"]),  # a card
        ("ben", ["cs_1"]),  # whoever was credited
        ("anna", ["cs_1"]),  # whoever paid
        ("c@example.com", ["cs_2"]),
        ("5.00", ["cs_1"]),
        ("5,00", ["cs_1"]),
        ("500", ["cs_2"]),  # yen have no decimals
        ("2025-09-02", ["cs_2"]),
        ("01.09.2025", ["cs_1"]),
        ("2025-09-03", []),
        ("2025-13-99", []),
        ("cs_1 2025-09-02", []),  # every word must fit
        ("d@example.com", []),
        ("%", []),
    ],
)
def test_a_payment_is_found_by_any_id_account_email_amount_or_day(case, words, found):
    split = words.split()
    assert Finder(case_view(case)).payments(split, [()] * len(split)) == found


def test_an_email_is_found_as_it_is_shown(case):
    view = case_view(case)
    shown = view.mask.value("anna@example.com", "email")
    assert Finder(view).payments([shown], [()]) == ["cs_1"]
    assert Finder(view).accounts([shown]) == ["anna"]
    assert Finder(view).accounts(["cs_1"]) == ["ben"]


def test_nothing_that_fits_is_said(case):
    for picked in (PickedPayment(case, PaymentDossier(case)), PickedUser(case, UserDossier(case))):
        picked._search.value = "no such thing"
        assert "Nothing matches." in picked._count.value
        picked._search.value = ""
        assert "Nothing matches." not in picked._count.value


def test_every_kind_leads_to_every_other(case):
    view = case_view(case)
    payment = Entity("payment", "cs_1")
    near = neighbours(view, payment)
    assert {entity.kind for entity in near} >= {"account", "customer", "card"}
    for entity in near:
        assert entity_page(case, view, entity)
        assert payment in neighbours(view, entity), entity


def test_a_click_shows_what_it_leads_to_and_back_returns(case):
    went = []
    pivot = Pivot(case, case_view(case), went.append)
    pivot.start(Entity("payment", "cs_1"))
    labels = [button.description for button in pivot._buttons.children]
    assert "account ben" in labels
    assert not any("@" in label or "fp_1" in label for label in labels)
    next(b for b in pivot._buttons.children if b.description == "account ben").click()
    assert went == [Entity("account", "ben")]
    assert "ben" in str(pivot._page.outputs)
    assert pivot._buttons.children[0].description == "← back"
    pivot._buttons.children[0].click()
    assert pivot.at == Entity("payment", "cs_1")
