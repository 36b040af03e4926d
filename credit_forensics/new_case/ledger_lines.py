"""What the case file says of its ledger: how it was read, how sure that is, an entry of it."""

from __future__ import annotations

import re

from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.logs.generic_log import masked

_CERTAINTY = re.compile(r"certainty (\d\.\d+)")
_KNOWN_LAYOUT = 0.95
_PAID = "payment_status = 'paid' AND coalesce(amount, 1) > 0"


def ledger_notes(evidence: Evidence) -> tuple[float, list[str]]:
    """How sure the ledger's reading is, and on what that rests."""
    notes: list[str] = []
    certainty = _KNOWN_LAYOUT
    for source in evidence.custody.inputs:
        if not source.taken_for.startswith("ledger"):
            continue
        notes.append(f"  read as {source.taken_for}: {source.rows} rows")
        inferred = [note for note in source.notes if note.startswith("inferred ")]
        notes += [f"  {note}" for note in inferred]
        found = [float(match[1]) for note in inferred if (match := _CERTAINTY.search(note))]
        certainty = min([certainty, *found])
    tied = evidence.connection.execute(
        """SELECT count(*), count(l.payment_id) FILTER (p.payment_id IS NOT NULL)
        FROM ledger l LEFT JOIN payments p USING (payment_id) WHERE l.delta > 0"""
    ).fetchall()[0]
    notes.append(
        f"  {tied[1]} of {tied[0]} entries that add credits name a payment of these exports"
    )
    if not tied[1]:
        certainty = min(certainty, 0.5)
    return certainty, notes


def tied_share(evidence: Evidence) -> float:
    """The share of the paid payments that an entry names.

    Examples
    --------
    >>> tied_share(Evidence())
    0.0
    """
    found = evidence.connection.execute(
        f"""SELECT coalesce(avg(CASE WHEN payment_id IN (
            SELECT payment_id FROM ledger WHERE payment_id IS NOT NULL) THEN 1.0 ELSE 0 END), 0)
        FROM payments WHERE {_PAID}"""
    ).fetchall()
    return float(found[0][0])


def ledger_example(evidence: Evidence) -> str:
    """An entry that adds credits, without what may be personal."""
    rows = evidence.connection.execute(
        """SELECT entry_id, user_id, delta, kind, reason, strftime(created_at, '%Y-%m-%d')
        FROM ledger ORDER BY payment_id IS NULL, delta <= 0, created_at, entry_id LIMIT 1"""
    ).fetchall()
    if not rows:
        return ""
    entry, user, delta, kind, reason, day = rows[0]
    user = "<masked>" if "@" in (user or "") or " " in (user or "") else user
    shown = {"entry": entry, "user": user, "credits": delta, "kind": kind, "at": day}
    if reason:
        shown["reason"] = masked(reason)
    return ", ".join(f"{name} {value}" for name, value in shown.items() if value is not None)
