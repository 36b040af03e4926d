"""Prints a table in an assertion's message, so that the failure can be read."""

from __future__ import annotations

import pandas as pd

_MOST_ROWS = 40


def readable_table(rows: pd.DataFrame, columns: list[str] | None = None) -> str:
    """A table as aligned text, left-justified, at most forty rows, with how many there are.

    Examples
    --------
    >>> print(readable_table(pd.DataFrame({"method": ["payer_email"], "names": ["u2"]})))
      method       names
      payer_email  u2
    """
    shown = rows[columns] if columns is not None else rows
    texts = [list(map(str, shown.columns))]
    for row in shown.head(_MOST_ROWS).itertuples(index=False):
        texts.append(["-" if pd.isna(value) else str(value) for value in row])
    widths = [max(len(line[i]) for line in texts) for i in range(len(texts[0]))]
    lines = [
        "  "
        + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in texts
    ]
    if len(shown) > _MOST_ROWS:
        lines.append(f"  {_MOST_ROWS} of {len(shown)} shown")
    return "\n".join(lines)
