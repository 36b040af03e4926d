"""The rows of a small table as records, to be shown or drawn one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def row_dicts(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as dictionaries, absent values as ``None`` whatever their type.

    Examples
    --------
    >>> import pandas as pd
    >>> row_dicts(pd.DataFrame({"n": pd.array([1, None], "Int64")}))
    [{'n': 1}, {'n': None}]
    """
    # A column at a time: pandas takes longer to begin on a table of few rows than to read it.
    columns = {str(name): _values(column) for name, column in rows.items()}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _values(column: pd.Series[Any]) -> list[Any]:
    absent = column.isna().tolist()
    return [None if gone else value for gone, value in zip(absent, column.tolist(), strict=True)]
