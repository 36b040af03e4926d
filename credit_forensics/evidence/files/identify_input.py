"""Tells what a file is by its content; its name is not looked at."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from credit_forensics.evidence.files.archives import compression, head
from credit_forensics.evidence.files.csv_headings import is_flat_heading
from credit_forensics.evidence.files.json_documents import decode, split_documents
from credit_forensics.evidence.stripe.objects import CREDIT_PREFIXES, KINDS

_HEAD = 1 << 17
_ENOUGH = 200
_PARQUET = b"PAR1"
_SQLITE = b"SQLite format 3\x00"
_PREFIXES = {prefix: kind.object for kind in KINDS for prefix in kind.prefixes}
_PREFIXES |= {prefix: name for name, prefix in CREDIT_PREFIXES.items()}
_THIN = "v2.core.event"
_HEADINGS = {
    "id", "created (utc)", "created date (utc)", "amount", "currency", "status",
    "paymentintent id", "payment intent id", "checkout session id", "customer id",
    "customer email", "card fingerprint", "client reference id", "payment status",
    "amount refunded", "converted amount", "charge id", "dispute id", "refund id",
}  # fmt: skip
_LOG_LINE = re.compile(
    r"\b(DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL)\b.*|\bevt_[A-Za-z0-9]{8,}|[Ww]ebhook|stripe",
)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d|\d\d:\d\d:\d\d")
_STRIPE_ID = re.compile(
    r"(^|[\n,;\t\"])(cs_|pi_|ch_|py_|in_|sub_|cus_|re_|pyr_|dp_|du_|inpay_|price_|prod_|credgr_|cbtxn_)[A-Za-z0-9_]"
)
_NAMED = re.compile(r'"object"\s*:\s*"([a-z_0-9.]+)"')
_LOG_KEYS = {"level", "msg", "message", "timestamp", "levelname", "severity", "logger"}

# How a list of objects begins; a log's line may begin with its time in brackets.
_DOCUMENTS = re.compile(r"\{|\[\s*(?:[\[\]{]|$)")

# What an object stands under in a shop's own table of webhooks or a connector's raw records.
WRAPPERS = (
    *("payload", "body", "event", "raw", "raw_event", "stripe_event", "content", "json"),
    *("data", "_airbyte_data", "record", "document", "message"),
)

# What a Stripe kind is called in the case file and in reports.
NAMES: dict[str, str] = {
    "checkout.session": "sessions",
    "payment_intent": "intents",
    "charge": "charges",
    "refund": "refunds",
    "dispute": "disputes",
    "customer": "customers",
    "invoice": "invoices",
    "invoice_payment": "invoice_payments",
    "subscription": "subscriptions",
    "price": "prices",
    "product": "products",
    "billing.credit_grant": "credit_grants",
    "billing.credit_balance_transaction": "credit_balance_transactions",
    "event": "events",
    _THIN: "thin events",
}


@dataclass(frozen=True)
class Identified:
    """What a file is.

    ``what`` is ``stripe sessions`` (or events, charges, invoices, …; ``NAMES`` has them all;
    ``stripe objects`` for a mixture), ``stripe csv``, ``parquet``, ``webhook log``,
    ``sqlite database``, ``empty`` or ``unknown``. ``layout`` is ``lines``, ``array`` or
    ``documents`` for JSON, else empty. ``compression`` is ``plain``, ``gz`` or ``zst``.
    """

    what: str
    layout: str = ""
    compression: str = "plain"

    @property
    def is_stripe(self) -> bool:
        """Whether the Stripe loaders can read it."""
        return self.what.startswith("stripe ") or self.what == "parquet"


def identify(path: Path) -> Identified:
    """Tell what a file is.

    Raises
    ------
    OSError
        when it cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "export.txt"
    >>> _ = path.write_text('{"id": "cs_1", "object": "checkout.session"}')
    >>> identify(path)
    Identified(what='stripe sessions', layout='lines', compression='plain')
    """
    with path.open("rb") as file:
        raw = file.read(16)
    if raw.startswith(_PARQUET):
        return Identified("parquet")
    if raw.startswith(_SQLITE):
        return Identified("sqlite database")
    packed = compression(path)
    start = head(path, _HEAD)
    if not start.strip():
        return Identified("unknown" if start or raw else "empty", "", packed)
    text = start.decode("utf-8", "replace")
    what, layout = _json(text, whole=len(start) < _HEAD)
    if not what and _is_export(text):
        what = "stripe csv"
    if not what and start.count(0) <= len(start) // 100 and _is_log(text):
        what = "webhook log"
    return Identified(what or "unknown", layout, packed)


def object_kind(value: Any) -> str:
    """Stripe's name of the kind of a decoded JSON value, envelopes opened; else empty.

    Examples
    --------
    >>> object_kind({"version": "0", "detail": {"id": "evt_1", "object": "event"}})
    'event'
    """
    for _ in range(3):
        if not isinstance(value, dict):
            return ""
        kind = value.get("object")
        if isinstance(kind, dict):
            value = kind
        elif isinstance(kind, str):
            return _THIN if kind.startswith(_THIN) else kind
        elif isinstance(value.get("detail"), dict):
            value = value["detail"]
        elif "specversion" in value and isinstance(value.get("data"), dict):
            value = value["data"]
        elif (inner := _wrapped(value)) is not None:
            value = inner
        else:
            break
    identity = value.get("id") if isinstance(value, dict) else None
    if not isinstance(identity, str):
        return ""
    if identity.startswith("evt_"):
        return "event"
    return next((kind for prefix, kind in _PREFIXES.items() if identity.startswith(prefix)), "")


def _wrapped(value: dict[str, Any]) -> dict[str, Any] | None:
    """The object, also as JSON text, that stands under one of the names of ``WRAPPERS``."""
    if re.match("[a-z]{2,6}_", str(value.get("id", ""))):
        return None
    for name in WRAPPERS:
        inner = value.get(name)
        if isinstance(inner, str) and inner.startswith("{"):
            inner = _loads(inner)
        if isinstance(inner, dict) and "object" in inner:
            return inner
    return None


def _json(text: str, *, whole: bool) -> tuple[str, str]:
    """What JSON holds, and its layout; empty where it is not JSON of Stripe's."""
    rows = text.split("\n")
    if not whole and len(rows) > 1:
        rows.pop()
    rows = [row for row in rows if row.strip()][:_ENOUGH]
    values = [value for row in rows if (value := _loads(row)) is not None]
    kinds = Counter(kind for value in values if (kind := object_kind(value)) in NAMES)
    if kinds and len(values) * 2 >= len(rows):
        return _named(kinds), "lines"
    stripped = text.lstrip()
    if not _DOCUMENTS.match(stripped):
        return (_named(kinds), "lines") if kinds else ("", "")
    kinds = Counter()
    for document in split_documents(decode(iter([text.encode("utf-8", "replace")]))):
        kinds[object_kind(_loads(document.text))] += 1
        if kinds.total() >= _ENOUGH:
            break
    other = sum(count for kind, count in kinds.items() if kind and kind not in NAMES)
    kinds = Counter({kind: count for kind, count in kinds.items() if kind in NAMES})
    if not kinds:
        if any(isinstance(value, dict) and _LOG_KEYS & value.keys() for value in values):
            return "webhook log", ""
        if other:
            # Objects of Stripe's, none of which is needed: each is one, whatever lines it takes.
            return "stripe objects", "array" if stripped.startswith("[") else "documents"
        # The first object is damaged, or longer than what was looked at.
        kinds.update(match for match in _NAMED.findall(text)[:1] if match in NAMES)
    if not kinds:
        return "", ""
    return _named(kinds), "array" if stripped.startswith("[") else "documents"


