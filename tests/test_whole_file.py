"""Files appear whole, for their owner alone where asked, or not at all."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from credit_forensics.whole_file import whole_file, write_whole


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "plan.csv"
    write_whole(path, b"old")
    with pytest.raises(ValueError, match="in the middle"), whole_file(path) as part:
        part.write_bytes(b"half")
        raise ValueError("in the middle")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_for_the_owner_alone_is_so_from_its_first_byte(tmp_path):
    path = tmp_path / "state.json"
    # What a killed process left, readable by all, must not lend its permissions.
    (tmp_path / ".state.json.part").write_bytes(b"left")
    with whole_file(path, mode=0o600) as part:
        assert part.stat().st_mode & 0o077 == 0
        part.write_bytes(b"{}")
    assert path.stat().st_mode & 0o077 == 0


def test_a_writer_of_batches_can_write_to_it(tmp_path):
    path, table = tmp_path / "claims.parquet", pa.table({"n": [1, 2, 3]})
    with whole_file(path) as part, pq.ParquetWriter(part, table.schema) as writer:
        writer.write_table(table)
        writer.write_table(table)
        assert not path.exists()
    assert pq.read_table(path)["n"].to_pylist() == [1, 2, 3, 1, 2, 3]
