"""The head of a report: its name, what was found in one sentence, the figures."""

from __future__ import annotations

from datetime import datetime
from html import escape

import pandas as pd

from credit_forensics.charts.style import SEVERITIES
from credit_forensics.reporting.case_view import CaseView, accounts_hit, money_at_stake
from credit_forensics.reporting.language import Html, as_html
from credit_forensics.reporting.rolling_facts import rolling_facts


def headline(view: CaseView, started_at: str = "") -> Html:
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
        title = language.html(
            "headline.findings",
            findings=language.count("finding", len(found)),
            payments=payments,
            amount=language.amounts(view.at_stake),
        )
    else:
        title = language.html("headline.none", payments=payments)
    verdicts = view.verdicts["verdict"].value_counts()
    unsure = language.html(
        "headline.unsure",
        ambiguous=language.count("payment", int(verdicts.get("ambiguous", 0))),
        unverifiable=language.number(int(verdicts.get("unverifiable", 0))),
    )
    return Html(
        f'<p class="case-name">{as_html(view.case.name)}</p><h1>{title}</h1>'
        f"{tiles(view, found)}"
        f'<p class="facts">{facts(view, started_at)}. {unsure}</p>'
        f"{rolling_facts(view)}{privacy(view)}"
    )


def digest_headline(view: CaseView, recent: pd.DataFrame, window: str, started_at: str) -> Html:
    """The head of the daily digest: the findings of its window."""
    language = view.language
    if len(recent):
        title = language.html(
            "digest.headline",
            findings=language.count("finding", len(recent)),
            amount=language.amounts(money_at_stake(recent)),
        )
    else:
        title = language.html("digest.none")
    total = language.html("digest.total", findings=language.count("finding", len(view.findings)))
    return Html(
        f'<p class="case-name">{as_html(view.case.name)}</p><h1 id="answers">{title}</h1>'
        f"{tiles(view, recent)}"
        f'<p class="facts">{as_html(window)}. {total}</p>'
        f'<p class="facts">{facts(view, started_at)}.</p>{rolling_facts(view)}{privacy(view)}'
    )


def tiles(view: CaseView, found: pd.DataFrame) -> str:
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
    items = "".join(
        f'<li class="tile {kind}"><b>{as_html(language.number(number))}</b> {as_html(label)}</li>'
        for kind, label, number in shown
    )
    return f'<ul class="tiles">{items}</ul>'


def facts(view: CaseView, started_at: str) -> str:
    """The window, the mode and when it was rendered, in a line of HTML."""
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
    return escape(line[:1].upper() + line[1:])


def privacy(view: CaseView) -> str:
    """Whether personal data is masked or revealed."""
    if view.mask.reveal:
        return f'<p class="revealed">{view.language.html("page.revealed")}</p>'
    return f'<p class="facts">{view.language.html("page.masked")}</p>'


def heading(view: CaseView, section: str) -> str:
    """A section's heading, with the anchor that the contents link to."""
    return f'<h2 id="{section}">{view.language.html(f"section.{section}")}</h2>'


def nothing(view: CaseView, key: str) -> str:
    """A sentence that says that there is nothing, for "nothing found" is a result."""
    return f'<p class="none">{view.language.html(key)}</p>'
