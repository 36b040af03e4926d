"""Opens the engine that a case file names."""

from __future__ import annotations

from credit_forensics.case_file import CaseFile
from credit_forensics.engines.clickhouse import ClickHouseEngine
from credit_forensics.engines.duckdb import Engine
from credit_forensics.engines.postgres import PostgresEngine
from credit_forensics.engines.spark import SparkEngine
from credit_forensics.errors import CaseError


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
        return PostgresEngine(url, memory=section.memory_limit)
    if section.name == "spark":
        return SparkEngine(
            section.master,
            memory=section.memory_limit,
            folder=section.temp_directory,
            threads=section.threads,
        )
    if section.name == "clickhouse":
        return ClickHouseEngine(
            memory=section.memory_limit, folder=section.temp_directory, threads=section.threads
        )
    return None
