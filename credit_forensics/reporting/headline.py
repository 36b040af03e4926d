"""The head of a report: its name, what was found in one sentence, the figures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pandas as pd
from markupsafe import Markup

from credit_forensics.charts.style import SEVERITIES
from credit_forensics.coverage.judged import SUBJECTS, percent
from credit_forensics.html_templates import render
from credit_forensics.judgement.verdicts import PAID_BY_ANOTHER
from credit_forensics.reporting.case_view import CaseView, accounts_hit, money_at_stake
from credit_forensics.reporting.in_short import in_short
from credit_forensics.reporting.rolling_facts import rolling_facts


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
    found = view.findings
    payments = language.count("payment", len(view.verdicts))
    if len(found):
        title = language.say(
            "headline.findings",
            findings=language.count("finding", len(found)),
            payments=payments,
            amount=language.amounts(view.at_stake),
        )
    else:
        title = language.say("headline.none", payments=payments)
        if not view.judged_enough:
            share = percent(view.case.judged.least)
            title = language.say("headline.none_judged", share=share, payments=payments)
    verdicts = view.verdicts["verdict"].value_counts()
    unsure = language.say(
        "headline.unsure",
        ambiguous=language.count("payment", int(verdicts.get("ambiguous", 0))),
        unverifiable=language.number(int(verdicts.get("unverifiable", 0))),
    )
    if asked := int(verdicts.get(PAID_BY_ANOTHER, 0)):
        asked_words = language.count("payment", asked)
        unsure += f" {language.say('headline.paid_by_another', payments=asked_words)}"
    facts = [f"{_facts(view, started_at)}. {unsure}", *judged_facts(view)]
    return _head(view, found, title, facts, short=in_short(view))


def judged_facts(view: CaseView) -> list[str]:
    """What share of money, credits and deliveries was judged, and why the rest was not."""
    language, judged = view.language, view.case.judged

    def part(subject: str, share: float) -> str:
        return f"{percent(share)} {language.say(f'judged.{subject}')}"

    shares = [
        part(subject, judged.shares[subject]) for subject in SUBJECTS if subject in judged.shares
    ]
    if not shares:
        return []
    said = [language.say("headline.judged", shares=language.list(shares))]
    not_judged = [
        f"{part(row['subject'], row['share'])} ({language.say('unjudged.' + row['reason'])})"
        for row in judged.unjudged
    ]
    if not_judged:
        said.append(language.say("headline.unjudged", parts=language.list(not_judged)))
    return [" ".join(said)]


def digest_headline(view: CaseView, recent: pd.DataFrame, window: str, started_at: str) -> Markup:
    """The head of the daily digest: the findings of its window."""
    language = view.language
    if len(recent):
        title = language.say(
            "digest.headline",
            findings=language.count("finding", len(recent)),
            amount=language.amounts(money_at_stake(recent)),
        )
    else:
        title = language.say("digest.none")
    total = language.say("digest.total", findings=language.count("finding", len(view.findings)))
    facts = [f"{window}. {total}", f"{_facts(view, started_at)}.", *judged_facts(view)]
    return _head(view, recent, title, facts, anchor="answers")


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
