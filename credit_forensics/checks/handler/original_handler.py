"""A webhook handler that is known to be bad: the V2 handler of the incident, in Python.

It keeps the original's order, wording and faults: the first of five methods wins, agreement is
never asked for, ``payment_status`` and ``livemode`` are not read, nothing is unique by event or by
payment, the first writer binds a customer for good, and every failure is answered with 200. The
handler kit shows what each of these costs. Never use it for anything else.
"""

from __future__ import annotations

import json
import logging
import re
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
import stripe

from credit_forensics.extras import load

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse

LOG_FORMAT = "[%(asctime)s - %(name)s - %(levelname)s] %(message)s request_id=%(request_id)s"
LOG_DATES = "%Y-%m-%dT%H:%M:%S%z"

metadata_tables = sa.MetaData()
users = sa.Table(
    "users",
    metadata_tables,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("email", sa.Text),
    sa.Column("name", sa.Text),
    sa.Column("created_at", sa.DateTime(timezone=True)),
)
stripe_customers = sa.Table(
    "stripe_customers",
    metadata_tables,
    sa.Column("user_id", sa.Text, primary_key=True),
    sa.Column("stripe_customer_id", sa.Text, nullable=False, unique=True),
    sa.Column("created_at", sa.DateTime(timezone=True)),
)
credit_ledger = sa.Table(
    "credit_ledger",
    metadata_tables,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("delta", sa.Integer, nullable=False),
    sa.Column("reason", sa.Text),
    # The original had no unique index here, so a redelivery books twice.
    sa.Column("stripe_event_id", sa.Text),
    sa.Column("created_at", sa.DateTime(timezone=True)),
)
_BALANCES = (
    "CREATE VIEW user_credits AS SELECT user_id, SUM(delta) AS total_credits "
    "FROM credit_ledger GROUP BY user_id"
)


def create_original_schema(database_url: str) -> None:
    """Create the original handler's tables and its balance view, where they are not there yet."""
    engine = sa.create_engine(database_url)
    try:
        metadata_tables.create_all(engine)
        if "user_credits" not in sa.inspect(engine).get_view_names():
            with engine.begin() as connection:
                connection.execute(sa.text(_BALANCES))
    finally:
        engine.dispose()


class _CreditsService:
    """The original's credits service, over a connection."""

    def __init__(self, db: sa.Connection) -> None:
        self.db = db

    def get_user_credits(self, user_id: str) -> int | None:
        row = self.db.execute(
            sa.text("SELECT total_credits FROM user_credits WHERE user_id = :user_id"),
            {"user_id": user_id},
        ).first()
        return int(row[0]) if row else None

    def ensure_customer(self, user_id: str, stripe_customer_id: str | None) -> None:
        # First writer wins: whoever a payment was taken to be owns the customer from then on, and
        # another user's later payment with that customer runs into the unique constraint.
        query = sa.select(stripe_customers.c.user_id).where(stripe_customers.c.user_id == user_id)
        if self.db.execute(query).first() is None:
            self.db.execute(
                stripe_customers.insert().values(
                    user_id=user_id,
                    stripe_customer_id=stripe_customer_id,
                    created_at=datetime.now(UTC),
                )
            )

    def credit_purchase(self, user_id: str, delta: int, reason: str, stripe_event_id: str) -> None:
        self.db.execute(
            credit_ledger.insert().values(
                user_id=user_id,
                delta=delta,
                reason=reason,
                stripe_event_id=stripe_event_id,
                created_at=datetime.now(UTC),
            )
        )


