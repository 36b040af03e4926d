"""Tells a case's monitor targets that a scheduled report failed."""

from __future__ import annotations

import hashlib

from credit_forensics.case_file import read_case_file
from credit_forensics.monitoring.alerts import Alert
from credit_forensics.monitoring.transport import transports


def report_failure(case_path: str, sentence: str) -> list[str]:
    """Send one sentence to every target of ``[monitor] targets``.

    Parameters
    ----------
    case_path
        the case file.
    sentence
        what failed, without secrets or personal data.

    Returns
    -------
    what went wrong, a text a target that did not take it; empty where all did or none is named.

    Raises
    ------
    CaseError
        when the case file or a target cannot be used.
    """
    case_file = read_case_file(case_path)
    digest = hashlib.sha256(sentence.encode("utf-8")).hexdigest()[:12]
    alert = Alert(
        key=f"report/{digest}",
        kind="opened",
        severity="warning",
        tone="warning",
        title=f"[{case_file.name}] a scheduled report failed",
        lines=(sentence,),
    )
    problems = []
    for transport in transports(case_file.monitor.targets):
        problem = transport.send(alert)
        if problem is not None:
            problems.append(f"{transport.name}: {problem}")
    return problems
