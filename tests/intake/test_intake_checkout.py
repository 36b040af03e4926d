"""The checkout guard against a Stripe of its own on loopback, through the real SDK."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import pytest
from intake_shop import KEY, SERVICE_TOKEN, SIGN_IN_KEY, Shop, user_token
from pydantic import SecretStr

from credit_forensics.intake.seal import is_sealed


class LocalStripe:
    """Takes ``POST /v1/checkout/sessions`` as Stripe does, and remembers what it was told."""

    def __init__(self) -> None:
        told = self.told = []  # type: ignore[var-annotated]
        self.answers: list[int] = []
        stripe = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                told.append((self.path, dict(parse_qsl(body)), dict(self.headers)))
                status = stripe.answers.pop(0) if stripe.answers else 200
                answer = {
                    "id": "cs_1",
                    "object": "checkout.session",
                    "url": "https://pay.example.com/1",
                }
                if status != 200:
                    answer = {"error": {"type": "api_error", "message": "secret detail"}}
                raw = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def stripe() -> Iterator[LocalStripe]:
    local = LocalStripe()
    yield local
    local.server.shutdown()
    local.server.server_close()


def play(in_shop: Any, stripe: LocalStripe, story: Any, **more: Any) -> None:
    in_shop(story, stripe_api_key="rk_test_local", stripe_api_base=stripe.url, **more)


def test_signed_in_user_gets_a_session_whose_values_prove_themselves(
    in_shop: Any, stripe: LocalStripe
) -> None:
    async def story(shop: Shop) -> None:
        shop.account("00123", "ada@example.com")
        answer = await shop.client.post(
            "/api/v1/checkout",
            json={"price_id": "price_small"},
            headers=user_token("00123", "Ada@example.com"),
        )
        assert (answer.status_code, answer.json()) == (200, {"url": "https://pay.example.com/1"})

    play(in_shop, stripe, story)
    ((path, told, headers),) = stripe.told
    assert path == "/v1/checkout/sessions"
    assert told["client_reference_id"] == "00123"
    assert told["customer_creation"] == "always"
    # The e-mail stays the payer's to type: a word of its own.
    assert "customer_email" not in told
    metadata = {k[9:-1]: v for k, v in told.items() if k.startswith("metadata[")}
    copied = {
        k[30:-1]: v for k, v in told.items() if k.startswith("payment_intent_data[metadata][")
    }
    assert metadata == copied
    assert metadata["credits"] == "50"
    from datetime import datetime

    at = datetime.fromisoformat(metadata["purchase_timestamp"])
    assert is_sealed(metadata, [SecretStr(KEY)], session_created=at)
    assert len(headers["Idempotency-Key"]) == 64


def test_returning_user_pays_with_the_customer_that_is_bound(
    in_shop: Any, stripe: LocalStripe
) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")
        shop.run("INSERT INTO stripe_customers VALUES ('ada', 'cus_7', now())")
        await shop.client.post(
            "/api/v1/checkout",
            json={"price_id": "price_small"},
            headers=user_token("ada", "ada@example.com"),
        )

    play(in_shop, stripe, story)
    ((_, told, _),) = stripe.told
    assert told["customer"] == "cus_7"
    assert "customer_creation" not in told


def test_the_same_attempt_sends_the_same_values_under_the_same_key(
    in_shop: Any, stripe: LocalStripe
) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")
        shop.account("bo")
        for user, key in (
            ("ada", "click-0001"),
            ("ada", "click-0001"),
            ("ada", "click-0002"),
            ("bo", "click-0001"),
        ):
            answer = await shop.client.post(
                "/api/v1/checkout",
                json={"price_id": "price_small"},
                headers=user_token(user, f"{user}@example.com") | {"idempotency-key": key},
            )
            assert answer.status_code == 200
            time.sleep(1.05 if key == "click-0001" and user == "ada" else 0)

    play(in_shop, stripe, story)
    first, again, second, another = stripe.told
    assert first[1] == again[1]
    keys = [headers["Idempotency-Key"] for _, _, headers in stripe.told]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3
    assert (second[2], another[2]) != (first[2], first[2])


@pytest.mark.parametrize(
    ("token", "status"),
    [
        ({}, 401),
        ({"authorization": "Bearer nonsense"}, 401),
        ({"authorization": f"Bearer {SERVICE_TOKEN}"}, 401),
        (user_token("ada", "ada@example.com", lasts=-1), 401),
        (user_token("ada", "bo@example.com", lasts=86_400), 401),
        (user_token("nobody", "ada@example.com", lasts=86_400), 404),
        (user_token("a\x00da", "ada@example.com", lasts=86_400), 404),
    ],
)
def test_who_is_not_plainly_signed_in_is_refused_and_learns_nothing(
    in_shop: Any, stripe: LocalStripe, token: dict[str, str], status: int
) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")
        answer = await shop.client.post(
            "/api/v1/checkout", json={"price_id": "price_small"}, headers=token
        )
        assert answer.status_code == status
        assert answer.json() in ({"detail": "not signed in"}, {"detail": "no such user"})

    play(in_shop, stripe, story)
    assert stripe.told == []


def test_unknown_price_is_404_and_a_failing_stripe_502_without_its_words(
    in_shop: Any, stripe: LocalStripe, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")
        token = user_token("ada", "ada@example.com")
        gone = await shop.client.post(
            "/api/v1/checkout", json={"price_id": "price_gone"}, headers=token
        )
        assert gone.status_code == 404
        stripe.answers = [400]
        failed = await shop.client.post(
            "/api/v1/checkout", json={"price_id": "price_small"}, headers=token
        )
        assert (failed.status_code, "secret" in failed.text) == (502, False)

    play(in_shop, stripe, story)
    ours = [r.getMessage() for r in caplog.records if r.name.startswith("credit_forensics")]
    assert ours
    assert "secret detail" not in "".join(ours)


def test_validation_tells_a_service_and_the_user_itself_and_nobody_else(in_shop: Any) -> None:
    async def story(shop: Shop) -> None:
        shop.account("00123", "ada@example.com")
        shop.account("bo")
        service = {"authorization": f"Bearer {SERVICE_TOKEN}"}

        async def ask(user: str, headers: dict[str, str]) -> tuple[int, Any]:
            answer = await shop.client.get(f"/api/v1/users/validate/{user}", headers=headers)
            return answer.status_code, answer.json()

        assert await ask("00123", service) == (200, {"valid": True, "user_id": "00123"})
        assert await ask("123", service) == (404, {"detail": "no such user"})
        assert await ask("%00", service) == (404, {"detail": "no such user"})
        assert (await ask("00123", {}))[0] == 401
        own = user_token("00123", "ada@example.com")
        assert (await ask("00123", own))[0] == 200
        # Whether another exists, a user does not learn.
        assert await ask("bo", own) == await ask("nobody", own) == (404, {"detail": "no such user"})

    in_shop(story)


def test_too_many_requests_are_429_a_caller(in_shop: Any) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")
        service = {"authorization": f"Bearer {SERVICE_TOKEN}"}
        path = "/api/v1/users/validate/ada"
        statuses = [(await shop.client.get(path, headers=service)).status_code for _ in range(5)]
        assert statuses == [200, 200, 200, 429, 429]
        own = user_token("ada", "ada@example.com")
        assert (await shop.client.get(path, headers=own)).status_code == 200
        # Guessing is slowed down, too.
        guesses = [(await shop.client.get(path)).status_code for _ in range(40)]
        assert guesses[0] == 401
        assert guesses[-1] == 429

    in_shop(story, requests_per_minute=3)


def test_a_key_that_signed_tokens_before_is_still_taken(in_shop: Any) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")
        answer = await shop.client.get(
            "/api/v1/users/validate/ada", headers=user_token("ada", "ada@example.com")
        )
        assert answer.status_code == 200

    in_shop(story, session_keys=["n" * 32, SIGN_IN_KEY])
