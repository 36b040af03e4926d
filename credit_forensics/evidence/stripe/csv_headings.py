"""Reads the headings of a Dashboard export, and a record's fields by them."""

from __future__ import annotations

from typing import Any

from credit_forensics.databases.values import of_our_era
from credit_forensics.evidence.files.csv_records import heading
from credit_forensics.money import minor_units

Row = dict[str, Any]

# What a heading may be called, in the form of `heading`; the first that is there counts.
_HEADINGS: dict[str, tuple[str, ...]] = {
    "id": ("id",),
    "amount": ("amount", "amount total"),
    "amount_minor": ("amount_total",),
    "amount_refunded": ("amount refunded",),
    "refunded_at": ("refunded date (utc)",),
    "currency": ("currency",),
    "status": ("status",),
    "payment_status": ("payment status", "payment_status"),
    "mode": ("mode", "livemode"),
    "payment_intent_id": (
        "paymentintent id",
        "payment intent id",
        "payment intent",
        "payment_intent_id",
        "payment_intent",
    ),
    "charge_id": ("charge id", "charge", "payment id", "charge_id"),
    "session_id": ("checkout session id", "checkout_session_id"),
    "customer_id": ("customer id", "customer", "customer_id"),
    "email": ("customer email", "email", "customer_details.email", "customer_email"),
    "name": ("card name", "customer name", "name", "customer_details.name"),
    "fingerprint": ("card fingerprint",),
    "client_reference_id": ("client reference id", "client_reference_id"),
    "invoice_id": ("invoice id",),
    "disputed_amount": ("disputed amount",),
    "dispute_status": ("dispute status",),
    "price_id": ("price id", "price_id"),
}
_CREATED = ("created date", "created", "created_at", "date")
_METADATA = " (metadata)"


class ExportLayout:
    """Where in a record each thing stands.

    ``places`` maps what is read to its column, ``metadata`` lists the metadata columns with their
    keys, ``zone`` is the time zone that the heading of the creation time names. Counted are
    ``unread_amounts`` and ``contradictions``, values of two columns with one key that differ.
    """

    def __init__(self, headings: list[str]) -> None:
        names = [heading(text) for text in headings]
        self.places: dict[str, int] = {}
        for what, known in _HEADINGS.items():
            place = next((names.index(name) for name in known if name in names), None)
            if place is not None:
                self.places[what] = place
        self.zone = "UTC"
        for place, name in enumerate(names):
            stem, _, zone = name.partition(" (")
            if stem in _CREATED and "created" not in self.places:
                self.places["created"] = place
                self.zone = (
                    headings[place].partition("(")[2].strip(") ") or "UTC" if zone else "UTC"
                )
        self.metadata = [
            (place, headings[place].replace("\ufeff", "").strip()[: -len(_METADATA)])
            for place, name in enumerate(names)
            if name.endswith(_METADATA)
        ]
        self.unread_amounts = 0
        self.contradictions = 0

    def row(self, fields: list[str]) -> Row:
        """A record's fields by what they are; what is blank is absent."""
        row: Row = {
            what: text for what, place in self.places.items() if (text := fields[place].strip())
        }
        currency = row.get("currency", "").lower()
        for what in ("amount", "amount_refunded", "disputed_amount"):
            if what in row:
                row[what] = self._amount(row[what], currency)
        if "amount_minor" in row:
            text = row["amount_minor"]
            row["amount"] = int(text) if text.isascii() and text.isdigit() else None
        row["metadata"] = self._metadata(fields)
        return row

    def _metadata(self, fields: list[str]) -> list[tuple[str, str]]:
        """The metadata of a record; of two columns with one key what they agree on."""
        found: dict[str, str] = {}
        differ: set[str] = set()
        for place, key in self.metadata:
            if fields[place] and found.setdefault(key, fields[place]) != fields[place]:
                differ.add(key)
        self.contradictions += len(differ)
        return [(key, value) for key, value in found.items() if key not in differ]

    def _amount(self, text: str, currency: str) -> int | None:
        value = minor_units(text, currency)
        if value is None:
            self.unread_amounts += 1
        return value


def created_sql(zone: str) -> str:
    """SQL that reads the text ``created``: epoch seconds, a time with its offset, or in a zone."""
    naive = "created"
    if zone.upper() not in ("UTC", "GMT"):
        quoted = zone.replace("'", "")
        local = f"TRY(timezone('{quoted}', TRY_CAST(created AS TIMESTAMP))::VARCHAR)"
        naive = f"coalesce({local}, created)"
    return f"""CASE
        WHEN regexp_full_match(created, '[0-9]{{1,11}}') THEN to_timestamp(created::BIGINT)
        WHEN regexp_matches(created, '(Z|[+-][0-9][0-9]:?[0-9][0-9])$')
            THEN {of_our_era("TRY_CAST(created AS TIMESTAMPTZ)")}
        ELSE {of_our_era(f"TRY_CAST({naive} AS TIMESTAMPTZ)")} END"""
