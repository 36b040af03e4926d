"""A table as the bytes of a CSV file, the same wherever it is written."""

from __future__ import annotations

import pandas as pd

_DIGITS = 6


def csv_bytes(rows: pd.DataFrame) -> bytes:
    """A table as CSV: UTF-8, ISO times in UTC, six digits of a probability, empty for absent.

    A text that a spreadsheet would run as a formula is quoted with an apostrophe.

    Examples
    --------
    >>> csv_bytes(pd.DataFrame({"a": ["=1+1"], "p": [0.12345678]}))
    b"a,p\\n'=1+1,0.123457\\n"
    """
    shown = rows.copy()
    for name in shown.columns:
        column = shown[name]
        if isinstance(column.dtype, pd.DatetimeTZDtype):
            shown[name] = column.dt.strftime("%Y-%m-%dT%H:%M:%SZ")
        elif pd.api.types.is_float_dtype(column.dtype):
            shown[name] = column.round(_DIGITS)
        elif pd.api.types.is_string_dtype(column.dtype):
            formula = column.str.match(r"^[=+\-@\t\r]", na=False)
            shown[name] = column.mask(formula, "'" + column)
    return str(shown.to_csv(index=False, lineterminator="\n")).encode("utf-8")
