"""An entry that lists several payments is one entry of each."""

from __future__ import annotations

import pandas as pd
import pytest
from small_ledgers import load, moved, table

from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers.listed_payments import split_listed, weigh_listed

COLUMNS = "id INTEGER, user_id INTEGER, amount INTEGER, kind TEXT, sessions TEXT"


@pytest.mark.parametrize(
    "named", ['["cs_1", "cs_2"]', "cs_1,cs_2", '{"day": "2026-03-02", "of": ["cs_2", "cs_1"]}']
)
def test_each_payment_of_a_list_has_its_part(tmp_path, named):
    rows = (f"1, 7, 200, 'daily top-up', '{named}'", "2, 8, 100, 'daily top-up', 'cs_3'")
    evidence = load(tmp_path, table("credit_entries", COLUMNS, *rows))
    assert moved(evidence) == {("7", 100, "cs_1"), ("7", 100, "cs_2"), ("8", 100, "cs_3")}


def test_an_entry_that_names_the_payment_before_it_as_well_is_of_one(tmp_path):
    rows = (
        """1, 7, 200, 'top-up', '{"session": "cs_1", "previous": "cs_2"}'""",
        "2, 8, 100, 'top-up', 'cs_3'",
    )
    evidence = load(tmp_path, table("credit_entries", COLUMNS, *rows))
    assert ("7", 200, "cs_1") in moved(evidence)


def parts(credits, amounts, delta, listed="cs_1 cs_2 cs_3", known=3):
    evidence = Evidence()
    evidence.add(
        "payments",
        pd.DataFrame(
            {
                "payment_id": [f"cs_{n}" for n in range(1, known + 1)],
                "expected_credits": pd.array(credits[:known], dtype="Int64"),
                "amount": amounts[:known],
            }
        ),
    )
    entry = {"entry_id": ["7"], "user_id": ["a"], "delta": [delta], "payment_id": [listed]}
    evidence.add("ledger", pd.DataFrame(entry))
    split_listed(evidence)
    weigh_listed(evidence)
    return evidence.ledger.sort_values("entry_id")["delta"].tolist()


@pytest.mark.parametrize(
    ("credits", "amounts", "delta", "known", "expected"),
    [
        ([50, 50, 400], [500, 500, 2900], 500, 3, [50, 50, 400]),
        ([None, None, None], [500, 500, 1000], 200, 3, [50, 50, 100]),
        # Neither what they are worth nor what was paid makes up the entry.
        ([None, None, None], [500, 500, 2900], 500, 3, [168, 166, 166]),
        # One of them is not here: its share is not known.
        ([50, 50, 400], [500, 500, 2900], 500, 2, [168, 166, 166]),
    ],
    ids=["by their worth", "by what was paid", "equal", "not all here"],
)
def test_the_parts_are_what_the_payments_are_worth(credits, amounts, delta, known, expected):
    assert parts(credits, amounts, delta, known=known) == expected
    assert sum(expected) == delta
