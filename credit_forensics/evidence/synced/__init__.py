"""Stripe's objects as a sync engine stores them in a database."""
