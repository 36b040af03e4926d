"""Loads what Stripe, the handler's log and the ledger say into tables."""
