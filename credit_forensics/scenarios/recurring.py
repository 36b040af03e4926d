"""Turns payments of a world into renewals of subscriptions, and lets some of them go wrong."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from credit_forensics.scenarios.truth import FINDING_COLUMNS
from credit_forensics.scenarios.world import World, with_spans

_PERIOD = pd.Timedelta(days=30)
# Tables that name a payment.
_NAMING = ("payments", "metadata", "events", "deliveries", "ledger")


def with_renewals(
    world: World,
    share: float = 0.5,
    *,
    missing: float = 0.0,
    twice: float = 0.0,
    payments: Sequence[str] | None = None,
    seed: int = 0,
) -> World:
    """A world in which payments that follow an earlier one of their payer are renewals of it.

    A renewal is an invoice without a session: it has the customer and the subscription of the
    payer's first payment, and its metadata are the subscription's. The same seed gives the same
    world.

    Parameters
    ----------
    world
        of one-off payments.
    share
        of all payments that become renewals, as far as there are earlier ones.
    missing
        of the right renewals, what share the handler acknowledged and did not book.
    twice
        of the right first payments, what share was booked by the session's and by its first
        invoice's event.
    payments
        the payments that become renewals; chosen by ``share`` without it.

    Examples
    --------
    >>> from credit_forensics.scenarios.named import scenario
    >>> world = with_renewals(scenario("stale_session"), 0.3)
    >>> sorted(set(world.tables["payments"]["kind"].to_pylist()))
    ['checkout', 'invoice']
    """
    rng = np.random.default_rng([seed, 14])
    tables = {name: table.to_pandas() for name, table in world.tables.items()}
    truth, found = world.truth.copy(), world.truth_findings.copy()
    told = set(found["payment_id"].dropna())
    paid = tables["payments"]
    paid = paid.merge(truth[["payment_id", "payer_user_id", "wrong"]], on="payment_id")
    paid = paid.sort_values(["created_at", "payment_id"], kind="stable")
    good = (
        paid["payment_status"].eq("paid")
        & paid["livemode"]
        & paid["customer_id"].notna()
        & ~paid["payment_id"].isin(told - set(truth.loc[truth["wrong"], "payment_id"]))
    )
    paid = paid[good]
    clean = ~paid["payment_id"].isin(told) & ~paid["wrong"]
    first = paid[clean].groupby("payer_user_id")["payment_id"].first()
    later = paid[~paid["payment_id"].isin(first) & paid["payer_user_id"].isin(first.index)]
    begun = later["payer_user_id"].map(first)
    starts = paid.set_index("payment_id")["created_at"]
    later = later[later["created_at"].to_numpy() > starts.loc[begun].to_numpy()]
    if payments is not None:
        later = later[later["payment_id"].isin(list(payments))]
    else:
        wanted = min(len(later), round(share * len(truth)))
        later = later.iloc[np.sort(rng.permutation(len(later))[:wanted])]
    renewed = dict(zip(later["payment_id"], later["payer_user_id"].map(first), strict=True))
    invoices = {payment: _derived("in_1", payment) for payment in renewed}

    rows = tables["payments"]
    rows["kind"] = np.where(rows["payment_id"].isin(list(renewed)), "invoice", "checkout")
    of = rows["payment_id"].map(renewed).astype(object)
    starting = rows["payment_id"].isin(set(renewed.values()))
    begins = of.where(of.notna(), rows["payment_id"].where(starting))
    rows["subscription_id"] = [
        _derived("sub_1", payment) if isinstance(payment, str) else None for payment in begins
    ]
    recurring = rows["subscription_id"].notna()
    rows.loc[recurring, "mode"] = "subscription"
    first = pd.Series("subscription_create", index=rows.index).where(starting)
    rows["billing_reason"] = first.mask(of.notna(), "subscription_cycle")
    rows["period_start"] = rows["created_at"].where(recurring)
    rows["period_end"] = (rows["created_at"] + _PERIOD).where(recurring)
    by_payment = rows.set_index("payment_id")
    # An invoice states the customer as the first payment made it.
    for column in ("customer_id", "email_prefilled", "payer_email", "payer_name"):
        rows.loc[of.notna(), column] = by_payment.loc[of[of.notna()], column].to_numpy()
    rows.loc[of.notna(), "customer_preset"] = True
    rows.loc[of.notna(), "client_reference_id"] = None
    metadata = tables["metadata"]
    ours = metadata["payment_id"].isin(list(renewed)) & metadata["source"].eq("session")
    metadata.loc[ours, "source"] = "subscription"
    events = tables["events"]
    ours = events["payment_id"].isin(list(renewed)) & events["type"].str.startswith("checkout.")
    events.loc[ours, "type"] = "invoice.paid"
    events["object_id"] = _renamed(events["object_id"], invoices)

    # Where all of the money went back no credits are owed.
    kept = later["amount_lost"].fillna(0) < later["amount"]
    right = later.loc[~later["wrong"] & kept, "payment_id"].tolist()
    lost = _some(rng, right, missing)
    ledger, deliveries = tables["ledger"], tables["deliveries"]
    _take_back(tables, ledger[ledger["payment_id"].isin(lost)])
    tables["ledger"] = ledger = ledger[~ledger["payment_id"].isin(lost)]
    gone = deliveries["payment_id"].isin(lost)
    deliveries.loc[gone, "outcome"] = "database_error"
    truth.loc[truth["payment_id"].isin(lost), "credited_user_id"] = None
    doubled = _some(rng, sorted(set(renewed.values())), twice)
    again = ledger[ledger["payment_id"].isin(doubled) & ledger["kind"].eq("purchase")]
    again = again.drop_duplicates("payment_id")
    next_id = int(ledger["entry_id"].astype("int64").max()) + 1
    invoice_events = events[events["payment_id"].isin(again["payment_id"])].drop_duplicates(
        "payment_id"
    )
    named = {payment: _derived("evt_1", payment) for payment in again["payment_id"]}
    more = invoice_events.assign(
        event_id=invoice_events["payment_id"].map(named),
        type="invoice.paid",
        object_id=[_derived("in_1", payment) for payment in invoice_events["payment_id"]],
    )
    again = again.assign(
        event_id=again["payment_id"].map(named),
        entry_id=[str(next_id + number) for number in range(len(again))],
        reason=[f"stripe_purchase:invoice:event_{named[p]}" for p in again["payment_id"]],
        created_at=again["created_at"] + pd.Timedelta(seconds=2),
    )
    _take_back(tables, again.assign(delta=-again["delta"]))
    tables["events"] = pd.concat([events, more], ignore_index=True)
    tables["ledger"] = pd.concat([ledger, again], ignore_index=True)
    facts: list[tuple[str, str | None, str, str | None]] = [
        ("missing_renewal", None, payment, None) for payment in lost
    ]
    facts += [
        ("duplicate_credit", "checkout_and_invoice", payment, user)
        for payment, user in zip(again["payment_id"], again["user_id"], strict=True)
    ]
    found = pd.concat([found, pd.DataFrame(facts, columns=FINDING_COLUMNS)], ignore_index=True)
    for name in _NAMING:
        tables[name]["payment_id"] = _renamed(tables[name]["payment_id"], invoices)
    for frame in (truth, found):
        frame["payment_id"] = _renamed(frame["payment_id"], invoices)
    found = found.astype("str").sort_values(FINDING_COLUMNS, kind="stable")
    tables.pop("spans")
    return replace(
        world,
        tables=with_spans(tables),
        truth=truth,
        truth_findings=found.reset_index(drop=True),
    )


def _renamed(column: pd.Series, names: dict[str, str]) -> pd.Series:
    """A column with other names; a look-up a row, where ``replace`` compares with every name."""
    return column.map(names).fillna(column).astype(column.dtype)


def _derived(prefix: str, payment: str) -> str:
    return prefix + hashlib.sha256(f"{prefix}/{payment}".encode()).hexdigest()[:24]


def _some(rng: np.random.Generator, payments: Sequence[str], share: float) -> list[str]:
    count = round(share * len(payments))
    return [payments[place] for place in np.sort(rng.permutation(len(payments))[:count])]


def _take_back(tables: dict[str, pd.DataFrame], entries: pd.DataFrame) -> None:
    """Balances without these entries."""
    balances = tables["balances"]
    less = balances["user_id"].map(entries.groupby("user_id")["delta"].sum()).fillna(0)
    balances["balance"] = (balances["balance"] - less).astype("int64")
