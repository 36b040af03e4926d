"""Whatever is sent to the intake, its OpenAPI document's every operation: no 500."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, settings
from intake_shop import REVIEWER_TOKEN, SERVICE_TOKEN, user_token
from schemathesis.checks import not_a_server_error

from credit_forensics.intake.app import create_app, make_engine
from credit_forensics.intake.schema import create_schema
from credit_forensics.intake.settings import IntakeSettings

EXAMPLES = 25


@pytest.fixture
def live_intake(intake_settings: Callable[..., IntakeSettings]) -> Iterator[str]:
    config = intake_settings(api_docs=True)

    async def prepare() -> None:
        engine = make_engine(config)
        await create_schema(engine)
        await engine.dispose()

    asyncio.run(prepare())
    server = uvicorn.Server(uvicorn.Config(create_app(config), port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


@pytest.mark.parametrize(
    "caller",
    [
        "nobody",
        "reviewer",
        *(pytest.param(name, marks=pytest.mark.thorough) for name in ("user", "service")),
    ],
)
def test_no_operation_answers_500(live_intake: str, caller: str) -> None:
    headers = {
        "nobody": {},
        "user": user_token("ada", "ada@example.com"),
        "service": {"authorization": f"Bearer {SERVICE_TOKEN}"},
        "reviewer": {"authorization": f"Bearer {REVIEWER_TOKEN}"},
    }[caller]
    schema = schemathesis.openapi.from_url(f"{live_intake}/openapi.json")
    # Below, each operation is asked by itself, so that one cannot use up another's examples.
    operations = [result.ok() for result in schema.get_all_operations()]
    assert len(operations) == 12
    asked: list[int] = []

    for operation in operations:

        def ask(case: Any) -> None:
            response = case.call(headers=headers)
            case.validate_response(response, checks=(not_a_server_error,))
            asked.append(response.status_code)

        checked = settings(
            max_examples=EXAMPLES,
            deadline=None,
            phases=(Phase.explicit, Phase.generate),
            suppress_health_check=list(HealthCheck),
            database=None,
            derandomize=True,
        )
        checked(given(case=operation.as_strategy())(ask))()
    assert len(asked) >= len(operations)
    assert max(asked) < 500
