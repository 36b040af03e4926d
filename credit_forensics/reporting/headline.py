"""The head of a report: its name, what was found in one sentence, the figures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pandas as pd
from markupsafe import Markup

from credit_forensics.charts.style import SEVERITIES
from credit_forensics.coverage.judged import percent
from credit_forensics.html_templates import render
from credit_forensics.judgement.verdicts import PAID_BY_ANOTHER
from credit_forensics.reporting.case_view import CaseView
from credit_forensics.reporting.in_short import in_short, judged_facts
from credit_forensics.reporting.matters import accounts_hit, money_at_stake
from credit_forensics.reporting.rolling_facts import rolling_facts
from credit_forensics.reporting.since_section import since_line


def headline(view: CaseView, started_at: str = "") -> Markup:
    """The head of the incident report.

    Parameters
    ----------
    view
        the case.
    started_at
        when the run started, ISO 8601; shown, never computed with.
    """
    language = view.language
    verdicts = view.verdicts["verdict"].value_counts()
    unsure = language.say(
        "headline.unsure",
        ambiguous=language.count("payment", int(verdicts.get("ambiguous", 0))),
        unverifiable=language.number(int(verdicts.get("unverifiable", 0))),
    )
    if asked := int(verdicts.get(PAID_BY_ANOTHER, 0)):
        asked_words = language.count("payment", asked)
        unsure += f" {language.say('headline.paid_by_another', payments=asked_words)}"
    if view.practices:
        usual = ", ".join(view.practices)
        unsure += f" {language.say('headline.practices', objects=usual)}"
    facts = [f"{_facts(view, started_at)}. {unsure}"]
    if since := since_line(view):
        facts.insert(0, since)
    return _head(view, view.findings, title_of(view), facts, short=in_short(view))


def title_of(view: CaseView) -> str:
    """What was found, in one sentence without a full stop."""
    language, found = view.language, view.findings
    payments = language.count("payment", len(view.verdicts))
    if len(found):
        return language.say(
            "headline.findings",
            findings=language.count("finding", len(found)),
            payments=payments,
            amount=language.amounts(view.at_stake),
        )
    if view.judged_enough:
        return language.say("headline.none", payments=payments)
    share = percent(view.case.judged.least)
    return language.say("headline.none_judged", share=share, payments=payments)


def facts_of(view: CaseView, title: str = "", rolling: str = "") -> dict[str, Any]:
    """What the page's head holds for the index of reports, and for the report after it."""
    since = view.since
    page = {
        "case": view.case.name,
        "headline": title or title_of(view),
        "rolling": rolling,
        "findings": len(view.findings),
        "money": dict(sorted(view.at_stake.items())),
        "before": since.started_at if since else "",
        "new": len(since.new) if since else None,
        "gone": len(since.gone) if since else None,
    }
    return {"page": page}


def digest_headline(view: CaseView, recent: pd.DataFrame, window: str, started_at: str) -> Markup:
    """The head of the daily digest: the findings of its window."""
    language = view.language
    title = digest_title(view, recent)
    total = language.say("digest.total", findings=language.count("finding", len(view.findings)))
    facts = [f"{window}. {total}", f"{_facts(view, started_at)}.", *judged_facts(view)]
    return _head(view, recent, title, facts, anchor="answers")


def digest_title(view: CaseView, recent: pd.DataFrame) -> str:
    """What was found in the digest's window."""
    language = view.language
    if recent.empty:
        return language.say("digest.none")
    return language.say(
        "digest.headline",
        findings=language.count("finding", len(recent)),
        amount=language.amounts(money_at_stake(recent)),
    )


def _head(
    view: CaseView,
    found: pd.DataFrame,
    title: str,
    facts: list[str],
    *,
    anchor: str = "",
    short: Sequence[Markup] = (),
) -> Markup:
    revealed = view.mask.reveal
    return render(
        "reporting/templates/headline.html.j2",
        name=view.case.name,
        headline=title,
        anchor=anchor,
        short=short,
        tiles=_tiles(view, found),
        facts=[fact for fact in (*facts, rolling_facts(view)) if fact],
        revealed=revealed,
        privacy=view.language.say("page.revealed" if revealed else "page.masked"),
    )


def _tiles(view: CaseView, found: pd.DataFrame) -> list[tuple[str, str, str]]:
    """Findings by severity, accounts hit, payments judged and rejected lines."""
    language = view.language
    severities = found["severity"].value_counts()
    shown = [
        (severity, language.name("severity", severity), int(severities[severity]))
        for severity in SEVERITIES
        if severity in severities
    ]
    shown.append(("plain", language.say("tile.hit"), accounts_hit(found)))
    shown.append(("plain", language.say("tile.payments"), len(view.verdicts)))
    if len(view.case.rejects):
        shown.append(("plain", language.say("tile.rejects"), len(view.case.rejects)))
    return [(look, label, language.number(number)) for look, label, number in shown]


def _facts(view: CaseView, started_at: str) -> str:
    """The window, the mode and when it was rendered, in a line."""
    language, times = view.language, view.payments["created_at"].dropna()
    parts = [language.say("page.no_window")]
    if len(times):
        first, last = language.day(times.min()), language.day(times.max())
        parts = [language.say("page.window", first=first, last=last)]
    parts.append(language.say(f"page.mode.{view.case.mode}"))
    if started_at:
        moment = language.time(datetime.fromisoformat(started_at))
        parts.append(language.say("page.rendered", time=moment))
    line = " · ".join(parts)
    return line[:1].upper() + line[1:]
