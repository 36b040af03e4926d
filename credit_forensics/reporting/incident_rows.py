"""The incidents as a report shows them: each with its consequences, money once, news and notes."""

from __future__ import annotations

from typing import Any

from credit_forensics.records import row_dicts
from credit_forensics.reporting.case_view import CaseView
from credit_forensics.reporting.in_short import largest_first

_SAME = ["finding", "cause", "severity", "part_of", "currency", "news", "owner", "note"]


def incident_rows(view: CaseView) -> list[dict[str, Any]]:
    """The incidents, the largest of the gravest first, each followed by its consequences.

    Beside the columns of ``incidents``: ``part_of``, the incident that it is a consequence of;
    ``money``, what is counted with it and with no other, minor units by currency; ``news``,
    ``new`` or ``open`` where there is an earlier report; ``owner`` and ``note``.
    """
    incidents = largest_first(view.incidents)
    parts = _consequences(view)
    money = _money(view)
    rows = row_dicts(incidents)
    for row in rows:
        name = str(row["incident_id"])
        before = view.since.incident_before.get(name) if view.since else None
        note = view.notes.get(name) or view.notes.get(before or "")
        row["part_of"] = parts.get(name, "")
        row["money"] = money.get(name, {})
        row["news"] = "" if view.since is None else "open" if before else "new"
        row["owner"], row["note"] = (note.owner, note.note) if note else ("", "")
    placed = {str(row["incident_id"]) for row in rows}
    mains = [row for row in rows if row["part_of"] not in placed]
    return [
        row
        for main in mains
        for row in (main, *(r for r in rows if r["part_of"] == main["incident_id"]))
    ]


def singles_joined(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with incidents of one finding each, of one kind and cause, as one row.

    ``incidents`` says how many a row stands for.

    Examples
    --------
    >>> row = {"finding": "orphan_credit", "cause": "", "severity": "high", "part_of": "",
    ...     "currency": "eur", "news": "", "owner": "", "note": "", "findings": 1, "users": 1,
    ...     "credits": 5, "amount": None, "money": {}, "onset": 1, "end": 1, "ongoing": None}
    >>> [(one["incidents"], one["credits"]) for one in singles_joined([row, row])]
    [(2, 10)]
    """
    joined: dict[tuple[Any, ...], dict[str, Any]] = {}
    for number, row in enumerate(rows):
        single = row["findings"] == 1 and not row["note"] and not row["owner"]
        key = tuple(row[name] for name in _SAME) if single else (number,)
        if key not in joined:
            joined[key] = {**row, "incidents": 1}
            continue
        one = joined[key]
        one["incidents"] += 1
        sums = (one["money"], row["money"])
        one["money"] = {name: sum(s.get(name, 0) for s in sums) for name in {**sums[0], **sums[1]}}
        for name in ("findings", "users", "credits", "amount"):
            known = [row[name], one[name]]
            one[name] = None if None in known else sum(known)
        one["onset"] = min((t for t in (one["onset"], row["onset"]) if t is not None), default=None)
        one["end"] = max((t for t in (one["end"], row["end"]) if t is not None), default=None)
    return list(joined.values())


def _consequences(view: CaseView) -> dict[str, str]:
    """Incidents most of whose findings follow from findings of one other incident."""
    rows = view.findings[["incident_id", "payment_id", "finding"]]
    rows = rows.assign(part_of=view.matters["part_of"])
    mains = rows[["payment_id", "finding", "incident_id"]].drop_duplicates(
        ["payment_id", "finding"]
    )
    mains = mains.rename(columns={"finding": "part_of", "incident_id": "of"})
    parts = rows[rows["part_of"] != ""].merge(mains, on=["payment_id", "part_of"])
    sizes = rows.groupby("incident_id").size()
    shares = parts.groupby(["incident_id", "of"]).size().rename("number").reset_index()
    return {
        str(row["incident_id"]): str(row["of"])
        for row in row_dicts(shares)
        if row["number"] * 2 > sizes[row["incident_id"]]
    }


def _money(view: CaseView) -> dict[str, dict[str, int]]:
    """What is counted with each incident, by currency."""
    rows = view.findings[["incident_id", "currency"]].assign(money=view.matters["money"])
    sums = rows.dropna(subset=["money", "currency"]).groupby(["incident_id", "currency"])["money"]
    found: dict[str, dict[str, int]] = {}
    for row in row_dicts(sums.sum().reset_index()):
        found.setdefault(str(row["incident_id"]), {})[str(row["currency"])] = int(row["money"])
    return found
