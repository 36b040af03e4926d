"""Faults that are planted are found within twenty seeds: a simulator that finds nothing proves nothing.

A part of ``make simulate`` (SIMULATOR_FAULTS=1); it takes minutes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import sqlalchemy as sa
from fresh_database import fresh  # noqa: F401
from money_once import simulate

from credit_forensics.intake import booking, losses, reversals

SEEDS = 20
STEPS = 150
pytestmark = pytest.mark.skipif(
    not os.environ.get("SIMULATOR_FAULTS"), reason="a part of make simulate"
)


def run(engine: sa.Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))


def lost_key(patch: pytest.MonkeyPatch) -> Callable[[sa.Engine], None]:
    """A payment is unique by nothing any more: neither its row nor its entry."""
    text = booking._BOOK.text.replace("'purchase:' || payment_id", "gen_random_uuid()::text")
    assert text != booking._BOOK.text
    bound = booking._BOOK._bindparams.values()
    patch.setattr(booking, "_BOOK", sa.text(text).bindparams(*bound))
    return lambda engine: run(
        engine,
        "ALTER TABLE intake_payments DROP CONSTRAINT intake_payments_pkey",
        "DROP INDEX intake_one_payment_an_intent, intake_one_purchase_an_event",
    )


def missing_lock(patch: pytest.MonkeyPatch) -> Callable[[sa.Engine], None]:
    """Two refunds of a payment are settled at once."""
    text = reversals._PAYMENT.text.replace(" FOR UPDATE", "")
    assert text != reversals._PAYMENT.text
    patch.setattr(reversals, "_PAYMENT", sa.text(text))
    return lambda engine: None


def wrong_netting(patch: pytest.MonkeyPatch) -> Callable[[sa.Engine], None]:
    """What a person took back in other words than a refund's does not count."""
    real = reversals.to_take

    def to_take(
        entries: Iterable[tuple[str, int, bool]], target: int, credits: int, ever: int
    ) -> list[tuple[str, int]]:
        known = [(user, delta, refund) for user, delta, refund in entries if delta > 0 or refund]
        return real(known, target, credits, ever)

    patch.setattr(reversals, "to_take", to_take)
    return lambda engine: None


def loss_for_good(patch: pytest.MonkeyPatch) -> Callable[[sa.Engine], None]:
    """A refund that failed counts on, so that as much refunded anew is no more than before."""
    text = losses._LOST.text.replace("WHERE b.kind = 'back'", "WHERE false")
    assert text != losses._LOST.text
    patch.setattr(losses, "_LOST", sa.text(text))
    return lambda engine: None


@pytest.mark.parametrize("plant", [lost_key, missing_lock, wrong_netting, loss_for_good])
def test_a_planted_fault_is_found(
    plant: Callable[[pytest.MonkeyPatch], Callable[[sa.Engine], None]],
    fresh: Callable[[], tuple[str, Path]],  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    break_it = plant(monkeypatch)
    for seed in range(1, SEEDS + 1):
        if wrong := simulate(seed, *fresh(), steps=STEPS, break_it=break_it).wrong():
            print(f"{plant.__name__}: found by seed {seed}: {wrong[0]}")
            return
    pytest.fail(f"{plant.__name__} was not found by {SEEDS} seeds")
