"""Compares a report with the one before it: what is new, gone, still open."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

SCHEMA = "credit-forensics/incident_report/1"


@dataclass(frozen=True)
class SinceLast:
    """The report before, and what became of its findings.

    Attributes
    ----------
    started_at
        when that report started, ISO 8601.
    new, still_open
        ids of the findings that it did not have, and of those that it had.
    gone
        its findings that are found no more.
    less_judged
        less was judged now than then, so what is gone need not be settled.
    incident_before
        an incident's id to the id that it had then.
    """

    started_at: str
    new: frozenset[str]
    still_open: frozenset[str]
    gone: tuple[Mapping[str, Any], ...] = ()
    less_judged: bool = False
    incident_before: Mapping[str, str] = field(default_factory=dict)


def read_report(path: Path | str) -> dict[str, Any] | None:
    """The JSON of an earlier report; nothing where there is none that can be used."""
    try:
        told = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    usable = isinstance(told, dict) and told.get("schema") == SCHEMA
    return told if usable and isinstance(told.get("findings"), list) else None


def compare(
    before: Mapping[str, Any],
    findings: pd.DataFrame,
    judged: Mapping[str, float],
    since: pd.Timestamp | None = None,
) -> SinceLast:
    """What became of a report's findings.

    Parameters
    ----------
    before
        that report's JSON.
    findings
        ``finding_id`` and ``incident_id`` of the findings now.
    judged
        the share of each subject that was judged now, 0 to 1.
    since
        when the window of a rolling report begins: what lies before it is not gone.

    Examples
    --------
    >>> before = {"started_at": "2025-09-01", "judged": {"money": 1.0}, "findings": [
    ...     {"id": "a", "incident_id": "i1"}, {"id": "b", "incident_id": "i1"}]}
    >>> now = pd.DataFrame({"finding_id": ["b", "c"], "incident_id": ["i2", "i2"]})
    >>> told = compare(before, now, {"money": 1.0})
    >>> sorted(told.new), sorted(told.still_open), [row["id"] for row in told.gone]
    (['c'], ['b'], ['a'])
    >>> told.incident_before["i2"], compare(before, now, {"money": 0.9}).less_judged
    ('i1', True)
    """
    earlier = {str(row["id"]): row for row in before["findings"]}
    now = set(findings["finding_id"])
    gone = [row for key, row in earlier.items() if key not in now and _within(row, since)]
    shared = findings[findings["finding_id"].isin(list(earlier))]
    was = shared.assign(was=[earlier[key]["incident_id"] for key in shared["finding_id"]])
    most = was.groupby(["incident_id", "was"], sort=True).size().sort_values(kind="stable")
    return SinceLast(
        started_at=str(before.get("started_at", "")),
        new=frozenset(now - set(earlier)),
        still_open=frozenset(now & set(earlier)),
        gone=tuple(gone),
        less_judged=any(
            judged.get(subject, 0.0) < share for subject, share in before["judged"].items()
        ),
        # The last one of an incident is the one that most of its findings had.
        incident_before={str(key[0]): str(key[1]) for key in most.index},
    )


def _within(row: Mapping[str, Any], since: pd.Timestamp | None) -> bool:
    if since is None or not row.get("created_at"):
        return True
    return bool(pd.Timestamp(row["created_at"]) >= since)
