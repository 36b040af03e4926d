"""Says at the end of a long run of the simulator how often each kind of step did something."""

from __future__ import annotations

import os
from collections import Counter

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line of counts, where a run was asked for by its seeds."""
    steps: Counter[str] = Counter()
    runs = 0
    for reports in terminalreporter.stats.values():
        for report in reports:
            told = dict(getattr(report, "user_properties", ())).get("simulator_steps")
            if told is not None and getattr(report, "when", "") == "call":
                steps.update(told)
                runs += 1
    if runs and "SIMULATOR_SEEDS" in os.environ:
        counts = ", ".join(f"{name} {number}" for name, number in steps.most_common())
        terminalreporter.section("steps of the simulator")
        terminalreporter.write_line(f"{runs} runs; steps that did something: {counts}")
