"""The credit ledger, in a database or in files."""
