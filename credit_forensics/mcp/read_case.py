"""What the tools answer: one case, read, masked, marked, and never more than a call may hold."""

from __future__ import annotations

import json
from pathlib import Path
from threading import RLock
from typing import Any

import pandas as pd

from credit_forensics.case.case import Case
from credit_forensics.case.dossiers import (
    account_dossier,
    is_account,
    payment_dossier,
    shown_dossier,
    shown_rows,
)
from credit_forensics.case.search_ids import search_ids
from credit_forensics.did_you_mean import or_nearest
from credit_forensics.errors import CaseError
from credit_forensics.judgement.shown_person import NOBODY
from credit_forensics.mcp.untrusted import marked, plain_rows
from credit_forensics.privacy.mask import Mask

MOST_ROWS = 100
MOST_CHARACTERS = 40_000
"""Of one answer as JSON. An answer that would be longer holds fewer rows and says so."""
_LONGEST_ARGUMENT = 200


class CaseReader:
    """One case that is opened when it is first asked for, and then only read.

    Parameters
    ----------
    path
        the case file, or its folder.
    reveal
        show personal data; masked without it.
    store
        take what is stored beside the case, as every command does.
    """

    def __init__(self, path: Path, *, reveal: bool = False, store: bool = True) -> None:
        self._path = path
        self._reveal = reveal
        self._store = store
        self._opened: tuple[Case, Mask] | None = None
        # A connection is one thread's at a time, and calls come in several.
        self._lock = RLock()

    def coverage(self) -> dict[str, Any]:
        """What was read, what of it could be judged, and why the rest could not."""
        with self._lock:
            case, mask = self._case()
            judged = case.judged
            return self._fitting(
                {
                    "case": marked(case.name),
                    "mode": case.mode,
                    "masked": not self._reveal,
                    "headline": judged.headline,
                    "judged": judged.to_dict(),
                    "payments": int(case.verdict_counts.sum()),
                    "verdicts": {str(k): int(n) for k, n in case.verdict_counts.items()},
                    "nothing_found_means": judged.nothing_found(
                        case.settings.analysis.judged_at_least
                    ),
                    "not_run": case.finding_runs.loc[~case.finding_runs["ran"], "finding"].tolist(),
                    "sources": _rows(mask, case.coverage, "coverage"),
                    "gaps": _rows(mask, case.gaps, "gaps"),
                    "rejected_rows": len(case.rejects),
                },
                "gaps",
            )

    def findings(
        self, finding: str, severity: str, payment_id: str, offset: int, limit: int
    ) -> dict[str, Any]:
        """Findings, the gravest first; each argument that is not empty narrows them."""
        with self._lock:
            case, mask = self._case()
            rows = case.findings
            names = [one.name for one in case.catalogue]
            if finding and finding not in names:
                raise CaseError(f"There is no finding {finding!r}{or_nearest(finding, names)}")
            if finding:
                rows = rows[rows["finding"] == finding]
            if severity:
                rows = rows[rows["severity"] == severity]
            if payment_id:
                payment = case.explain(_argument(payment_id)).payment_id
                rows = rows[rows["payment_id"] == payment]
            return self._page(shown_rows(rows, "findings", mask), offset, limit)

    def incidents(self, offset: int, limit: int) -> dict[str, Any]:
        """Findings that hang together, in the case's order."""
        with self._lock:
            case, mask = self._case()
            return self._page(shown_rows(case.incidents, "incidents", mask), offset, limit)

    def explain(self, payment_id: str) -> dict[str, Any]:
        """Why a payment has its verdict: voices, weights, and the scores they sum to."""
        with self._lock:
            case, mask = self._case()
            explanation = case.explain(_argument(payment_id))
            verdict = pd.DataFrame([explanation.verdict])
            return self._fitting(
                {
                    "payment_id": marked(mask.text(explanation.payment_id)),
                    "verdict": _rows(mask, verdict, "verdicts")[0],
                    # No person: somebody whom no evidence names.
                    "scores": _rows(
                        mask,
                        explanation.scores.assign(
                            person_id=lambda rows: rows["person_id"].mask(
                                rows["person_id"] == NOBODY
                            )
                        ),
                        "scores",
                    ),
                    "bars": _rows(mask, explanation.bars, "bars"),
                },
                "bars",
            )

    def dossier(self, id_: str) -> dict[str, Any]:
        """All about one payment (any of its ids) or one account."""
        with self._lock:
            case, mask = self._case()
            id_ = _argument(id_)
            account = is_account(case, id_)
            parts = account_dossier(case, id_) if account else payment_dossier(case, id_)
            answer: dict[str, Any] = {"kind": "account" if account else "payment"}
            answer["rows"] = {part: len(rows) for part, rows in parts.items()}
            some = {part: rows.head(MOST_ROWS) for part, rows in parts.items()}
            answer |= {part: plain_rows(rows) for part, rows in shown_dossier(some, mask).items()}
            return self._fitting(answer, *parts)

    def search(self, text: str, offset: int, limit: int) -> dict[str, Any]:
        """Payments and accounts that a text may mean."""
        with self._lock:
            case, mask = self._case()
            rows = search_ids(case, _argument(text), mask)
            shown = rows.assign(
                id=rows["id"].map(mask.user_id),
                payment_id=rows["payment_id"].map(mask.text, na_action="ignore"),
            )
            return self._page(shown, offset, limit)

    def shown_error(self, error: CaseError) -> str:
        """An error's sentence as data: it may quote ids that strangers wrote."""
        with self._lock:
            text = self._opened[1].text(error) if self._opened else str(error)
            return json.dumps({"error": marked(text)}, ensure_ascii=False)

    def _case(self) -> tuple[Case, Mask]:
        if self._opened is None:
            case = Case.open(self._path, store=self._store, reveal=self._reveal)
            self._opened = case, case.masked(reveal=self._reveal)
        return self._opened

    def _page(self, rows: pd.DataFrame, offset: int, limit: int) -> dict[str, Any]:
        some = rows.iloc[offset : offset + limit]
        answer = {"total": len(rows), "offset": offset, "rows": plain_rows(some)}
        fitting = self._fitting(answer, "rows")
        end = offset + len(fitting["rows"])
        return {**fitting, "next_offset": end if end < len(rows) else None}

    def _fitting(self, answer: dict[str, Any], *lists: str) -> dict[str, Any]:
        """The answer with so many rows of its lists that it fits; ``cut`` says whether all do."""
        answer["cut"] = False
        while len(json.dumps(answer, ensure_ascii=False)) > MOST_CHARACTERS:
            longest = max(lists, key=lambda name: len(json.dumps(answer[name])))
            if len(answer[longest]) < 2:
                break
            answer[longest] = answer[longest][: len(answer[longest]) // 2]
            answer["cut"] = True
        return answer


def _rows(mask: Mask, rows: pd.DataFrame, table: str) -> list[dict[str, Any]]:
    return plain_rows(shown_rows(rows, table, mask))


def _argument(text: str) -> str:
    if len(text) > _LONGEST_ARGUMENT:
        raise CaseError(f"An id has at most {_LONGEST_ARGUMENT} characters.")
    return text
