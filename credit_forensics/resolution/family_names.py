"""The names of the evidence families."""

from __future__ import annotations

SESSION = "session"
MAPPING = "mapping"
EMAIL = "email"
CARD = "card"
NAME = "name"

BY_PAYER = (EMAIL, NAME, CARD)
"""Families that speak of one act of one payer: who paid, and not for which account."""
