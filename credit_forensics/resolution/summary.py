"""Sums the methods up side by side: coverage, agreement, conflicts, and who explains the ledger."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from credit_forensics.resolution.method import Method
from credit_forensics.resolution.methods import REPLAYS
from credit_forensics.tables.expressions import ir


def count_agreement(matrix: ir.Table, names: Sequence[str]) -> ir.Table:
    """One row of counts: how often each column speaks, and each pair speaks and agrees.

    Parameters
    ----------
    matrix
        the wide matrix, with persons or with user ids.
    names
        columns to compare.

    Returns
    -------
    one row; ``n``, ``s_<a>``, ``b_<a>__<b>`` (both speak) and ``a_<a>__<b>`` (both agree).
    """
    counts: dict[str, ir.Value] = {"n": matrix.count()}
    for index, first in enumerate(names):
        counts[f"s_{first}"] = matrix[first].count()
        for second in names[index + 1 :]:
            both = matrix[first].notnull() & matrix[second].notnull()
            counts[f"b_{first}__{second}"] = both.sum()
            counts[f"a_{first}__{second}"] = (matrix[first] == matrix[second]).sum()
    return matrix.agg(**counts)


def agreement_matrix(counts: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Share of payments on which two columns agree, among those on which both speak.

    Parameters
    ----------
    counts
        the row of ``count_agreement``.
    names
        the columns.

    Returns
    -------
    square, columns by columns, 0 to 1; NaN where they never both speak.

    Examples
    --------
    >>> row = pd.DataFrame({"n": [4], "s_a": [4], "s_b": [2], "b_a__b": [2], "a_a__b": [1]})
    >>> agreement_matrix(row, ["a", "b"]).loc["a", "b"].item()
    0.5
    """
    row = counts.iloc[0].astype("float64").fillna(0.0)
    square = pd.DataFrame(float("nan"), index=list(names), columns=list(names))
    for index, first in enumerate(names):
        if row[f"s_{first}"]:
            square.loc[first, first] = 1.0
        for second in names[index + 1 :]:
            both = row[f"b_{first}__{second}"]
            if both:
                share = row[f"a_{first}__{second}"] / both
                square.loc[first, second] = square.loc[second, first] = share
    return square


def summarize_methods(
    counts: pd.DataFrame, methods: Sequence[Method], reference: str = "ledger"
) -> pd.DataFrame:
    """A line a method.

    Parameters
    ----------
    counts
        the row of ``count_agreement`` over the methods and ``reference``.
    methods
        the methods, in order.
    reference
        the column that the ledger's choice stands in.

    Returns
    -------
    method, family, reads, payments (on which it speaks), coverage (share of all), agreement (mean
    share of agreement with the other methods, weighted by payments), conflicts (pairs of answers
    that differ), and explains_ledger (share of its payments that the ledger credited to whom it
    names).
    """
    row = counts.iloc[0].astype("float64").fillna(0.0)
    names = [method.name for method in methods]

    def pair(kind: str, first: str, second: str) -> float:
        key = f"{kind}_{first}__{second}"
        return float(row[key] if key in row else row[f"{kind}_{second}__{first}"])

    lines = []
    for method in methods:
        others = [name for name in names if name != method.name]
        both = sum(pair("b", method.name, other) for other in others)
        agree = sum(pair("a", method.name, other) for other in others)
        speaks = row[f"s_{method.name}"]
        on_ledger = pair("b", method.name, reference)
        lines.append(
            {
                "method": method.name,
                "family": method.family,
                "reads": method.reads,
                "payments": int(speaks),
                "coverage": speaks / row["n"] if row["n"] else 0.0,
                "agreement": agree / both if both else float("nan"),
                "conflicts": int(both - agree),
                "explains_ledger": (
                    pair("a", method.name, reference) / on_ledger if on_ledger else float("nan")
                ),
            }
        )
    return pd.DataFrame(lines)


def reference_names(methods: Sequence[Method]) -> list[str]:
    """The columns that the summary compares: the methods, then what was done.

    Examples
    --------
    >>> reference_names([])
    ['handler_cascade', 'handler_log', 'ledger']
    """
    return [*(method.name for method in methods), *REPLAYS]
