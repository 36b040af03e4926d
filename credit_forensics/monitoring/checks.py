"""The checks of a tick, in the order in which they run; adding one is a line here."""

from __future__ import annotations

from credit_forensics.monitoring.credited_wrongly import (
    balance_anomalies,
    duplicates,
    misattributions,
    other_findings,
)
from credit_forensics.monitoring.disagreement import disagreement
from credit_forensics.monitoring.failed_deliveries import failed_deliveries
from credit_forensics.monitoring.observation import Check
from credit_forensics.monitoring.paid_not_credited import paid_not_credited
from credit_forensics.monitoring.resolution_failures import resolution_failures
from credit_forensics.monitoring.silence import silence

CHECKS: tuple[Check, ...] = (
    failed_deliveries,
    resolution_failures,
    balance_anomalies,
    misattributions,
    duplicates,
    other_findings,
    paid_not_credited,
    disagreement,
    silence,
)

# What an incident of a check is called, one and several.
TITLES: dict[str, str] = {
    "failed_deliveries": "Failed webhook deliveries",
    "resolution_failures": "User resolution failures",
    "balance_anomalies": "Credit balance anomalies",
    "misattributions": "Credits on the wrong account",
    "duplicates": "Payments credited twice",
    "other_findings": "Other findings",
    "paid_not_credited": "Paid and not credited",
    "disagreement": "Evidence disagrees more than usual",
    "silence": "No deliveries although Stripe shows payments",
    "monitor": "The monitor itself",
}
