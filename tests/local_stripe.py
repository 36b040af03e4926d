"""A local server that speaks Stripe's list API: pages, throttles, refuses, fails midway."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

PATHS = {
    "/v1/checkout/sessions": "sessions",
    "/v1/events": "events",
    "/v1/charges": "charges",
    "/v1/refunds": "refunds",
    "/v1/disputes": "disputes",
    "/v1/customers": "customers",
    "/v1/invoices": "invoices",
    "/v1/subscriptions": "subscriptions",
    "/v1/billing/credit_grants": "credit_grants",
}
# An answer out of turn: status, headers, body; None lets the request through.
Interference = Callable[[str, int], "tuple[int, dict[str, str], bytes] | None"]


class LocalStripe:
    """Serves ``objects`` (resource -> list, any order) and remembers every request."""

    def __init__(self, objects: dict[str, list[dict[str, Any]]]) -> None:
        self.objects = objects
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.authorizations: set[str] = set()
        self.refused: set[str] = set()
        self.expand_refused = False
        self.interfere: Interference = lambda _resource, _nth: None
        self.delay = 0.0
        self._counts: dict[str, int] = {}
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                owner._answer(self)

            do_POST = do_DELETE = do_PUT = do_PATCH = do_GET  # noqa: N815

            def log_message(self, *_args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> LocalStripe:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def asked(self, resource: str) -> list[dict[str, str]]:
        """The parameters of each request for a resource."""
        return [query for _, name, query in self.requests if name == resource]

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(request.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        resource = PATHS.get(parts.path, parts.path)
        self.requests.append((request.command, resource, query))
        self.authorizations.add(request.headers.get("Authorization", ""))
        nth = self._counts[resource] = self._counts.get(resource, 0) + 1
        time.sleep(self.delay)
        answer = self.interfere(resource, nth) or self._list(parts.path, resource, query)
        status, headers, body = answer
        if status == 0:  # the connection breaks in the middle of the answer
            request.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{"obj')
            request.close_connection = True
            return
        request.send_response(status)
        for key, value in {"Content-Type": "application/json", **headers}.items():
            request.send_header(key, value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def _list(
        self, path: str, resource: str, query: dict[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        if resource in self.refused:
            return error(
                403,
                "invalid_request_error",
                "The provided key 'rk_test_*********' does not have the required permissions for this endpoint.",
            )
        if self.expand_refused and any(key.startswith("expand") for key in query):
            return error(
                403,
                "invalid_request_error",
                "Having the 'rak_price_read' permission would allow this request to continue.",
            )
        low = int(query.get("created[gte]", 0))
        high = int(query.get("created[lt]", 1 << 40))
        rows = [row for row in self.objects[resource] if low <= row["created"] < high]
        rows.sort(key=lambda row: (-row["created"], row["id"]))
        after = query.get("starting_after")
        if after:
            ids = [row["id"] for row in rows]
            if after not in ids:
                return error(
                    400,
                    "invalid_request_error",
                    f"No such object: '{after}'",
                    param="starting_after",
                )
            rows = rows[ids.index(after) + 1 :]
        limit = int(query.get("limit", 10))
        page = {
            "object": "list",
            "data": rows[:limit],
            "has_more": len(rows) > limit,
            "url": path,
        }
        return 200, {"Request-Id": "req_test"}, json.dumps(page).encode()


def error(status: int, kind: str, message: str, **more: str) -> tuple[int, dict[str, str], bytes]:
    """Stripe's error body."""
    body = {"error": {"type": kind, "message": message, **more}}
    return status, {"Request-Id": "req_test"}, json.dumps(body).encode()


def world(count: int, start: int, step: int = 60) -> dict[str, list[dict[str, Any]]]:
    """Objects in Stripe's shapes: ``count`` payments, one every ``step`` seconds."""
    made: dict[str, list[dict[str, Any]]] = {name: [] for name in PATHS.values()}
    for n in range(count):
        created = start + n * step
        session = session_object(n, created)
        made["sessions"].append(session)
        made["events"].append(event_object(f"evt_1S{n:07d}", created + 30, session))
        made["charges"].append(charge_object(n, created + 20))
        made["customers"].append(customer_object(n, created + 1))
        if n % 10 == 0:
            made["refunds"].append(refund_object(n, created + 500))
        if n % 50 == 0:
            made["disputes"].append(dispute_object(n, created + 900))
    return made


