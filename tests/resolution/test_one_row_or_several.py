"""Payments with one row take a shorter way than those with several; both ways end alike."""

from collections import Counter

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from credit_forensics.engines.duckdb import DuckDBEngine
from credit_forensics.evidence.ledgers.entry_kinds import KINDS
from credit_forensics.resolution.credited import credited
from credit_forensics.resolution.handler_log import handler_log
from credit_forensics.resolution.history import OWNED, history_votes
from credit_forensics.resolution.repeated import repeated
from credit_forensics.resolution.session_fields import session_fields
from credit_forensics.tables.catalogue import Tables

TABLES = Tables()
NOON = pd.Timestamp("2025-09-01T12:00:00Z")


def run(expression, **rows):
    """The expression's rows, in order, over literal tables."""
    engine = DuckDBEngine()
    for name, table in rows.items():
        engine.create(name)
        engine.append(name, table)
    frame = engine.frame(expression)
    return frame.sort_values("payment_id", ignore_index=True)


def one_a_minute(rows, name, at):
    """Rows with an id each, in a column, and a time each, in another: noon, a minute later, …"""
    numbers = range(len(rows))
    times = [NOON + pd.Timedelta(minutes=number) for number in numbers]
    return pd.DataFrame(rows).assign(**{name: [f"{name}_{n}" for n in numbers], at: times})


ENTRY = st.fixed_dictionaries(
    {
        "payment_id": st.sampled_from(["cs_1", "cs_2", "cs_3", None]),
        "user_id": st.sampled_from(["u1", "u2", None]),
        "delta": st.integers(-50, 50) | st.none(),
        "kind": st.sampled_from(KINDS) | st.none(),
        "event_id": st.sampled_from(["evt_1", "evt_2", None]),
    }
)


@given(st.lists(ENTRY, min_size=1, max_size=6))
@settings(max_examples=30, deadline=None)
def test_an_entry_that_holds_no_credits_changes_nothing(entries):
    ledger = one_a_minute(entries, "entry_id", "created_at")
    # With it every payment has several entries, so none takes the shorter way.
    beside = ledger.drop_duplicates("payment_id").assign(delta=7, kind="usage", event_id=None)
    several = pd.concat([ledger, beside.assign(entry_id="beside")])
    assert_frame_equal(run(credited(TABLES), ledger=ledger), run(credited(TABLES), ledger=several))


@pytest.mark.parametrize(
    ("given", "holder"),
    [
        (50, "u2"),
        # Not what was taken: nobody knows what the two entries are about.
        (40, "u1"),
        (None, "u1"),
    ],
)
def test_what_support_moved_by_hand_is_on_the_other_account(given, holder):
    entries = [("u1", 50, "purchase"), ("u1", -50, "other"), ("u2", given, "other")]
    ledger = one_a_minute(
        [
            {"payment_id": "cs_1", "user_id": user, "delta": delta, "kind": kind}
            for user, delta, kind in entries
            if delta is not None
        ],
        "entry_id",
        "created_at",
    )
    rows = run(credited(TABLES), ledger=ledger)
    assert rows[["credited_user_id", "credits"]].to_numpy().tolist() == [[holder, 50]]


def test_credited_of_literal_entries():
    ledger = pd.DataFrame(
        [
            ("cs_1", "u1", 50, "purchase", "evt_1"),
            ("cs_2", "u1", 50, "purchase", "evt_2"),
            ("cs_2", "u1", -50, "reversal", None),
            ("cs_2", "u2", 50, "correction", None),
            ("cs_3", "u3", -50, "refund", None),
            ("cs_4", None, 50, "purchase", None),
            (None, "u1", 50, "purchase", None),
        ],
        columns=["payment_id", "user_id", "delta", "kind", "event_id"],
    ).assign(created_at=NOON)
    rows = run(credited(TABLES), ledger=ledger).drop(columns=["credited_at", "event_id"])
    assert rows.astype(object).where(rows.notna(), None).to_numpy().tolist() == [
        # payment, holder, credits, granted, reversed, grants, accounts
        ["cs_1", "u1", 50, 50, 0, 1, 1],
        ["cs_2", "u2", 50, 50, 0, 0, 1],
        ["cs_3", None, 0, 0, 50, 0, 0],
        ["cs_4", None, 50, 50, 0, 1, 1],
    ]


