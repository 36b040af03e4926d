"""Runs any webhook handler through named scenarios and says which it gets right.

>>> from credit_forensics.checks.handler import SCENARIOS
>>> "stale_session" in {scenario.name for scenario in SCENARIOS}
True
"""

from credit_forensics.checks.handler.cast import PRICES, Person, Price, original_metadata
from credit_forensics.checks.handler.run import KitReport, ScenarioResult, run_kit
from credit_forensics.checks.handler.scenarios import SCENARIOS, Scenario

__all__ = [
    "PRICES",
    "SCENARIOS",
    "KitReport",
    "Person",
    "Price",
    "Scenario",
    "ScenarioResult",
    "original_metadata",
    "run_kit",
]
