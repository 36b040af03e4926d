"""The report lists who the gravest incident hit, and apart from that what is only possible."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from credit_forensics.case.case import Case
from credit_forensics.reporting.hit_section import SHOWN_USERS, hit_section
from credit_forensics.reporting.incident_report import case_view
from credit_forensics.scenarios.settings import WorldSettings
from credit_forensics.scenarios.world import make_world


@pytest.fixture(scope="module")
def case():
    settings = WorldSettings(payments=4_000, wrong_session_rate=0.03)
    return Case.from_evidence(make_world(settings, 3).evidence())


@pytest.mark.parametrize(
    ("language", "lost", "possibly"),
    [("en", "lost credits", "possibly hit too"), ("de", "verlor Credits", "vielleicht auch")],
)
def test_the_users_hit_and_the_payments_in_doubt_stand_apart(case, language, lost, possibly):
    page = str(hit_section(case_view(case, language=language)).parts[0])
    assert page.count("<table") == 2
    assert lost in page
    assert possibly in page
    wrong = case.incidents[case.incidents["finding"] == "wrong_user"]
    largest = wrong.sort_values("findings", ascending=False, kind="stable").iloc[0]
    users = case.hit_users(largest["incident_id"])
    shown = users["user_id"].head(SHOWN_USERS)
    assert all(user in page for user in shown)
    assert "@" not in page


def test_a_case_without_findings_says_so(case):
    view = case_view(case)
    view.case = SimpleNamespace(incidents=case.incidents.iloc[:0])
    page = str(hit_section(view).parts[0])
    assert "No incidents." in page
    assert "<table" not in page
