"""Keeps the ledger of a world and its stored balances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from credit_forensics.arrays import Bools, Ints
from credit_forensics.scenarios.deliveries import EventIds, draw_event_ids, events_and_deliveries
from credit_forensics.scenarios.faults import Fault
from credit_forensics.scenarios.handler import METHODS
from credit_forensics.scenarios.identifiers import instants, take, tokens
from credit_forensics.scenarios.scene import Scene


@dataclass(frozen=True)
class Books:
    """The tables, and the positions of the ids with an orphan entry or a drifting balance."""

    events: pa.Table
    deliveries: pa.Table
    ledger: pa.Table
    balances: pa.Table
    orphan_users: Ints
    drifting_users: Ints


def keep_books(scene: Scene, rng: np.random.Generator) -> Books:
    """Tell everything that happened as events, deliveries and ledger entries."""
    ids = draw_event_ids(scene, rng)
    events, deliveries = events_and_deliveries(scene, ids, rng)
    ledger, orphans = _ledger(scene, ids, rng)
    balances, drifting = _balances(scene, ledger, rng)
    return Books(events, deliveries, ledger, balances, orphans, drifting)


def _entries(
    user: pa.Array,
    delta: Ints,
    reason: pa.Array,
    *,
    kind: str,
    at: Ints,
    event_id: pa.Array | None = None,
    payment_id: pa.Array | None = None,
) -> pa.Table:
    count = len(delta)
    nothing = pa.nulls(count, pa.string())
    return pa.table(
        {
            "user_id": user,
            "delta": pa.array(delta, pa.int64()),
            "reason": reason,
            "kind": pa.repeat(kind, count),
            "event_id": nothing if event_id is None else event_id,
            "payment_id": nothing if payment_id is None else payment_id,
            "created_at": instants(at),
        }
    )


def _ledger(scene: Scene, ids: EventIds, rng: np.random.Generator) -> tuple[pa.Table, Ints]:
    handling, fault = scene.handling, scene.fault
    credited = np.flatnonzero(handling.credited >= 0)
    blocks = [_purchases(scene, credited, handling.booked, ids.completion)]
    for which, event_id in (
        (Fault.REDELIVERED, ids.completion),
        (Fault.TWO_EVENTS, ids.second),
    ):
        rows = np.flatnonzero((fault == which) & (handling.credited >= 0))
        blocks.append(_purchases(scene, rows, ids.again_at, event_id))
    blocks.append(_taken_back(scene, ids))
    blocks.append(_usage(scene, credited, rng))
    blocks.append(_grants(scene, rng))
    orphan_entries, holders = _orphans(scene, rng)
    ledger = pa.concat_tables([*blocks, orphan_entries])
    order = np.argsort(ledger["created_at"].cast(pa.int64()).to_numpy(), kind="stable")
    ledger = ledger.take(pa.array(order))
    numbers = pa.array(np.arange(1, ledger.num_rows + 1)).cast(pa.string())
    return ledger.add_column(0, "entry_id", numbers), holders


def _purchases(scene: Scene, rows: Ints, at: Ints, event_id: pa.Array) -> pa.Table:
    events = take(event_id, rows)
    method = take(pc.utf8_lower(pa.array(METHODS)), scene.handling.method[rows])
    return _entries(
        take(scene.accounts.text, scene.handling.credited[rows]),
        scene.labels.stated_credits[rows],
        _join("stripe_purchase:method_", method, ":event_", events),
        kind="purchase",
        at=at[rows],
        event_id=events,
        payment_id=take(scene.labels.payment_id, rows),
    )


def _taken_back(scene: Scene, ids: EventIds) -> pa.Table:
    returns = scene.returns
    taken = np.flatnonzero(returns.booked_share > 0)
    payment = returns.payment[taken]
    credits_ = scene.labels.stated_credits[payment] * returns.booked_share[taken]
    what = take(pa.array(["refund", "dispute"]), returns.dispute[taken].astype(np.int64))
    events = take(ids.returned, taken)
    return _entries(
        take(scene.accounts.text, scene.handling.credited[payment]),
        -credits_.astype(np.int64),
        _join("stripe_", what, ":event_", events),
        kind="refund",
        at=returns.closed[taken] + 2_000_000,
        event_id=events,
        payment_id=take(scene.labels.payment_id, payment),
    )


def _usage(scene: Scene, credited: Ints, rng: np.random.Generator) -> pa.Table:
    handling = scene.handling
    rows = credited[rng.random(len(credited)) < scene.settings.usage_share]
    left = np.maximum(scene.end - handling.booked[rows], 0)
    at = handling.booked[rows] + (left * rng.uniform(0.01, 0.99, len(rows))).astype(np.int64)
    spent = scene.labels.credits[rows] * rng.uniform(0.02, 0.6, len(rows))
    return _entries(
        take(scene.accounts.text, handling.credited[rows]),
        -np.maximum(1, spent.astype(np.int64)),
        pa.repeat("usage:generation", len(rows)),
        kind="usage",
        at=at,
    )


def _grants(scene: Scene, rng: np.random.Generator) -> pa.Table:
    count = round(scene.settings.grant_share * len(scene.fault))
    holders, at = _anybody(scene, count, rng)
    return _entries(
        take(scene.accounts.text, holders),
        rng.choice(np.array([10, 20, 50]), count),
        pa.repeat("admin_grant:goodwill", count),
        kind="grant",
        at=at,
    )


def _orphans(scene: Scene, rng: np.random.Generator) -> tuple[pa.Table, Ints]:
    prices = scene.settings.prices
    count = round(scene.settings.faults.orphan * len(scene.fault))
    holders, at = _anybody(scene, count, rng)
    invented = tokens(rng, "evt_1", count, 23)
    expected = np.array([price.credits for price in prices])
    entries = _entries(
        take(scene.accounts.text, holders),
        expected[rng.integers(0, len(prices), count)],
        _join("stripe_purchase:method_primary_metadata:event_", invented),
        kind="purchase",
        at=at,
        event_id=invented,
    )
    return entries, holders


def _anybody(scene: Scene, count: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Random accounts, and times within the span of the payments (else they prove nothing)."""
    accounts = np.flatnonzero(scene.accounts.has_account)
    first, last = int(scene.checkouts.created.min()), int(scene.checkouts.created.max())
    return accounts[rng.integers(0, len(accounts), count)], rng.integers(first, last + 1, count)


def _join(*parts: str | pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(*parts, "")


def _balances(scene: Scene, ledger: pa.Table, rng: np.random.Generator) -> tuple[pa.Table, Ints]:
    """Stored balances: the sum of the ledger, but for the users that drift."""
    settings, accounts = scene.settings, scene.accounts
    sums = ledger.group_by("user_id").aggregate([("delta", "sum")]).sort_by("user_id")
    balance: npt.NDArray[np.int64] = sums["delta_sum"].to_numpy().copy()
    wanted = round(settings.faults.balance_drift * settings.user_count)
    wanted = min(max(wanted, int(settings.faults.balance_drift > 0)), len(balance))
    drifting = np.sort(rng.choice(len(balance), wanted, replace=False))
    sign: Bools = rng.random(wanted) < 0.5
    balance[drifting] += np.where(sign, 1, -1) * rng.integers(5, 120, wanted)
    table = pa.table({"user_id": sums["user_id"], "balance": balance})
    position = pd.Index(accounts.text.to_numpy(zero_copy_only=False))
    names = sums["user_id"].take(pa.array(drifting)).to_pylist()
    return table, position.get_indexer(names).astype(np.int64)
