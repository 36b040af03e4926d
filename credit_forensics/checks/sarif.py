"""Writes findings as SARIF 2.1.0, which code hosts show beside a change.

See https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pandas as pd

from credit_forensics import __version__
from credit_forensics.findings.catalogue import FINDINGS
from credit_forensics.findings.finding_keys import finding_keys

_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note"}


def sarif_of(
    findings: pd.DataFrame,
    *,
    case_file: str = "case.toml",
    baseline: Collection[str] = (),
    docs: str = "",
) -> dict[str, Any]:
    """Findings as a SARIF log.

    Parameters
    ----------
    findings
        the table ``findings``; ids only go out, as they stand in it.
    case_file
        what the results point at, relative to the repository's root.
    baseline
        keys of the known findings; those are marked unchanged, the others new.
    docs
        the address under which ``docs/findings.md`` is read; each rule's help links into it. Its
        text is there without one, too.

    Examples
    --------
    >>> from credit_forensics.tables.catalogue import spec
    >>> log = sarif_of(spec("findings").empty())
    >>> log["version"], log["runs"][0]["results"]
    ('2.1.0', [])
    """
    rules = [
        {
            "id": finding.name,
            "shortDescription": {"text": finding.name.replace("_", " ")},
            "fullDescription": {"text": finding.proof},
            "help": {"text": f"{finding.proof}\n\nTo do: {finding.correction.text}"},
            **({"helpUri": f"{docs}#{finding.name}"} if docs else {}),
            "defaultConfiguration": {"level": _LEVELS[finding.severity]},
            "properties": {"severity": finding.severity},
        }
        for finding in FINDINGS
    ]
    places = {finding.name: place for place, finding in enumerate(FINDINGS)}
    results = []
    for row, key in zip(findings.to_dict("records"), finding_keys(findings), strict=True):
        name = str(row["finding"])
        ids = {
            column: str(row[column])
            for column in ("payment_id", "event_id", "credited_user_id", "rightful_user_id")
            if not pd.isna(row[column])
        }
        result: dict[str, Any] = {
            "ruleId": name,
            "level": _LEVELS.get(str(row["severity"]), "warning"),
            "message": {"text": _text(row["explanation"]) or name},
            "locations": [
                {
                    "physicalLocation": {"artifactLocation": {"uri": case_file}},
                    "logicalLocations": [
                        {"name": value, "kind": kind} for kind, value in ids.items()
                    ],
                }
            ],
            "partialFingerprints": {"finding/v1": hashlib.sha256(key.encode()).hexdigest()},
            "baselineState": "unchanged" if key in baseline else "new",
            "properties": {"cause": _text(row["cause"]), "severity": str(row["severity"])},
        }
        if name in places:
            result["ruleIndex"] = places[name]
        results.append(result)
    driver = {
        "name": "credit-forensics",
        "version": __version__,
        "rules": rules,
    }
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {"tool": {"driver": driver}, "results": results, "columnKind": "unicodeCodePoints"}
        ],
    }


def write_sarif(
    findings: pd.DataFrame,
    path: Path | str,
    *,
    case_file: str = "case.toml",
    baseline: Collection[str] = (),
    docs: str = "",
) -> None:
    """Write ``sarif_of`` to a file; the same findings give the same bytes."""
    log = sarif_of(findings, case_file=case_file, baseline=baseline, docs=docs)
    Path(path).write_text(json.dumps(log, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _text(value: Any) -> str:
    return "" if pd.isna(value) else str(value)
