"""Other handlers' wording, by the case file's patterns, and the usual wordings of a sign-in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from credit_forensics.errors import CaseError
from credit_forensics.evidence.logs.bounded_patterns import BoundedPattern, bounded
from credit_forensics.evidence.logs.delivery import OUTCOMES, Fact, outcome_of, whole_number
from credit_forensics.evidence.logs.encoding import TextReader
from credit_forensics.evidence.logs.facts import FactTable, Kind
from credit_forensics.evidence.logs.lines import NO_TIME, LineTable

GROUPS = frozenset(
    {
        "event_id",
        "payment_id",
        "user_id",
        "method",
        "credits",
        "outcome",
        "error",
        "request_id",
        "email",
    }
)
_EMAIL = r"[^\s'\"<>()\[\],;:=]+@[^\s'\"<>()\[\],;]*[^\s'\"<>()\[\],;.!]"
_ID = r"[^\s'\"<>()\[\],;=]+"
_DID = r"(?:has |have )?(?:successfully )?(?:signed|logged)[ -]?in"
SIGN_IN_WORDINGS = (
    rf"\buser(?: ?id|_id)?[ =:]+['\"]?(?P<user_id>{_ID})['\"]? {_DID}"
    rf"(?:(?: as| with| using| via| by| e-?mail| account)*[ =:(<'\"]+)(?P<email>{_EMAIL})",
    rf"(?P<email>{_EMAIL})['\">)]? {_DID}(?:(?: as| with| to| user| account| ?id)*[ =:(<'\"]+)"
    rf"(?P<user_id>{_ID})",
    rf"\b(?:sign|log)[ _-]?in\b.{{0,80}}?\buser(?:_?id)?['\"]?[ =:]+['\"]?(?P<user_id>{_ID})"
    rf".{{0,80}}?\be-?mail['\"]?[ =:]+['\"<]?(?P<email>{_EMAIL})",
    rf"\b(?:sign|log)[ _-]?in\b.{{0,80}}?(?P<email>{_EMAIL}).{{0,80}}?"
    rf"\buser(?:_?id)?['\"]?[ =:]+['\"]?(?P<user_id>{_ID})",
)
_SIGNED_IN = re.compile(r"(?:sign|log)(?:ed|ged)?[ _-]?in\b", re.IGNORECASE)
_AROUND = 200
_LONGEST = 4_000
_INDENTED = np.zeros(256, bool)
_INDENTED[[*b" \t\"'{}])\r\n"]] = True


@dataclass
class Patterns:
    """The case file's patterns, compiled; and the sign-in wordings."""

    own: dict[str, BoundedPattern] = field(default_factory=dict)
    sign_ins: list[BoundedPattern] = field(default_factory=list)
    usual_sign_ins: list[re.Pattern[str]] = field(default_factory=list)


def compile_patterns(patterns: dict[str, str]) -> Patterns:
    """Compile ``[webhook_log.patterns]``.

    A pattern with the groups ``user_id`` and ``email`` tells of sign-ins. Any other tells of
    deliveries; where its name is an outcome (``credited``) it gives that outcome, and where its
    name is ``start`` it begins a delivery.

    Raises
    ------
    CaseError
        for a pattern that is none, whose time has no bound, that has a group of another name, or
        has no group at all.

    Examples
    --------
    >>> compile_patterns({"credited": r"booked (?P<credits>\\d+)"}).own["credited"].groups
    ('credits',)
    """
    found = Patterns()
    for name, pattern in patterns.items():
        key = f"webhook_log.patterns.{name}"
        compiled = bounded(pattern, key)
        groups = set(compiled.groups)
        if groups - GROUPS:
            unknown = ", ".join(sorted(groups - GROUPS))
            raise CaseError(
                f"{key} has the group {unknown}; groups are {', '.join(sorted(GROUPS))}."
            )
        if {"user_id", "email"} <= groups:
            found.sign_ins.append(compiled)
        elif "email" in groups:
            raise CaseError(f"{key} has the group email without user_id; a sign-in needs both.")
        elif not groups and name not in OUTCOMES and name != "start":
            raise CaseError(f"{key} has no named group; groups are {', '.join(sorted(GROUPS))}.")
        else:
            found.own[name] = compiled
    found.usual_sign_ins = [re.compile(wording, re.IGNORECASE) for wording in SIGN_IN_WORDINGS]
    return found


