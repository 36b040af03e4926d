"""Opens the engine that a case file names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from credit_forensics.case_file import CaseFile
from credit_forensics.engines.duckdb import Engine
from credit_forensics.errors import CaseError
from credit_forensics.extras import Later

if TYPE_CHECKING:
    from credit_forensics.engines import clickhouse, postgres, spark
else:
    clickhouse = Later("credit_forensics.engines.clickhouse")
    postgres = Later("credit_forensics.engines.postgres")
    spark = Later("credit_forensics.engines.spark")


def open_engine(settings: CaseFile) -> Engine | None:
    """The engine that ``[engine]`` names; nothing where the evidence's own DuckDB is meant.

    Parameters
    ----------
    settings
        a checked case file. ``url`` says where PostgreSQL is (without one, the first ledger that
        lies in PostgreSQL), ``master`` where Spark is.

    Raises
    ------
    CaseError
        when the engine cannot be had: no url, no server, or an extra that is not installed.

    Examples
    --------
    >>> open_engine(CaseFile()) is None
    True
    """
    section = settings.engine
    if section.name == "postgres":
        ledgers = [ledger.url for ledger in settings.all_ledgers if ledger.url]
        urls = [section.url, *(url for url in ledgers if url.startswith("postgres"))]
        url = next((url for url in urls if url), None)
        if url is None:
            raise CaseError("The postgres engine needs to know where; set [engine] url.")
        return postgres.PostgresEngine(url, memory=section.memory_limit)
    if section.name == "spark":
        return spark.SparkEngine(
            section.master,
            memory=section.memory_limit,
            folder=section.temp_directory,
            threads=section.threads,
        )
    if section.name == "clickhouse":
        return clickhouse.ClickHouseEngine(
            memory=section.memory_limit, folder=section.temp_directory, threads=section.threads
        )
    return None
