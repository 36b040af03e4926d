"""Seeds of the simulator: a few in ``make test``, a hundred in ``make simulate``.

A seed that fails is played again by ``SIMULATOR_SEEDS=1 SIMULATOR_FIRST=<seed>``.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from money_once import simulate

FIRST = int(os.environ.get("SIMULATOR_FIRST", "1"))
SEEDS = int(os.environ.get("SIMULATOR_SEEDS", "3"))
STEPS = int(os.environ.get("SIMULATOR_STEPS", "80"))


@pytest.mark.parametrize("seed", range(FIRST, FIRST + SEEDS))
def test_money_moves_once(seed: int, postgres_database: str, tmp_path: Path) -> None:
    url = postgres_database.replace("postgresql://", "postgresql+psycopg://", 1)
    run = simulate(seed, url, tmp_path, steps=STEPS)
    wrong = run.wrong()
    trail = "\n".join(run.trail[-400:])
    assert wrong == [], f"seed {seed}:\n" + "\n".join(wrong) + f"\n\n{trail}"