def _named(kinds: Counter[str]) -> str:
    return f"stripe {NAMES[next(iter(kinds))]}" if len(kinds) == 1 else "stripe objects"


def _loads(text: str) -> Any:
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None


def _is_export(text: str) -> bool:
    first = text.split("\n", 1)[0].removeprefix("\ufeff").rstrip("\r")
    for delimiter in (",", ";", "\t"):
        try:
            row = next(csv.reader(io.StringIO(first), delimiter=delimiter), [])
        except csv.Error:
            continue
        if is_flat_heading([heading.strip() for heading in row]) and _STRIPE_ID.search(text):
            return True
        names = {heading.strip().lower() for heading in row}
        if len(names & _HEADINGS) >= 2 and any("id" in name.split() for name in names):
            return True
        if len(row) > 1 and _holds_payloads(text, delimiter):
            return True
    return False


def _holds_payloads(text: str, delimiter: str) -> bool:
    """Whether the first row of a table holds an object of Stripe's as JSON text."""
    try:
        rows = csv.reader(io.StringIO(text), delimiter=delimiter)
        next(rows, None)
        fields = next(rows, [])
    except csv.Error:
        return False
    texts = [field for field in fields if field.lstrip().startswith("{")]
    return len(fields) > 1 and any(object_kind(_loads(one)) in NAMES for one in texts)


def _is_log(text: str) -> bool:
    rows = text.split("\n")[:_ENOUGH]
    return any(_TIME.search(row) and _LOG_LINE.search(row) for row in rows)
