"""What is wrong, one file a finding: ``run_findings`` runs them all on an engine."""

from __future__ import annotations

from credit_forensics.findings.catalogue import FINDINGS, examine, run_findings, sort_findings
from credit_forensics.findings.finding import SEVERITIES, Finding

__all__ = ["FINDINGS", "SEVERITIES", "Finding", "examine", "run_findings", "sort_findings"]
