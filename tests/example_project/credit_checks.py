"""The checks of the example shop. Run them with ``pytest`` in this folder."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from shop_webhook import create_app, create_schema

from credit_forensics.checks import (
    assert_ledger_matches,
    assert_methods_agree,
    assert_no_findings,
    assert_resolves_to,
)
from credit_forensics.checks.handler import run_kit

SECRET = "whsec_example"
USERS = [
    {"id": "u-ada", "email": "ada@example.com", "name": "Ada Holm"},
    {"id": "u-bo", "email": "bo@example.com", "name": "Bo Falk"},
]
SESSION: dict[str, Any] = {
    "id": "cs_live_9",
    "object": "checkout.session",
    "created": 1_756_720_000,
    "customer_details": {"email": "bo@example.com", "name": "Bo Falk"},
    "metadata": {"user_id": "u-bo"},
}


@pytest.fixture(scope="session", autouse=True)
def ledger() -> None:
    """The example's ledger, made of its SQL before any check opens the case."""
    path = Path(__file__).parent / "case" / "ledger.db"
    if not path.exists():
        connection = sqlite3.connect(path)
        connection.executescript(path.with_suffix(".sql").read_text())
        connection.close()


def test_a_session_resolves_to_its_payer() -> None:
    assert_resolves_to(SESSION, "u-bo", users=USERS)
    assert_methods_agree(SESSION, families=2, users=USERS)


def test_copies_that_agree_and_are_wrong_are_no_agreement() -> None:
    wrong = dict.fromkeys(("user_id", "user_id_backup", "session_user_id"), "u-ada")
    with pytest.raises(AssertionError, match="the methods name 2 persons"):
        assert_methods_agree(SESSION | {"metadata": wrong}, users=USERS)


def test_the_handler_gets_every_purchase_right(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    engine = sa.create_engine(url)
    create_schema(engine)
    report = run_kit(
        create_app(engine, SECRET),
        url,
        SECRET,
        path="/webhook",
        held="SELECT payment_id FROM waiting_payments",
        # Refunds and disputes are booked by another part of this shop.
        scenarios=[
            "plain_purchase",
            "stale_session",
            "agreeing_copies",
            "redelivery",
            "async_failure",
            "test_mode",
            "forged_signature",
        ],
        analyse=False,
    )
    assert report.all_right, f"\n{report}"


def test_a_known_bad_world_is_found_bad(credit_world: Callable[..., Any]) -> None:
    with pytest.raises(AssertionError, match="duplicate_credit"):
        assert_no_findings(credit_world("redelivery"))


def test_the_shop_has_no_new_findings(
    credit_case: Any, assert_no_new_findings: Callable[..., None]
) -> None:
    assert_no_new_findings(credit_case, severity="high")


def test_the_ledger_holds_what_was_paid(credit_case: Any) -> None:
    # The 50 beyond are known; see the baseline.
    assert_ledger_matches(credit_case, {"u-ada": 100, "u-bo": 50 + 50})
