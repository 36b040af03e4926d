"""Whom this card's other payments belong to, by the posterior of each (``resolution.history``)."""

from __future__ import annotations

from credit_forensics.resolution.method import CARD, Method

METHOD = Method(
    "card_history",
    CARD,
    "the other payments of the same card fingerprint",
    reads_de="die anderen Zahlungen derselben Karte",
    history="card_fingerprint",
    voice="history",
    place=120,
)