DELIVERY = st.fixed_dictionaries(
    {
        "payment_id": st.sampled_from(["cs_1", "cs_2", "cs_3", None]),
        "resolved_user_id": st.sampled_from(["u1", "u2", None]),
        "method": st.sampled_from(["PRIMARY_METADATA", "EMERGENCY_SCAN_x", "Other", None]),
        "outcome": st.sampled_from(["credited", "failed", None]),
    }
)


@given(st.lists(DELIVERY, min_size=1, max_size=6))
@settings(max_examples=30, deadline=None)
def test_a_later_failed_delivery_changes_nothing(deliveries):
    known = one_a_minute(deliveries, "event_id", "received_at")
    named = known.dropna(subset=["payment_id", "resolved_user_id"])
    later = named.drop_duplicates("payment_id").assign(
        outcome="failed", resolved_user_id="u9", received_at=NOON + pd.Timedelta(days=1)
    )
    assert_frame_equal(
        run(handler_log(TABLES), deliveries=known),
        run(handler_log(TABLES), deliveries=pd.concat([known, later])),
    )


PAYMENTS = st.tuples(
    st.sampled_from(["k1", "k2", None]),
    st.sampled_from(["p1", "p2", "p3", None]),
    st.integers(500_000, 1_000_000),
    st.integers(0, 3),
)


def counted(payments, mode):
    """The votes as one would count them by hand: payment to person, payments and purity."""
    votes = {}
    for number, (key, _, _, minute) in enumerate(payments):
        others = [
            (who, weight)
            for place, (other_key, who, weight, at) in enumerate(payments)
            if place != number and other_key == key and who and (mode == "hindsight" or at < minute)
        ]
        if key and others:
            sums = Counter()
            for who, weight in others:
                sums[who] += weight
            (best, most), *rest = sums.most_common(2)
            # Where two are level, nobody is named.
            if not rest or rest[0][1] < most:
                votes[f"cs_{number}"] = (best, len(others), round(most / sums.total(), 9))
    return votes


@pytest.mark.parametrize("mode", ["hindsight", "as_of"])
@given(payments=st.lists(PAYMENTS, min_size=1, max_size=8))
@settings(max_examples=30, deadline=None)
def test_a_history_is_what_counting_by_hand_gives(mode, payments):
    frame = pd.DataFrame(payments, columns=["customer_id", "person_id", "millionths", "minute"])
    frame["payment_id"] = [f"cs_{number}" for number in range(len(payments))]
    frame["created_at"] = NOON + pd.to_timedelta(frame["minute"], "min")
    frame["millionths"] = frame["millionths"].where(frame["person_id"].notna()).astype("Int64")
    frame["card_fingerprint"] = "another"
    engine = DuckDBEngine()
    engine.register("owned", frame[list(OWNED)].astype({"customer_id": "string"}))
    votes = history_votes(ibis.table(OWNED, name="owned"), "customer_id", mode)
    told = {
        row.payment_id: (row.user_id, row.history_count, round(row.history_purity, 9))
        for row in engine.frame(votes).itertuples()
    }
    assert told == counted(payments, mode)


def test_repeated_counts_what_it_is_told_to_and_no_absent_value():
    deliveries = pd.DataFrame(
        {
            "payment_id": ["cs_1", "cs_1", "cs_2", "cs_2", None, None],
            "resolved_user_id": ["u1", None, "u1", "u2", "u1", "u2"],
        }
    )
    table = TABLES.deliveries
    both = run(repeated(table, "payment_id"), deliveries=deliveries)
    some = run(
        repeated(table, "payment_id", where=table.resolved_user_id.notnull()),
        deliveries=deliveries,
    )
    assert both["payment_id"].tolist() == ["cs_1", "cs_2"]
    assert some["payment_id"].tolist() == ["cs_2"]


def test_of_several_emails_the_sessions_own_key_comes_first():
    entries = [
        ("cs_1", "session", 1, "account_email", "a@example.com"),
        ("cs_1", "session", 2, "session_email", "s@example.com"),
        ("cs_1", "session", 3, "user_email", "u@example.com"),
        ("cs_2", "session", 1, "account_email", "a@example.com"),
        ("cs_2", "session", 2, "user_email", "u@example.com"),
        ("cs_3", "intent", 1, "session_email", "i@example.com"),
    ]
    metadata = pd.DataFrame(
        entries, columns=["payment_id", "source", "position", "key", "email_key"]
    )
    payments = pd.DataFrame({"payment_id": ["cs_1", "cs_2", "cs_3"]})
    rows = run(session_fields(TABLES), payments=payments, metadata=metadata)
    told = rows["session_email_key"]
    assert told.fillna("nobody").tolist() == ["s@example.com", "u@example.com", "nobody"]
