"""The picker lists the worst first, finds by any part of a line, and drives every section."""

from __future__ import annotations

import pytest
from IPython.core.interactiveshell import InteractiveShell

from credit_forensics.errors import CaseError
from credit_forensics.notebook.entities import Entity
from credit_forensics.notebook.live import REPORT_VARIABLE
from credit_forensics.notebook.picker import PickedPayment, choose_payment
from credit_forensics.reporting.payment_dossier import PaymentDossier


class Kernel(InteractiveShell):
    """A shell as a kernel has it."""

    kernel = object()


@pytest.fixture
def live(monkeypatch):
    monkeypatch.delenv(REPORT_VARIABLE, raising=False)
    Kernel.clear_instance()
    yield Kernel.instance()
    Kernel.clear_instance()


@pytest.fixture
def case(literal_case):
    """Payment cs_9 was booked twice; the others once."""
    when = "2025-09-01T10:00:00Z"
    ids = [f"cs_{number}" for number in range(10)]
    return literal_case(
        users=[{"user_id": "u1", "email": "anna@example.com", "name": "A", "created_at": when}],
        payments=[
            {
                "payment_id": payment,
                "created_at": when,
                "completed_at": when,
                "payment_status": "paid",
                "status": "complete",
                "livemode": True,
                "payer_email": "anna@example.com",
                "amount": 500,
                "currency": "eur",
            }
            for payment in ids
        ],
        metadata=[
            {"payment_id": payment, "key": "user_id", "value": "u1", "source": "session"}
            for payment in ids
        ],
        ledger=[
            {
                "entry_id": f"{payment}_{number}",
                "user_id": "u1",
                "delta": 50,
                "payment_id": payment,
                "kind": "purchase",
                "created_at": "2025-09-08T10:00:00Z",
            }
            for number, payment in enumerate([*ids, "cs_9"])
        ],
    )


def lines(picked: PickedPayment) -> list[str]:
    return [label for label, _ in picked._list.options]


def test_the_worst_payment_comes_first_and_is_picked(case):
    picked = PickedPayment(case, PaymentDossier(case))
    assert picked.payment_id == "cs_9"
    assert "duplicate credit" in lines(picked)[0]
    assert len(lines(picked)) == 10
    assert "10 of 10" in picked._count.value


def test_a_search_narrows_and_keeps_what_is_shown(case):
    picked = PickedPayment(case, PaymentDossier(case))
    picked._search.value = "S_4"
    assert [payment for _, payment in picked._list.options] == ["cs_9", "cs_4"]
    assert picked.payment_id == "cs_9"
    picked._search.value = "DUPLICATE credit"
    assert len(lines(picked)) == 1
    picked._search.value = "(.*"
    assert [payment for _, payment in picked._list.options] == ["cs_9"]


def test_the_list_marks_what_is_shown_after_a_search_and_after_a_step_elsewhere(case):
    picked = PickedPayment(case, PaymentDossier(case))
    picked._search.value = "cs_"
    picked._list.value = "cs_4"
    picked._search.value = "S_"
    for payment in ("cs_4", "cs_7"):
        picked._pivot.go(Entity("payment", payment))
        assert picked.payment_id == payment
        # What the page marks is the number of the line; the value is the kernel's alone.
        assert picked._list.options[picked._list.index][1] == payment
        assert picked._list.value == payment


def test_picking_writes_every_section_anew(case):
    picked = PickedPayment(case, PaymentDossier(case))
    sections = [picked.summary(), picked.history(), picked.claims(), picked.related()]
    assert picked.summary() is sections[0]
    before = [section.outputs for section in sections]
    picked._list.value = "cs_4"
    assert picked.payment_id == "cs_4"
    assert all(section.outputs != old for section, old in zip(sections, before, strict=True))
    assert "cs_4" in sections[0].outputs[0]["data"]["text/html"]
    with pytest.raises(CaseError, match="cs_none"):
        picked.pick("cs_none")
    assert picked.payment_id == "cs_4"


def test_without_a_person_or_without_ipywidgets_the_parameter_decides(
    case, live, monkeypatch, capsys
):
    assert isinstance(choose_payment(case, "cs_4"), PickedPayment)
    monkeypatch.setattr("credit_forensics.extras.find_spec", lambda name: None)
    capsys.readouterr()
    dossier = choose_payment(case, "cs_4")
    assert isinstance(dossier, PaymentDossier)
    assert "pip install 'credit-forensics[lab]'" in capsys.readouterr().out
    monkeypatch.setenv(REPORT_VARIABLE, "1")
    assert choose_payment(case, "cs_4").payment_id == "cs_4"
    assert capsys.readouterr().out == ""


def test_a_case_without_payments_has_an_empty_list(literal_case):
    case = literal_case(ledger=[{"entry_id": "e", "user_id": "u", "delta": 1, "kind": "grant"}])
    picked = PickedPayment(case, PaymentDossier(case))
    assert lines(picked) == []
    assert picked.summary().outputs