class _SeedHandler:
    """Steps 3 to 8 of the original, for an event whose signature was verified."""

    def __init__(self, engine: sa.Engine, logger: logging.Logger) -> None:
        self.engine = engine
        self.logger = logger

    def handle(
        self, event: dict[str, Any], request_id: str, client_ip: str, user_agent: str
    ) -> tuple[int, dict[str, Any]]:
        logger = logging.LoggerAdapter(self.logger, {"request_id": request_id})
        # 3. Event Type Check
        if event.get("type") != "checkout.session.completed":
            logger.info(f"ℹ️ Ignoring event type: {event.get('type')}")
            return 200, {"ok": True, "skipped": event.get("type")}

        # 4. FORENSIC DATA EXTRACTION
        session_obj = event["data"]["object"]
        event_id = event.get("id")
        session_id = session_obj.get("id")
        stripe_customer_id = session_obj.get("customer")
        metadata = session_obj.get("metadata", {})
        is_dict = isinstance(metadata, dict)
        logger.info(f"🔍 FORENSIC EVENT ANALYSIS [Event: {event_id}]")
        logger.info(f"   Session ID: {session_id}")
        logger.info(f"   Customer ID: {stripe_customer_id}")
        logger.info(f"   Payment Status: {session_obj.get('payment_status')}")
        logger.info(f"   Payment Intent: {session_obj.get('payment_intent')}")
        logger.info(f"   Metadata Keys: {list(metadata.keys()) if is_dict else 'INVALID'}")
        full = json.dumps(metadata, indent=2) if is_dict else str(metadata)
        logger.info(f"   Full Metadata: {full}")

        with self.engine.connect() as db:
            resolved_user_id, method = self._resolve(db, metadata, stripe_customer_id, logger)

            # 6. RESOLUTION FAILURE HANDLING
            if not resolved_user_id:
                logger.error("🚨 CRITICAL: TOTAL USER RESOLUTION FAILURE")
                logger.error(f"   Event ID: {event_id}")
                logger.error(f"   Session ID: {session_id}")
                logger.error(f"   Customer ID: {stripe_customer_id}")
                logger.error(f"   Metadata Type: {type(metadata)}")
                logger.error(f"   Metadata Content: {metadata}")
                failed_event = {
                    "event_id": event_id,
                    "session_id": session_id,
                    "customer_id": stripe_customer_id,
                    "metadata": metadata,
                    "timestamp": datetime.now(UTC).replace(tzinfo=None).isoformat(),
                    "client_ip": client_ip,
                    "user_agent": user_agent,
                }
                logger.error(f"🚨 FAILED EVENT DATA: {json.dumps(failed_event, indent=2)}")
                return 200, {
                    "ok": True,
                    "error": "user_resolution_failed",
                    "event_id": event_id,
                    "requires_manual_review": True,
                }

            # 7. CREDIT PROCESSING WITH VALIDATION
            credits_ = int(metadata.get("credits", 0)) if is_dict else 0
            if credits_ <= 0:
                logger.error(f"❌ No valid credits in metadata: {metadata}")
                return 200, {"ok": True, "error": "no_credits"}
            logger.info("✅ USER RESOLUTION SUCCESS:")
            logger.info(f"   User ID: {resolved_user_id}")
            logger.info(f"   Method: {method}")
            logger.info(f"   Credits: {credits_}")
            return self._book(
                db=db,
                event_id=event_id,
                session_id=session_id,
                customer_id=stripe_customer_id,
                user_id=resolved_user_id,
                method=method,
                credits_=credits_,
                logger=logger,
            )

    def _resolve(
        self,
        db: sa.Connection,
        metadata: Any,
        customer_id: str | None,
        logger: logging.LoggerAdapter[logging.Logger],
    ) -> tuple[str | None, str]:
        # 5. TRIPLE USER ID RESOLUTION WITH FORENSICS
        is_dict = isinstance(metadata, dict)
        copies = (
            ("user_id", "PRIMARY_METADATA", "METHOD 1: user_id from metadata"),
            ("user_id_backup", "BACKUP_METADATA", "METHOD 2: user_id_backup"),
            ("session_user_id", "SESSION_METADATA", "METHOD 3: session_user_id"),
        )
        for key, method, wording in copies:
            candidate = metadata.get(key) if is_dict else None
            if candidate and _is_valid_uuid_strict(candidate):
                resolved = candidate.strip()
                logger.info(f"✅ RESOLUTION {wording} = {resolved}")
                return resolved, method
        if customer_id:
            try:
                query = sa.select(stripe_customers.c.user_id).where(
                    stripe_customers.c.stripe_customer_id == customer_id
                )
                row = db.execute(query).first()
                if row and row[0]:
                    resolved = str(row[0]).strip()
                    logger.info(f"✅ RESOLUTION METHOD 4: database lookup = {resolved}")
                    return resolved, "DATABASE_LOOKUP"
            except Exception as e:
                logger.error(f"❌ Database lookup failed: {e}")
        for key, value in metadata.items() if is_dict else ():
            if isinstance(value, str) and _is_valid_uuid_strict(value.strip()):
                resolved = value.strip()
                logger.warning(f"⚠️ RESOLUTION METHOD 5: UUID found in {key} = {resolved}")
                return resolved, f"EMERGENCY_SCAN_{key.upper()}"
        return None, "FAILED"

    def _book(
        self,
        *,
        db: sa.Connection,
        event_id: Any,
        session_id: Any,
        customer_id: str | None,
        user_id: str,
        method: str,
        credits_: int,
        logger: logging.LoggerAdapter[logging.Logger],
    ) -> tuple[int, dict[str, Any]]:
        # 8. DATABASE TRANSACTION WITH INTEGRITY CHECKS
        try:
            service = _CreditsService(db)
            logger.info("🔍 PRE-TRANSACTION VALIDATION:")
            before = service.get_user_credits(user_id) or 0
            logger.info(f"   User credits before: {before}")
            service.ensure_customer(user_id=user_id, stripe_customer_id=customer_id)
            reason = f"stripe_purchase:method_{method.lower()}:event_{event_id}"
            service.credit_purchase(
                user_id=user_id, delta=credits_, reason=reason, stripe_event_id=event_id
            )
            db.commit()
            after = service.get_user_credits(user_id) or 0
            logger.info("✅ POST-TRANSACTION VALIDATION:")
            logger.info(f"   User credits after: {after}")
            logger.info(f"   Credits added: {credits_}")
            logger.info(f"   Transaction successful: {after == before + credits_}")
            logger.info(f"🎉 PERFECT SUCCESS: {credits_} credits added to user {user_id}")
            logger.info(f"   Event: {event_id}")
            logger.info(f"   Session: {session_id}")
            logger.info(f"   Resolution: {method}")
            return 200, {
                "ok": True,
                "user_id": user_id,
                "credits_added": credits_,
                "resolution_method": method,
                "event_id": event_id,
                "final_balance": after,
            }
        except Exception as e:
            db.rollback()
            logger.exception(f"❌ CRITICAL DATABASE ERROR: {e}")
            logger.error(f"   Event: {event_id}")
            logger.error(f"   User: {user_id}")
            logger.error(f"   Credits: {credits_}")
            # The original answers 200 here, so Stripe never tries again.
            return 200, {
                "ok": True,
                "error": f"database_error: {e}",
                "event_id": event_id,
                "requires_manual_review": True,
            }


