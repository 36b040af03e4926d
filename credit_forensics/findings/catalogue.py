"""Finds the findings, runs each by itself, and sorts what they found.

Each is the ``FINDING`` of one module of this folder; the file is found by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import NamedTuple

import pandas as pd
import pyarrow as pa

from credit_forensics.engines.arrow_to_pandas import to_pandas
from credit_forensics.engines.duckdb import Engine
from credit_forensics.engines.recipes import Recipe
from credit_forensics.findings.finding import SEVERITIES, Finding
from credit_forensics.findings.odd_payments import (
    OddTables,
    drop_odd_payments,
    keep_odd_payments,
)
from credit_forensics.findings.practice import passed_over
from credit_forensics.resolution.method import Method
from credit_forensics.resolution.methods import METHODS
from credit_forensics.tables.catalogue import Tables, conform, spec
from credit_forensics.tables.expressions import ir


def _found() -> Iterator[Finding]:
    for module in iter_modules([str(Path(__file__).parent)]):
        name = f"{__package__}.{module.name}"
        if name != __name__:
            content = vars(import_module(name))
            if "FINDING" in content:
                yield content["FINDING"]


FINDINGS: tuple[Finding, ...] = tuple(sorted(_found(), key=lambda one: (one.place, one.name)))
"""The house's findings, in the order in which they are listed."""

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


def run_findings(engine: Engine, findings: Sequence[Finding] = FINDINGS) -> pd.DataFrame:
    """What was found: the first result of ``examine``.

    Examples
    --------
    >>> from credit_forensics.engines.duckdb import engine_of
    >>> engine = engine_of()
    >>> len(run_findings(engine))
    0
    """
    return examine(engine, findings)[0]


def examine(
    engine: Engine,
    findings: Sequence[Finding] = FINDINGS,
    methods: tuple[Method, ...] = METHODS,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Run each finding by itself; one that cannot run does not stop the others.

    Parameters
    ----------
    engine
        holds the evidence and the tables of resolution and judgement.
    findings
        which to run; all of them by default.
    methods
        the case's methods, for what they say of a cause.

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
    found = examine_with_practices(engine, findings, methods)
    return found.findings, found.runs


class Examined(NamedTuple):
    """What ``examine`` gives, and the practices for which the findings passed something over."""

    findings: pd.DataFrame
    runs: pd.DataFrame
    practices: pd.DataFrame


def examine_with_practices(
    engine: Engine,
    findings: Sequence[Finding] = FINDINGS,
    methods: tuple[Method, ...] = METHODS,
) -> Examined:
    """As ``examine``; ``practices`` has a row in the columns of ``gaps`` for each of them.

    Examples
    --------
    >>> from credit_forensics.engines.duckdb import engine_of
    >>> len(examine_with_practices(engine_of()).practices)
    0
    """
    odd = _with_odd_payments(engine, findings)
    found: list[pa.Table] = []
    runs: list[dict[str, object]] = []
    for finding in findings:
        try:
            rows = conform("findings", engine.arrow(_recipe(finding, methods, odd=odd)))
        except Exception as error:
            problem = type(error).__name__
            runs.append({"finding": finding.name, "ran": False, "rows": 0, "problem": problem})
        else:
            found.append(rows)
            runs.append(
                {"finding": finding.name, "ran": True, "rows": rows.num_rows, "problem": ""}
            )
    ran = [one for one, run in zip(findings, runs, strict=True) if run["ran"]]
    practices = _passed_over(engine, ran, odd=odd)
    if odd:
        drop_odd_payments(engine)
    table = pa.concat_tables([spec("findings").arrow_schema.empty_table(), *found])
    status = pd.DataFrame(runs, columns=["finding", "ran", "rows", "problem"]).astype(
        {"finding": "str", "ran": "bool", "rows": "int64", "problem": "str"}
    )
    return Examined(sort_findings(to_pandas(table)), status, practices)


def _passed_over(engine: Engine, findings: Sequence[Finding], *, odd: bool) -> pd.DataFrame:
    """The practices for which findings that ran pass something over: they read no more tables."""
    practices = list(dict.fromkeys(one for finding in findings for one in finding.practices))
    name = "practices" + ("-odd" if odd else "") if tuple(findings) == FINDINGS else ""
    return passed_over(engine, practices, OddTables() if odd else Tables(), name)


def _with_odd_payments(engine: Engine, findings: Sequence[Finding]) -> bool:
    """Whether odd payments are kept on the engine; where they cannot be, all are read."""
    if not any(finding.odd for finding in findings):
        return False
    try:
        keep_odd_payments(engine)
    except Exception:  # each finding then says itself what it lacks
        return False
    return True


@lru_cache(maxsize=64)
def _recipe(finding: Finding, methods: tuple[Method, ...], *, odd: bool = False) -> Recipe:
    """Of the house's findings with the house's methods the text is kept from run to run."""

    def build() -> ir.Table:
        tables = OddTables() if odd and finding.odd else Tables()
        return finding.find(tables, methods) if finding.by_methods else finding.find(tables)

    ours = finding in FINDINGS and methods == METHODS
    name = f"finding-{finding.name}" + ("-odd" if odd and finding.odd else "")
    return Recipe(name if ours else "", build)


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
