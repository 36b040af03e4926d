"""The daily digest: what happened in the last days, short enough to be read every morning."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from credit_forensics.charts import timeline
from credit_forensics.charts.style import SEVERITIES
from credit_forensics.errors import CaseError
from credit_forensics.reporting.blocks import Block
from credit_forensics.reporting.findings_section import findings_section
from credit_forensics.reporting.headline import digest_headline, heading, nothing
from credit_forensics.reporting.incident_report import case_view
from credit_forensics.reporting.language import Html
from credit_forensics.reporting.reference_sections import coverage_section
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

    Raises
    ------
    CaseError
        for a window of no days, or a time that is none.
    """

    def __init__(
        self,
        case: Any,
        *,
        days: int = 1,
        language: str = "en",
        reveal: bool = False,
        started_at: str = "",
        csv: str = "",
    ) -> None:
        if days < 1:
            raise CaseError("A digest needs at least one day; set days to 1 or more.")
        self.view = case_view(case, language=language, reveal=reveal)
        self._started_at = started_at
        self._csv = Path(csv) if csv else None
        self.until = _moment(started_at) if started_at else self._last_time()
        self.since = self.until - timedelta(days=days)
        times = self.view.findings["created_at"]
        # The end belongs to the window: without a start time it is the last finding's own.
        self.recent = self.view.findings[(times > self.since) & (times <= self.until)]

    def headline(self) -> Block:
        """What was found in the window, in one sentence."""
        language = self.view.language
        first, last = language.time(self.since), language.time(self.until)
        window = language.say("digest.window", first=first, last=last)
        return Block(digest_headline(self.view, self.recent, window, self._started_at))

    def findings(self) -> Block:
        """The findings of the window."""
        return findings_section(self.view, self.recent, self._csv, section="new")

    def worst_cases(self) -> Block:
        """The window's worst payments, every method side by side."""
        known = set(self.view.verdicts["payment_id"])
        named = self.recent["payment_id"].dropna().unique()
        payments = [str(payment) for payment in named if payment in known]
        matrix = worst_matrix(self.view, payments=payments)
        return Block(Html(heading(self.view, "worst") + matrix))

    def timeline(self) -> Block:
        """Payments and findings of the window over time."""
        times = self.view.payments["created_at"]
        payments = self.view.payments[(times > self.since) & (times <= self.until)]
        words = {name: self.view.language.name("severity", name) for name in SEVERITIES}
        head = Html(heading(self.view, "timeline"))
        if payments.empty and self.recent.empty:
            return Block(Html(head + nothing(self.view, "digest.none")))
        figure = timeline(
            payments, self.recent, language=self.view.language.code, severity_words=words
        )
        return Block(head, figure)

    def coverage(self) -> Block:
        """What the evidence covers, and what it does not."""
        return coverage_section(self.view)

    def _last_time(self) -> datetime:
        last = pd.concat([self.view.payments["created_at"], self.view.findings["created_at"]]).max()
        return datetime(1970, 1, 2, tzinfo=UTC) if pd.isna(last) else last.to_pydatetime()


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CaseError(f"'{text}' is no ISO 8601 time, as in 2025-09-01T07:00:00+00:00.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
