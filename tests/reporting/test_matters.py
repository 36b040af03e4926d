"""Each amount is counted once, and what follows from a finding is part of its matter."""

from __future__ import annotations

import pandas as pd
import pytest

from credit_forensics.findings.catalogue import FINDINGS
from credit_forensics.privacy.mask import Mask
from credit_forensics.reporting.findings_section import shown_findings
from credit_forensics.reporting.matters import matters, money_at_stake


def found(*rows: tuple) -> pd.DataFrame:
    columns = ["payment_id", "finding", "amount", "currency"]
    table = pd.DataFrame([row[:4] for row in rows], columns=columns)
    return table.assign(cause="x", event_id=None, credited_user_id="b")


def told(table: pd.DataFrame) -> pd.DataFrame:
    return matters(table, FINDINGS, Mask(b"key"))


def test_a_poisoned_mapping_is_part_of_the_wrong_user_whose_payment_wrote_it():
    table = found(
        ("cs_1", "wrong_user", 500, "eur"),
        ("cs_1", "poisoned_mapping", 500, "eur"),
        # Its wrong user was put right since: nothing here to be part of.
        ("cs_2", "poisoned_mapping", 700, "eur"),
        (None, "poisoned_mapping", None, None),
        ("cs_3", "missing_credit", 900, "eur"),
        ("cs_3", "failed_delivery", 900, "eur"),
        # A refund that was not reversed is a matter of its own.
        ("cs_1", "refund_not_reversed", 300, "eur"),
    )
    assert told(table)["part_of"].tolist() == [
        "", "wrong_user", "", "", "", "missing_credit", "",
    ]  # fmt: skip


def test_the_money_of_all_findings_adds_up_to_what_is_at_stake():
    table = found(
        ("cs_1", "wrong_user", 500, "eur"),
        ("cs_1", "poisoned_mapping", 500, "eur"),
        ("cs_2", "wrong_amount", 300, "eur"),
        ("cs_2", "refund_not_reversed", 900, "eur"),
        ("cs_3", "missing_credit", 400, "usd"),
        (None, "orphan_credit", 50, "usd"),
        (None, "balance_drift", None, None),
    )
    money = told(table)["money"]
    # The dearest finding of a payment counts; of two as dear the graver one.
    assert [None if pd.isna(one) else int(one) for one in money] == [
        500, None, None, 900, 400, 50, None,
    ]  # fmt: skip
    sums = money.groupby(table["currency"]).sum().astype(int).to_dict()
    assert sums == money_at_stake(table) == {"eur": 1400, "usd": 450}


def test_a_finding_has_one_id_in_every_report_and_two_alike_have_two():
    table = found(("cs_1", "wrong_user", 500, "eur"), ("cs_1", "wrong_user", 500, "eur"))
    ids = told(table)["finding_id"]
    assert ids.nunique() == 2
    dearer = table.assign(amount=900)
    assert told(dearer)["finding_id"].tolist() == ids.tolist()
    elsewhere = table.assign(credited_user_id="c")
    assert not set(told(elsewhere)["finding_id"]) & set(ids)


@pytest.mark.parametrize(("most", "shown"), [(8, 8), (7, 7), (4, 4)])
def test_of_many_findings_every_kind_is_shown(most, shown):
    table = pd.DataFrame({"finding": ["a"] * 6 + ["b"] * 2})
    rows = shown_findings(table, most)
    assert len(rows) == shown
    assert list(rows) == sorted(rows)
    assert set(table.loc[rows, "finding"]) == {"a", "b"}
