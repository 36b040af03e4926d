"""Finds balances that could not be read, so that a zero shown for them means nothing."""

from __future__ import annotations

from credit_forensics.findings.finding import Correction, Finding, Words
from credit_forensics.findings.finding_rows import finding_rows, sentence
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

NAME = "balance_unreadable"
SEVERITY = "high"
PROOF = "The table, view or column of the stored balances is not there or cannot be read."

PROBLEMS = (
    ("missing_table", "their table or view does not exist"),
    ("missing_column", "their column does not exist"),
    ("unreadable", "reading them failed"),
)
"""A shop that has no balances, or rows of them that were rejected, is a gap and no finding."""


def unreadable_balances(gaps: ir.Table) -> ir.Table:
    """The gaps that say the ledger's balances could not be read.

    Examples
    --------
    >>> unreadable_balances(Tables().gaps).columns
    ('source', 'object', 'problem', 'consequence')
    """
    return gaps.filter(
        (gaps.source == "ledger")
        & ((gaps.object == "balances") | gaps.object.startswith("balances."))
        & gaps.problem.isin([problem for problem, _ in PROBLEMS])
    )


def find_balance_unreadable(tables: Tables) -> ir.Table:
    """One row for each way in which the ledger's balances could not be read.

    Examples
    --------
    >>> from credit_forensics.engines.duckdb import engine_of
    >>> engine = engine_of(
    ...     gaps={"source": ["ledger"], "object": ["balances"], "problem": ["missing_table"]})
    >>> engine.frame(find_balance_unreadable(Tables()))["cause"].tolist()
    ['missing_table']
    """
    gaps = unreadable_balances(tables.gaps)
    rows = gaps.select("problem").distinct()
    return finding_rows(
        rows,
        NAME,
        SEVERITY,
        cause=rows.problem,
        probability=1.0,
        explanation=sentence(
            "The stored balances cannot be read ({why}): a balance shown as zero means nothing.",
            why=ibis.cases(*((rows.problem == problem, text) for problem, text in PROBLEMS)),
        ),
    )


FINDING = Finding(
    NAME,
    SEVERITY,
    PROOF,
    find_balance_unreadable,
    Correction(
        "Nothing is booked: first the balances must be readable.",
    ),
    en=Words(
        "balance unreadable",
        "The stored balances cannot be read; a zero means nothing.",
        {
            "missing_table": "table missing",
            "missing_column": "column missing",
            "unreadable": "unreadable",
        },
    ),
    de=Words(
        "Kontostand nicht lesbar",
        "Die Kontostände sind nicht lesbar; eine Null bedeutet nichts.",
        {
            "missing_table": "Tabelle fehlt",
            "missing_column": "Spalte fehlt",
            "unreadable": "nicht lesbar",
        },
    ),
    place=150,
)
