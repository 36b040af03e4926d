"""The daily digest: what happened in the last days, short enough to be read every morning."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from credit_forensics.case.case import Case
from credit_forensics.charts import timeline
from credit_forensics.charts.style import SEVERITIES
from credit_forensics.errors import CaseError
from credit_forensics.reporting.blocks import Block
from credit_forensics.reporting.findings_section import findings_section
from credit_forensics.reporting.headline import digest_headline, digest_title, facts_of
from credit_forensics.reporting.incident_report import case_view
from credit_forensics.reporting.reference_sections import coverage_section
from credit_forensics.reporting.window import rolling_window
from credit_forensics.reporting.worst_cases import worst_matrix


class DailyDigest:
    """The findings of a case that are dated in a window of days.

    Parameters
    ----------
    case
        the case.
    days
        length of the window, at least one.
    language, reveal, csv
        as for ``IncidentReport``.
    started_at
        end of the window, ISO 8601; the last time in the evidence without it.
    rolling
        length of the window as ``24h`` or ``7d``, instead of ``days``; then findings without a
        date are in it, and the digest says what was read anew.

    Raises
    ------
    CaseError
        for a window of no days, or a time that is none.
    """

    def __init__(
        self,
        case: Case,
        *,
        days: int = 1,
        language: str = "en",
        reveal: bool = False,
        started_at: str = "",
        csv: str = "",
        rolling: str = "",
    ) -> None:
        if days < 1:
            raise CaseError("A digest needs at least one day; set days to 1 or more.")
        self.view = case_view(case, language=language, reveal=reveal)
        self._started_at = started_at
        self._csv = Path(csv) if csv else None
        times = self.view.findings["created_at"]
        every = pd.concat([self.view.payments["created_at"], times])
        self.window = rolling_window(rolling or f"{days}d", started_at, every)
        self.view.read_anew = case.read_anew if rolling else None
        self.recent = self.view.findings[self.window.holds(times, undated=bool(rolling))]

    def headline(self) -> Block:
        """What was found in the window, in one sentence."""
        language = self.view.language
        first, last = language.time(self.window.since), language.time(self.window.until)
        window = language.say("digest.window", first=first, last=last)
        head = digest_headline(self.view, self.recent, window, self._started_at)
        return Block(head, status=facts_of(self.view, digest_title(self.view, self.recent)))

    def findings(self) -> Block:
        """The findings of the window."""
        return findings_section(self.view, self.recent, self._csv, section="new")

    def worst_cases(self) -> Block:
        """The window's worst payments, every method side by side."""
        known = set(self.view.verdicts["payment_id"])
        named = self.recent["payment_id"].dropna().unique()
        payments = [str(payment) for payment in named if payment in known]
        return Block(self.view.heading("worst"), worst_matrix(self.view, payments=payments))

    def timeline(self) -> Block:
        """Payments and findings of the window over time."""
        payments = self.view.payments[self.window.holds(self.view.payments["created_at"])]
        words = {name: self.view.language.name("severity", name) for name in SEVERITIES}
        head = self.view.heading("timeline")
        if payments.empty and self.recent.empty:
            return Block(head, self.view.paragraph("digest.none", "none"))
        figure = timeline(
            payments, self.recent, language=self.view.language.code, severity_words=words
        )
        return Block(head, figure)

    def coverage(self) -> Block:
        """What the evidence covers, and what it does not."""
        return coverage_section(self.view)
