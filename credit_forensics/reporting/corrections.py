"""Says which correction a finding needs, and whether a counter-entry is in the ledger already."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from credit_forensics.findings.finding import Correction
from credit_forensics.records import row_dicts
from credit_forensics.reporting.case_view import CaseView
from credit_forensics.reporting.elements import Code
from credit_forensics.reporting.html_tables import Row


@dataclass(frozen=True)
class Needed:
    """What a finding needs: its sentence's key, and the ledger entries that did it already."""

    key: str
    finding: Row
    entries: tuple[str, ...]


def correction_of(view: CaseView, finding: Row) -> Needed | None:
    """The correction that one finding needs; ``None`` where nothing need change.

    What is done, and whether a person must decide, is the finding's own word
    (``findings.finding.Correction``), as in the repair plan.
    """
    correction = _corrections(view).get(str(finding["finding"]))
    if correction is None:
        return None
    rightful = finding["rightful_user_id"]
    if correction.why_a_person(finding.get("cause")):
        key = "answer.correct_review"
    elif correction.action == "move":
        key = "answer.correct_move" if rightful else "answer.correct_review"
    elif correction.action == "give":
        key = "answer.correct_grant" if rightful else "answer.correct_grant_unknown"
    elif correction.action == "take":
        key = "answer.correct_take" if finding["credited_user_id"] else "answer.correct_review"
    elif correction.action == "rebind":
        key = "answer.correct_rebind" if rightful else "answer.correct_review"
    else:
        key = "answer.correct_adjust"
    entries = _counter_entries(view.manual_by_user, finding, correction)
    return Needed(key, finding, tuple(entries))


def what_to_do(view: CaseView, row: Row) -> Markup:
    """What puts a kind of finding right, in one sentence: see ``findings.finding.Correction``."""
    correction = _corrections(view).get(str(row["finding"]))
    if correction is None:
        return view.language.html("todo.none")
    if why := correction.why_a_person(row.get("cause") or None):
        # Why is written in English, beside the finding.
        return view.language.html("todo.person", why=f": {why}" * (view.language.code == "en"))
    command = Code("credit-forensics repair case.toml")
    return view.language.html(f"todo.{correction.action}", command=command)


def _corrections(view: CaseView) -> dict[str, Correction]:
    return {one.name: one.correction for one in view.catalogue if one.correction.needed}


def open_corrections(view: CaseView) -> tuple[int, int]:
    """How many corrections are open in the case, and how many credits they move.

    What a person must decide first is open, and moves none as yet.
    """
    corrections = _corrections(view)
    correctable = view.findings[view.findings["finding"].isin(list(corrections))]
    # Only where somebody booked by hand can a finding be settled already.
    settled: set[int] = set()
    if by_user := view.manual_by_user:
        settled = {
            int(str(index))
            for index, row in zip(correctable.index, row_dicts(correctable), strict=True)
            if _counter_entries(by_user, row, corrections[str(row["finding"])])
        }
    rows = correctable[~correctable.index.isin(settled)]
    moving = [
        not corrections[str(row["finding"])].why_a_person(row.get("cause"))
        and corrections[str(row["finding"])].action != "rebind"
        for row in row_dicts(rows)
    ]
    credits = int(rows.loc[moving, "credits"].fillna(0).abs().sum())
    return len(rows), credits


def _counter_entries(
    by_user: dict[object, list[Row]], finding: Row, correction: Correction
) -> list[str]:
    credits = finding["credits"]
    if not credits or correction.action in ("none", "rebind"):
        return []
    granting = correction.action in ("move", "give")
    user = finding["rightful_user_id"] if granting else finding["credited_user_id"]
    if user is None:
        return []
    delta = abs(int(credits)) if granting else -abs(int(credits))
    since = finding["created_at"]
    return [
        str(row["entry_id"])
        for row in by_user.get(user, [])
        if row["delta"] == delta
        and (since is None or row["created_at"] is None or row["created_at"] >= since)
        and row["payment_id"] in (None, finding["payment_id"])
    ]
