"""Tells what the wrong payments share that the right ones do not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pandas as pd

from credit_forensics.engines.duckdb import Engine
from credit_forensics.engines.recipes import Recipe
from credit_forensics.incidents.exact_test import false_discovery_rates, upper_tails
from credit_forensics.judgement.front_ends import front_end_versions
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

NO_VALUE = "(none)"
_LONGEST = 60
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("Chrome", "Chrome"),
    ("CriOS", "Chrome"),
    ("AppleWebKit", "Safari"),
    ("Safari", "Safari"),
)
WINDOW = "window_of_traits"
_COLUMNS = {
    "trait": "str",
    "value": "str",
    "wrong": "int64",
    "right": "int64",
    "share_of_wrong": "float64",
    "share_of_right": "float64",
    "lift": "float64",
    "p_value": "float64",
    "q_value": "float64",
}


def find_shared_traits(
    engine: Engine, since: datetime | None = None, until: datetime | None = None
) -> pd.DataFrame:
    """Count the traits in the engine and test them: see ``count_traits`` and ``rank_traits``.

    Examples
    --------
    >>> from credit_forensics.engines.duckdb import engine_of
    >>> engine = engine_of()
    >>> len(find_shared_traits(engine))
    0
    """
    if since is None and until is None:
        return rank_traits(engine.frame(Recipe("traits", lambda: count_traits(Tables()))))
    register_window(engine, since, until)
    inside = Recipe("traits-in-window", lambda: count_traits(Tables(), in_window=True))
    return rank_traits(engine.frame(inside))


def register_window(engine: Engine, since: datetime | None, until: datetime | None) -> None:
    """Put the bounds of what is counted or listed beside the tables, as rows of ``WINDOW``."""
    times = {"since": [since], "until": [until]}
    rows = {name: pd.Series(value, dtype="datetime64[us, UTC]") for name, value in times.items()}
    engine.register(WINDOW, pd.DataFrame(rows))


def count_traits(tables: Tables, *, in_window: bool = False) -> ir.Table:
    """Wrong and right payments for each value of each trait: trait, value, wrong, right.

    Wrong is the verdict *misattributed*, right is *confirmed*; what is in doubt counts for
    neither. ``in_window``: of payments created within the bounds that ``register_window`` put on
    the engine (both inclusive) alone. A payment without a value counts under "(none)", which is a
    value too. Values come from strangers, so they are cut to 60 characters; a report has to escape
    them.

    Examples
    --------
    >>> count_traits(Tables()).columns
    ('trait', 'value', 'wrong', 'right')
    """
    labelled = _payments_of(tables, ("misattributed", "confirmed"), in_window=in_window)
    counts = [_count(labelled, name, value) for name, value in _own_traits(labelled).items()]
    for name, values in _joined_traits(tables).items():
        joined = labelled.left_join(values, labelled.payment_id == values.valued_payment)
        counts.append(_count(joined, name, joined.trait_value))
    return ibis.union(*counts)


def list_traits(tables: Tables, verdicts: Sequence[str], *, in_window: bool = False) -> ir.Table:
    """Each trait of each payment that has one of these verdicts: payment_id, trait, value.

    ``in_window`` as in ``count_traits``.

    Examples
    --------
    >>> list_traits(Tables(), ["ambiguous"]).columns
    ('payment_id', 'trait', 'value')
    """
    payments = _payments_of(tables, verdicts, in_window=in_window)
    listed = [_listed(payments, name, value) for name, value in _own_traits(payments).items()]
    for name, values in _joined_traits(tables).items():
        joined = payments.left_join(values, payments.payment_id == values.valued_payment)
        listed.append(_listed(joined, name, joined.trait_value))
    return ibis.union(*listed)


def _payments_of(tables: Tables, names: Sequence[str], *, in_window: bool) -> ir.Table:
    """Payments by verdict and time, with what their own traits are made of."""
    verdicts, payments = tables.verdicts, tables.payments
    if in_window:
        payments = payments_in_window(payments)
    judged = verdicts.filter(verdicts.verdict.isin(tuple(names)))
    return judged.join(payments, "payment_id").select(
        "payment_id",
        is_wrong=ibis.ifelse(judged.verdict == "misattributed", 1, 0),
        customer_preset=payments.customer_preset,
        created_at=payments.created_at,
        price=payments.price_id.coalesce(payments.amount.cast("string") + " " + payments.currency),
    )


def payments_in_window(payments: ir.Table) -> ir.Table:
    """Those created within the bounds of ``register_window``; a bound that is absent is none."""
    time = payments.created_at.type()
    window = ibis.table({"since": time, "until": time}, name=WINDOW)
    bounded = payments.cross_join(window)
    after = bounded.since.isnull() | (bounded.created_at >= bounded.since)
    before = bounded.until.isnull() | (bounded.created_at <= bounded.until)
    return bounded.filter(after & before).drop("since", "until")


def front_ends_of_wrong(tables: Tables) -> ir.Table:
    """The front-end version of each misattributed payment, and how many payments have it.

    Examples
    --------
    >>> front_ends_of_wrong(Tables()).columns
    ('payment_id', 'carriers', 'value')
    """
    versions = front_end_versions(tables)
    carriers = versions.group_by("version").agg(carriers=versions.count())
    wrong = tables.verdicts.filter(tables.verdicts.verdict == "misattributed")
    marked = wrong.select("payment_id").inner_join(versions, "payment_id")
    return marked.inner_join(carriers, "version").select("payment_id", "carriers", value="version")


def rank_traits(counts: pd.DataFrame) -> pd.DataFrame:
    """Lift, exact test and false discovery rate of counted traits, the surest first.

    Parameters
    ----------
    counts
        ``trait``, ``value``, ``wrong``, ``right``; the values of a trait part the payments.

    Returns
    -------
    pandas.DataFrame
        ``lift`` is the share of wrong ones among payments with the value over the share among
        all; ``p_value`` Fisher's exact test (one-sided: more wrong ones than chance gives);
        ``q_value`` Benjamini and Hochberg's (1995) false discovery rate over every trait and
        value that was tried, those that no wrong payment has included.

    Examples
    --------
    >>> counts = pd.DataFrame({"trait": "version", "value": ["1", "2"],
    ...                        "wrong": [1, 9], "right": [899, 91]})
    >>> rank_traits(counts)[["value", "lift"]].round(2).values.tolist()
    [['2', 9.0], ['1', 0.11]]
    """
    if counts.empty:
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in _COLUMNS.items()})
    rows = counts.astype({"wrong": "int64", "right": "int64"})
    of_trait = rows.groupby("trait")[["wrong", "right"]].transform("sum")
    having, total = rows["wrong"] + rows["right"], of_trait["wrong"] + of_trait["right"]
    rows["share_of_wrong"] = rows["wrong"] / of_trait["wrong"].clip(lower=1)
    rows["share_of_right"] = rows["right"] / of_trait["right"].clip(lower=1)
    overall = (of_trait["wrong"] / total.clip(lower=1)).where(of_trait["wrong"] > 0)
    rows["lift"] = (rows["wrong"] / having.clip(lower=1)) / overall
    # Fisher's test is the upper tail of the hypergeometric distribution, here for all rows at once.
    rows["p_value"] = upper_tails(rows["wrong"], total, of_trait["wrong"], having)
    rows["q_value"] = false_discovery_rates(rows["p_value"])
    rows = rows.sort_values(
        ["q_value", "p_value", "lift", "trait", "value"],
        ascending=[True, True, False, True, True],
        kind="stable",
    )
    return rows[list(_COLUMNS)].astype(_COLUMNS).reset_index(drop=True)


def _as_text(value: ir.Value) -> ir.StringValue:
    return value.cast("string").coalesce(NO_VALUE).substr(0, _LONGEST)


def _listed(rows: ir.Table, name: str, value: ir.Value) -> ir.Table:
    return rows.select("payment_id", trait=ibis.literal(name), value=_as_text(value))


def _count(rows: ir.Table, name: str, value: ir.Value) -> ir.Table:
    valued = rows.select("is_wrong", value=_as_text(value))
    counts = valued.group_by("value").aggregate(
        wrong=valued.is_wrong.sum().cast("int64"),
        right=(1 - valued.is_wrong).sum().cast("int64"),
    )
    return counts.select(trait=ibis.literal(name), value="value", wrong="wrong", right="right")


def _own_traits(rows: ir.Table) -> dict[str, ir.Value]:
    return {
        "price": rows.price,
        "hour": rows.created_at.hour().cast("string").lpad(2, "0"),
        "preset_customer": ibis.cases(
            (rows.customer_preset, "preset"), (~rows.customer_preset, "not preset")
        ),
    }


def _joined_traits(tables: Tables) -> dict[str, ir.Table]:
    """Traits that lie in other tables: ``valued_payment`` and ``trait_value``, one row each."""
    choices = tables.choices
    method = choices.log_method.nullif("").coalesce(choices.cascade_method.nullif(""))
    return {
        "frontend_version": front_end_versions(tables).rename(
            valued_payment="payment_id", trait_value="version"
        ),
        "browser": _browsers(tables),
        "handler_method": choices.group_by(valued_payment=choices.payment_id).aggregate(
            trait_value=method.min()
        ),
    }


def _browsers(tables: Tables) -> ir.Table:
    metadata = tables.metadata
    entries = metadata.filter(
        (metadata.source == "session") & (metadata.key == "browser_fingerprint")
    )
    return entries.group_by(valued_payment=entries.payment_id).aggregate(
        trait_value=_browser(entries.value).min()
    )


def _browser(agent: ir.StringValue) -> ir.StringValue:
    """The browser's family by its user agent; the original handler cuts it to 100 characters."""
    return ibis.cases(
        *((agent.contains(token), family) for token, family in _BROWSERS),
        (agent.isin(("", "unknown")), ibis.null("string")),
        else_="other",
    )
