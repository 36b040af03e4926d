"""Engines beside DuckDB: the same expressions, run where the data or the machines are."""
