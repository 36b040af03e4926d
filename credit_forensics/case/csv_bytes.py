"""A table as the bytes of a CSV file, the same wherever it is written."""

from __future__ import annotations

import re

import pandas as pd

_DIGITS = 6
# Spreadsheets drop spaces and what is not seen, and take full-width signs for the narrow ones.
_UNSEEN = (
    r"\x00-\x20\x7f"
    "\u0085\u00a0\u00ad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff"
)
_SIGNS = r"=+\-@" + "\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212"
FORMULA = re.compile(f"^(?:[{_UNSEEN}]*[{_SIGNS}]|[\\t\\r\\n])")
"""What a spreadsheet would run."""


def csv_bytes(rows: pd.DataFrame) -> bytes:
    """A table as CSV: UTF-8, ISO times in UTC, six digits of a probability, empty for absent.

    A text that a spreadsheet would run as a formula is quoted with an apostrophe.

    Examples
    --------
    >>> csv_bytes(pd.DataFrame({"a": ["=1+1"], "p": [0.12345678]}))
    b"a,p\\n'=1+1,0.123457\\n"
    >>> csv_bytes(pd.DataFrame({"a": ["\\u3000\\uff1d1+1"]})).decode()
    "a\\n'\\u3000\\uff1d1+1\\n"
    """
    shown = rows.copy()
    for name in shown.columns:
        column = shown[name]
        if isinstance(column.dtype, pd.DatetimeTZDtype):
            shown[name] = column.dt.strftime("%Y-%m-%dT%H:%M:%SZ")
        elif pd.api.types.is_float_dtype(column.dtype):
            shown[name] = column.round(_DIGITS)
        elif pd.api.types.is_string_dtype(column.dtype):
            formula = column.astype(object).map(_runs).astype(bool)
            shown[name] = column.mask(formula, "'" + column)
    return str(shown.to_csv(index=False, lineterminator="\n")).encode("utf-8")


def _runs(value: object) -> bool:
    return isinstance(value, str) and FORMULA.match(value) is not None
