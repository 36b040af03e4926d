"""The webhook handler: the kit in full, and what the kit does not ask."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as bounded
from hypothesis import strategies as st
from intake_shop import HELD, KEY, SECRET, Shop, completed, prepared

from credit_forensics.case.case import Case
from credit_forensics.checks.handler import run_kit
from credit_forensics.checks.handler.cast import Person
from credit_forensics.checks.handler.cast import Price as KitPrice
from credit_forensics.intake import kept_events
from credit_forensics.intake.app import WEBHOOK_PATH, create_app, make_engine
from credit_forensics.intake.checkout import session_metadata
from credit_forensics.intake.delivery_log import LOGGER
from credit_forensics.intake.serve import log_deliveries
from credit_forensics.intake.settings import IntakeSettings
from credit_forensics.intake.signed_in import SignedIn


def test_intake_passes_the_kit_in_full(
    intake_settings: Callable[..., IntakeSettings], tmp_path: Any
) -> None:
    config = intake_settings()
    prepared(config)
    log = tmp_path / "deliveries.log"
    logger = logging.getLogger(LOGGER)
    before = logger.handlers, logger.level, logger.propagate
    log_deliveries(log)
    try:
        report = run_kit(
            create_app(config),
            config.database_url,
            SECRET,
            path=WEBHOOK_PATH,
            held=HELD,
            log_file=log,
            out=tmp_path / "case",
        )
    finally:
        for handler in logger.handlers:
            handler.close()
        logger.handlers, logger.level, logger.propagate = before
    assert report.all_right, str(report)
    # What is held shows as not credited; nothing else is found in what the intake wrote.
    for result in report.results:
        found = set(result.findings) - {"failed_delivery"}
        assert found <= {"missing_credit"}, result
        assert not found or "held" in result.happened, result
    # The log is read without configuration, every line of it.
    case = Case.open(tmp_path / "case", store=False)
    deliveries = case.evidence.deliveries
    assert len(deliveries) == len(log.read_text().splitlines())
    # To the audit what waits was not resolved, and what is unpaid was passed over.
    assert set(deliveries["outcome"]) == {
        "credited",
        "database_error",
        "duplicate",
        "ignored",
        "resolution_failed",
        "signature_refused",
    }
    assert case.rejects.empty


def test_intake_passes_the_kit_with_its_own_sealed_metadata(
    intake_settings: Callable[..., IntakeSettings],
) -> None:
    config = intake_settings()
    prepared(config)

    def sealed(person: Person, price: KitPrice) -> dict[str, str]:
        return session_metadata(
            SignedIn(person.user_id, person.email),
            price.price_id,
            config.prices[price.price_id],
            config,
            started_at=datetime.now(UTC),
        )

    report = run_kit(
        create_app(config),
        config.database_url,
        SECRET,
        path=WEBHOOK_PATH,
        held=HELD,
        metadata=sealed,
        analyse=False,
    )
    assert report.all_right, str(report)
    # A returning customer's session speaks with one voice; the seal lets it be booked.
    assert report["concurrent_duplicates"].happened == "payer 100"


def test_wrong_metadata_that_agrees_with_itself_books_nothing(
    in_shop: Any, delivery_lines: list[dict[str, Any]]
) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")
        shop.account("bo")
        event = completed("1", "ada", "bo@example.com")
        event["data"]["object"]["metadata"] |= {"user_id_backup": "ada", "session_user_id": "ada"}
        answer = await shop.deliver(event)
        assert (answer.status_code, answer.json()) == (200, {"outcome": "queued"})
        assert shop.ledger() == []
        ((problem, claims),) = shop.rows("SELECT problem, claims FROM review_queue")
        assert problem == "disagreement"
        assert {claim["family"] for claim in json.loads(claims)} == {"session", "email"}

    in_shop(story)
    (line,) = delivery_lines
    assert line["outcome"] == "queued"
    assert line["error"] == "disagreement"
    assert "@" not in json.dumps(line)


def test_unsealed_lone_session_waits_and_a_sealed_one_is_booked(in_shop: Any) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")
        lone = completed("1", "ada", None)
        assert (await shop.deliver(lone)).json() == {"outcome": "queued"}
        settings = shop.app.state.webhook.settings
        metadata = session_metadata(
            SignedIn("ada", "ada@example.com"),
            "price_small",
            settings.prices["price_small"],
            settings,
            started_at=datetime.now(UTC),
        )
        sealed = completed("2", None, None, metadata=metadata, customer="cus_1")
        assert (await shop.deliver(sealed)).json() == {"outcome": "credited"}
        # One family alone binds no customer.
        assert shop.rows("SELECT * FROM stripe_customers") == []
        tampered = completed("3", None, "ada@example.com", metadata=metadata | {"credits": "9"})
        assert (await shop.deliver(tampered)).json() == {"outcome": "queued"}
        old = int(time.time()) - 90_000
        replayed = completed("4", None, None, metadata=metadata, created=old)
        assert (await shop.deliver(replayed)).json() == {"outcome": "queued"}
        problems = shop.rows("SELECT problem FROM review_queue ORDER BY id")
        assert problems == [("single_family",), ("seal_broken",), ("seal_broken",)]

    in_shop(story)


def test_policy_queue_books_no_lone_session(in_shop: Any) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")
        settings = shop.app.state.webhook.settings
        metadata = session_metadata(
            SignedIn("ada", "ada@example.com"),
            "price_small",
            settings.prices["price_small"],
            settings,
            started_at=datetime.now(UTC),
        )
        sealed = completed("1", None, None, metadata=metadata)
        assert (await shop.deliver(sealed)).json() == {"outcome": "queued"}

    in_shop(story, single_family="queue")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"amount_total": 1}, "amount_differs"),
        ({"currency": "usd"}, "amount_differs"),
        ({"metadata": {"user_id": "ada", "price_id": "price_gone"}}, "price_unknown"),
        ({"metadata": {"user_id": "ada"}, "amount_total": 777}, "price_unknown"),
    ],
)
def test_price_that_does_not_fit_waits(in_shop: Any, change: dict[str, Any], problem: str) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")
        answer = await shop.deliver(completed("1", "ada", "ada@example.com", **change))
        assert answer.json() == {"outcome": "queued"}
        assert shop.rows("SELECT problem FROM review_queue") == [(problem,)]
        assert shop.ledger() == []

    in_shop(story)


def test_booking_writes_entry_balance_binding_and_payment_together(in_shop: Any) -> None:
    async def story(shop: Shop) -> None:
        shop.account("00123", "ada@example.com")
        event = completed(
            "1", "00123", " ADA@Example.com", customer="cus_1", customer_creation="always"
        )
        assert (await shop.deliver(event)).json() == {"outcome": "credited"}
        assert shop.rows("SELECT user_id, delta, reason, stripe_event_id FROM credit_ledger") == [
            (
                "00123",
                50,
                "stripe_purchase:method_metadata_user_id:event_evt_1:payment_cs_1",
                "evt_1",
            )
        ]
        assert shop.rows("SELECT user_id, total_credits FROM user_credits") == [("00123", 50)]
        bound = shop.rows("SELECT user_id, stripe_customer_id FROM stripe_customers")
        assert bound == [("00123", "cus_1")]
        assert shop.rows("SELECT families FROM intake_payments") == [("session,email",)]

    in_shop(story)


def test_duplicates_at_once_over_many_connections_book_once(in_shop: Any) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")
        event = completed("1", "ada", "ada@example.com")
        other = completed("1", "ada", "ada@example.com") | {"id": "evt_other"}
        answers = await asyncio.gather(
            *(shop.deliver(event if n % 2 else other) for n in range(60))
        )
        assert {answer.status_code for answer in answers} == {200}
        outcomes = [answer.json()["outcome"] for answer in answers]
        assert outcomes.count("credited") == 1
        assert outcomes.count("duplicate") == 59
        assert shop.ledger() == [("ada", 50)]
        assert shop.rows("SELECT total_credits FROM user_credits") == [(50,)]

    in_shop(story, pool_size=20, answer_seconds=60)


def test_refunds_and_completion_at_once_never_miss_each_other(in_shop: Any) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")
        for number in range(25):
            purchase = completed(f"p{number}", "ada", "ada@example.com")
            charge = {
                "id": f"ch_{number}",
                "object": "charge",
                "amount": 500,
                "amount_refunded": 500,
                "payment_intent": f"pi_p{number}",
            }
            refund = {
                "id": f"evt_r{number}",
                "object": "event",
                "type": "charge.refunded",
                "livemode": True,
                "data": {"object": charge},
            }
            await asyncio.gather(shop.deliver(refund), shop.deliver(purchase), shop.deliver(refund))
        assert shop.rows("SELECT sum(delta) FROM credit_ledger") == [(0,)]
        assert shop.rows("SELECT total_credits FROM user_credits") == [(0,)]
        assert len(shop.ledger()) == 50

    in_shop(story)


def test_secrets_rotate_and_old_or_forged_signatures_are_refused(
    in_shop: Any, delivery_lines: list[dict[str, Any]]
) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")
        event = completed("1", "ada", "ada@example.com")
        assert (await shop.deliver(event, secret="whsec_forged")).status_code == 400
        assert (await shop.deliver(event, age=301)).status_code == 400
        assert (await shop.deliver(event, age=-301)).status_code == 400
        unsigned = await shop.client.post(WEBHOOK_PATH, content=b"{}")
        assert unsigned.status_code == 400
        assert shop.rows("SELECT * FROM intake_events") == []
        assert (await shop.deliver(event, secret="whsec_new")).status_code == 200
        second = completed("2", "ada", "ada@example.com")
        assert (await shop.deliver(second, secret=SECRET)).status_code == 200

    in_shop(story, webhook_secrets=["whsec_new", SECRET])
    refused = [line for line in delivery_lines if line["outcome"] == "signature_refused"]
    assert len(refused) == 4
    assert all(line["signature_valid"] is False for line in refused)
    assert all(line["event_id"] is None for line in refused)
    assert "whsec" not in json.dumps(delivery_lines)
    assert KEY not in json.dumps(delivery_lines)


HOSTILE: list[Any] = [
    {"data": None},
    {"data": {"object": None}},
    {"data": {"object": []}},
    {"data": {"object": {"object": "checkout.session"}}},
    {"data": {"object": {"object": "checkout.session", "id": "cs_x", "amount_total": "5"}}},
    {"data": {"object": {"object": "checkout.session", "id": "cs_y", "amount_total": 2**80}}},
]


@pytest.mark.parametrize("change", HOSTILE)
def test_session_that_cannot_be_read_waits_and_is_not_lost(
    in_shop: Any, change: dict[str, Any]
) -> None:
    async def story(shop: Shop) -> None:
        event = completed("1", None, None) | change
        answer = await shop.deliver(event)
        assert (answer.status_code, answer.json()) == (200, {"outcome": "resolution_failed"})
        kept = shop.rows("SELECT body FROM intake_events")
        assert json.loads(bytes(kept[0][0])) == event
        assert shop.rows("SELECT payment_id, problem FROM review_queue") == [
            ("evt_1", "unreadable")
        ]

    in_shop(story)


@pytest.mark.parametrize(
    "metadata",
    [
        {"user_id": "a\x00b", "price_id": "price_small"},
        {"user_id": "\ud800", "price_id": "price_small"},
        {"user_id": "x" * 5000},
        {"user_id": None},
        {"user_id": {"deep": 1}},
        ["user_id"],
        "user_id",
        {"user_id": "'; DROP TABLE credit_ledger; --", "price_id": "price_small"},
    ],
)
def test_hostile_metadata_neither_breaks_nor_books(in_shop: Any, metadata: Any) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")
        answer = await shop.deliver(completed("1", None, "ada@example.com", metadata=metadata))
        assert (answer.status_code, answer.json()) == (200, {"outcome": "queued"})
        assert shop.ledger() == []

    in_shop(story)


@pytest.mark.parametrize("body", [b"", b"[1,2]", b"null", b"\xff\xfe", b'{"id": 5}', b"[" * 50_000])
def test_body_that_is_no_event_is_refused(in_shop: Any, body: bytes) -> None:
    async def story(shop: Shop) -> None:
        assert (await shop.deliver(body)).status_code == 400

    in_shop(story)


def test_thin_event_is_refused_by_name_and_a_huge_body_unread(
    in_shop: Any, delivery_lines: list[dict[str, Any]]
) -> None:
    async def story(shop: Shop) -> None:
        thin = {"id": "evt_t", "object": "v2.core.event", "type": "v1.billing.meter.no_meter_found"}
        assert (await shop.deliver(thin)).status_code == 400
        assert (await shop.deliver(b"x" * 2000)).status_code == 413

    in_shop(story, max_body_bytes=1000)
    assert [line["error"] for line in delivery_lines] == [
        "thin event v1.billing.meter.no_meter_found"
    ]


def test_database_that_is_gone_is_503_and_the_next_try_books(
    in_shop: Any, intake_url: str, delivery_lines: list[dict[str, Any]]
) -> None:
    from credit_forensics.checks.handler.books import Books

    async def story(shop: Shop) -> None:
        shop.account("ada")
        shop.engine.dispose()
        event = completed("1", "ada", "ada@example.com")
        books = Books(intake_url)
        with books.outage():
            answer = await shop.deliver(event)
            assert answer.status_code == 503
            assert answer.headers["retry-after"] == "5"
            health = await shop.client.get("/healthz")
            assert health.status_code == 200
        books.close()
        assert (await shop.deliver(event)).json() == {"outcome": "credited"}

    in_shop(story)
    first, second = delivery_lines
    assert (first["outcome"], second["outcome"]) == ("database_error", "credited")
    assert "Error" in first["error"]
    assert intake_url not in first["error"]


def test_idle_connections_that_died_are_not_the_payers_trouble(
    in_shop: Any, intake_url: str
) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")
        assert (await shop.deliver(completed("1", "ada", "ada@example.com"))).status_code == 200
        shop.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        second = await shop.deliver(completed("2", "ada", "ada@example.com"))
        assert second.json() == {"outcome": "credited"}

    in_shop(story)


def test_what_was_kept_and_never_finished_is_taken_up_once(in_shop: Any) -> None:
    from credit_forensics.intake.recovery import finish_unfinished

    async def story(shop: Shop) -> None:
        shop.account("ada")
        body = json.dumps(completed("1", "ada", "ada@example.com")).encode()
        # As a process leaves it that was killed right after it kept the event.
        shop.run(
            "INSERT INTO intake_events (event_id, type, body, received_at) "
            "VALUES ('evt_1', 'checkout.session.completed', :body, now() - interval '5 minutes')",
            body=body,
        )
        webhook = shop.app.state.webhook
        assert await finish_unfinished(webhook) == 1
        assert await finish_unfinished(webhook) == 0
        assert shop.ledger() == [("ada", 50)]
        assert (await shop.deliver(body)).json() == {"outcome": "duplicate"}
        assert shop.ledger() == [("ada", 50)]

    in_shop(story)


def test_schema_adopts_a_ledger_in_use(intake_settings: Callable[..., IntakeSettings]) -> None:
    settings = intake_settings()
    engine = sa.create_engine(settings.database_url)
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "CREATE TABLE credit_ledger (id BIGINT GENERATED ALWAYS AS IDENTITY, "
                "user_id TEXT, delta INT, reason TEXT, stripe_event_id TEXT, "
                "created_at TIMESTAMPTZ DEFAULT now())"
            )
        )
        connection.execute(
            sa.text(
                "INSERT INTO credit_ledger (user_id, delta, reason, stripe_event_id) "
                "VALUES ('ada', 50, 'stripe_purchase:method_x:event_evt_0', 'evt_0')"
            )
        )
    prepared(settings)
    prepared(settings)
    with engine.begin() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM credit_ledger")).scalar_one() == 1
        with pytest.raises(sa.exc.IntegrityError):
            connection.execute(
                sa.text(
                    "INSERT INTO credit_ledger (user_id, delta, reason, stripe_event_id) "
                    "VALUES ('ada', 50, 'stripe_purchase:method_x:event_evt_0', 'evt_0')"
                )
            )
    engine.dispose()


def test_tables_of_an_earlier_version_get_what_they_lack(
    intake_settings: Callable[..., IntakeSettings],
) -> None:
    settings = intake_settings()
    engine = sa.create_engine(settings.database_url)
    earlier = (
        "CREATE TABLE intake_events (event_id TEXT PRIMARY KEY, type TEXT NOT NULL, "
        "received_at TIMESTAMPTZ NOT NULL DEFAULT now(), body BYTEA NOT NULL)",
        "INSERT INTO intake_events VALUES ('evt_0', 'x', now() - interval '5 minutes', '{}')",
        "INSERT INTO intake_events VALUES ('evt_1', 'x', now() - interval '5 minutes', '{}')",
        "CREATE TABLE intake_deliveries (event_id TEXT NOT NULL, payment_id TEXT, request_id TEXT "
        "NOT NULL, outcome TEXT NOT NULL, error TEXT, handled_at TIMESTAMPTZ NOT NULL DEFAULT now())",
        "INSERT INTO intake_deliveries VALUES ('evt_0', 'cs_0', 'r', 'credited', NULL, now())",
        "CREATE TABLE review_decisions (id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, "
        "item_id BIGINT NOT NULL, payment_id TEXT NOT NULL, action TEXT NOT NULL, user_id TEXT, "
        "decided_by TEXT NOT NULL, why TEXT NOT NULL, decided_at TIMESTAMPTZ NOT NULL DEFAULT now())",
        "INSERT INTO review_decisions (item_id, payment_id, action, decided_by, why) "
        "VALUES (1, 'cs_0', 'refuse', 'one', 'as asked')",
    )
    with engine.begin() as connection:
        for statement in earlier:
            connection.execute(sa.text(statement))
    prepared(settings)
    prepared(settings)

    async def due() -> list[kept_events.Kept]:
        fresh = make_engine(settings)
        async with fresh.connect() as connection:
            found = await kept_events.due(connection, older_than=60, most=10)
        await fresh.dispose()
        return found

    # What was handled stays handled, and what was not is taken up.
    assert [(one.event_id, one.body) for one in asyncio.run(due())] == [("evt_1", b"{}")]
    with engine.begin() as connection:
        line = connection.execute(sa.text("SELECT line FROM intake_delivery_log")).scalar_one()
        assert json.loads(line)["outcome"] == "credited"
        decided = connection.execute(sa.text("SELECT why, credits FROM review_decisions")).one()
        assert tuple(decided) == ("as asked", None)
    engine.dispose()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
FIELDS = [
    "id", "object", "amount_total", "amount_subtotal", "currency", "customer", "customer_creation",
    "customer_details", "customer_email", "client_reference_id", "created", "metadata", "mode",
    "payment_intent", "payment_status", "livemode", "status", "amount_refunded", "amount",
]  # fmt: skip
KINDS = [
    "checkout.session.completed", "checkout.session.async_payment_failed", "charge.refunded",
    "charge.dispute.closed", "customer.created",
]  # fmt: skip


def test_signed_nonsense_is_never_a_500_and_books_nothing(in_shop: Any) -> None:
    async def story(shop: Shop) -> None:
        shop.account("ada")
        loop = asyncio.get_running_loop()
        numbers = iter(range(10_000))
        statuses: set[int] = set()

        @bounded(
            max_examples=150,
            deadline=None,
            database=None,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        )
        @given(
            kind=st.sampled_from(KINDS),
            changes=st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=6),
            outside=st.dictionaries(
                st.sampled_from(["data", "created", "livemode"]), JSON, max_size=1
            ),
        )
        def nonsense(kind: str, changes: dict[str, Any], outside: dict[str, Any]) -> None:
            event = completed(str(next(numbers)), "ada", None)
            event["type"] = kind
            event["data"]["object"] |= changes
            body = json.dumps(event | outside).encode()
            answer = asyncio.run_coroutine_threadsafe(shop.deliver(body), loop).result()
            statuses.add(answer.status_code)

        await asyncio.to_thread(nonsense)
        assert statuses == {200}
        assert shop.ledger() == []

    in_shop(story)
