"""Credits that were booked on the payer and handed on do not show a wrong booking."""

from __future__ import annotations

import pytest

from credit_forensics.engines.duckdb import engine_of
from credit_forensics.resolution.moved_on import moved_on
from credit_forensics.tables.catalogue import Tables


@pytest.mark.parametrize(
    ("entries", "booked"),
    [
        ([("ann", 60, "purchase"), ("ann", -60, "transfer"), ("team", 60, "transfer")], ["ann"]),
        # A part only; taken from another; booked on two; a reversal, which mends a wrong booking.
        ([("ann", 60, "purchase"), ("ann", -59, "transfer"), ("team", 59, "transfer")], []),
        ([("ann", 60, "purchase"), ("bo", -60, "transfer"), ("team", 60, "transfer")], []),
        ([("ann", 60, "purchase"), ("bo", 60, "purchase"), ("ann", -120, "transfer")], []),
        ([("ann", 60, "purchase"), ("ann", -60, "reversal"), ("bo", 60, "correction")], []),
    ],
)
def test_all_of_a_purchase_was_handed_on_by_a_transfer(entries, booked):
    users, deltas, kinds = map(list, zip(*entries, strict=True))
    ledger = {"payment_id": ["cs_1"] * 3, "user_id": users, "delta": deltas, "kind": kinds}
    found = engine_of(ledger=ledger).frame(moved_on(Tables()))
    assert found["booked_person"].tolist() == booked
