"""Counts deliveries by what ties them to what was read: their payment, or else their event."""

from __future__ import annotations

from dataclasses import dataclass

from credit_forensics.engines.duckdb import Engine
from credit_forensics.engines.recipes import Recipe
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

# A delivery that was refused, or found nothing at its address, can name no event.
_NAMELESS_BY_NATURE = ("signature_refused", "not_found")
_TIES = "delivery_ties"
_UNTIED = "untied_deliveries"


@dataclass(frozen=True)
class Deliveries:
    """Deliveries that name an event or a payment, that name none, and that are tied.

    ``tied`` are those whose payment or event was read; ``nameless`` ones could have named one.
    """

    named: int = 0
    nameless: int = 0
    tied: int = 0


def count_deliveries(engine: Engine) -> Deliveries:
    """Count the deliveries that lie on an engine.

    Payments are looked up by bucket, so only what no payment ties is looked up among all events.

    Examples
    --------
    >>> import pandas as pd
    >>> from credit_forensics.engines.duckdb import engine_of
    >>> deliveries = pd.DataFrame({"event_id": ["evt_1", "evt_2", "evt_3", None],
    ...     "payment_id": ["cs_1", None, None, None], "outcome": "processed"})
    >>> count_deliveries(engine_of(deliveries=deliveries,
    ...     payments=pd.DataFrame({"payment_id": ["cs_1"]}),
    ...     events=pd.DataFrame({"event_id": ["evt_2"]})))
    Deliveries(named=3, nameless=1, tied=2)
    """
    tables = Tables()
    kept = engine.materialize(
        _TIES, Recipe("coverage-delivery-ties", lambda: delivery_ties(tables)), by_payment=True
    )
    groups = engine.arrow(
        Recipe("coverage-counted-deliveries", lambda: kept.table.drop("payment_id"))
    ).to_pylist()
    engine.drop(_TIES)

    def total(what: str) -> int:
        return sum(int(row["deliveries"]) for row in groups if row[what])

    tied = total("tied")
    if total("asks_event"):
        tied += _tied_by_event(engine, tables)
    return Deliveries(total("named"), total("nameless"), tied)


def delivery_ties(tables: Tables) -> ir.Table:
    """Deliveries by what they name and whether their payment was read, a row a group.

    Returns
    -------
    named, nameless, tied, asks_event (its event may tie it yet), deliveries, and ``payment_id``:
    any of the group, so that an engine may count bucket by bucket.
    """
    rows = _with_payments(tables)
    named = rows.event_id.notnull() | rows.payment_id.notnull()
    by_nature = rows.outcome.isin(_NAMELESS_BY_NATURE).coalesce(False)
    groups = rows.select(
        "payment_id",
        named=named,
        nameless=~named & ~by_nature,
        tied=rows.paid_id.notnull(),
        asks_event=_asks_event(rows),
    )
    return groups.group_by("named", "nameless", "tied", "asks_event").aggregate(
        payment_id=groups.payment_id.min(), deliveries=groups.count()
    )


def untied_deliveries(tables: Tables) -> ir.Table:
    """``payment_id, event_id`` of the deliveries that only their event can tie."""
    rows = _with_payments(tables)
    return rows.filter(_asks_event(rows)).select("payment_id", "event_id")


def _tied_by_event(engine: Engine, tables: Tables) -> int:
    untied = engine.materialize(
        _UNTIED,
        Recipe("coverage-untied-deliveries", lambda: untied_deliveries(tables)),
        by_payment=True,
    )

    def of_events() -> ir.Table:
        tied = untied.table.semi_join(tables.events, "event_id")
        return tied.aggregate(deliveries=tied.count())

    (row,) = engine.arrow(Recipe("coverage-tied-by-event", of_events)).to_pylist()
    engine.drop(_UNTIED)
    return int(row["deliveries"])


def _with_payments(tables: Tables) -> ir.Table:
    deliveries, payments = tables.deliveries, tables.payments
    paid = payments.select(paid_id=payments.payment_id)
    return deliveries.left_join(paid, deliveries.payment_id == paid.paid_id)


def _asks_event(rows: ir.Table) -> ir.BooleanValue:
    return ibis.and_(rows.paid_id.isnull(), rows.event_id.notnull())
