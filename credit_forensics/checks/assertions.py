"""Assertions about a whole case: no findings, and a ledger that matches what was paid."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import pandas as pd

from credit_forensics.case.case import Case
from credit_forensics.checks.baseline import new_findings, read_baseline, with_payments_of_now
from credit_forensics.checks.readable_table import readable_table
from credit_forensics.findings.finding import SEVERITIES

_SHOWN = ["finding", "cause", "severity", "payment_id", "credited_user_id", "rightful_user_id"]


def failing_findings(
    case: Case,
    *,
    severity: str = "medium",
    allow: Collection[str] = (),
    baseline: Path | str | None = None,
) -> pd.DataFrame:
    """Findings at or above a severity that are neither allowed nor known.

    Parameters
    ----------
    severity
        critical, high, medium or low.
    allow
        names of findings, or ``finding:payment_id`` for one payment, by any id of its objects.
    baseline
        a file of ``write_baseline``.

    Raises
    ------
    ValueError
        for a severity or finding that is none.
    CaseError
        when the baseline cannot be read.
    """
    if severity not in SEVERITIES:
        raise ValueError(f"no severity {severity!r}; there are {', '.join(SEVERITIES)}")
    known = {finding.name for finding in case.catalogue}
    for name in allow:
        if name.partition(":")[0] not in known:
            raise ValueError(f"no finding {name!r}; there are {', '.join(sorted(known))}")
    findings = case.findings
    grave = SEVERITIES[: SEVERITIES.index(severity) + 1]
    one = findings["finding"] + ":" + findings["payment_id"].fillna("")
    parts = [each.split(":", 1) for each in allow if ":" in each]
    payments = case.payments_named([payment for _, payment in parts])
    named = [f"{name}:{payment}" for (name, _), payment in zip(parts, payments, strict=True)]
    allowed = findings["finding"].isin(list(allow)) | one.isin(named)
    left: pd.DataFrame = findings[findings["severity"].isin(grave) & ~allowed]
    left = left.reset_index(drop=True)
    if baseline is None:
        return left
    return new_findings(left, with_payments_of_now(read_baseline(baseline), case))


def assert_no_findings(
    case: Case,
    severity: str = "medium",
    allow: Collection[str] = (),
    baseline: Path | str | None = None,
) -> None:
    """Assert that nothing is found at or above a severity, but for what is allowed or known.

    A finding that could not be looked for fails as well: "nothing found" and "could not run" are
    different results.

    Raises
    ------
    AssertionError
        with a table of the findings, gravest first.
    """
    __tracebackhide__ = True
    left = failing_findings(case, severity=severity, allow=allow, baseline=baseline)
    runs = case.finding_runs
    unran = runs[~runs["ran"].astype(bool)] if "ran" in runs.columns else runs.head(0)
    problems = []
    if len(left):
        new = "new " if baseline is not None else ""
        problems.append(f"{len(left)} {new}findings:\n{readable_table(left, _SHOWN)}")
    if len(unran):
        problems.append(f"{len(unran)} findings could not be looked for:\n{readable_table(unran)}")
    if problems:
        raise AssertionError("\n".join(problems))


def assert_ledger_matches(case: Case, expected: Mapping[str, int] | None = None) -> None:
    """Assert that the ledger holds what it should.

    Parameters
    ----------
    expected
        user id to credits from payments (purchases, refunds, reversals and corrections; usage and
        grants left out). Users who are not named must hold none. Without it the ledger is held
        against Stripe: every finding about an entry fails.

    Raises
    ------
    AssertionError
        with a table of what differs.
    """
    __tracebackhide__ = True
    if expected is None:
        findings = case.findings
        ledger_findings = [one.name for one in case.catalogue if one.concerns == "ledger"]
        left = findings[findings["finding"].isin(ledger_findings)].reset_index(drop=True)
        if len(left):
            table = readable_table(left, _SHOWN)
            raise AssertionError(f"the ledger does not match the payments:\n{table}")
        return
    ledger = case.evidence.ledger
    counted = ledger[ledger["kind"].isin(["purchase", "refund", "reversal", "correction"])]
    held = counted.groupby("user_id")["delta"].sum()
    users = sorted({*map(str, expected), *map(str, held.index)})
    rows = pd.DataFrame(
        {
            "user_id": users,
            "expected": [int(expected.get(user, 0)) for user in users],
            "ledger": [int(held.get(user, 0)) for user in users],
        }
    )
    wrong = rows[rows["expected"] != rows["ledger"]]
    if len(wrong):
        raise AssertionError(f"the ledger differs for {len(wrong)} users:\n{readable_table(wrong)}")
