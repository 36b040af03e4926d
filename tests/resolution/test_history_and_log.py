"""Whom other payments of a key belong to, and what a log shows was chosen: literal rows."""

from __future__ import annotations

import ibis
import pandas as pd
import pytest

from credit_forensics.engines.duckdb import DuckDBEngine
from credit_forensics.resolution.handler_log import handler_log
from credit_forensics.resolution.history import OWNED, history_votes
from credit_forensics.tables.catalogue import Tables

MILLION = 1_000_000


def votes(*payments, mode="hindsight"):
    """``{payment: (person, other payments, purity)}`` of ``(minute, person, millionths)``."""
    rows = pd.DataFrame(payments, columns=["minute", "person_id", "millionths"])
    minutes = pd.to_timedelta(rows["minute"], "min")
    frame = pd.DataFrame(
        {
            "payment_id": [f"cs_{number}" for number in range(1, len(rows) + 1)],
            "created_at": pd.Timestamp("2025-09-01T12:00Z") + minutes,
            "card_fingerprint": "card_1",
            "customer_id": None,
            "person_id": rows["person_id"],
            "millionths": rows["millionths"].astype("Int64"),
        }
    ).astype({"customer_id": "str", "person_id": "str"})
    engine = DuckDBEngine(threads=1)
    engine.register("owned", frame[list(OWNED)])
    found = history_votes(ibis.table(OWNED, name="owned"), "card_fingerprint", mode)
    return {
        row.payment_id: (row.user_id, row.history_count, round(row.history_purity, 2))
        for row in engine.frame(found).itertuples()
    }


def test_the_only_payment_of_a_card_has_no_history():
    assert votes((0, "ada", MILLION)) == {}


def test_a_payment_never_votes_for_itself():
    found = votes((0, "ada", MILLION), (1, "ben", MILLION))
    assert found == {"cs_1": ("ben", 1, 1.0), "cs_2": ("ada", 1, 1.0)}


def test_one_without_an_owner_has_a_vote_and_gives_none():
    found = votes((0, "ada", MILLION), (1, None, None))
    assert found == {"cs_2": ("ada", 1, 1.0)}


@pytest.mark.parametrize("mode", ["hindsight", "as_of"])
@pytest.mark.parametrize(
    ("ada", "ben", "expected"),
    [
        (600_000, 500_000, ("ada", 2, 0.55)),
        (500_000, 600_000, ("ben", 2, 0.55)),
        (500_001, 500_000, ("ada", 2, 0.5)),
        (500_000, 500_000, None),  # which id is smaller says nothing
    ],
)
def test_the_person_with_most_weight_is_named(mode, ada, ben, expected):
    found = votes((0, "ben", ben), (1, "ada", ada), (2, None, None), mode=mode)
    assert found.get("cs_3") == expected


def test_own_weight_gone_the_second_leads_or_nobody_does():
    found = votes((0, "ben", 900_000), (1, "ada", 800_000))
    assert found["cs_1"] == ("ada", 1, 1.0)
    # ben leads by his own payment alone; without it he and ada are level.
    tied = votes((0, "ben", 600_000), (1, "ben", 600_000), (2, "ada", 600_000))
    assert "cs_1" not in tied
    # Nor does the second lead where a third is level with it.
    three = votes((0, "cy", 900_000), (1, "ada", 600_000), (2, "ben", 600_000))
    assert "cs_1" not in three


def test_as_of_knows_what_was_strictly_before():
    found = votes((0, "ada", MILLION), (5, "ben", MILLION), (5, None, None), mode="as_of")
    assert found == {"cs_2": ("ada", 1, 1.0), "cs_3": ("ada", 1, 1.0)}


def log(*deliveries):
    """The choice that the log shows, of ``(minute, account, outcome)``."""
    frame = pd.DataFrame(deliveries, columns=["minute", "resolved_user_id", "outcome"])
    frame["received_at"] = pd.Timestamp("2025-09-01T12:00Z") + pd.to_timedelta(
        frame.pop("minute"), "min"
    )
    frame["event_id"] = [f"evt_{number}" for number in range(len(frame))]
    frame["payment_id"] = "cs_1"
    engine = DuckDBEngine(threads=1)
    engine.create("deliveries")
    engine.append("deliveries", frame)
    return engine.frame(handler_log(Tables()))["log_user_id"].tolist()


@pytest.mark.parametrize(
    ("deliveries", "account"),
    [
        ([(0, "ada", "database_error"), (1, "ben", "credited"), (2, "cat", "credited")], ["ben"]),
        ([(2, "cat", "credited"), (1, "ben", "credited")], ["ben"]),
        ([(0, "ada", "database_error"), (1, "ben", "no_credits")], ["ada"]),
        ([(0, None, "resolution_failed"), (1, "ben", "no_credits")], ["ben"]),
        ([(0, None, "credited")], []),
    ],
)
def test_the_first_delivery_that_credited_counts_else_the_first_that_resolved(deliveries, account):
    assert log(*deliveries) == account
