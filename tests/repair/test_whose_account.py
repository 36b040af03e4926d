"""A plan moves no rightful payment and credits no wrong account, where payers pay for others too."""

from __future__ import annotations

from dataclasses import replace

import pytest

from credit_forensics.case.case import Case
from credit_forensics.repair import make_plan
from credit_forensics.repair.whose_account import HOUSEHOLD, PATRON, PAYS_FOR_OTHERS
from credit_forensics.scenarios.settings import FaultRates, WorldSettings
from credit_forensics.scenarios.world import make_world

PLAIN = WorldSettings(payments=1500, days=15.0, wrong_session_rate=0.02, faults=FaultRates.none())


@pytest.fixture(scope="module", params=[{"team": 0.25}, {"sticky": 0.04}], ids=["team", "sticky"])
def planned(request):
    world = make_world(replace(PLAIN, mechanisms=request.param), seed=1)
    return world, make_plan(Case.from_evidence(world.evidence()))


def test_no_rightful_payment_is_moved_and_no_wrong_account_is_credited(planned):
    world, plan = planned
    truth = world.truth.set_index("payment_id")
    person = dict(zip(world.people["user_id"], world.people["person_id"], strict=True))
    assert len(plan.corrections) > 20
    for one in plan.corrections:
        payment = truth.loc[one.payment_id]
        for entry in one.entries:
            if entry.delta < 0:
                assert payment["wrong"], one
            else:
                assert person[entry.user_id] == payment["payer_person_id"], one


def test_what_is_left_to_a_person_says_why(planned):
    _, plan = planned
    left = plan.rows[plan.rows["status"] == "needs a person"]
    assert set(left["note"]) & {PATRON, PAYS_FOR_OTHERS, HOUSEHOLD}
