"""Arrow to pandas at the edge, without turning absent integers into floats."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

_NULLABLE: Mapping[pa.DataType, Any] = {
    pa.int64(): pd.Int64Dtype(),
    pa.int32(): pd.Int64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """Arrow to pandas without turning absent integers into floats. The Arrow table is used up.

    Examples
    --------
    >>> to_pandas(pa.table({"n": pa.array([1, None], pa.int64())}))["n"].tolist()
    [1, <NA>]
    """
    frame = table.to_pandas(
        types_mapper=_NULLABLE.get,
        split_blocks=True,
        self_destruct=True,
    )
    assert isinstance(frame, pd.DataFrame)
    return frame
