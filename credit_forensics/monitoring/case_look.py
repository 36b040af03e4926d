"""Looks at a case for the checks: pulls what is new from Stripe, then runs the analysis."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from credit_forensics.case.case import Case
from credit_forensics.case_file import CaseFile, read_case_file
from credit_forensics.coverage.unlinked_ledger import why_unlinked
from credit_forensics.evidence.stripe_api.pull import pull
from credit_forensics.monitoring.observation import Watched
from credit_forensics.monitoring.tick import Look

_SETTLING = dt.timedelta(seconds=30)


def look_at_case(path: Path, *, store: bool = True) -> Look:
    """A look at the whole case each time, its case file included; from its store where it can."""

    def look(now: dt.datetime, _standing: tuple[str, ...] = ()) -> Watched:
        case_file = read_case_file(path)
        problems: dict[str, Exception] = {}
        pull_news(case_file, now, problems)
        case = Case.open(path, store=store)
        evidence = case.evidence
        return Watched(
            payments=evidence.payments,
            events=evidence.events,
            deliveries=evidence.deliveries,
            ledger=evidence.ledger,
            verdicts=case.verdicts,
            findings=case.findings,
            has_log=bool(case_file.webhook_log.files),
            has_ledger=bool(case_file.all_ledgers),
            problems=problems,
            unlinked=why_unlinked(case.coverage),
            judged=case.judged.headline,
            nothing=case.judged.nothing_found(case_file.analysis.judged_at_least),
        )

    return look


def pull_news(
    case_file: CaseFile, now: dt.datetime, problems: dict[str, Exception], *, whole: bool = True
) -> None:
    """Pull what is new from Stripe, where the case has a key.

    Unless ``whole``, nothing is asked again, so that the files only grow and a tick costs by what
    is new; how open sessions ended is told by the events meanwhile.
    """
    if not (case_file.stripe.api_key and case_file.monitor.pull):
        return
    try:
        if whole:
            pull(case_file, now=now)
        else:
            # What was created just now may not be in Stripe's lists yet.
            pull(case_file, now=now - _SETTLING, overlap=dt.timedelta(0))
    except Exception as error:
        # Stripe being away is one problem; what is there can still be checked.
        problems["stripe_pull"] = error
