"""States the truth of a world: who paid, who was credited, what was planted."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from credit_forensics.arrays import Bools, Ints
from credit_forensics.scenarios.accounts import Accounts
from credit_forensics.scenarios.bookkeeping import Books
from credit_forensics.scenarios.bursts import Timeline
from credit_forensics.scenarios.faults import Fault
from credit_forensics.scenarios.handler import (
    BY_EMAIL,
    CREDITED,
    DATABASE_ERROR,
    LOOKUP,
    NO_CREDITS,
    NOT_HANDLED,
    REFUSED,
    SCAN,
    UNRESOLVED,
    Handling,
)
from credit_forensics.scenarios.identifiers import take
from credit_forensics.scenarios.people import People
from credit_forensics.scenarios.records import DELAYED
from credit_forensics.scenarios.returns import Returns
from credit_forensics.scenarios.scene import Scene

FINDING_COLUMNS = ["finding", "cause", "payment_id", "user_id"]
TRUTH_COLUMNS = [
    "payment_id",
    "payer_user_id",
    "payer_person_id",
    "credited_user_id",
    "wrong",
    "cause",
    "burst_id",
]
BURST_COLUMNS = ["burst_id", "onset", "end", "payments"]
_MISSING = {
    NOT_HANDLED: "not_delivered",
    REFUSED: "signature_refused",
    UNRESOLVED: "resolution_failed",
    NO_CREDITS: "acknowledged_not_applied",
    DATABASE_ERROR: "acknowledged_not_applied",
}


def wrong_payments(accounts: Accounts, handling: Handling) -> Bools:
    """Payments whose credits another person holds."""
    payer = accounts.owner(accounts.payer_id)
    wrong: Bools = (handling.credited >= 0) & (accounts.owner(handling.credited) != payer)
    return wrong


def truth_table(scene: Scene) -> pd.DataFrame:
    """One row a payment; ``cause`` and ``burst_id`` are empty where they do not apply."""
    accounts, labels, handling = scene.accounts, scene.labels, scene.handling
    timeline, fault = scene.timeline, scene.fault
    wrong = wrong_payments(accounts, handling)
    cause = _causes(accounts, handling, fault, wrong)
    person = accounts.person[accounts.payer_id]
    person = np.where(person < 0, accounts.payer_id, person)
    inside = wrong & timeline.wrong & (timeline.window >= 0)
    bursts = np.array([f"burst-{n:03d}" for n in range(len(timeline.versioned))], dtype=object)
    burst = np.full(len(wrong), None, dtype=object)
    burst[inside] = bursts[timeline.window[inside]] if len(bursts) else None
    return pd.DataFrame(
        {
            "payment_id": _text(labels.payment_id),
            "payer_user_id": _text(take(accounts.text, accounts.payer_id)),
            "payer_person_id": _text(take(accounts.text, person)),
            "credited_user_id": _text(take(accounts.text, handling.credited)),
            "wrong": wrong,
            "cause": pd.Series(cause, dtype="str"),
            "burst_id": pd.Series(burst, dtype="str"),
        }
    )


def _causes(
    accounts: Accounts, handling: Handling, fault: Ints, wrong: Bools
) -> npt.NDArray[np.object_]:
    cast = accounts.cast[accounts.session_id] != accounts.session_id
    found = np.select(
        [
            ~wrong,
            fault == Fault.LEDGER_MISMATCH,
            handling.method == LOOKUP,
            handling.method == SCAN,
            handling.method == BY_EMAIL,
            cast,
        ],
        [0, 1, 2, 3, 4, 5],
        6,
    )
    causes: npt.NDArray[np.object_] = np.array(
        [
            None,
            "handler_ledger_mismatch",
            "customer_mapping",
            "metadata_scan",
            "email_match",
            "id_namespace",
            "stale_session",
        ],
        dtype=object,
    )[found]
    return causes


def bursts_table(truth: pd.DataFrame, timeline: Timeline) -> pd.DataFrame:
    """One row a burst: its first and last wrong payment, and how many there are."""
    rows = truth.assign(at=pd.to_datetime(timeline.created, unit="us", utc=True))
    rows = rows[rows["burst_id"].notna()]
    table = rows.groupby("burst_id", sort=True)["at"].agg(["min", "max", "size"]).reset_index()
    table.columns = pd.Index(BURST_COLUMNS)
    return table


def people_table(people: People, accounts: Accounts) -> pd.DataFrame:
    """One row an id: the person it belongs to, and that person's household."""
    person = np.where(accounts.person < 0, np.arange(len(accounts.person)), accounts.person)
    alone = accounts.person < 0
    household = np.where(alone, person, people.household_start[np.where(alone, 0, accounts.person)])
    return pd.DataFrame(
        {
            "user_id": _text(accounts.text),
            "person_id": _text(take(accounts.text, person)),
            "household_id": pd.Series(household).map("household-{:06d}".format).astype("str"),
        }
    )


