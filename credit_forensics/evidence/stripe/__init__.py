"""Stripe's exports: JSON, CSV and Parquet files, and payments made of their objects."""
