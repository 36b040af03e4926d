"""The disk of the delivery log is full: it is said once, and no delivery is the worse for it."""

from __future__ import annotations

import logging
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from intake_shop import Shop, completed

from credit_forensics.intake.delivery_log import LOGGER, DeliveryFile
from credit_forensics.intake.rate_limit import RateLimit


@contextmanager
def full_disk() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def delivery_file(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "deliveries.log"
    handler = DeliveryFile(path, encoding="utf-8")
    logger = logging.getLogger(LOGGER)
    # Only this one: a service that another test started may have left its own.
    others, logger.handlers = logger.handlers, [handler]
    logger.setLevel(logging.INFO)
    yield path
    logger.handlers = others
    handler.close()


def test_a_full_log_disk_is_told_once_and_the_database_has_every_line(
    in_shop: Any, delivery_file: Path, capfd: Any, caplog: Any
) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")

        async def paid(number: int) -> str:
            answer = await shop.deliver(completed(str(number), "ada", "ada@example.com"))
            return str(answer.json()["outcome"])

        with capfd.disabled(), full_disk():
            assert [await paid(number) for number in range(5)] == ["credited"] * 5
        assert await paid(5) == "credited"
        with capfd.disabled(), full_disk():
            assert await paid(6) == "credited"
        assert shop.rows("SELECT count(*) FROM intake_delivery_log") == [(7,)]

    in_shop(story)
    told = [one.getMessage() for one in caplog.records if one.name == "credit_forensics.intake"]
    # Once for each time that it was full, however many lines it lacks.
    assert [message[:34] for message in told] == ["the delivery log cannot be written"] * 2
    assert "Traceback" not in capfd.readouterr().err
    assert '"cs_5"' in delivery_file.read_text()


def test_a_flood_of_refused_deliveries_is_counted_and_fills_no_disk(
    in_shop: Any, delivery_lines: list[dict[str, Any]]
) -> None:
    async def story(shop: Shop) -> None:
        clock = [0.0]
        shop.app.state.webhook._refusals = RateLimit(3, clock=lambda: clock[0])
        event = completed("1", "ada", "ada@example.com")
        for _ in range(10):
            assert (await shop.deliver(event, secret="whsec_wrong")).status_code == 400
        clock[0] = 60.0
        await shop.deliver(event, secret="whsec_wrong")

    in_shop(story)
    told = [line["error"] for line in delivery_lines if line["outcome"] == "signature_refused"]
    plain = "signature does not match"
    assert told == [plain, plain, plain, f"{plain} (7 more without a line)"]
