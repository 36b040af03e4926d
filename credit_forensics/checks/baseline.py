"""Baselines: the findings a team knows of, so that only new ones fail."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

import pandas as pd

from credit_forensics.case.case import Case
from credit_forensics.errors import CaseError
from credit_forensics.findings.finding_keys import IDENTITY, finding_keys

_FORMAT = 1


def write_baseline(findings: pd.DataFrame, path: Path | str) -> None:
    """Keep the findings there are now as known: JSON, sorted, so that a diff can be read."""
    keys = sorted(set(finding_keys(findings)))
    body = json.dumps({"format": _FORMAT, "findings": keys}, indent=2, ensure_ascii=False)
    Path(path).write_text(body + "\n", encoding="utf-8")


def read_baseline(path: Path | str) -> set[str]:
    """Keys of the known findings.

    Raises
    ------
    CaseError
        when the file is missing or is no baseline.
    """
    try:
        told = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise CaseError(f"The baseline {path} cannot be read: {error.strerror}.") from None
    except ValueError:
        raise CaseError(f"The baseline {path} is not JSON.") from None
    known = told.get("findings") if isinstance(told, dict) else None
    if not isinstance(known, list) or told.get("format") != _FORMAT:
        raise CaseError(f"{path} is no baseline of this version; write it again.")
    return {str(key) for key in known}


def with_payments_of_now(baseline: Collection[str], case: Case) -> set[str]:
    """The keys with the payment's id of now: with more evidence an invoice becomes a session's."""
    parts = [key.split("|") for key in baseline]
    whole = [one for one in parts if len(one) == len(IDENTITY)]
    payments = case.payments_named([one[2] for one in whole])
    now = {
        "|".join((*one[:2], payment, *one[3:]))
        for one, payment in zip(whole, payments, strict=True)
    }
    return {*baseline, *now}


def new_findings(findings: pd.DataFrame, baseline: set[str]) -> pd.DataFrame:
    """The findings that the baseline does not know."""
    if findings.empty:
        return findings
    fresh: pd.DataFrame = findings[~finding_keys(findings).isin(baseline)].reset_index(drop=True)
    return fresh
