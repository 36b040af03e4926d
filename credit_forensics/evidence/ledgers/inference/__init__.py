"""Finds out, from names, keys and values, how a credit ledger nobody described is laid out."""
