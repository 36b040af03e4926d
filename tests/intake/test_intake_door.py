"""The door of a server that runs in a process of its own: size, time, tokens, addresses."""

from __future__ import annotations

import asyncio
import json
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
import sqlalchemy as sa
from intake_shop import REVIEWER_TOKEN, SECRET, SERVICE_TOKEN, SIGN_IN_KEY, completed, user_token

from credit_forensics.intake.app import WEBHOOK_PATH, make_engine
from credit_forensics.intake.schema import create_schema
from credit_forensics.intake.settings import IntakeSettings
from credit_forensics.scenarios.signing import sign

REVIEWER = {"authorization": f"Bearer {REVIEWER_TOKEN}"}
DEADLINE = 1.0
RUN = "from credit_forensics.intake.serve import serve; import sys; serve(sys.argv[1], port=int(sys.argv[2]), log_file=sys.argv[3])"


class Running:
    """A server, what it said, and connections by hand."""

    def __init__(self, port: int, process: subprocess.Popen[bytes], errors: Path) -> None:
        self.port, self.process, self.errors = port, process, errors
        self.url = f"http://127.0.0.1:{port}"

    def connect(self, data: bytes = b"") -> socket.socket:
        found = socket.create_connection(("127.0.0.1", self.port), 10)
        found.sendall(data)
        return found

    def memory(self) -> int:
        """Resident megabytes."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) // 1024
        raise AssertionError("no such process")

    def deliver(self, number: str) -> float:
        """Seconds that a signed delivery took."""
        body = json.dumps(completed(number, "ada", "ada@example.com")).encode()
        header = {"stripe-signature": sign(body, SECRET, int(time.time()))}
        started = time.monotonic()
        answer = httpx.post(self.url + WEBHOOK_PATH, content=body, headers=header, timeout=20)
        assert answer.status_code == 200, answer.text
        return time.monotonic() - started


@pytest.fixture
def door(intake_url: str, tmp_path: Path) -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def run(more: str = "") -> Running:
        settings = tmp_path / "intake.toml"
        settings.write_text(
            f'database_url = "{intake_url}"\nwebhook_secrets = ["{SECRET}"]\n'
            f'session_keys = ["{SIGN_IN_KEY}"]\nrequest_seconds = {DEADLINE}\n{more}\n'
            f'[service_tokens]\nshop = "{SERVICE_TOKEN}"\n[reviewers]\none = "{REVIEWER_TOKEN}"\n'
            "[prices.price_small]\ncredits = 50\namount = 500\n"
        )

        async def prepare() -> None:
            engine = make_engine(IntakeSettings(database_url=intake_url, webhook_secrets=["x"]))  # type: ignore[arg-type]
            await create_schema(engine)
            async with engine.connect() as connection:
                await connection.execute(
                    sa.text(
                        "INSERT INTO users (id, email) VALUES ('ada', 'ada@example.com') "
                        "ON CONFLICT DO NOTHING"
                    )
                )
            await engine.dispose()

        asyncio.run(prepare())
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        errors = tmp_path / "errors.txt"
        with errors.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-c", RUN, str(settings), str(port), str(tmp_path / "d.log")],
                stdout=file,
                stderr=file,
            )
        running = Running(port, process, errors)
        started.append(running)
        for _ in range(400):
            try:
                running.connect().close()
                return running
            except OSError:
                assert process.poll() is None, errors.read_text()
                time.sleep(0.05)
        raise AssertionError("the intake does not start")

    yield run
    for running in started:
        running.process.kill()
        running.process.wait()


def answer_of(connection: socket.socket) -> bytes:
    """What comes until the other side closes."""
    connection.settimeout(10)
    found = b""
    try:
        while chunk := connection.recv(65536):
            found += chunk
    except (ConnectionError, TimeoutError):
        pass
    connection.close()
    return found


def post(path: str, length: int, headers: str = "") -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        f"content-length: {length}\r\n{headers}\r\n"
    ).encode()


def test_large_bodies_are_refused_unread_whoever_sends_them(door: Any) -> None:
    server = door()
    nested = b"[" + b"[]," * 20_000_000 + b"[]]"
    before = server.memory()
    reviewer = f"authorization: Bearer {REVIEWER_TOKEN}\r\n"
    for path, headers, status in (
        ("/api/v1/checkout", "", b"401"),
        ("/api/v1/review/1/decide", "", b"401"),
        ("/api/v1/review/1/decide", reviewer, b"413"),
        (WEBHOOK_PATH, "", b"400"),
        (WEBHOOK_PATH, "stripe-signature: t=1,v1=00\r\n", b"413"),
        ("/healthz", "", b"413"),
        ("/nowhere", "", b"413"),
    ):
        started = time.monotonic()
        connection = server.connect(post(path, len(nested), headers))
        assert answer_of(connection)[9:12] == status, path
        assert time.monotonic() - started < 1, path
    # Without a length it is read up to the limit and no further.
    chunked = b"POST /healthz HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    connection = server.connect(chunked)
    try:
        for _ in range(100):
            connection.sendall(b"10000\r\n" + b"[" * 65536 + b"\r\n")
    except OSError:
        pass
    connection.close()
    assert server.deliver("1") < 1
    assert server.memory() - before < 60


def test_who_sends_slowly_is_shown_the_door(door: Any) -> None:
    server = door()
    slow = {
        "head": server.connect(b"POST /api/v1/stripe/webhook HTTP/1.1\r\nhost: x\r\n"),
        "body": server.connect(post(WEBHOOK_PATH, 100, "stripe-signature: t=1\r\n") + b"{"),
        "nothing": server.connect(),
    }
    started = time.monotonic()
    answers = {name: answer_of(connection) for name, connection in slow.items()}
    assert time.monotonic() - started < DEADLINE + 2
    assert answers["head"] == answers["nothing"] == b""
    assert answers["body"][9:12] in (b"408", b"")
    # A second request of a connection has its deadline, too.
    again = server.connect(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\nGET /hea")
    assert answer_of(again)[9:12] == b"200"
    assert server.errors.read_text() == ""


@pytest.mark.parametrize("opened", [1100])
def test_half_sent_requests_keep_no_delivery_waiting(door: Any, opened: int) -> None:
    server = door()
    half = []
    for number in range(opened):
        kind = (
            post(WEBHOOK_PATH, 900, "stripe-signature: t=1\r\n") + b"{" if number % 2 else b"POST /"
        )
        try:
            half.append(server.connect(kind))
        except OSError:
            continue
    seconds = [server.deliver(str(n)) for n in range(15)]
    assert statistics.median(seconds) < 1
    for connection in half:
        connection.close()
    assert server.deliver("last") < 1
    # Who hangs up is no news.
    assert len(server.errors.read_text().splitlines()) < 5


HOSTILE = [
    b'{"price_id": NaN}',
    b'{"price_id": Infinity}',
    b'{"price_id": "\\ud800"}',
    b'{"\\udfff": 1, "price_id": "p"}',
    b'{"price_id": [' + b"[" * 20_000,
    b"\xff\xfe",
    b'{"price_id": 1}',
    b"{}",
]


@pytest.mark.parametrize("body", HOSTILE, ids=lambda body: repr(body[:24]))
def test_json_that_no_library_should_write_is_422_and_not_given_back(
    in_shop: Any, body: bytes
) -> None:
    async def story(shop: Any) -> None:
        shop.account("ada")
        headers = user_token("ada", "ada@example.com") | {"content-type": "application/json"}
        answer = await shop.client.post("/api/v1/checkout", content=body, headers=headers)
        assert answer.status_code == 422
        assert all(set(one) == {"type", "loc", "msg"} for one in answer.json()["detail"])
        decided = await shop.client.post(
            "/api/v1/review/1/decide",
            content=body.replace(b"price_id", b"user_id"),
            headers=REVIEWER | {"content-type": "application/json"},
        )
        assert decided.status_code == 422

    in_shop(story)


def test_a_body_is_not_looked_at_before_the_token(in_shop: Any) -> None:
    async def story(shop: Any) -> None:
        for path in ("/api/v1/checkout", "/api/v1/review/1/decide", "/api/v1/review/1/replay"):
            answer = await shop.client.post(path, content=b"[" * 60_000)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"

    in_shop(story)


def test_failed_tokens_use_up_nobodys_requests(in_shop: Any) -> None:
    async def story(shop: Any) -> None:
        shop.account("ada")
        path = "/api/v1/users/validate/ada"
        guesses = [
            (await shop.client.get(path, headers={"authorization": f"Bearer {n}"})).status_code
            for n in range(6)
        ]
        assert guesses == [401, 401, 401, 401, 401, 429]
        own = [
            (await shop.client.get(path, headers=user_token("ada", "ada@example.com"))).status_code
            for _ in range(6)
        ]
        assert own == [200, 200, 200, 200, 200, 429]
        service = {"authorization": f"Bearer {SERVICE_TOKEN}"}
        assert (await shop.client.get(path, headers=service)).status_code == 200

    in_shop(story, requests_per_minute=5)


@pytest.mark.parametrize(("proxies", "apart"), [([], False), (["127.0.0.0/8"], True)])
def test_a_forwarded_address_is_believed_of_our_proxies_only(
    in_shop: Any, proxies: list[str], apart: bool
) -> None:
    async def story(shop: Any) -> None:
        async def guess(address: str) -> int:
            answer = await shop.client.get(
                "/api/v1/users/validate/ada", headers={"x-forwarded-for": address}
            )
            return int(answer.status_code)

        assert [await guess("1.1.1.1") for _ in range(3)] == [401, 401, 429]
        assert await guess("2.2.2.2") == (401 if apart else 429)
        # What the caller itself wrote before our proxy's word is nothing.
        assert await guess("9.9.9.9, 1.1.1.1") == 429

    in_shop(story, requests_per_minute=2, trusted_proxies=proxies)


@pytest.mark.parametrize("asked", [False, True])
def test_documents_are_served_when_asked_for_and_load_nothing(in_shop: Any, asked: bool) -> None:
    async def story(shop: Any) -> None:
        statuses = {
            path: (await shop.client.get(path)).status_code
            for path in ("/docs", "/openapi.json", "/redoc")
        }
        wanted = 200 if asked else 404
        assert statuses == {"/docs": wanted, "/openapi.json": wanted, "/redoc": 404}
        if asked:
            page = (await shop.client.get("/docs")).text
            assert "/api/v1/checkout" in page
            assert "<script" not in page
            assert "http" not in page.replace("http.", "")

    in_shop(story, api_docs=asked)


@pytest.mark.parametrize(
    "times", [{"exp": float("inf")}, {"exp": float("nan")}, {"nbf": float("-inf")}]
)
def test_a_token_that_never_expires_is_refused(in_shop: Any, times: dict[str, float]) -> None:
    async def story(shop: Any) -> None:
        shop.account("ada")
        claims = {"sub": "ada", "email": "ada@example.com", "exp": int(time.time()) + 60} | times
        token = jwt.encode(claims, SIGN_IN_KEY, algorithm="HS256")
        answer = await shop.client.get(
            "/api/v1/users/validate/ada", headers={"authorization": f"Bearer {token}"}
        )
        assert answer.status_code == 401

    in_shop(story)


def test_readiness_says_what_is_wrong(in_shop: Any) -> None:
    async def story(shop: Any) -> None:
        assert (await shop.client.get("/readyz")).json() == {
            "status": "ok",
            "connections": 2,
            "connections_in_use": 0,
            "unbooked": 0,
            "dead": 0,
            "oldest_unbooked_seconds": 0,
        }
        shop.run(
            "INSERT INTO intake_events (event_id, type, body, received_at, next_attempt_at) "
            "VALUES ('evt_1', 'x', '{}', now() - interval '5 minutes', now() + interval '1 hour')"
        )
        late = await shop.client.get("/readyz")
        assert (late.status_code, late.json()["status"]) == (503, "events wait to be booked")
        engine = shop.app.state.engine
        async with engine.connect(), engine.connect():
            busy = await shop.client.get("/readyz")
        assert (busy.status_code, busy.json()["status"]) == (503, "no connection is free")
        assert (await shop.client.get("/healthz")).status_code == 200

    in_shop(story, pool_size=2)