def session_object(n: int, created: int) -> dict[str, Any]:
    """A completed Checkout Session."""
    return {
        "id": f"cs_test_a1{n:07d}",
        "object": "checkout.session",
        "adaptive_pricing": {"enabled": False},
        "after_expiration": None,
        "allow_promotion_codes": None,
        "amount_subtotal": 3990,
        "amount_total": 3990,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": "required",
        "cancel_url": "https://shop.example.com/cancel",
        "client_reference_id": f"user-{n:05d}",
        "client_secret": None,
        "collected_information": {
            "business_name": None,
            "individual_name": None,
            "shipping_details": None,
        },
        "consent": None,
        "created": created,
        "currency": "eur",
        "customer": f"cus_T{n:07d}",
        "customer_creation": "always",
        "customer_details": {
            "address": {
                "city": "Jena",
                "country": "DE",
                "line1": "Weg 1",
                "line2": None,
                "postal_code": "07743",
                "state": None,
            },
            "email": f"payer{n}@example.com",
            "name": "Zoë Müller 株",
            "phone": None,
            "tax_exempt": "none",
            "tax_ids": [],
        },
        "customer_email": None,
        "expires_at": created + 86400,
        "invoice": None,
        "line_items": {
            "object": "list",
            "data": [
                {
                    "id": f"li_1S{n:07d}",
                    "object": "item",
                    "amount_total": 3990,
                    "currency": "eur",
                    "price": {
                        "id": "price_small",
                        "object": "price",
                        "unit_amount": 3990,
                        "unit_amount_decimal": "3990",
                    },
                    "quantity": 1,
                }
            ],
            "has_more": False,
            "url": f"/v1/checkout/sessions/cs_test_a1{n:07d}/line_items",
        },
        "livemode": False,
        "locale": None,
        "metadata": {
            "user_id": f"user-{n:05d}",
            "credits": "50",
            "note": 'line\nbreak \u2028 "quoted"',
        },
        "mode": "payment",
        "payment_intent": f"pi_3S{n:07d}",
        "payment_method_types": ["card"],
        "payment_status": "paid",
        "status": "complete",
        "success_url": "https://shop.example.com/ok",
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "url": None,
    }


def event_object(event_id: str, created: int, inner: dict[str, Any]) -> dict[str, Any]:
    """A ``checkout.session.completed`` event."""
    return {
        "id": event_id,
        "object": "event",
        "api_version": "2025-03-31.basil",
        "created": created,
        "data": {"object": {key: value for key, value in inner.items() if key != "line_items"}},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": "checkout.session.completed",
    }


def charge_object(n: int, created: int) -> dict[str, Any]:
    """A captured card charge."""
    return {
        "id": f"ch_3S{n:07d}",
        "object": "charge",
        "amount": 3990,
        "amount_captured": 3990,
        "amount_refunded": 0,
        "balance_transaction": f"txn_3S{n:07d}",
        "billing_details": {
            "address": {"city": "Jena", "country": "DE"},
            "email": f"payer{n}@example.com",
            "name": "Zoë Müller",
            "phone": None,
        },
        "captured": True,
        "created": created,
        "currency": "eur",
        "customer": f"cus_T{n:07d}",
        "disputed": False,
        "livemode": False,
        "metadata": {},
        "outcome": {
            "network_status": "approved_by_network",
            "risk_level": "normal",
            "risk_score": 12,
            "type": "authorized",
        },
        "paid": True,
        "payment_intent": f"pi_3S{n:07d}",
        "payment_method_details": {
            "card": {
                "brand": "visa",
                "country": "DE",
                "exp_month": 8,
                "exp_year": 2030,
                "fingerprint": f"Fp{n % 40:014d}",
                "funding": "credit",
                "last4": "4242",
            },
            "type": "card",
        },
        "refunded": False,
        "status": "succeeded",
    }


def refund_object(n: int, created: int) -> dict[str, Any]:
    """A full refund."""
    return {
        "id": f"re_3S{n:07d}",
        "object": "refund",
        "amount": 3990,
        "charge": f"ch_3S{n:07d}",
        "created": created,
        "currency": "eur",
        "destination_details": {
            "card": {"reference": "123", "reference_status": "available", "type": "refund"},
            "type": "card",
        },
        "metadata": {},
        "payment_intent": f"pi_3S{n:07d}",
        "reason": None,
        "status": "succeeded",
    }


def dispute_object(n: int, created: int) -> dict[str, Any]:
    """An open dispute."""
    return {
        "id": f"du_1S{n:07d}",
        "object": "dispute",
        "amount": 3990,
        "balance_transactions": [],
        "charge": f"ch_3S{n:07d}",
        "created": created,
        "currency": "eur",
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "payment_intent": f"pi_3S{n:07d}",
        "reason": "fraudulent",
        "status": "needs_response",
    }


def customer_object(n: int, created: int) -> dict[str, Any]:
    """A customer."""
    return {
        "id": f"cus_T{n:07d}",
        "object": "customer",
        "balance": 0,
        "created": created,
        "currency": None,
        "delinquent": False,
        "email": f"payer{n}@example.com",
        "livemode": False,
        "metadata": {"user_id": f"user-{n:05d}"},
        "name": "Zoë Müller",
    }
