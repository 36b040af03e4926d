"""A spreadsheet runs nothing that a stranger wrote, whatever stands before the sign."""

from __future__ import annotations

import pandas as pd
import pytest

from credit_forensics.case.csv_bytes import csv_bytes

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\u00a0=1", "\u3000=1", "\u200b=1", "\ufeff=1",
            "\uff1d1", " \uff0b1", "\uff0d1", "\uff20x", "\u22121", "\n=1", "\x00=1"]  # fmt: skip


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_is_disarmed(text):
    assert csv_bytes(pd.DataFrame({"a": [text]})).decode().lstrip('a\n"').startswith("'")


@pytest.mark.parametrize("text", ["a=1", "00123", "cs_1", "", "Anna - Ben", "\u00e4=1"])
def test_what_is_none_stays_as_it_is(text):
    written = csv_bytes(pd.DataFrame({"a": [text], "b": ["x"]})).decode()
    assert written == f"a,b\n{text},x\n"