def truth_findings(truth: pd.DataFrame, scene: Scene, books: Books) -> pd.DataFrame:
    """Every finding that is true of this world; ``failed_delivery`` once a failed delivery."""
    accounts, handling, returns, fault = (
        scene.accounts,
        scene.handling,
        scene.returns,
        scene.fault,
    )
    rows: list[pd.DataFrame] = []
    payment = truth["payment_id"].to_numpy(dtype=object)
    credited = truth["credited_user_id"].to_numpy(dtype=object)
    got = handling.credited >= 0
    wrong = truth["wrong"].to_numpy(dtype=bool)

    def add(finding: str, cause: object, where: Bools, users: npt.NDArray[np.object_]) -> None:
        at = np.flatnonzero(where)
        if len(at):
            causes = cause[at] if isinstance(cause, np.ndarray) else cause
            rows.append(
                pd.DataFrame(
                    {
                        "finding": finding,
                        "cause": causes,
                        "payment_id": payment[at],
                        "user_id": users[at],
                    }
                )
            )

    payer = truth["payer_user_id"].to_numpy(dtype=object)
    add("wrong_user", truth["cause"].to_numpy(dtype=object), wrong, credited)
    other_id = got & ~wrong & (handling.credited != accounts.payer_id)
    add("split_identity", None, other_id, credited)
    add("unknown_user", None, got & (fault == Fault.UNKNOWN_USER), credited)
    missing = (fault != Fault.ABANDONED) & (handling.outcome != CREDITED)
    missing &= ~np.isin(fault, DELAYED[1:])
    # The handler acknowledged, and skipped, the later event of a delayed method.
    late = missing & (fault == Fault.ASYNC_PAID)
    add("missing_credit", "acknowledged_not_applied", late, payer)
    for outcome, cause in _MISSING.items():
        add("missing_credit", cause, missing & ~late & (handling.outcome == outcome), payer)
    add("duplicate_credit", "one_event", got & (fault == Fault.REDELIVERED), credited)
    add("duplicate_credit", "several_events", got & (fault == Fault.TWO_EVENTS), credited)
    add("unpaid_credit", "unpaid", got & (fault == Fault.UNPAID), credited)
    add("unpaid_credit", "failed", got & (fault == Fault.ASYNC_FAILED), credited)
    add("test_mode_credit", None, got & (fault == Fault.TEST_MODE), credited)
    add("wrong_amount", None, got & (fault == Fault.WRONG_AMOUNT), credited)
    for name, cause, which in _returned(returns):
        where = np.zeros(len(truth), dtype=np.bool_)
        where[returns.payment[which]] = True
        add(name, cause, where, credited)
    _add_failed(rows, books)
    ids = accounts.text.to_numpy(zero_copy_only=False)
    for name, users in (
        ("orphan_credit", books.orphan_users),
        ("balance_drift", books.drifting_users),
    ):
        frame = pd.DataFrame({"user_id": ids[users]})
        rows.append(frame.assign(finding=name, cause=None, payment_id=None))
    writers = np.zeros(len(truth), dtype=np.bool_)
    writers[handling.bound_by[handling.bound_by >= 0]] = True
    add("poisoned_mapping", None, wrong & writers, ids[np.maximum(handling.resolved, 0)])
    table = pd.concat(rows, ignore_index=True)[FINDING_COLUMNS].astype("str")
    return table.sort_values(FINDING_COLUMNS, kind="stable").reset_index(drop=True)


def _returned(returns: Returns) -> list[tuple[str, str, Bools]]:
    under = returns.booked_share < returns.share
    over = returns.booked_share > returns.share
    return [
        ("refund_not_reversed", "refund", under & ~returns.dispute),
        ("refund_not_reversed", "dispute_lost", under & returns.dispute),
        ("refund_over_reversed", "refund", over & ~returns.dispute),
        ("refund_over_reversed", "dispute_won", over & returns.dispute),
    ]


def _add_failed(rows: list[pd.DataFrame], books: Books) -> None:
    failed = books.deliveries.select(["outcome", "payment_id", "resolved_user_id"]).to_pandas()
    bad = failed["outcome"].isin(
        ["signature_refused", "resolution_failed", "no_credits", "database_error"]
    )
    failed = failed[bad].rename(columns={"outcome": "cause", "resolved_user_id": "user_id"})
    rows.append(failed.assign(finding="failed_delivery"))


def _text(values: pa.Array) -> pd.Series:
    return pd.Series(values.to_pandas(), dtype="str")
