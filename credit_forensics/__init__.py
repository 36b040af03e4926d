"""Finds out who really paid when Stripe credits land on the wrong account."""

__version__ = "0.1.0"
