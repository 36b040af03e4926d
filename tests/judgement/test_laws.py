"""Laws of the judgement, on generated evidence."""

import os

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from credit_forensics.case.case import Case
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.judgement.families import FAMILIES
from credit_forensics.judgement.model import Fit, state_posteriors
from credit_forensics.judgement.pattern_arrays import Patterns
from credit_forensics.judgement.scores import candidate_weights, contributions, others_weight

USERS = [
    {"user_id": f"u{i}", "email": f"u{i}@example.com", "name": f"Name{i} Common"} for i in range(5)
]
COPIES = ("user_id", "user_id_backup", "session_user_id")

user = st.integers(0, 4)
maybe_user = st.none() | user
one_payment = st.fixed_dictionaries(
    {
        "session": maybe_user,
        "copies": st.integers(1, 3),
        "email": maybe_user,
        "name": maybe_user,
        "card": st.none() | st.integers(0, 2),
        "customer": st.none() | st.integers(0, 2),
        "preset": st.booleans(),
        "credited": maybe_user,
    }
)
some_payments = st.lists(one_payment, min_size=1, max_size=8)
EXAMPLES = int(os.environ.get("LAWS_EXAMPLES", "6"))
few = settings(
    deadline=None,
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
)


def tables(rows):
    payments, metadata, ledger = [], [], []
    for place, row in enumerate(rows):
        name = f"cs_{place}"
        payments.append(
            {
                "payment_id": name,
                "created_at": f"2025-09-01T10:{place:02d}:00Z",
                "payment_status": "paid",
                "livemode": True,
                "amount": 500,
                "payer_email": None if row["email"] is None else f"u{row['email']}@example.com",
                "payer_name": None if row["name"] is None else f"Name{row['name']} Common",
                "card_fingerprint": None if row["card"] is None else f"card{row['card']}",
                "customer_id": None if row["customer"] is None else f"cus_{row['customer']}",
                "customer_preset": row["preset"],
                "email_prefilled": False,
            }
        )
        if row["session"] is not None:
            metadata += [
                {
                    "payment_id": name,
                    "source": "session",
                    "position": position,
                    "key": key,
                    "value": f"u{row['session']}",
                }
                for position, key in enumerate(COPIES[: row["copies"]], start=1)
            ]
        if row["credited"] is not None:
            ledger.append(
                {
                    "entry_id": str(place),
                    "user_id": f"u{row['credited']}",
                    "delta": 50,
                    "kind": "purchase",
                    "payment_id": name,
                    "created_at": f"2025-09-01T10:{place:02d}:30Z",
                }
            )
    return {"payments": payments, "metadata": metadata, "ledger": ledger, "users": USERS}


def judge(named, order=None):
    evidence = Evidence()
    for name, rows in named.items():
        frame = pd.DataFrame(rows)
        if order is not None and len(frame):
            frame = frame.sample(frac=1, random_state=order)
        if len(frame):
            evidence.add(name, frame)
    return Case.from_evidence(evidence)


@few
@given(some_payments)
def test_a_further_copy_of_the_session_never_adds_a_family(rows):
    once = judge(tables([{**row, "copies": 2} for row in rows]))
    thrice = judge(tables([{**row, "copies": 3} for row in rows]))
    pd.testing.assert_frame_equal(once.verdicts, thrice.verdicts)


@few
@given(some_payments, st.integers(1, 1000))
def test_the_order_of_input_rows_changes_nothing(rows, order):
    first = judge(tables(rows))
    second = judge(tables(rows), order)
    pd.testing.assert_frame_equal(first.verdicts, second.verdicts)
    pd.testing.assert_frame_equal(first.findings, second.findings)
    pd.testing.assert_frame_equal(first.claims, second.claims)


@few
@given(some_payments)
def test_a_payment_is_never_its_own_witness(rows):
    case = judge(tables(rows))
    keys = pd.DataFrame(tables(rows)["payments"]).set_index("payment_id")
    for method, key in (("card_history", "card_fingerprint"), ("customer_history", "customer_id")):
        named = case.matrix.set_index("payment_id")[method].dropna()
        sharing = keys[key].map(keys[key].value_counts())
        assert (sharing[named.index] >= 2).all(), f"{method} spoke without another payment"


@few
@given(some_payments)
def test_bars_sum_to_scores_and_probabilities_to_one(rows):
    case = judge(tables(rows))
    for payment in case.verdicts["payment_id"]:
        explanation = case.explain(payment)
        scores = explanation.scores
        assert abs(scores["probability"].sum() - 1) < 1e-9
        sums = explanation.bars.groupby("person_id")["weight"].sum()
        for person, score in zip(scores["person_id"], scores["score"], strict=True):
            assert abs(sums.get(person, 0.0) - score) < 1e-9
        row = explanation.verdict
        if not pd.isna(row["probability_misattributed"]):
            persons = dict(zip(case.persons["user_id"], case.persons["person_id"], strict=True))
            credited = persons.get(row["credited_user_id"], row["credited_user_id"])
            chance = scores.set_index("person_id")["probability"].get(credited)
            wrong, told = row["probability_misattributed"], 1 - chance - explanation.patron
            # What the payer's other payments say comes on top: for another where one is accused,
            # against the credited account where that is favoured.
            if row["verdict"] == "paid_by_another":
                assert wrong <= told + 1e-9
            else:
                assert told - 1e-9 <= wrong <= 1


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=40, derandomize=True)
def test_the_softmax_sums_to_one_for_any_pattern(seed):
    random = np.random.default_rng(seed)
    size = len(FAMILIES)
    rows = 20
    slot = np.array(
        [[random.choice([0, *range(1, place + 2)]) for place in range(size)] for _ in range(rows)]
    )
    # A slot may only be used if an earlier family opened it.
    for row in slot:
        for place in range(size):
            if row[place] and row[place] != place + 1 and row[row[place] - 1] != row[place]:
                row[place] = place + 1
    level = np.where(
        slot > 0,
        [[random.integers(1, len(f.levels) + 1) for f in FAMILIES] for _ in range(rows)],
        0,
    )
    patterns = Patterns(
        families=FAMILIES,
        slot=slot,
        level=level,
        has_name=random.random((rows, size)) < 0.5,
        credited=random.integers(0, size + 2, rows),
        credited_has_name=random.random(rows) < 0.5,
    )
    fit = Fit(
        families=FAMILIES,
        accuracy=[random.uniform(0.51, 0.999, len(f.levels)) for f in FAMILIES],
        voices=[],
        right=[],
        states=np.ones((1, 5)) / 5,
        accounts=100,
        identifiable=True,
    )
    thought = state_posteriors(patterns, fit)
    total = thought.probability.sum(axis=2) + thought.rest
    np.testing.assert_allclose(total, 1.0, atol=1e-12)
    bars = contributions(patterns, fit.believed, np.full(rows, 0.9))
    weights = candidate_weights(patterns, bars.sum(axis=1))
    assert (weights[~np.column_stack([patterns.exists, patterns.outsider])] == 0).all()
    assert (others_weight(patterns, fit.believed) >= 1).all()
