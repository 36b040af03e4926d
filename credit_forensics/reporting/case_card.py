"""How a case shows itself: what was found, what its evidence covers, and what it lacks."""

from __future__ import annotations

from markupsafe import Markup

from credit_forensics.case.case import Case
from credit_forensics.reporting.case_view import CaseView
from credit_forensics.reporting.headline import headline
from credit_forensics.reporting.language import Language
from credit_forensics.reporting.reference_sections import coverage_section


def case_card(case: Case) -> Markup:
    """The head of the case's report, and the section on its evidence.

    Needs the findings, so the case is judged when it is first shown.
    """
    view = CaseView(case, Language(case.settings.report.language), case.mask)
    return headline(view) + coverage_section(view).parts[0]
