"""A payment vouches for others only where its own payer is likelier than not, its session aside."""

from __future__ import annotations

import ibis
import pandas as pd
import pytest

from credit_forensics.engines.duckdb import DuckDBEngine
from credit_forensics.judgement.families import FAMILIES
from credit_forensics.judgement.plan import _ownership
from credit_forensics.tables.catalogue import ALL, Tables

USERS = [{"user_id": user, "email": f"{user}@example.com"} for user in ("ada", "ben", "cat")]


def payment(number, **columns):
    return {
        "payment_id": f"cs_{number}",
        "created_at": f"2025-09-0{number}T10:00:00Z",
        "payment_status": "paid",
        "amount": 500,
        "card_fingerprint": "card_1",
        "customer_preset": False,
        **columns,
    }


@pytest.mark.parametrize(
    ("evidence", "vouched_for"),
    [
        # The e-mail names ben, the customer's binding cat: each has less than one half.
        ({"payer_email": "ben@example.com", "customer_id": "cus_1"}, None),
        ({"payer_email": "ben@example.com"}, "ben"),
        # The session's word is no evidence for other payments: an id that sticks would be an echo.
        ({"client_reference_id": "ada"}, None),
        ({"client_reference_id": "ada", "payer_email": "ben@example.com"}, "ben"),
    ],
)
def test_an_owner_is_likelier_than_not_without_the_session(literal_case, evidence, vouched_for):
    case = literal_case(
        payments=[payment(1, **evidence), payment(2)],
        customers=[{"customer_id": "cus_1", "user_id": "cat", "bound_at": "2025-08-01T00:00Z"}],
        users=USERS,
    )
    history = case.matrix.set_index("payment_id")["card_history"].dropna().to_dict()
    assert history.get("cs_2") == vouched_for


@pytest.mark.parametrize(("probability", "owner"), [(0.55, "ben"), (0.5, "ben"), (0.4999, None)])
def test_one_half_is_enough_for_an_owner(probability, owner):
    engine = DuckDBEngine(threads=1)
    engine.create(*ALL)
    engine.register("payments", pd.DataFrame([payment(1)]))
    voices = {f"v_{family.name}": "ben" for family in FAMILIES}
    row = {"payment_id": "cs_1", "best": 0, "best_probability": probability, **voices}
    engine.connection.register("judged", pd.DataFrame([row]))
    kinds = {"best": "int64", "best_probability": "float64"}
    judged = ibis.table({name: kinds.get(name, "string") for name in row}, name="judged")
    found = engine.frame(_ownership(Tables(), judged, FAMILIES, ["card_fingerprint"]))
    assert found["person_id"].dropna().tolist() == ([owner] if owner else [])


@pytest.mark.parametrize(
    ("bound_at", "named"), [("2025-08-01T00:00Z", "cat"), ("2025-09-01T10:05Z", None)]
)
def test_a_binding_that_a_payment_may_have_written_is_no_witness(literal_case, bound_at, named):
    customer = {"customer_id": "cus_1"}
    case = literal_case(
        payments=[payment(1, **customer), payment(2, **customer)],
        customers=[{"customer_id": "cus_1", "user_id": "cat", "bound_at": bound_at}],
        users=USERS,
    )
    judged = case.evidence.engine.frame(case.judgement.judged).set_index("payment_id")
    assert judged["v_mapping"].dropna().to_dict().get("cs_2") == named
    assert case.matrix.set_index("payment_id").loc["cs_2", "customer_mapping"] == "cat"
