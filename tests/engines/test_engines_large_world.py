"""A world of 200,000 payments gives the same bytes on PostgreSQL and ClickHouse as on DuckDB."""

from __future__ import annotations

import pytest
from engine_parity import assert_same, small_world

from credit_forensics.engines.clickhouse import ClickHouseEngine
from credit_forensics.engines.postgres import PostgresEngine

pytestmark = pytest.mark.scale

PAYMENTS = 200_000


def test_postgres(postgres_database):
    engine = PostgresEngine(postgres_database)
    assert_same(small_world(PAYMENTS), engine)
    engine.close()


def test_clickhouse(tmp_path):
    engine = ClickHouseEngine(folder=tmp_path)
    assert_same(small_world(PAYMENTS), engine)
    engine.close()
