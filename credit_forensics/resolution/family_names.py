"""The names of the evidence families."""

from __future__ import annotations

SESSION = "session"
MAPPING = "mapping"
EMAIL = "email"
CARD = "card"
NAME = "name"
