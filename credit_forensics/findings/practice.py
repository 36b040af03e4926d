"""What a finding passes over, mostly as the shop's practice: the case says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from credit_forensics.engines.duckdb import Engine
from credit_forensics.engines.recipes import Recipe
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

BY_PRACTICE = "by practice"
"""The ``problem`` of the gaps that practices are."""
GAP = ["source", "object", "problem", "consequence"]


@dataclass(frozen=True)
class Practice:
    """A way that most payments like it show, so that no single one is a finding for it.

    What most do may be a fault that hit most, so it is not passed over in silence; nor is what the
    evidence leaves open (``problem``).

    Attributes
    ----------
    name
        in words, as ``kept fee``.
    found
        gives the id of each payment or account that is passed over for it, in the column ``of``.
    source, object
        where it is seen, as in ``gaps``.
    told
        what they show and what cannot be had of them, after ``{count} payments``.
    problem
        why it is passed over: ``BY_PRACTICE``, unless the evidence leaves it open.
    of
        ``payment_id``, or ``user_id`` where accounts are passed over.
    """

    name: str
    found: Callable[[Tables], ir.Table]
    source: str
    object: str
    told: str
    problem: str = BY_PRACTICE
    of: Literal["payment_id", "user_id"] = "payment_id"

    def gap(self, count: int) -> dict[str, str]:
        """The row of ``gaps`` that says that so many are passed over.

        Examples
        --------
        >>> fee = Practice("kept fee", lambda tables: tables.payments, "ledger", "refunds",
        ...     "kept a fee, as the shop's refunds do")
        >>> fee.gap(1)["consequence"]
        "1 payment kept a fee, as the shop's refunds do."
        """
        noun = {"payment_id": "payment", "user_id": "account"}[self.of]
        noun += "" if count == 1 else "s"
        return {
            "source": self.source,
            "object": self.object,
            "problem": self.problem,
            "consequence": f"{count} {noun} {self.told}.",
        }


def count_practices(tables: Tables, practices: Sequence[Practice]) -> ir.Table:
    """``practice, ids``: how many each passes over; no row where it passes over none.

    Examples
    --------
    >>> one = Practice("kept fee", lambda tables: tables.payments, "ledger", "refunds", "")
    >>> count_practices(Tables(), [one]).columns
    ('practice', 'ids')
    """
    rows = []
    for one in practices:
        found = one.found(tables)
        rows.append(found.select(id=found[one.of], practice=ibis.literal(one.name)))
    every = ibis.union(*rows, distinct=False)
    return every.group_by("practice").aggregate(ids=every.id.nunique())


def passed_over(
    engine: Engine, practices: Sequence[Practice], tables: Tables, name: str
) -> pd.DataFrame:
    """A row in the columns of ``gaps`` for each practice for which payments are passed over.

    Parameters
    ----------
    engine
        holds the evidence and the tables of resolution and judgement.
    practices
        those of the case's findings, each once.
    tables
        those of odd payments, where they are kept.
    name
        of the recipe; empty where the findings are not all the house's.

    Examples
    --------
    >>> from credit_forensics.engines.duckdb import engine_of
    >>> engine = engine_of(payments={"payment_id": ["cs_1"]})
    >>> fee = Practice("fee", lambda tables: tables.payments, "ledger", "refunds", "kept a fee")
    >>> passed_over(engine, [fee], Tables(), "")["consequence"].tolist()
    ['1 payment kept a fee.']
    """
    gaps: list[dict[str, str]] = []
    if practices:
        counted = engine.frame(Recipe(name, lambda: count_practices(tables, practices)))
        counts = dict(zip(counted["practice"], counted["ids"], strict=True))
        gaps = [one.gap(int(counts[one.name])) for one in practices if one.name in counts]
    return pd.DataFrame(gaps, columns=GAP).astype("str")