def pattern_facts(lines: LineTable, patterns: Patterns, reader: TextReader) -> list[Fact]:
    """What the case file's patterns find in the messages of a chunk."""
    if not patterns.own:
        return []
    begins = lines.prefixed | ~_INDENTED[lines.data[lines.starts]]
    rows = np.flatnonzero(begins)
    ends = lines.ends[np.append(rows[1:], len(lines.starts)) - 1]
    texts = [
        reader.text(lines.buffer[start : min(end, start + _LONGEST)])
        for start, end in zip(lines.message[rows].tolist(), ends.tolist(), strict=True)
    ]
    facts: list[Fact] = []
    for name, pattern in patterns.own.items():
        for row, groups in zip(rows.tolist(), pattern.search(texts), strict=True):
            if groups is None:
                continue
            time = int(lines.times[row])
            fields = _fields(name, groups)
            request = fields.pop("request_id", None) or _suffix(lines, row)
            number, at = int(lines.numbers[row]), None if time == NO_TIME else time
            facts.append(Fact(Kind.FIELDS, number, at, request, "", fields))
    return sorted(facts, key=lambda fact: fact.line)


def _suffix(lines: LineTable, row: int) -> str | None:
    start, end = int(lines.request_start[row]), int(lines.request_end[row])
    return lines.buffer[start:end].decode("ascii", "replace") if end else None


def _fields(name: str, groups: dict[str, str]) -> dict[str, Any]:
    fields: dict[str, Any] = dict(groups)
    if "credits" in fields:
        fields["credits"] = whole_number(fields["credits"])
    if "outcome" in fields:
        fields["outcome"] = outcome_of(fields["outcome"])
    if name in OUTCOMES:
        fields.setdefault("outcome", name)
    if name == "signature_refused":
        fields["signature_valid"] = False
    fields["_opens"] = name == "start" or bool(fields.keys() & {"event_id", "payment_id"})
    fields["_starts"] = name == "start"
    return fields


def find_sign_ins(
    facts: FactTable, patterns: Patterns, reader: TextReader
) -> list[tuple[str, str, int | None]]:
    """User id, e-mail and time of each sign-in line.

    Only lines with an ``@`` that are not the handler's own can be one.
    """
    lines = facts.lines
    at = np.flatnonzero(lines.data == 64)
    if not len(at):
        return []
    rows = np.searchsorted(lines.ends, at)
    rows = rows[np.append(rows[1:] != rows[:-1], True) & (rows < len(lines.starts))]
    # No sign-in is indented; a handler's list of headers or metadata is.
    rows = rows[~_INDENTED[lines.data[lines.message[rows]]]]
    told = np.zeros(len(lines.starts), bool)
    told[facts.line] = True
    rows = rows[~told[rows]]
    found: list[tuple[str, str, int | None]] = []
    for row in rows.tolist():
        start, end = int(lines.message[row]), int(lines.ends[row])
        text = reader.text(lines.buffer[start : min(end, start + _LONGEST)])
        match = _sign_in(text, patterns)
        if match is not None:
            time = int(lines.times[row])
            found.append((match["user_id"], match["email"], None if time == NO_TIME else time))
    return found


def _sign_in(text: str, patterns: Patterns) -> Mapping[str, str] | None:
    for pattern in patterns.sign_ins:
        [groups] = pattern.search([text])
        if groups is not None and groups.keys() >= {"user_id", "email"}:
            return groups
    said = _SIGNED_IN.search(text)
    if said is None:
        return None
    # A window around the words keeps the time of a hostile line within bounds.
    window = text[max(0, said.start() - _AROUND) : said.end() + _AROUND]
    for wording in patterns.usual_sign_ins:
        match = wording.search(window)
        if match is not None:
            return match.groupdict()
    return None
