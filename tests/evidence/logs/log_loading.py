"""Loads log text in a test and gives the rows back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from credit_forensics.case_file import CaseFile
from credit_forensics.evidence.custody import Custody
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.logs.load import load_webhook_logs


def load(
    folder: Path,
    text: str | bytes,
    name: str = "webhook.log",
    patterns: dict[str, str] | None = None,
    evidence: Evidence | None = None,
) -> Evidence:
    """Write the text to a file and load it."""
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    evidence = evidence or Evidence()
    section = {"files": name, "patterns": patterns or {}}
    case_file = CaseFile.model_validate({"webhook_log": section, "folder": folder})
    load_webhook_logs(evidence, case_file)
    return evidence


def rows(evidence: Evidence) -> list[dict[str, Any]]:
    """Deliveries in the order of their lines; absent values are None."""
    frame = evidence.deliveries.sort_values(["source_file", "source_line"])
    frame = frame.astype(object).where(frame.notna(), None)
    return list(frame.to_dict("records"))


def told(evidence: Evidence, *columns: str) -> list[tuple[Any, ...]]:
    """Some columns of the deliveries, in the order of their lines."""
    return [tuple(row[column] for column in columns) for row in rows(evidence)]


def emptied() -> Evidence:
    """One evidence for the many examples of a property, emptied for each."""
    if not _KEPT:
        _KEPT.append(Evidence())
    evidence = _KEPT[0]
    for name in ("deliveries", "sign_ins", "logged_sessions", "spans"):
        evidence.connection.execute(f"DELETE FROM {name}")
    evidence.custody = Custody()
    return evidence


_KEPT: list[Evidence] = []
