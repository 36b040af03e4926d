"""Dresses a neutral alert as text, Markdown or HTML."""

from __future__ import annotations

import re

from credit_forensics.html_templates import render
from credit_forensics.monitoring.alerts import Alert


def as_text(alert: Alert) -> str:
    """Plain text.

    Examples
    --------
    >>> print(as_text(Alert("1/opened/2", "opened", "info", "info", "t", (("Count", "2"),))))
    Severity: info
    Count: 2
    Alert: 1/opened/2
    """
    return "\n".join([*(f"{name}: {value}" for name, value in _facts(alert)), *alert.lines])


def as_markdown(alert: Alert) -> str:
    """Markdown, as Slack, Teams and Discord take it; what could be markup is escaped.

    Examples
    --------
    >>> print(as_markdown(Alert("1/opened/2", "opened", "info", "info", "t", (("Id", "a_b"),))))
    - **Severity:** info
    - **Id:** a\\_b
    - **Alert:** 1/opened/2
    """
    facts = [f"- **{name}:** {_escaped(value)}" for name, value in _facts(alert)]
    return "\n".join([*facts, *(f"- {_escaped(line)}" for line in alert.lines)])


def as_html(alert: Alert) -> str:
    """HTML for mail; all text is escaped.

    Examples
    --------
    >>> "<b>" in as_html(Alert("k", "opened", "info", "info", "t", (("Id", "<b>"),)))
    False
    """
    return str(render("monitoring/alert.html.j2", facts=_facts(alert), lines=alert.lines))


def _facts(alert: Alert) -> list[tuple[str, str]]:
    return [
        ("Severity", alert.severity),
        *((name, value) for name, value in alert.facts if value),
        ("Alert", alert.key if len(alert.key) <= 120 else alert.key[:117] + "..."),
    ]


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]<>#|~])", r"\\\1", text)
