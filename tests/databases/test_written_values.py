"""Numbers and times as people write them: read where only one reading is possible."""

from __future__ import annotations

import duckdb
import pytest

from credit_forensics.databases.written_values import plain_columns


def read(values: list[str], delimiter: str) -> list[str] | None:
    """The values of a column as they are read, or None where they stay as they are written."""
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t (v VARCHAR)")
        connection.executemany("INSERT INTO t VALUES (?)", [[value] for value in values])
        found = plain_columns(connection, "t", ["v"], delimiter)
        if "v" not in found:
            return None
        return [row[0] for row in connection.execute(f"SELECT {found['v']} FROM t").fetchall()]


@pytest.mark.parametrize(
    ("values", "delimiter", "expected"),
    [
        (["100,00", "-30,5"], ";", ["100.00", "-30.5"]),
        (["1.200,00", "5,00"], ";", ["1200.00", "5.00"]),
        (["1.200", "50"], ";", ["1200", "50"]),
        # Where commas part the columns, a point parts the fraction.
        (["1.200", "50"], ",", None),
        (["+1,200", "-10"], ",", ["1200", "-10"]),
        (["1,200.50", "7"], ",", ["1200.50", "7"]),
        (["1 200", "-1 200,5"], ";", ["1200", "-1200.5"]),
        # Telephones and words.
        (["+4912345", "+4967890"], ",", None),
        (["100", "a lot"], ",", None),
        (["100,00", "n/a"], ";", None),
    ],
)
def test_numbers(values: list[str], delimiter: str, expected: list[str] | None) -> None:
    assert read(values, delimiter) == expected


@pytest.mark.parametrize(
    ("values", "delimiter", "expected"),
    [
        (["01.09.2025 22:00:00"], ";", ["2025-09-01 22:00:00"]),
        (
            ["01/09/2025 22:00", "13/09/2025 08:00"],
            ",",
            ["2025-09-01 22:00:00", "2025-09-13 08:00:00"],
        ),
        (
            ["09/01/2025 22:00", "09/13/2025 08:00"],
            ",",
            ["2025-09-01 22:00:00", "2025-09-13 08:00:00"],
        ),
        (["09/01/2025 10:00 PM"], ",", ["2025-09-01 22:00:00"]),
        (["Sep 01, 2025 10:00:00 PM"], ",", ["2025-09-01 22:00:00"]),
        (["1 Sep 2025 22:00:00"], ",", ["2025-09-01 22:00:00"]),
        # The first of September or the ninth of January: nobody can say.
        (["01/09/2025 22:00", "02/09/2025 08:00"], ",", None),
        (["01.09.2025 22:00", "soon"], ";", None),
    ],
)
def test_times(values: list[str], delimiter: str, expected: list[str] | None) -> None:
    assert read(values, delimiter) == expected
