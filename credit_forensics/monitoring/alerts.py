"""Says an incident in neutral words: what a format then dresses and a transport then sends.

Only ids, counts, amounts and times are in an alert. An id that is not shaped like one (an e-mail
used as an id, a key, a name) is masked.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from credit_forensics.money import money_text
from credit_forensics.monitoring.checks import TITLES
from credit_forensics.monitoring.observation import SEVERITIES, Severity, count
from credit_forensics.monitoring.state_schema import Incident, Reported

Kind = Literal["opened", "grew", "ended", "passed", "earlier", "digest"]
_WORD: dict[str, str] = {
    "opened": "",
    "grew": "grows: ",
    "ended": "ended: ",
    "passed": "came and ended: ",
    "earlier": "before monitoring began: ",
}
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_\-:./]{0,79}")
_SECRET = re.compile(r"(sk|rk|pk|whsec)_|bearer|password", re.IGNORECASE)
# A check's own sentence is shown where the check has one incident at most.
_WITH_REASON = ("disagreement", "silence", "paid_not_credited", "monitor")
DIGEST_LINES = 20


@dataclass(frozen=True)
class Alert:
    """An alert: a title, facts as pairs, lines of a digest; ``key`` is the same for a repetition.

    Attributes
    ----------
    key
        ``incident/kind/items``: names the state told. A receiver that sees a key twice (the
        process died between sending and remembering) may drop the second.
    severity
        of the incident, the highest of a digest's.
    tone
        how it sounds: the severity, or ``success`` for a good end.
    """

    key: str
    kind: Kind
    severity: Severity
    tone: Literal["critical", "warning", "info", "success"]
    title: str
    facts: tuple[tuple[str, str], ...] = ()
    lines: tuple[str, ...] = ()


def kind_of(incident: Incident, reported: Reported | None) -> Kind:
    """What there is to say of an incident to someone who was told this much."""
    if incident.status == "earlier":
        return "earlier"
    if reported is None:
        return "opened" if incident.status == "open" else "passed"
    return "grew" if incident.status == "open" else "ended"


def alert(case_name: str, incident: Incident, reported: Reported | None) -> Alert:
    """The alert for an incident's present state, after what was told last."""
    kind = kind_of(incident, reported)
    facts = [
        ("What", _what(incident)),
        ("Count", _growth(incident, reported)),
        ("Since", _minute(incident.first_at or incident.opened_at)),
    ]
    if incident.last_at and incident.last_at != incident.first_at:
        facts.append(("Last", _minute(incident.last_at)))
    if incident.ended_at:
        facts.append(("Ended", _minute(incident.ended_at)))
    if incident.users:
        facts.append(("Accounts", f"{incident.users:,}"))
    if incident.credits:
        facts.append(("Credits", f"{incident.credits:,}"))
    if incident.amounts:
        facts.append(("Amount", amounts(incident.amounts)))
    if incident.check in _WITH_REASON and incident.status == "open":
        facts.append(("Detail", incident.summary))
    facts.append(("For example", ", ".join(shown(example) for example in incident.examples)))
    return Alert(
        key=f"{incident.id}/{kind}/{incident.items}",
        kind=kind,
        severity=incident.severity,
        tone="success" if kind in ("ended", "passed") else incident.severity,
        title=_title(case_name, _head(incident, kind)),
        facts=tuple(facts),
    )


def digest(
    case_name: str, due: Sequence[tuple[Incident, Reported | None]], first: bool = False
) -> Alert:
    """One alert for many incidents, most severe first; ``first`` is the very first tick's."""
    ordered = sorted(
        due, key=lambda pair: (pair[0].status == "ended", -rank(pair[0].severity), pair[0].id)
    )
    lines = [
        f"{incident.severity}: {_head(incident, kind_of(incident, reported))}"
        for incident, reported in ordered
    ]
    if len(lines) > DIGEST_LINES:
        lines = [*lines[:DIGEST_LINES], f"and {len(lines) - DIGEST_LINES} more"]
    standing = [incident for incident, _ in due if incident.status != "ended"]
    severity = SEVERITIES[max(rank(incident.severity) for incident, _ in due)]
    what = f"{count(len(due), 'incident')}" + (" found as watching begins" if first else "")
    return Alert(
        key="digest/" + ",".join(f"{i.id}/{kind_of(i, t)}/{i.items}" for i, t in ordered),
        kind="digest",
        severity=severity,
        tone=severity if standing else "success",
        title=_title(case_name, f"{severity if standing else 'ended'}: {what}"),
        lines=tuple(lines),
    )


def rank(severity: Severity) -> int:
    """0 for info, 2 for critical."""
    return SEVERITIES.index(severity)


def shown(value: str) -> str:
    """An id as it may be shown, masked where it is not shaped like one.

    Examples
    --------
    >>> shown("cs_test_a1"), shown("anna@example.com"), shown("sk_live_1")
    ('cs_test_a1', '(masked)', '(masked)')
    """
    return value if _ID.fullmatch(value) and not _SECRET.search(value) else "(masked)"


def amounts(by_currency: dict[str, int]) -> str:
    """Sums by currency (minor units) as a person writes them.

    Without its currency an amount cannot be told from a hundred times as much, so it stays in
    minor units.

    Examples
    --------
    >>> amounts({"eur": 39900, "ugx": 500000, "": 100})
    '100 minor units of an unknown currency, 399.00 EUR, 5,000.00 UGX'
    """
    return ", ".join(
        money_text(value, shown(currency.upper()))
        if currency
        else f"{value:,} minor units of an unknown currency"
        for currency, value in sorted(by_currency.items())
    )


def _head(incident: Incident, kind: Kind) -> str:
    return f"{_WORD[kind]}{_what(incident)} ({incident.items:,})"


def _what(incident: Incident) -> str:
    title = TITLES.get(incident.check, incident.check.replace("_", " "))
    cause = incident.cause.replace("_", " ")
    same = cause.lower() == title.lower() or incident.cause == incident.check
    # A cause is a word of ours, but one of a plug-in may not be.
    return title if same else f"{title}: {re.sub(r'[^A-Za-z0-9 :,()-]', ' ', cause)[:80]}"


def _growth(incident: Incident, reported: Reported | None) -> str:
    text = f"{incident.items:,}"
    if reported is not None and incident.items > reported.items:
        text += f" ({incident.items - reported.items:,} new since {_minute(reported.at)})"
    if incident.there and incident.there < incident.items:
        text += f", {incident.there:,} of them still there"
    return text


def _title(case_name: str, text: str) -> str:
    # Titles become mail subjects: one line.
    return " ".join(f"[{case_name}] {text}".split())[:180]


def _minute(moment: dt.datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
