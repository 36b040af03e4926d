"""Finds paid periods of a subscription without credits."""

from __future__ import annotations

from credit_forensics.findings.finding import Correction, Finding, Words
from credit_forensics.findings.missing_credit import missing
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ir

NAME = "missing_renewal"
SEVERITY = "high"
PROOF = (
    "A paid invoice of a running subscription, without a session of its own; the ledger covers the "
    "time, and no entry books it."
)


def find_missing_renewal(tables: Tables) -> ir.Table:
    """Renewals whose verdict is *not_credited*; causes are those of ``missing_credit``.

    A subscription's first payment has its session and is ``missing_credit``.

    Examples
    --------
    >>> from credit_forensics.engines.duckdb import engine_of
    >>> engine = engine_of(
    ...     verdicts={"payment_id": ["in_1"], "verdict": ["not_credited"],
    ...         "rightful_user_id": ["a"]},
    ...     payments={"payment_id": ["in_1"], "kind": ["invoice"], "subscription_id": ["sub_1"],
    ...         "billing_reason": ["subscription_cycle"]})
    >>> engine.frame(find_missing_renewal(Tables()))["cause"].tolist()
    ['unknown']
    """
    return missing(tables, NAME, SEVERITY, renewals=True)


FINDING = Finding(
    NAME,
    SEVERITY,
    PROOF,
    find_missing_renewal,
    Correction(
        "What the price is worth is granted to whom two families of evidence name.",
        action="give",
        rule="missing",
        turn=92,
    ),
    en=Words(
        "missing renewal",
        "A paid period of a subscription, and no entry in the ledger.",
        {
            "acknowledged_not_applied": "acknowledged, not applied",
            "resolution_failed": "resolution failed",
            "signature_refused": "signature refused",
            "not_delivered": "not delivered",
        },
    ),
    de=Words(
        "fehlende Verlängerung",
        "Ein bezahlter Zeitraum eines Abos, aber keine Buchung im Ledger.",
        {
            "acknowledged_not_applied": "bestätigt, nicht gebucht",
            "resolution_failed": "Zuordnung gescheitert",
            "signature_refused": "Signatur abgelehnt",
            "not_delivered": "nicht zugestellt",
        },
    ),
    odd=True,
    place=45,
)
