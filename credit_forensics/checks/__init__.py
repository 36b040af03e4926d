"""Checks for engineers: assertions over a case, a pytest plugin, and a kit for handlers.

The names below are loaded when first asked for, so that the pytest plugin costs nothing where it
is not used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from credit_forensics.checks.assertions import assert_ledger_matches, assert_no_findings
    from credit_forensics.checks.baseline import write_baseline
    from credit_forensics.checks.plain_inputs import case_of
    from credit_forensics.checks.resolve import (
        Payer,
        assert_methods_agree,
        assert_resolves_to,
        resolve_payer,
    )
    from credit_forensics.checks.sarif import write_sarif
    from credit_forensics.checks.worlds import named_world

__all__ = [
    "Payer",
    "assert_ledger_matches",
    "assert_methods_agree",
    "assert_no_findings",
    "assert_resolves_to",
    "case_of",
    "named_world",
    "resolve_payer",
    "write_baseline",
    "write_sarif",
]

_HOMES = {
    "assertions": ("assert_ledger_matches", "assert_no_findings"),
    "baseline": ("write_baseline",),
    "plain_inputs": ("case_of",),
    "resolve": ("Payer", "assert_methods_agree", "assert_resolves_to", "resolve_payer"),
    "sarif": ("write_sarif",),
    "worlds": ("named_world",),
}


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
