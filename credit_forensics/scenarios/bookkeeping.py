"""Writes the events, the deliveries as the log tells them, the ledger and the balances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from credit_forensics.scenarios.accounts import Accounts
from credit_forensics.scenarios.checkout import Checkouts
from credit_forensics.scenarios.faults import Fault
from credit_forensics.scenarios.handler import (
    CREDITED,
    DATABASE_ERROR,
    METHODS,
    NOT_HANDLED,
    OUTCOMES,
    REFUSED,
    UNRESOLVED,
    Handling,
)
from credit_forensics.scenarios.identifiers import Bools, Ints, instants, take, tokens
from credit_forensics.scenarios.records import Labels
from credit_forensics.scenarios.returns import Returns
from credit_forensics.scenarios.settings import WorldSettings

API_VERSION = "2025-08-27.basil"
REFUSED_ERROR = "No signatures found matching the expected signature for payload"
DATABASE_ERROR_TEXT = (
    "(psycopg.errors.UniqueViolation) duplicate key value violates unique constraint "
    '"stripe_customers_stripe_customer_id_key"'
)
_HOUR = 3_600 * 1_000_000


@dataclass(frozen=True)
class Books:
    """The tables, and per payment the id of its completion event and of its second one."""

    events: pa.Table
    deliveries: pa.Table
    ledger: pa.Table
    balances: pa.Table
    orphan_users: Ints
    drifting_users: Ints


def keep_books(
    settings: WorldSettings,
    checkouts: Checkouts,
    accounts: Accounts,
    labels: Labels,
    handling: Handling,
    fault: Ints,
    returns: Returns,
    end: int,
    rng: np.random.Generator,
) -> Books:
    """Tell everything that happened as events, deliveries and ledger entries."""
    count = len(checkouts)
    completion = tokens(rng, "evt_1", count, 23)
    second = tokens(rng, "evt_1", count, 23)
    returned = tokens(rng, "evt_3", len(returns.payment), 23)
    again_at = handling.booked + (rng.uniform(0.05, 3.0, count) * _HOUR).astype(np.int64)
    events = _Events(labels, fault, completion)
    _tell(events, settings, checkouts, labels, handling, fault, returns, second, returned, end, rng)
    deliveries = _deliveries(
        events, accounts, labels, handling, fault, completion, second, again_at
    )
    ledger, orphans = _ledger(
        settings, accounts, labels, handling, fault, returns,
        (completion, second, returned), again_at, end, rng,
    )  # fmt: skip
    balances, drifting = _balances(settings, accounts, ledger, rng)
    return Books(
        events=pa.concat_tables(events.blocks),
        deliveries=deliveries,
        ledger=ledger,
        balances=balances,
        orphan_users=orphans,
        drifting_users=drifting,
    )


class _Events:
    """Collects events, and the deliveries of those that the handler ignores."""

    def __init__(self, labels: Labels, fault: Ints, completion: pa.Array) -> None:
        self.labels, self.fault = labels, fault
        self.blocks: list[pa.Table] = []
        self.ignored: list[pa.Table] = []
        rows = np.flatnonzero(fault != Fault.ABANDONED)
        self.completed = rows
        self.completion = completion

    def add(
        self,
        kind: str,
        rows: Ints,
        at: Ints,
        event_id: pa.Array,
        object_id: pa.Array | None = None,
        *,
        ignored: bool = True,
    ) -> None:
        payment_id = take(self.labels.payment_id, rows)
        self.blocks.append(
            pa.table(
                {
                    "event_id": event_id,
                    "type": pa.repeat(kind, len(rows)),
                    "created_at": instants(at),
                    "payment_id": payment_id,
                    "object_id": payment_id if object_id is None else object_id,
                    "livemode": pa.array(self.fault[rows] != Fault.TEST_MODE),
                    "api_version": pa.repeat(API_VERSION, len(rows)),
                }
            )
        )
        if ignored:
            self.ignored.append(_delivery(event_id, None, at + 1_500_000, "ignored", error=None))


def _tell(
    events: _Events,
    settings: WorldSettings,
    checkouts: Checkouts,
    labels: Labels,
    handling: Handling,
    fault: Ints,
    returns: Returns,
    second: pa.Array,
    returned: pa.Array,
    end: int,
    rng: np.random.Generator,
) -> None:
    done = "checkout.session.completed"
    rows = events.completed
    events.add(done, rows, checkouts.completed[rows], take(events.completion, rows), ignored=False)
    twice = np.flatnonzero(fault == Fault.TWO_EVENTS)
    later = checkouts.completed[twice] + 1_000_000
    events.add(done, twice, later, take(second, twice), ignored=False)
    for kind, which in (
        ("checkout.session.async_payment_succeeded", Fault.ASYNC_PAID),
        ("checkout.session.async_payment_failed", Fault.ASYNC_FAILED),
    ):
        rows = np.flatnonzero(fault == which)
        left = np.maximum(end - handling.booked[rows], 0)
        settled = handling.booked[rows] + np.minimum(60 * _HOUR, left * 3 // 4) + 1_000_000
        events.add(kind, rows, settled, take(second, rows))
    rows = np.flatnonzero(rng.random(len(fault)) < settings.other_events_share)
    rows = rows[(fault[rows] != Fault.ABANDONED) & (fault[rows] != Fault.SIGNATURE_REFUSED)]
    rows = rows[~np.isin(fault[rows], [Fault.UNPAID, Fault.ASYNC_FAILED, Fault.ASYNC_PAID])]
    other = tokens(rng, "evt_3", len(rows), 23)
    charge = tokens(rng, "ch_3", len(rows), 23)
    events.add("charge.succeeded", rows, checkouts.completed[rows] - 1_000_000, other, charge)
    refund, dispute = np.flatnonzero(~returns.dispute), np.flatnonzero(returns.dispute)
    charges = tokens(rng, "ch_3", len(returns.payment), 23)
    disputes = tokens(rng, "du_1", len(returns.payment), 23)
    opening = tokens(rng, "evt_1", len(returns.payment), 23)
    events.add(
        "charge.refunded", returns.payment[refund], returns.opened[refund],
        take(returned, refund), take(charges, refund),
    )  # fmt: skip
    events.add(
        "charge.dispute.created", returns.payment[dispute], returns.opened[dispute],
        take(opening, dispute), take(disputes, dispute),
    )  # fmt: skip
    events.add(
        "charge.dispute.closed", returns.payment[dispute], returns.closed[dispute],
        take(returned, dispute), take(disputes, dispute),
    )  # fmt: skip


def _delivery(
    event_id: pa.Array | None,
    payment_id: pa.Array | None,
    at: Ints,
    outcome: str | pa.Array,
    *,
    error: str | pa.Array | None,
    method: pa.Array | None = None,
    resolved: pa.Array | None = None,
    credits_: pa.Array | None = None,
    valid: bool = True,
) -> pa.Table:
    count = len(at)
    nothing = pa.nulls(count, pa.string())
    seconds = pa.array(at // 1_000_000).cast(pa.string())

    def text(value: str | pa.Array | None) -> pa.Array:
        if value is None:
            return nothing
        return pa.repeat(value, count) if isinstance(value, str) else value

    return pa.table(
        {
            "event_id": text(event_id),
            "payment_id": text(payment_id),
            "received_at": instants(at),
            "signature_valid": pa.repeat(valid, count),
            "method": text(method),
            "resolved_user_id": text(resolved),
            "credits": pa.nulls(count, pa.int64()) if credits_ is None else credits_,
            "outcome": text(outcome),
            "error": text(error),
            "request_id": pc.binary_join_element_wise("webhook-", seconds, ""),
            "source_file": pa.repeat("webhook.log", count),
        }
    )


def _deliveries(
    events: _Events,
    accounts: Accounts,
    labels: Labels,
    handling: Handling,
    fault: Ints,
    completion: pa.Array,
    second: pa.Array,
    again_at: Ints,
) -> pa.Table:
    def handled(rows: Ints, at: Ints, event_id: pa.Array, outcome: Ints) -> pa.Table:
        credited = outcome == CREDITED
        told = credited | (outcome == DATABASE_ERROR)
        broken = outcome == DATABASE_ERROR
        error = pc.if_else(pa.array(broken), DATABASE_ERROR_TEXT, pa.scalar(None, pa.string()))
        return _delivery(
            take(event_id, rows),
            take(labels.payment_id, rows),
            at[rows],
            take(pa.array(OUTCOMES), outcome),
            error=error,
            method=take(
                pa.array(METHODS), np.where(outcome == UNRESOLVED, 0, _told(handling, rows))
            ),
            resolved=take(accounts.text, handling.resolved[rows]),
            credits_=pa.array(labels.told_credits[rows], mask=~told),
        )

    outcome = handling.outcome.copy()
    outcome[(fault == Fault.RETRIED) & (outcome == CREDITED)] = DATABASE_ERROR
    first = np.flatnonzero((outcome != NOT_HANDLED) & (outcome != REFUSED))
    blocks = [handled(first, handling.received, completion, outcome[first])]
    refused = np.flatnonzero(outcome == REFUSED)
    blocks.append(
        _delivery(
            None,
            None,
            handling.received[refused],
            "signature_refused",
            error=REFUSED_ERROR,
            valid=False,
        )  # fmt: skip
    )
    retried = np.flatnonzero((fault == Fault.RETRIED) & (handling.outcome == CREDITED))
    blocks.append(handled(retried, handling.booked, completion, handling.outcome[retried]))
    for which, event_id in ((Fault.REDELIVERED, completion), (Fault.TWO_EVENTS, second)):
        rows = np.flatnonzero((fault == which) & (handling.outcome == CREDITED))
        blocks.append(handled(rows, again_at, event_id, handling.outcome[rows]))
    return pa.concat_tables([*blocks, *events.ignored])


def _told(handling: Handling, rows: Ints) -> Ints:
    return handling.method[rows]


def _entries(
    user: pa.Array,
    delta: Ints,
    reason: pa.Array,
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


def _ledger(
    settings: WorldSettings,
    accounts: Accounts,
    labels: Labels,
    handling: Handling,
    fault: Ints,
    returns: Returns,
    event_ids: tuple[pa.Array, pa.Array, pa.Array],
    again_at: Ints,
    end: int,
    rng: np.random.Generator,
) -> tuple[pa.Table, Ints]:
    completion, second, returned = event_ids
    methods = pc.utf8_lower(pa.array(METHODS))

    def purchase(rows: Ints, at: Ints, event_id: pa.Array) -> pa.Table:
        events = take(event_id, rows)
        method = take(methods, handling.method[rows])
        return _entries(
            take(accounts.text, handling.credited[rows]),
            labels.told_credits[rows],
            _join("stripe_purchase:method_", method, ":event_", events),
            "purchase",
            at[rows],
            events,
            take(labels.payment_id, rows),
        )

    credited = np.flatnonzero(handling.credited >= 0)
    blocks = [purchase(credited, handling.booked, completion)]
    for which, event_id in ((Fault.REDELIVERED, completion), (Fault.TWO_EVENTS, second)):
        rows = np.flatnonzero((fault == which) & (handling.credited >= 0))
        blocks.append(purchase(rows, again_at, event_id))
    taken = np.flatnonzero(returns.booked_share > 0)
    payment = returns.payment[taken]
    back = -(labels.told_credits[payment] * returns.booked_share[taken]).astype(np.int64)
    what = take(pa.array(["refund", "dispute"]), returns.dispute[taken].astype(np.int64))
    blocks.append(
        _entries(
            take(accounts.text, handling.credited[payment]),
            back,
            _join("stripe_", what, ":event_", take(returned, taken)),
            "refund",
            returns.closed[taken] + 2_000_000,
            take(returned, taken),
            take(labels.payment_id, payment),
        )
    )
    users = np.flatnonzero(accounts.has_account)
    blocks.append(_usage(settings, accounts, labels, handling, credited, end, rng))
    grants = round(settings.grant_share * len(fault))
    granted = users[rng.integers(0, len(users), grants)] if len(users) else users
    start = int(handling.received.min(initial=end)) if len(fault) else end
    blocks.append(
        _entries(
            take(accounts.text, granted),
            rng.choice(np.array([10, 20, 50]), len(granted)),
            pa.repeat("admin_grant:goodwill", len(granted)),
            "grant",
            rng.integers(start, end + 1, len(granted)),
        )
    )
    orphans = _number_of_orphans(settings, len(fault))
    holders = users[rng.integers(0, len(users), orphans)] if len(users) else users
    invented = tokens(rng, "evt_1", len(holders), 23)
    blocks.append(
        _entries(
            take(accounts.text, holders),
            np.array([p.credits for p in settings.prices])[
                rng.integers(0, len(settings.prices), len(holders))
            ],
            _join("stripe_purchase:method_primary_metadata", "", ":event_", invented),
            "purchase",
            rng.integers(start, end + 1, len(holders)),
            invented,
        )
    )
    ledger = pa.concat_tables(blocks)
    order = np.argsort(ledger["created_at"].cast(pa.int64()).to_numpy(), kind="stable")
    ledger = ledger.take(pa.array(order))
    numbers = pa.array(np.arange(1, ledger.num_rows + 1)).cast(pa.string())
    return ledger.add_column(0, "entry_id", numbers), holders


def _number_of_orphans(settings: WorldSettings, count: int) -> int:
    return round(settings.faults.orphan * count)


def _usage(
    settings: WorldSettings,
    accounts: Accounts,
    labels: Labels,
    handling: Handling,
    credited: Ints,
    end: int,
    rng: np.random.Generator,
) -> pa.Table:
    rows = credited[rng.random(len(credited)) < settings.usage_share]
    left = np.maximum(end - handling.booked[rows], 0)
    at = handling.booked[rows] + (left * rng.uniform(0.01, 0.99, len(rows))).astype(np.int64)
    spent = np.maximum(
        1, (labels.credits[rows] * rng.uniform(0.02, 0.6, len(rows))).astype(np.int64)
    )
    return _entries(
        take(accounts.text, handling.credited[rows]),
        -spent,
        pa.repeat("usage:generation", len(rows)),
        "usage",
        at,
    )


def _join(*parts: str | pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(*parts, "")


def _balances(
    settings: WorldSettings, accounts: Accounts, ledger: pa.Table, rng: np.random.Generator
) -> tuple[pa.Table, Ints]:
    """Stored balances: the sum of the ledger, but for the users that drift."""
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
