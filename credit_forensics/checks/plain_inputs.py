"""Makes evidence of what a handler has at hand: DataFrames, dicts, ``stripe`` objects."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from credit_forensics.case.case import Case
from credit_forensics.case_file import CaseFile, IdsSection
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.stripe.load import load_stripe_file
from credit_forensics.evidence.stripe.payments import assemble_payments

Rows = pd.DataFrame | Iterable[Mapping[str, Any]]
Sessions = pd.DataFrame | Mapping[str, Any] | Sequence[Any] | Any

_RENAMED = {
    "users": {"id": "user_id"},
    "customers": {"stripe_customer_id": "customer_id", "created_at": "bound_at"},
    "ledger": {"id": "entry_id", "stripe_event_id": "event_id"},
}


def case_of(
    sessions: Sessions,
    users: Rows = (),
    *,
    customers: Rows = (),
    charges: Sequence[Any] = (),
    ledger: Rows = (),
    id_shape: str = "any",
    prices: Mapping[str, int] | None = None,
) -> Case:
    """A case of plain values, resolved and judged by the very code that the audit runs.

    Parameters
    ----------
    sessions
        a Checkout Session as Stripe gives it (a dict or an object of the ``stripe`` package), or
        several; or a DataFrame with columns of the evidence table ``payments``, and optionally
        ``metadata`` holding a dict a row.
    users
        accounts: ``user_id`` (or ``id``), ``email``, ``name``.
    customers
        bindings: ``customer_id``, ``user_id``, ``bound_at``.
    charges
        charges as Stripe gives them, for the card.
    ledger
        entries: ``entry_id``, ``user_id``, ``delta``, ``reason``, ``event_id``, ``payment_id``.
    id_shape
        ``[ids] shape`` of a case file.
    prices
        credits a price is worth.

    Raises
    ------
    TypeError
        for something that is none of these.
    ValueError
        for a column that the evidence does not know.

    Examples
    --------
    >>> session = {"id": "cs_1", "object": "checkout.session", "created": 1_756_700_000,
    ...     "customer_details": {"email": "ada@example.com"}, "metadata": {"user_id": "u1"}}
    >>> case = case_of(session, [{"id": "u1", "email": "ada@example.com"}])
    >>> case.claims[["method", "family", "user_id"]].values.tolist()
    [['metadata_user_id', 'session', 'u1'], ['payer_email', 'email', 'u1']]
    """
    evidence = Evidence()
    if isinstance(sessions, pd.DataFrame):
        _add_payments(evidence, sessions)
    else:
        _add_stripe(evidence, [*_objects(sessions), *_objects(charges)], prices or {})
    for name, rows in (("users", users), ("customers", customers), ("ledger", ledger)):
        frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows))
        if len(frame):
            evidence.add(name, _as_told(name, frame))
    settings = CaseFile(ids=IdsSection(shape=id_shape), prices=dict(prices or {}))
    return Case.from_evidence(evidence, settings)


def _add_payments(evidence: Evidence, frame: pd.DataFrame) -> None:
    rows = frame.drop(columns=["metadata"], errors="ignore")
    evidence.add("payments", rows)
    if "metadata" not in frame.columns:
        return
    entries = [
        {
            "payment_id": payment_id,
            "source": "session",
            "position": position,
            "key": str(key),
            "value": str(value),
        }
        for payment_id, values in zip(frame["payment_id"], frame["metadata"], strict=True)
        if isinstance(values, Mapping)
        for position, (key, value) in enumerate(values.items(), start=1)
    ]
    if entries:
        evidence.add("metadata", pd.DataFrame(entries))


def _add_stripe(
    evidence: Evidence, objects: list[Mapping[str, Any]], prices: Mapping[str, int]
) -> None:
    # Through a file, so that a session here is read exactly as an export is.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "objects.jsonl"
        path.write_text("".join(f"{json.dumps(one)}\n" for one in objects), encoding="utf-8")
        load_stripe_file(evidence, path, path.name, "files")
    assemble_payments(evidence, prices)


def _objects(given: Any) -> list[Mapping[str, Any]]:
    if isinstance(given, Mapping):
        return [given]
    if hasattr(given, "to_dict"):
        return [json.loads(json.dumps(given.to_dict(), default=_plain))]
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise TypeError(
            "a session is a dict, an object of the stripe package or a DataFrame of payments, "
            f"not {type(given).__name__}"
        )
    return [one for each in given for one in _objects(each)]


def _plain(value: Any) -> Any:
    if hasattr(value, "to_dict"):
        return value.to_dict()
    return str(value)


def _as_told(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    renamed = {old: new for old, new in _RENAMED[name].items() if new not in frame.columns}
    told = frame.rename(columns=renamed)
    for column in told.columns:
        if column.endswith("_id"):
            told = told.assign(**{column: told[column].astype("string")})
    return told
