"""The intake as an ASGI app: checkout guard, user validation, webhook, review queue."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from credit_forensics.errors import CaseError
from credit_forensics.intake import checkout, kept_events, review, users
from credit_forensics.intake.catch_up import catch_up
from credit_forensics.intake.door import Door, unreadable
from credit_forensics.intake.guarded import Guard
from credit_forensics.intake.operations_page import operations_page
from credit_forensics.intake.readiness import readiness
from credit_forensics.intake.recovery import finish_unfinished
from credit_forensics.intake.schema import create_schema
from credit_forensics.intake.settings import WEBHOOK_PATH, IntakeSettings
from credit_forensics.intake.webhook import Webhook

__all__ = ["WEBHOOK_PATH", "create_app", "make_engine"]
_LOGGER = logging.getLogger("credit_forensics.intake")


def make_engine(settings: IntakeSettings) -> AsyncEngine:
    """The database, one statement a transaction unless a step asks for more."""
    return create_async_engine(
        settings.database_url,
        isolation_level="AUTOCOMMIT",
        pool_size=settings.pool_size,
        max_overflow=0,
        pool_timeout=settings.database_timeout_seconds,
        connect_args={
            "connect_timeout": settings.database_timeout_seconds,
            # What another holds must not hold this process's connections as well.
            "options": f"-c lock_timeout={int(settings.lock_timeout_seconds * 1000)} "
            f"-c statement_timeout={settings.database_timeout_seconds * 1000} "
            f"-c idle_in_transaction_session_timeout={settings.database_timeout_seconds * 4000}",
        },
    )


def create_app(
    settings: IntakeSettings,
    *,
    clock: Callable[[], float] = time.time,
    prepare_database: bool = True,
) -> FastAPI:
    """The intake as an ASGI app.

    Parameters
    ----------
    settings
        see ``IntakeSettings``.
    clock
        seconds since the epoch.
    prepare_database
        whether to create at start what the schema lacks.

    Examples
    --------
    >>> settings = IntakeSettings(
    ...     database_url="postgresql+psycopg://db", webhook_secrets=["whsec_example"])
    >>> WEBHOOK_PATH in create_app(settings).openapi()["paths"]
    True
    """
    engine = make_engine(settings)
    webhook = Webhook(settings, engine, clock)
    guard = Guard(settings, clock)
    asking = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if prepare_database:
            await create_schema(engine)
        stop = threading.Event()
        running = [asyncio.create_task(_sweep(webhook))]
        if prepare_database and settings.stripe_api_key is not None and settings.catch_up_at_start:
            running.append(asyncio.create_task(_caught_up(webhook, stop)))
        try:
            yield
        finally:
            stop.set()
            await webhook.finish()
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            await engine.dispose()

    app = FastAPI(
        title="Credit intake",
        version="1",
        lifespan=lifespan,
        openapi_url="/openapi.json" if settings.api_docs else None,
        # FastAPI's own pages load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
    )
    app.add_middleware(Door, settings=settings, guard=guard)
    app.add_exception_handler(RequestValidationError, unreadable)
    app.state.engine, app.state.webhook = engine, webhook

    @app.post(
        WEBHOOK_PATH,
        tags=["webhook"],
        responses={400: {"description": "refused"}, 503: {"description": "try again"}},
    )
    async def stripe_webhook(request: Request) -> Response:
        """Take a delivery from Stripe."""
        outcome = await webhook.deliver(
            await request.body(), request.headers.get("stripe-signature")
        )
        headers = {"retry-after": "5"} if outcome.status == 503 else None
        return JSONResponse({"outcome": outcome.outcome}, outcome.status, headers)

    @app.get("/healthz", tags=["health"])
    async def health() -> dict[str, str]:
        """Whether the process is there; it asks nothing of the database."""
        return {"status": "ok"}

    @app.get(
        "/readyz",
        tags=["health"],
        responses={503: {"description": "what is wrong is in the answer"}},
    )
    async def ready() -> Response:
        """Whether deliveries are booked: the database answers, and nothing waits for long."""
        # One question at a time, however many ask.
        async with asking:
            found = await readiness(engine)
        return JSONResponse(found, 200 if found["status"] == "ok" else 503)

    async def unavailable(request: Request, error: Exception) -> Response:
        return JSONResponse({"error": "try again"}, 503, {"retry-after": "5"})

    if settings.api_docs:

        @app.get("/docs", include_in_schema=False)
        async def docs() -> Response:
            """The operations as a plain page."""
            return HTMLResponse(operations_page(app.openapi()))

    app.add_exception_handler(SQLAlchemyError, unavailable)
    app.include_router(users.router(guard, engine))
    app.include_router(checkout.router(guard, engine, settings, clock))
    app.include_router(review.router(guard, engine, webhook))
    return app


async def _caught_up(webhook: Webhook, stop: threading.Event) -> None:
    """Fetch what was missed while no intake ran; deliveries are taken meanwhile."""
    try:
        done = await catch_up(webhook, at_start=True, stop=stop)
    except (CaseError, SQLAlchemyError, OSError) as error:
        # A database's text may quote values.
        why = str(error) if isinstance(error, CaseError) else type(error).__name__
        _LOGGER.error("missed events were not fetched: %s", why)
    else:
        if done is not None and (done.missed or done.unlisted_since):
            _LOGGER.warning("%s", done)


async def _sweep(webhook: Webhook, every: float = 5.0) -> None:
    """Take up what was never finished, as long as the process lives."""
    for turn in itertools.count():
        # While the database is away there is nothing to take up; the next round looks again.
        with contextlib.suppress(SQLAlchemyError, OSError):
            # All of them at start and once in a while; else what is recent or its turn.
            await finish_unfinished(
                webhook, within=kept_events.FOUR_DAYS if turn % 60 == 0 else 900.0
            )
        await asyncio.sleep(every)
