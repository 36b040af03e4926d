"""Runs the intake by uvicorn."""

from __future__ import annotations

import asyncio
import logging
import sys
from datetime import datetime
from pathlib import Path

import uvicorn
from sqlalchemy.exc import SQLAlchemyError

from credit_forensics.errors import CaseError
from credit_forensics.intake.app import create_app, make_engine
from credit_forensics.intake.catch_up import CaughtUp, catch_up
from credit_forensics.intake.connections import Waiting, protocol_class, raise_open_files
from credit_forensics.intake.delivery_log import LOGGER, DeliveryFile
from credit_forensics.intake.schema import create_schema
from credit_forensics.intake.settings import IntakeSettings, read_intake_settings
from credit_forensics.intake.webhook import Webhook


def serve(
    settings: IntakeSettings | Path | str,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    log_file: Path | str | None = None,
) -> None:
    """Serve until stopped.

    Parameters
    ----------
    settings
        the settings, or the path of ``intake.toml``.
    host, port
        where to listen; loopback unless told, for a proxy to stand before it.
    log_file
        where the lines of deliveries go, one JSON object each; standard output without.

    Raises
    ------
    CaseError
        when the settings cannot be used, or the database cannot be reached at start.
    """
    if not isinstance(settings, IntakeSettings):
        settings = read_intake_settings(settings)
    log_deliveries(log_file)
    config = uvicorn.Config(
        create_app(settings),
        host=host,
        port=port,
        http=protocol_class(Waiting(settings.max_connections // 2, settings.request_seconds)),
        ws="none",
        limit_concurrency=settings.max_connections,
        # The door believes configured proxies, and nobody else.
        proxy_headers=False,
        # Access lines would say once more, and worse, what the delivery lines say.
        access_log=False,
        # A line for each request that is no HTTP would fill a disk.
        log_level="error",
        lifespan="on",
        server_header=False,
    )
    raise_open_files()
    server = uvicorn.Server(config)
    server.run()
    if not server.started:
        raise CaseError(
            "The intake did not start: the port is taken, or the database cannot be reached."
        )


def fetch_missed(
    settings: IntakeSettings | Path | str,
    *,
    since: datetime | None = None,
    log_file: Path | str | None = None,
) -> CaughtUp:
    """Fetch the events that never arrived, book them, and end; beside a running intake, too.

    Raises
    ------
    CaseError
        when the settings cannot be used, or Stripe or the database cannot be asked.
    """
    if not isinstance(settings, IntakeSettings):
        settings = read_intake_settings(settings)
    if log_file is not None:
        log_deliveries(log_file)

    async def run() -> CaughtUp:
        engine = make_engine(settings)
        try:
            await create_schema(engine)
            done = await catch_up(Webhook(settings, engine), since=since)
            assert done is not None
            return done
        finally:
            await engine.dispose()

    try:
        return asyncio.run(run())
    except (SQLAlchemyError, OSError) as error:
        raise CaseError(
            f"The database cannot be used ({type(error).__name__}); what was fetched is kept, and "
            "nothing is booked twice when it is done again."
        ) from None


def log_deliveries(log_file: Path | str | None = None) -> None:
    """Send the lines of deliveries to a file, or to standard output, as they are."""
    handler: logging.Handler
    if log_file is None:
        handler = logging.StreamHandler(sys.stdout)
    else:
        handler = DeliveryFile(log_file, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.getLogger(LOGGER)
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False
