"""The incident report, section by section; the notebook calls them in order."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from credit_forensics.case.case import Case
from credit_forensics.reporting import evidence_sections, reference_sections
from credit_forensics.reporting.answers import answers_html
from credit_forensics.reporting.blocks import CONTENTS_MARK, Block
from credit_forensics.reporting.case_view import CaseView
from credit_forensics.reporting.findings_section import findings_section
from credit_forensics.reporting.headline import facts_of, headline, title_of
from credit_forensics.reporting.hit_section import hit_section
from credit_forensics.reporting.incidents_section import incidents_section
from credit_forensics.reporting.language import Language
from credit_forensics.reporting.proof_section import proof_section, proved_payments
from credit_forensics.reporting.report_json import report_json, write_report_json
from credit_forensics.reporting.shared_section import shared_section
from credit_forensics.reporting.since_last import SinceLast, compare, read_report
from credit_forensics.reporting.since_section import since_section
from credit_forensics.reporting.trust_section import trust_section
from credit_forensics.reporting.window import rolling_window
from credit_forensics.reporting.worst_cases import worst_matrix


class IncidentReport:
    """A case as an incident report: each method gives a section.

    Parameters
    ----------
    case
        the case; see ``credit_forensics.case.case.Case``.
    language
        ``en`` or ``de``.
    reveal
        show personal data instead of masks.
    payment_id
        the payment to answer about; the worst one without it.
    started_at
        when the run started, as ISO 8601; shown, never computed with.
    csv
        where to write the findings, and beside them the manifest; nothing is written without it.
    previous
        the JSON of the report before, with which this one is compared; nothing without it.
    rolling
        a window as ``24h`` or ``7d`` that ends when the run started: the report is about what
        falls into it. All of the case otherwise.

    Raises
    ------
    CaseError
        for a language or payment that there is not, or a mask key that cannot be used.
    """

    def __init__(
        self,
        case: Case,
        *,
        language: str = "en",
        reveal: bool = False,
        payment_id: str = "",
        started_at: str = "",
        csv: str = "",
        rolling: str = "",
        previous: str = "",
    ) -> None:
        self.view = case_view(case, language=language, reveal=reveal, payment_id=payment_id)
        if rolling:
            window = rolling_window(rolling, started_at, self.view.payments["created_at"])
            self.view = CaseView(case, self.view.language, self.view.mask, payment_id, window)
            self.view.read_anew = case.read_anew
        self._started_at, self._rolling = started_at, rolling
        self._csv = Path(csv) if csv else None
        if before := read_report(previous) if previous else None:
            self.view.since = self._since(before)

    def headline(self) -> Block:
        """The case's name, what happened in short and what to do now, the figures that matter.

        With a place for the CSV, the report as JSON is written beside it.
        """
        view = self.view
        if self._csv:
            told = report_json(self._masked(), title_of(view), self._started_at, self._rolling)
            write_report_json(told, self._csv.with_suffix(".json"))
        head = headline(view, self._started_at)
        return Block(head, CONTENTS_MARK, status=facts_of(view, rolling=self._rolling))

    def since(self) -> Block:
        """What is new, gone and still open since the report before; nothing without one."""
        return since_section(self.view)

    def proof(self) -> Block:
        """What happened to the payments of the findings that are shown, in order."""
        return proof_section(self.view)

    def answers(self) -> Block:
        """The ten questions, answered in plain sentences."""
        return Block(answers_html(self.view))

    def findings(self) -> Block:
        """Findings by kind, the money at stake, and the findings themselves, capped."""
        proved = proved_payments(self.view)
        return findings_section(self.view, self.view.findings, self._csv, proved=proved)

    def worst_cases(self) -> Block:
        """The worst payments, every method side by side."""
        return Block(self.view.heading("worst"), worst_matrix(self.view))

    def waterfalls(self) -> Block:
        """Why: a waterfall for each of the worst payments."""
        return evidence_sections.waterfalls_section(self.view)

    def timeline(self) -> Block:
        """Payments and findings over time, and where the credits went."""
        return evidence_sections.timeline_section(self.view)

    def methods(self) -> Block:
        """What each method says over all, and how often each pair agrees."""
        return evidence_sections.methods_section(self.view)

    def trust(self) -> Block:
        """How far to trust the probabilities."""
        return trust_section(self.view)

    def incidents(self) -> Block:
        """Incidents, and the rate over time of the gravest."""
        return incidents_section(self.view)

    def shared(self) -> Block:
        """What the wrong payments share that the right ones do not."""
        return shared_section(self.view)

    def hit(self) -> Block:
        """Who the gravest incident hit, and which payments it may have hit besides."""
        return hit_section(self.view)

    def coverage(self) -> Block:
        """What the evidence covers, its gaps and rejects, and the payments by verdict."""
        return reference_sections.coverage_section(self.view)

    def manifest(self) -> Block:
        """The manifest: inputs as they were read, versions, and its own hash."""
        file = self._csv.with_suffix(".manifest.json") if self._csv else None
        return reference_sections.manifest_section(self.view, file)

    def appendix(self) -> Block:
        """Method, limits and glossary."""
        return reference_sections.appendix_section(self.view)

    def _since(self, before: Mapping[str, Any]) -> SinceLast:
        view = self.view
        ids = view.findings[["incident_id"]].join(view.matters["finding_id"])
        begins = pd.Timestamp(view.window.since) if view.window else None
        return compare(before, ids, view.case.judged.shares, begins)

    def _masked(self) -> CaseView:
        """The view as who may see nothing sees it."""
        view = self.view
        if not view.mask.reveal:
            return view
        masked = CaseView(
            view.case, view.language, view.case.masked(), view.focus or "", view.window
        )
        masked.since = view.since
        return masked


def case_view(
    case: Case, *, language: str = "en", reveal: bool = False, payment_id: str = ""
) -> CaseView:
    """A case as a report sees it, masked under the case's own key."""
    mask = case.masked(reveal=reveal)
    return CaseView(case, Language(language), mask, payment_id)
