"""Seeds of the simulator: one in ``make test``, a hundred in ``make simulate``.

A seed that fails is played again by ``SIMULATOR_SEEDS=1 SIMULATOR_FIRST=<seed>``; with
``SIMULATOR_SHRINK=1`` steps are taken away as long as it fails, and ``SIMULATOR_ONLY=3,17,41`` plays
those that are left. ``SIMULATOR_RESULTS=<folder>`` gets a file a seed.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from fresh_database import fresh  # noqa: F401
from money_once import simulate
from shrink import shrink

FIRST = int(os.environ.get("SIMULATOR_FIRST", "1"))
SEEDS = int(os.environ.get("SIMULATOR_SEEDS", "1"))
STEPS = int(os.environ.get("SIMULATOR_STEPS", "80"))
ONLY = [int(number) for number in os.environ.get("SIMULATOR_ONLY", "").split(",") if number]
RESULTS = os.environ.get("SIMULATOR_RESULTS")


@pytest.mark.parametrize("seed", range(FIRST, FIRST + SEEDS))
def test_money_moves_once(
    seed: int,
    fresh: Callable[[], tuple[str, Path]],  # noqa: F811
    record_property: Callable[[str, object], None],
) -> None:
    started, used = time.monotonic(), time.process_time()
    run = simulate(seed, *fresh(), steps=STEPS, only=ONLY or None)
    wrong = run.wrong()
    run.engine.dispose()
    seconds, used = time.monotonic() - started, time.process_time() - used
    record_property("simulator_steps", dict(run.played))
    if RESULTS:
        said = "\n".join(wrong + run.trail) if wrong else "all is well"
        told = (
            f"seed {seed}, {STEPS} steps, {len(run.events)} events, {seconds:.0f} s, "
            f"{used:.0f} s of processor\n{json.dumps(run.played)}\n{said}\n"
        )
        (Path(RESULTS) / f"seed_{seed:04d}.{'failed' if wrong else 'ok'}.txt").write_text(told)
    if wrong and os.environ.get("SIMULATOR_SHRINK"):

        def fails(steps: Sequence[int]) -> bool:
            return bool(simulate(seed, *fresh(), steps=STEPS, only=steps).wrong())

        left = shrink(ONLY or range(STEPS), fails)
        wrong.append(f"SIMULATOR_ONLY={','.join(map(str, left))}")
    trail = "\n".join(run.trail[-400:])
    assert wrong == [], f"seed {seed}:\n" + "\n".join(wrong) + f"\n\n{trail}"
