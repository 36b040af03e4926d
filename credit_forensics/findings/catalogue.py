"""Lists the findings, runs each by itself, and sorts what they found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa

from credit_forensics.engines.duckdb import Engine, to_pandas
from credit_forensics.findings import (
    balance_drift,
    balance_unreadable,
    duplicate_credit,
    failed_delivery,
    missing_credit,
    orphan_credit,
    poisoned_mapping,
    refund_not_reversed,
    refund_over_reversed,
    split_identity,
    test_mode_credit,
    unknown_user,
    unpaid_credit,
    wrong_amount,
    wrong_user,
)
from credit_forensics.tables.catalogue import Tables, conform, spec

SEVERITIES = ("critical", "high", "medium", "low")
"""From the gravest on."""


@dataclass(frozen=True)
class Finding:
    """A finding: its name, its severity, what proves it, and the expression that finds it."""

    name: str
    severity: str
    proof: str
    function: Callable[[Tables], ir.Table]


FINDINGS: tuple[Finding, ...] = (
    Finding(wrong_user.NAME, wrong_user.SEVERITY, wrong_user.PROOF, wrong_user.find_wrong_user),
    Finding(
        split_identity.NAME,
        split_identity.SEVERITY,
        split_identity.PROOF,
        split_identity.find_split_identity,
    ),
    Finding(
        unknown_user.NAME, unknown_user.SEVERITY, unknown_user.PROOF, unknown_user.find_unknown_user
    ),
    Finding(
        missing_credit.NAME,
        missing_credit.SEVERITY,
        missing_credit.PROOF,
        missing_credit.find_missing_credit,
    ),
    Finding(
        duplicate_credit.NAME,
        duplicate_credit.SEVERITY,
        duplicate_credit.PROOF,
        duplicate_credit.find_duplicate_credit,
    ),
    Finding(
        unpaid_credit.NAME,
        unpaid_credit.SEVERITY,
        unpaid_credit.PROOF,
        unpaid_credit.find_unpaid_credit,
    ),
    Finding(
        test_mode_credit.NAME,
        test_mode_credit.SEVERITY,
        test_mode_credit.PROOF,
        test_mode_credit.find_test_mode_credit,
    ),
    Finding(
        orphan_credit.NAME,
        orphan_credit.SEVERITY,
        orphan_credit.PROOF,
        orphan_credit.find_orphan_credit,
    ),
    Finding(
        wrong_amount.NAME, wrong_amount.SEVERITY, wrong_amount.PROOF, wrong_amount.find_wrong_amount
    ),
    Finding(
        refund_not_reversed.NAME,
        refund_not_reversed.SEVERITY,
        refund_not_reversed.PROOF,
        refund_not_reversed.find_refund_not_reversed,
    ),
    Finding(
        refund_over_reversed.NAME,
        refund_over_reversed.SEVERITY,
        refund_over_reversed.PROOF,
        refund_over_reversed.find_refund_over_reversed,
    ),
    Finding(
        poisoned_mapping.NAME,
        poisoned_mapping.SEVERITY,
        poisoned_mapping.PROOF,
        poisoned_mapping.find_poisoned_mapping,
    ),
    Finding(
        failed_delivery.NAME,
        failed_delivery.SEVERITY,
        failed_delivery.PROOF,
        failed_delivery.find_failed_delivery,
    ),
    Finding(
        balance_drift.NAME,
        balance_drift.SEVERITY,
        balance_drift.PROOF,
        balance_drift.find_balance_drift,
    ),
    Finding(
        balance_unreadable.NAME,
        balance_unreadable.SEVERITY,
        balance_unreadable.PROOF,
        balance_unreadable.find_balance_unreadable,
    ),
)

_ORDER = [
    "finding",
    "created_at",
    "payment_id",
    "event_id",
    "credited_user_id",
    "rightful_user_id",
    "cause",
    "credits",
    "explanation",
]


def run_findings(engine: Engine, findings: tuple[Finding, ...] = FINDINGS) -> pd.DataFrame:
    """What was found: the first result of ``examine``.

    Examples
    --------
    >>> from credit_forensics.engines.duckdb import DuckDBEngine
    >>> from credit_forensics.tables.catalogue import ALL
    >>> engine = DuckDBEngine()
    >>> engine.create(*ALL)
    >>> len(run_findings(engine))
    0
    """
    return examine(engine, findings)[0]


def examine(
    engine: Engine, findings: tuple[Finding, ...] = FINDINGS
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Run each finding by itself; one that cannot run does not stop the others.

    Parameters
    ----------
    engine
        holds the evidence and the tables of resolution and judgement.
    findings
        which to run; all of them by default.

    Returns
    -------
    tuple
        the rows of the table ``findings``, by severity, finding, time and ids; and one row a
        finding with ``finding``, ``ran``, ``rows`` and ``problem`` (the type of the error: its
        text may quote data), so that "nothing found" and "could not run" are different results.

    Examples
    --------
    >>> from credit_forensics.engines.duckdb import DuckDBEngine
    >>> from credit_forensics.tables.catalogue import ALL
    >>> engine = DuckDBEngine()
    >>> engine.create(*(name for name in ALL if name != "balances"))
    >>> runs = examine(engine)[1]
    >>> runs[~runs["ran"]][["finding", "problem"]].values.tolist()
    [['balance_drift', 'CatalogException']]
    """
    found: list[pa.Table] = []
    runs: list[dict[str, object]] = []
    for finding in findings:
        try:
            rows = conform("findings", engine.arrow(_expression(finding)))
        except Exception as error:
            problem = type(error).__name__
            runs.append({"finding": finding.name, "ran": False, "rows": 0, "problem": problem})
        else:
            found.append(rows)
            runs.append(
                {"finding": finding.name, "ran": True, "rows": rows.num_rows, "problem": ""}
            )
    table = pa.concat_tables([spec("findings").arrow_schema.empty_table(), *found])
    status = pd.DataFrame(runs, columns=["finding", "ran", "rows", "problem"]).astype(
        {"finding": "str", "ran": "bool", "rows": "int64", "problem": "str"}
    )
    return sort_findings(to_pandas(table)), status


@lru_cache(maxsize=64)
def _expression(finding: Finding) -> ir.Table:
    """Built once a process, so that it is compiled once too."""
    return finding.function(Tables())


def sort_findings(findings: pd.DataFrame) -> pd.DataFrame:
    """Findings by severity (the gravest first), finding, time and ids; empty values last.

    Examples
    --------
    >>> rows = spec("findings").empty()
    >>> sort_findings(rows).columns.tolist() == spec("findings").column_names
    True
    """
    rank = findings["severity"].map({name: place for place, name in enumerate(SEVERITIES)})
    ordered = findings.assign(_rank=rank).sort_values(["_rank", *_ORDER], kind="stable")
    return ordered.drop(columns="_rank").reset_index(drop=True)
