"""Which methods fail together: what is declared of each pair, and what their errors say."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from credit_forensics.judgement.dependence import learned_dependence
from credit_forensics.judgement.families import Family
from credit_forensics.judgement.fit import Fit
from credit_forensics.judgement.verdicts import person_of_best
from credit_forensics.resolution.method import SESSION, Method
from credit_forensics.tables.expressions import ibis, ir


def count_common_errors(
    matrix: ir.Table, judged: ir.Table, families: Sequence[Family], methods: Sequence[Method]
) -> ir.Table:
    """One row: of each two methods, on how many payments both are expected to be wrong.

    Parameters
    ----------
    matrix
        ``payment_id`` and a column a method, with persons instead of user ids.
    judged
        the voices with their posteriors.
    families, methods
        of the judgement.

    Returns
    -------
    ``both_<a>__<b>`` and ``same_<a>__<b>``, of them those on which both name one person.
    """
    thought = judged.select(
        judged_id="payment_id",
        person=person_of_best(judged, families),
        sure="best_probability",
        patron="patron",
        account=f"v_{SESSION}",
    )
    rows = matrix.inner_join(thought, matrix.payment_id == thought.judged_id)
    # Where nobody is found, nobody is found wrong.
    rows = rows.filter(rows.person.notnull())
    right = {f"r_{method.name}": _right(rows, method) for method in methods}
    rows = rows.select(*(method.name for method in methods), **right)
    counts: dict[str, ir.Value] = {}
    for first, second in combinations([method.name for method in methods], 2):
        alike = rows[first] == rows[second]
        apart = rows[first] != rows[second]
        same = ibis.ifelse(alike, 1 - ibis.greatest(rows[f"r_{first}"], rows[f"r_{second}"]), 0.0)
        either = ibis.greatest(1 - rows[f"r_{first}"] - rows[f"r_{second}"], 0.0)
        counts[f"same_{first}__{second}"] = same.sum()
        counts[f"both_{first}__{second}"] = (same + ibis.ifelse(apart, either, 0.0)).sum()
    return rows.agg(**counts)


def _right(rows: ir.Table, method: Method) -> ir.Value:
    """The chance that a method names the payer, or the session the account that is paid for."""
    named = rows[method.name]
    right = ibis.ifelse(named == rows.person, rows.sure, 0.0)
    if method.family == SESSION:
        paid_for = (named == rows.account) & (named != rows.person)
        right = ibis.ifelse(paid_for, rows.patron, right)
    return right


def method_dependence(counts: pd.DataFrame, methods: Sequence[Method], fit: Fit) -> pd.DataFrame:
    """A row a pair of methods, the most dependent first.

    Parameters
    ----------
    counts
        the row of ``count_common_errors``.
    methods
        its methods, in order.
    fit
        the fitted model, for what the fusion makes of the families.

    Returns
    -------
    first, second, first_family, second_family; declared (1 within a family, else 0); both_wrong
    (expected payments on which both are wrong), same_wrong (of them, naming one person);
    dependence (0 to 1: the declaration pooled with the errors); in_fusion, what the fusion uses:
    1 within a family, which has one voice, else that of the two families. What the session wrote
    into another method's field (a prefilled e-mail) counts here as that method's and so shows as
    dependence; in the fusion it is the session's voice already, and is not counted again.
    """
    row = counts.iloc[0].astype("float64").fillna(0.0)
    pairs = list(combinations(methods, 2))
    names = [f"{first.name}__{second.name}" for first, second in pairs]
    declared = np.array([float(first.family == second.family) for first, second in pairs])
    both, same = (
        np.array([row[f"{what}_{name}"] for name in names], dtype=np.float64)
        for what in ("both", "same")
    )
    place = {family.name: index for index, family in enumerate(fit.families)}
    between = fit.dependence or np.zeros((len(place), len(place))).tolist()
    fused = [between[place[first.family]][place[second.family]] for first, second in pairs]
    table = pd.DataFrame(
        {
            "first": pd.Series([first.name for first, _ in pairs], dtype="str"),
            "second": pd.Series([second.name for _, second in pairs], dtype="str"),
            "first_family": pd.Series([first.family for first, _ in pairs], dtype="str"),
            "second_family": pd.Series([second.family for _, second in pairs], dtype="str"),
            "declared": declared,
            "both_wrong": both,
            "same_wrong": same,
            "dependence": learned_dependence(same, both, declared),
            "in_fusion": np.where(declared > 0, 1.0, fused),
        }
    )
    order = ["dependence", "both_wrong", "first", "second"]
    return table.sort_values(order, ascending=[False, False, True, True], ignore_index=True)
