"""Holds the evidence: the tables on an engine, and the custody of where they came from."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pyarrow as pa

from credit_forensics.did_you_mean import or_nearest
from credit_forensics.engines.duckdb import DuckDBEngine
from credit_forensics.evidence.custody import Custody
from credit_forensics.tables.catalogue import ALL, spec
from credit_forensics.tables.columns import MAP
from credit_forensics.tables.evidence import EVIDENCE
from credit_forensics.tables.staging import STAGING


class Evidence:
    """The evidence tables of one case.

    Loaders append to the staging and evidence tables; ``frame`` and the attributes hand pandas
    DataFrames out. Loading runs on DuckDB whatever engine resolves later.

    Examples
    --------
    >>> evidence = Evidence()
    >>> evidence.add("users", pd.DataFrame({"user_id": ["00123"], "email": ["a@example.com"]}))
    >>> evidence.users["user_id"].tolist()
    ['00123']
    """

    def __init__(self, engine: DuckDBEngine | None = None, custody: Custody | None = None) -> None:
        self.engine = engine or DuckDBEngine()
        self.custody = custody or Custody()
        # Until when every ledger that was read is known to be whole, beyond its last entry.
        self.ledger_until: dt.datetime | None = None
        self.engine.create(*(table.name for table in (*STAGING, *EVIDENCE)))

    @property
    def connection(self):  # type: ignore[no-untyped-def]
        """The DuckDB connection, for loaders that insert by SQL."""
        return self.engine.connection

    def add(self, name: str, rows: pd.DataFrame | pa.Table) -> None:
        """Append rows to a table; absent columns stay empty, unknown ones are refused."""
        self.engine.append(name, rows)

    def frame(self, name: str) -> pd.DataFrame:
        """A table as pandas, in the columns' order, sorted by its columns."""
        table_spec = spec(name)
        table = table_spec.unbound()
        sortable = [c.name for c in table_spec.columns if c.type != MAP]
        return self.engine.frame(table.order_by(sortable))

    def count(self, name: str) -> int:
        """Number of rows of a table."""
        # All rows: a result that is not read to its end keeps the connection from other work.
        rows = self.connection.execute(f'SELECT count(*) FROM "{spec(name).name}"')
        return int(rows.fetchall()[0][0])

    def __getattr__(self, name: str) -> pd.DataFrame:
        if name not in ALL:
            hint = "." if name.startswith("_") else or_nearest(name, dir(self))
            raise AttributeError(f"no evidence table {name!r}{hint}")
        return self.frame(name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *(table.name for table in EVIDENCE)})

    def __repr__(self) -> str:
        counts = (f"{table.name} {self.count(table.name):,}" for table in EVIDENCE)
        return f"Evidence({', '.join(counts)})"