def create_original_app(
    database_url: str, webhook_secret: str, log_file: Path | str | None = None
) -> Starlette:
    """The original V2 handler as an ASGI app, mounted at ``/`` as the original is.

    Parameters
    ----------
    database_url
        SQLAlchemy URL of a database with the schema of ``create_original_schema`` (SQLite or
        PostgreSQL by psycopg).
    webhook_secret
        the signing secret, ``whsec_…``.
    log_file
        where its lines go, in the incident's format; nowhere without one.

    Raises
    ------
    CaseError
        without Starlette, which FastAPI brings (extra ``[intake]``).
    """
    concurrency, exceptions, routing = (
        load(f"starlette.{part}") for part in ("concurrency", "exceptions", "routing")
    )
    applications, responses = load("starlette.applications"), load("starlette.responses")
    base = _logger(log_file)
    engine = sa.create_engine(database_url)
    handler = _SeedHandler(engine, base)

    async def stripe_webhook_handler_v2(request: Request) -> JSONResponse:
        """The original's steps 1 and 2, then the rest in a thread."""
        # 1. Forensic Request Analysis
        user_agent = request.headers.get("user-agent", "")
        client_ip = request.client.host if request.client else "unknown"
        # The original's fallback is the second, which concurrent requests share.
        request_id = f"webhook-{int(time.time())}-{uuid.uuid4().hex[:8]}"
        logger = logging.LoggerAdapter(base, {"request_id": request_id})
        logger.info(f"🔍 WEBHOOK REQUEST ANALYSIS [ID: {request_id}]")
        logger.info(f"   User-Agent: {user_agent}")
        logger.info(f"   Client IP: {client_ip}")
        logger.info(f"   Headers: {dict(request.headers)}")
        if "Stripe/1.0" not in user_agent:
            logger.warning(f"❌ Invalid user agent for webhook: {user_agent}")
            raise exceptions.HTTPException(status_code=404, detail="Not found")
        # 2. Signature Verification
        payload = await request.body()
        try:
            verified = stripe.Webhook.construct_event(
                payload, request.headers.get("stripe-signature", ""), webhook_secret
            )
            event: dict[str, Any] = verified.to_dict()
            logger.info(f"✅ Stripe signature verified [Event: {event.get('id')}]")
        except Exception as e:
            logger.error(f"❌ Stripe signature verification failed: {e}")
            raise exceptions.HTTPException(status_code=400, detail="Invalid signature") from None
        status, body = await concurrency.run_in_threadpool(
            handler.handle, event, request_id, client_ip, user_agent
        )
        answer: JSONResponse = responses.JSONResponse(status_code=status, content=body)
        return answer

    route = routing.Route("/", stripe_webhook_handler_v2, methods=["POST"])
    app: Starlette = applications.Starlette(routes=[route])
    return app


def _logger(log_file: Path | str | None) -> logging.Logger:
    # A logger of its own per app: two apps in one process must not write into each other's file.
    logger = logging.Logger("app.base", logging.INFO)
    if log_file is None:
        logger.addHandler(logging.NullHandler())
        return logger
    handler = logging.FileHandler(log_file, encoding="utf-8")
    formatter = logging.Formatter(LOG_FORMAT, LOG_DATES)
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logger.addHandler(handler)
    return logger


def _is_valid_uuid_strict(value: str) -> bool:
    """Whether a value is a UUID of version 1 to 5, as the original has it.

    Examples
    --------
    >>> _is_valid_uuid_strict("7675e93c-341b-412d-a41c-cfe1dc519172")
    True
    >>> _is_valid_uuid_strict("0198f3c2-7c1a-7b54-9d11-6f2a52c1a001")
    False
    """
    if not value or not isinstance(value, str):
        return False
    value = value.strip()
    if len(value) != 36:
        return False
    pattern = r"^[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"
    return bool(re.match(pattern, value, re.IGNORECASE))
