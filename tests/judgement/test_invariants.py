"""What must not change a verdict: names of things, their order, other people, what comes later.

Worlds with truth, judged once as they are and once changed.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pandas as pd
import pyarrow as pa
import pytest

from credit_forensics.case.case import Case
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.scenarios.settings import BurstSettings, FaultRates, WorldSettings
from credit_forensics.scenarios.world import make_world, with_spans

BURSTS = WorldSettings(payments=700, wrong_session_rate=0.03)
TEAM = replace(
    BURSTS,
    days=10.0,
    faults=FaultRates.none(),
    mechanisms={"team": 0.15},
    bursts=BurstSettings(share_in_bursts=0.0),
)
_NOT_GIVEN = ("spans", "gaps")
_TIME = {
    "payments": "created_at",
    "events": "created_at",
    "deliveries": "received_at",
    "ledger": "created_at",
    "customers": "bound_at",
    "users": "created_at",
}


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(BURSTS, marks=pytest.mark.thorough, id="bursts"),
        pytest.param(TEAM, id="team"),
    ],
)
def world(request):
    return make_world(request.param, seed=2)


@pytest.fixture(scope="module")
def whole(world):
    return judged(frames(world), world)


def frames(world):
    return {
        name: table.to_pandas(types_mapper=pd.ArrowDtype)
        for name, table in world.tables.items()
        if name not in _NOT_GIVEN
    }


def judged(tables, world, **options):
    evidence = Evidence()
    arrow = {
        name: pa.Table.from_pandas(rows, schema=world.tables[name].schema, preserve_index=False)
        for name, rows in tables.items()
    }
    for name, rows in with_spans(arrow).items():
        evidence.add(name, rows)
    return Case.from_evidence(evidence, **options)


def both(first, second):
    """The verdicts of the payments that two cases share, side by side."""
    rows = first.verdicts.merge(second.verdicts, on="payment_id", suffixes=("", "_then"))
    p = rows["probability_misattributed"].astype("float64")
    then = rows["probability_misattributed_then"].astype("float64")
    return rows.assign(apart=(p - then).abs().fillna(0.0))


def texts(rows):
    return [name for name in rows.columns if pd.api.types.is_string_dtype(rows[name])]


def test_neither_the_order_of_rows_nor_running_again_changes_a_bit(world, whole):
    tables = frames(world)
    mixed = {name: rows.sample(frac=1, random_state=5) for name, rows in tables.items()}
    for again in (judged(tables, world), judged(mixed, world)):
        for name in ("verdicts", "findings", "incidents", "claims"):
            pd.testing.assert_frame_equal(getattr(whole, name), getattr(again, name))


def test_other_ids_emails_and_names_change_no_bit(world, whole):
    tables, back = renamed(frames(world))
    other = judged(tables, world)
    verdicts = other.verdicts
    for name in ("payment_id", "credited_user_id", "rightful_user_id"):
        verdicts[name] = verdicts[name].map(lambda one: back.get(one, one))
    verdicts = verdicts.sort_values("payment_id").reset_index(drop=True)
    pd.testing.assert_frame_equal(whole.verdicts, verdicts)
    findings = other.findings.assign(
        payment_id=[back.get(one, one) for one in other.findings["payment_id"]]
    )
    keys = ["finding", "cause", "payment_id"]
    assert sorted(map(str, whole.findings[keys].to_numpy().tolist())) == sorted(
        map(str, findings[keys].to_numpy().tolist())
    )


def renamed(tables):
    """The tables with other ids, e-mails and names, in another order; and the ids back."""

    def digest(text, size):
        return hashlib.blake2b(text.encode(), digest_size=size).hexdigest()

    def name(text):
        words = (
            w if len(w) < 3 or "." in w else w[0] + w[:0:-1].lower() + "q" for w in text.split()
        )
        return " ".join(words)

    def email(text):
        local, _, domain = text.lower().partition("@")
        return f"{digest(local, 6)}@{domain}"

    users = {*tables["users"]["user_id"], *tables["ledger"]["user_id"]}
    users |= set(tables["metadata"]["value"][tables["metadata"]["key"].str.contains("user_id")])
    forth = {}
    for one in sorted(users):
        key = digest(one, 16)
        parts = (key[:8], key[8:12], "4" + key[13:16], "8" + key[17:20], key[20:])
        forth[one] = "-".join(parts)
    payments = tables["payments"]
    forth |= {one: f"cs_live_{digest(one, 8)}" for one in payments["payment_id"]}
    forth |= {one: f"cus_{digest(one, 7)}" for one in payments["customer_id"].dropna()}
    forth |= {one: digest(one, 8) for one in payments["card_fingerprint"].dropna()}
    for rows in tables.values():
        for column in set(texts(rows)) - {"reason"}:
            if column in ("name", "payer_name"):
                rows[column] = rows[column].map(name, na_action="ignore")
            elif column.endswith("_key"):
                rows[column] = None
            else:
                rows[column] = rows[column].map(
                    lambda one: forth.get(one) or (email(one) if "@" in one else one),
                    na_action="ignore",
                )
    named = tables["metadata"]["key"] == "session_name"
    tables["metadata"].loc[named, "value"] = tables["metadata"].loc[named, "value"].map(name)
    return tables, {new: old for old, new in forth.items()}


def test_the_currency_and_the_scale_of_amounts_change_no_bit(world, whole):
    tables = frames(world)
    for name, rows in tables.items():
        for column in rows.columns:
            if column.startswith("amount"):
                tables[name][column] = rows[column] * 100
            if column == "currency":
                tables[name][column] = rows[column].where(rows[column].isna(), "chf")
    pd.testing.assert_frame_equal(whole.verdicts, judged(tables, world).verdicts)


@pytest.mark.parametrize(
    "days",
    [-25, *(pytest.param(far, marks=pytest.mark.thorough) for far in (-8 * 365, 9 * 365))],
)
def test_a_payment_of_a_stranger_far_away_changes_no_verdict(world, whole, days):
    tables = frames(world)
    at = tables["payments"]["created_at"].min() + pd.Timedelta(days=days)
    added = {
        "payments": {
            "payment_id": "cs_far",
            "created_at": at,
            "completed_at": at,
            "payer_email": "far@elsewhere.test",
            "payer_name": "Far Away",
            "client_reference_id": "far",
            "customer_id": None,
            "card_fingerprint": "far",
            "payment_intent_id": "pi_far",
            "payment_status": "paid",
        },
        "users": {"user_id": "far", "email": "far@elsewhere.test", "name": "Far Away"},
        "metadata": {"payment_id": "cs_far", "key": "user_id", "value": "far"},
        "ledger": {"entry_id": "far", "user_id": "far", "payment_id": "cs_far", "created_at": at},
    }
    for name, values in added.items():
        row = tables[name].iloc[[0]].assign(**values)
        derived = [column for column in row.columns if column.endswith("_key")]
        row[[*derived, *({"event_id"} & set(row.columns))]] = None
        tables[name] = pd.concat([tables[name], row], ignore_index=True)
    far = judged(tables, world)
    rows = both(whole, far)
    assert len(rows) == len(whole.verdicts)
    assert "cs_far" in set(far.verdicts["payment_id"])
    assert rows["verdict"].equals(rows["verdict_then"].rename("verdict"))
    assert rows["apart"].max() < 0.001


@pytest.mark.parametrize(("share", "most"), [(0.03, 0.01), (0.06, 0.05)])
def test_payments_of_unrelated_people_move_probabilities_by_little(world, whole, share, most):
    """A bound of 0.01 for three more in a hundred, of 0.05 for six."""
    count = round(share * len(whole.verdicts))
    other = make_world(replace(TEAM, payments=count, mechanisms={}, wrong_session_rate=0.0), seed=8)
    tables, _ = renamed(frames(other))
    together = {
        name: pd.concat([rows, tables[name]], ignore_index=True) if name in tables else rows
        for name, rows in frames(world).items()
    }
    rows = both(whole, judged(together, world))
    assert len(rows) == len(whole.verdicts)
    assert rows["apart"].max() <= most
    # A verdict goes only with a probability at its threshold.
    assert (rows["verdict"] != rows["verdict_then"]).mean() <= 0.01


@pytest.mark.parametrize("share", [0.3, pytest.param(0.7, marks=pytest.mark.thorough)])
def test_as_of_a_time_is_what_was_judged_at_that_time(world, share):
    tables = frames(world)
    until = tables["payments"]["created_at"].quantile(share)
    then = {
        name: rows[rows[_TIME[name]].isna() | (rows[_TIME[name]] <= until)]
        if name in _TIME
        else rows
        for name, rows in tables.items()
    }
    known = then["payments"]["payment_id"]
    then["metadata"] = then["metadata"][then["metadata"]["payment_id"].isin(known)]
    # What was still under way then is judged when its credits have come.
    done = tables["ledger"]["payment_id"][tables["ledger"]["created_at"] <= until]
    late = tables["ledger"]["payment_id"][tables["ledger"]["created_at"] > until]
    rows = both(judged(tables, world, mode="as_of"), judged(then, world, mode="as_of"))
    rows = rows[rows["payment_id"].isin(done) & ~rows["payment_id"].isin(late)]
    assert len(rows) > 150
    assert rows["verdict"].equals(rows["verdict_then"].rename("verdict"))
    assert (rows["apart"] == 0.0).all()
    hindsight = both(judged(tables, world), judged(then, world))
    assert hindsight["apart"].max() > 0.0
