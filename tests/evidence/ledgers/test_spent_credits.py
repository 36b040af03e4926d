"""What was spent of a purchase, in an entry that names it, takes nothing of it back."""

from __future__ import annotations

import pandas as pd
import pytest

from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers.spent_credits import untie_spent


@pytest.mark.parametrize(
    ("reason", "refunded", "kind"),
    [
        ("usage of lot 7", 0, "usage"),
        ("platform_fee", 0, "usage"),
        ("render_job", 0, "usage"),
        ("donation", 0, "usage"),
        ("usage of lot 7", 900, "refund"),
        ("platform_fee", 900, "refund"),
        ("usage of lot 7", None, "refund"),  # what went back is not known
        ("refund_fee", 0, "refund"),
        ("taken back", 0, "refund"),
        ("deduct", 0, "refund"),
        (None, 0, "refund"),
    ],
)
def test_what_says_that_it_was_spent_is_use_where_no_money_went_back(reason, refunded, kind):
    evidence = Evidence()
    evidence.add("payments", pd.DataFrame({"payment_id": ["cs_1"], "amount_refunded": [refunded]}))
    rows = {
        "entry_id": ["1", "2"],
        "payment_id": "cs_1",
        "user_id": "ann",
        "delta": [50, -3],
        "kind": ["purchase", "refund"],
        "reason": ["purchase", reason],
    }
    evidence.add("ledger", pd.DataFrame(rows))
    untie_spent(evidence)
    found = evidence.ledger.sort_values("entry_id")
    assert found["kind"].tolist() == ["purchase", kind]
    assert found["payment_id"].isna().tolist() == [False, kind == "usage"]
