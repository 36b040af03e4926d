"""Every table of the toolkit by name, as expressions, and the casting of rows to its columns.

Three groups, in the order in which data flows: ``STAGING``, ``EVIDENCE`` and ``RESULTS``. Times
are UTC timestamps, money is integer minor units with its currency, ids are strings.
"""

from __future__ import annotations

import pandas as pd
import pyarrow as pa

from credit_forensics.did_you_mean import did_you_mean
from credit_forensics.tables.columns import TableSpec
from credit_forensics.tables.evidence import EVIDENCE
from credit_forensics.tables.expressions import ir
from credit_forensics.tables.results import RESULTS
from credit_forensics.tables.staging import STAGING

ALL: dict[str, TableSpec] = {spec.name: spec for spec in (*STAGING, *EVIDENCE, *RESULTS)}


def spec(name: str) -> TableSpec:
    """The specification of a table by name.

    Raises
    ------
    KeyError
        when no table has that name; the message names the nearest, or lists those there are.

    Examples
    --------
    >>> spec("balances").column_names
    ['user_id', 'balance', 'fraction']
    """
    try:
        return ALL[name]
    except KeyError:
        raise KeyError(f"no table {name!r}; {did_you_mean(name, sorted(ALL))}") from None


class Tables:
    """The tables as unbound Ibis expressions, by attribute: ``tables.payments``.

    Methods, rules and findings take this, so each is one expression that any engine can compile.

    Examples
    --------
    >>> Tables().balances.columns
    ('user_id', 'balance', 'fraction')
    """

    def __getattr__(self, name: str) -> ir.Table:
        try:
            return spec(name).unbound()
        except KeyError as error:
            raise AttributeError(error.args[0]) from None

    @property
    def whole(self) -> Tables:
        """The tables with all their rows; these, where none is narrowed."""
        return self

    def __dir__(self) -> list[str]:
        return sorted(ALL)


def conform(name: str, rows: pd.DataFrame | pa.Table) -> pa.Table:
    """Cast rows to a table's columns, in order; absent columns become empty.

    Parameters
    ----------
    name
        a table of this module.
    rows
        DataFrame or Arrow table with any of its columns. Unknown columns are refused, so that a
        misspelt one is not lost without a word. Naive times are taken as UTC; integers in an id
        column become their decimal text.

    Raises
    ------
    ValueError
        for an unknown column or a value that its column's type cannot hold.

    Examples
    --------
    >>> conform("balances", pd.DataFrame({"user_id": ["00123"], "balance": [5]})).to_pylist()
    [{'user_id': '00123', 'balance': 5, 'fraction': None}]
    """
    table_spec = spec(name)
    names = rows.column_names if isinstance(rows, pa.Table) else list(rows.columns)
    unknown = [column for column in names if column not in table_spec.column_names]
    if unknown:
        raise ValueError(f"{name} has no column {', '.join(map(repr, unknown))}")
    arrays = []
    for field in table_spec.arrow_schema:
        if field.name not in names:
            arrays.append(pa.nulls(len(rows), field.type))
            continue
        column = rows[field.name]
        given = column.dtype if isinstance(column, pd.Series) else column.type
        try:
            array = pa.array(column, from_pandas=True) if isinstance(column, pd.Series) else column
            arrays.append(_cast(array, field.type))
        except (pa.ArrowException, ValueError, TypeError, OverflowError):
            # Not in the words of the error: they quote the value, which may be an address or a name.
            problem = f"a value of type {given} was given that it cannot hold"
            raise ValueError(f"{name}.{field.name} is {field.type}; {problem}") from None
    return pa.Table.from_arrays(
        [a.combine_chunks() if isinstance(a, pa.ChunkedArray) else a for a in arrays],
        schema=table_spec.arrow_schema,
    )


def _cast(array: pa.ChunkedArray, wanted: pa.DataType) -> pa.ChunkedArray | pa.Array:
    # pandas 3 hands its text out as large_string.
    is_text = pa.types.is_string(array.type) or pa.types.is_large_string(array.type)
    if pa.types.is_timestamp(wanted) and is_text:
        parsed = pd.to_datetime(array.to_pandas(), utc=True, format="ISO8601")
        array = pa.Array.from_pandas(parsed)
    if pa.types.is_timestamp(array.type) and array.type.tz is None:
        array = array.cast(pa.timestamp("us")).cast(wanted)
    return array.cast(wanted)
