"""A currency of each kind means the same sum wherever money is read or shown."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd
import pytest

from credit_forensics.case_file import CaseFile
from credit_forensics.charts import exposure_by_cause
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.stripe.load import load_stripe_files
from credit_forensics.incidents.group import with_incidents
from credit_forensics.money import DECIMALS, decimals, major_units, minor_units, money_text
from credit_forensics.monitoring.alerts import amounts
from credit_forensics.reporting.language import Language


class Kind(NamedTuple):
    currency: str
    minor: int
    english: str
    german: str
    axis: float


KINDS = [
    ("eur", 123456, "1,234.56 EUR", "1.234,56 EUR", 1234.56),
    ("jpy", 1234, "1,234 JPY", "1.234 JPY", 1234.0),
    ("mga", 1234, "1,234 MGA", "1.234 MGA", 1234.0),
    ("kwd", 1234560, "1,234.560 KWD", "1.234,560 KWD", 1234.56),
    ("ugx", 500000, "5,000.00 UGX", "5.000,00 UGX", 5000.0),
    ("isk", 500000, "5,000.00 ISK", "5.000,00 ISK", 5000.0),
    ("huf", 80045, "800.45 HUF", "800,45 HUF", 800.45),
    ("twd", 80045, "800.45 TWD", "800,45 TWD", 800.45),
]
each_kind = pytest.mark.parametrize("kind", [pytest.param(Kind(*row), id=row[0]) for row in KINDS])


@each_kind
def test_what_is_shown_is_read_back(kind):
    assert money_text(kind.minor, kind.currency) == kind.english
    assert (
        minor_units(kind.english, kind.currency)
        == minor_units(kind.german, kind.currency)
        == kind.minor
    )
    assert major_units(kind.minor, kind.currency) == kind.axis


@each_kind
def test_reports_in_both_languages(kind):
    assert Language("en").money(kind.minor, kind.currency) == kind.english
    assert Language("de").amounts({kind.currency: kind.minor}) == kind.german


@each_kind
def test_the_chart_of_money_at_stake(kind):
    rows = {"finding": ["wrong_user"], "cause": [""], "amount": [kind.minor]}
    findings = pd.DataFrame(rows | {"currency": [kind.currency]})
    (bar,) = exposure_by_cause(findings).data
    assert (list(bar.x), list(bar.text)) == ([kind.axis], [kind.english])


@each_kind
def test_alerts(kind):
    assert amounts({kind.currency: kind.minor}) == kind.english


@each_kind
def test_incidents(kind):
    row = {
        "finding": "missing_credit",
        "cause": "not_delivered",
        "severity": "high",
        "payment_id": "cs_1",
        "event_id": None,
        "credited_user_id": None,
        "rightful_user_id": "u1",
        "credits": 50,
        "amount": kind.minor,
        "currency": kind.currency,
        "created_at": pd.Timestamp("2025-09-01", tz="UTC"),
        "explanation": "",
    }
    incidents = with_incidents(pd.DataFrame([row]))[1]
    assert incidents["summary"].item().endswith(f"at stake: 50 credits and {kind.english}.")


@each_kind
def test_dashboard_exports(tmp_path, kind):
    path = tmp_path / "payments.csv"
    headings = "id;Created date (UTC);Amount;Currency;Status"
    amount = kind.german.removesuffix(f" {kind.currency.upper()}")
    path.write_text(f"{headings}\nch_1;2025-09-01 10:00;{amount};{kind.currency};Paid\n")
    evidence = Evidence()
    load_stripe_files(evidence, CaseFile(folder=tmp_path, stripe={"files": [path.name]}))
    assert evidence.frame("stripe_charges")["amount"].tolist() == [kind.minor]


def test_an_amount_without_a_currency_is_not_shown_as_money():
    assert amounts({"": 500}) == "500 minor units of an unknown currency"


def test_a_currency_that_is_not_listed_has_two_decimals():
    assert decimals("usd") == decimals("USD") == 2
    assert set(DECIMALS.values()) == {0, 3}
