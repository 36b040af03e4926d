"""Stripe's API, pulled into a spool of files."""
