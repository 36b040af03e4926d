"""Names a stored judgement: by its evidence, its mode, and all else that verdicts depend on."""

from __future__ import annotations

from typing import Any

from credit_forensics.case.label_file import LABEL_FILE
from credit_forensics.case_file import CaseFile
from credit_forensics.store.identity import content_key, key_of

_CHANGED = {
    "labels": "labels.csv was changed",
    "different": "[persons] different was changed",
    "engine": "another engine was named",
}


def judgement_settings(case_file: CaseFile, evidence: str) -> dict[str, Any]:
    """What a judgement is made from: the evidence's key, labels, rulings on persons, the engine."""
    return {
        "evidence": evidence,
        "labels": content_key(case_file.folder / LABEL_FILE),
        "different": key_of(case_file.persons.different),
        "engine": case_file.engine.name,
    }


def judgement_key(made_from: dict[str, Any], mode: str) -> str:
    """The key of a judgement in a mode."""
    return key_of(made_from, mode)


def why_judged(before: dict[str, Any] | None, now: dict[str, Any], evidence_reason: str) -> str:
    """Why a judgement was made anew, in words.

    Parameters
    ----------
    before
        what the stored judgement in this mode was made from; nothing where there was none.
    now
        what it is made from now.
    evidence_reason
        why the evidence was read anew.

    Examples
    --------
    >>> now = {"evidence": "b", "labels": "", "different": "", "engine": "duckdb"}
    >>> why_judged(None, now, "sessions.jsonl has grown")
    'not judged in this mode since the evidence was read (sessions.jsonl has grown)'
    >>> why_judged({**now, "labels": "1"}, now, "")
    'labels.csv was changed'
    """
    if before is None or before.get("evidence") != now["evidence"]:
        return f"not judged in this mode since the evidence was read ({evidence_reason})"
    changed = [text for name, text in _CHANGED.items() if before.get(name) != now[name]]
    return ", ".join(changed) or "it was not whole"
