"""The rows of a small table as records, to be shown or drawn one by one."""

from __future__ import annotations

from typing import Any

import pandas as pd


def row_dicts(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as dictionaries, absent values as ``None`` whatever their type.

    Examples
    --------
    >>> row_dicts(pd.DataFrame({"n": pd.array([1, None], "Int64")}))
    [{'n': 1}, {'n': None}]
    """
    present = rows.astype(object).where(rows.notna(), None)
    return [{str(key): value for key, value in row.items()} for row in present.to_dict("records")]
