"""Read-only connections to any SQL database."""
