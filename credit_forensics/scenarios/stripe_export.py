"""Turns a world's tables into Stripe objects: sessions, charges, intents and events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from credit_forensics.scenarios import stripe_shapes as shapes
from credit_forensics.scenarios.stripe_shapes import Json

_SUCCEEDED = "checkout.session.async_payment_succeeded"
_FAILED = "checkout.session.async_payment_failed"


class StripeExport:
    """The Stripe side of a world, object by object, in order of time.

    Parameters
    ----------
    tables
        ``payments``, ``metadata`` and ``events`` of a world.
    """

    def __init__(self, tables: Mapping[str, pa.Table]) -> None:
        self.events_of_world = _rows(tables["events"], "created_at", "event_id")
        self.metadata: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
        entries = tables["metadata"].sort_by(
            [("payment_id", "ascending"), ("position", "ascending")]
        )
        for payment, source, key, value in zip(
            *(entries[name].to_pylist() for name in ("payment_id", "source", "key", "value")),
            strict=True,
        ):
            self.metadata[payment, source][key] = value
        self._settled: dict[str, str] = {}
        charges: dict[str, str] = {}
        for told in self.events_of_world:
            if told["type"] in (_SUCCEEDED, _FAILED):
                self._settled[told["payment_id"]] = told["type"]
            if str(told["object_id"] or "").startswith("ch_"):
                charges[told["payment_id"]] = told["object_id"]
        self.payments: dict[str, Json] = {}
        for row in _rows(tables["payments"], "created_at", "payment_id"):
            payment = row["payment_id"]
            row["completed"] = _seconds(row["completed_at"])
            row["charge_id"] = charges.get(payment) or shapes.derived_id("ch_3", payment)
            row["delayed"] = payment in self._settled or row["payment_status"] == "unpaid"
            self.payments[payment] = row

    def sessions(self) -> Iterator[Json]:
        """Every session as it is in the end, its line items expanded."""
        for row in self.payments.values():
            if row["kind"] == "invoice":
                continue
            status = "unpaid" if row["payment_status"] == "failed" else row["payment_status"]
            data = self._session(row, status)
            if row["price_id"] is not None:
                data["line_items"] = shapes.line_items(row)
            yield data

    def invoices(self) -> Iterator[Json]:
        """The invoice of every payment of a subscription."""
        for row in self.payments.values():
            if row["subscription_id"] is not None:
                yield self._invoice(row)

    def charges(self) -> Iterator[Json]:
        """The charge of every completed session as it is in the end."""
        disputed = {e["payment_id"] for e in self.events_of_world if "dispute" in e["type"]}
        for row in self.payments.values():
            if row["completed"] is not None and row["payment_intent_id"] is not None:
                yield shapes.charge(
                    row,
                    refunded=row["amount_refunded"] or 0,
                    disputed=row["payment_id"] in disputed or bool(row["disputed"]),
                    status=self._charge_status(row),
                )

    def intents(self) -> Iterator[Json]:
        """The PaymentIntents that carry metadata of their own."""
        for row in self.payments.values():
            metadata = self.metadata.get((row["payment_id"], "intent"))
            if metadata:
                status = "succeeded" if row["payment_status"] == "paid" else "processing"
                yield shapes.intent(row, metadata, status=status)

    def events(self) -> Iterator[Json]:
        """Every event, with its object as it was then."""
        opened: dict[str, int] = {}
        for told in self.events_of_world:
            row = self.payments.get(told["payment_id"])
            if row is not None:
                yield shapes.event(told, self._object(told, row, opened))

    def _object(self, told: Json, row: Json, opened: dict[str, int]) -> Json:
        kind = told["type"]
        if kind.startswith("invoice."):
            return self._invoice(row)
        if kind.startswith("checkout.session."):
            paid = row["payment_status"] in ("paid", "no_payment_required")
            settled = kind == _SUCCEEDED or (paid and row["payment_id"] not in self._settled)
            return self._session(row, "paid" if settled else "unpaid")
        if kind.startswith("charge.dispute."):
            begun = opened.setdefault(told["object_id"], told["created"])
            ended = "lost" if row["disputed"] else "won"
            status = ended if kind == "charge.dispute.closed" else "needs_response"
            return shapes.dispute(row, told["object_id"], created=begun, status=status)
        if kind.startswith("payment_intent."):
            metadata = self.metadata.get((row["payment_id"], "intent"), {})
            return shapes.intent(row, metadata, status="succeeded")
        refunded = row["amount_refunded"] or 0
        return shapes.charge(
            row,
            refunded=refunded if kind == "charge.refunded" else 0,
            disputed=False,
            status="succeeded",
        )

    def _session(self, row: Json, status: str) -> Json:
        data = shapes.session(
            row, self.metadata.get((row["payment_id"], "session"), {}), status=status
        )
        return shapes.subscribed(data, row) if row["subscription_id"] is not None else data

    def _invoice(self, row: Json) -> Json:
        own = self.metadata.get((row["payment_id"], "subscription"))
        return shapes.invoice(row, own or self.metadata.get((row["payment_id"], "session"), {}))

    def _charge_status(self, row: Json) -> str:
        if row["payment_status"] == "paid":
            return "succeeded"
        return "failed" if row["payment_status"] == "failed" else "pending"


def _rows(table: pa.Table, *order: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table.sort_by([(name, "ascending") for name in order]).to_pylist()
    for row in rows:
        row["created"] = _seconds(row["created_at"])
    return rows


def _seconds(moment: pd.Timestamp | None) -> int | None:
    return None if moment is None else int(moment.timestamp())
