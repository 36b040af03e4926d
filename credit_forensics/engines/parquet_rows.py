"""Where the rows of a table lie in a folder of Parquet files, and the SQL that reads them."""

from __future__ import annotations

from pathlib import Path


def bucket_name(bucket: int) -> str:
    """The folder of a bucket."""
    return f"bucket={bucket}"


def is_bucketed(folder: Path) -> bool:
    """Whether the rows of a table in a folder lie in buckets."""
    return (folder / bucket_name(0)).is_dir()


def select_rows(folder: Path) -> str:
    """SQL of all rows of a folder: a table's, or one bucket's."""
    pattern = folder / "*" / "*.parquet" if is_bucketed(folder) else folder / "*.parquet"
    return f"SELECT * FROM read_parquet({quoted_path(pattern)}, hive_partitioning = false)"


def quoted_path(path: Path) -> str:
    """A path as SQL text."""
    quoted = str(path).replace("'", "''")
    return f"'{quoted}'"
