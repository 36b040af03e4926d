"""Small worlds by name, for tests: each holds one fault, and its truth is known."""

from __future__ import annotations

from dataclasses import replace

from credit_forensics.case import Case
from credit_forensics.case_file import CaseFile
from credit_forensics.errors import CaseError
from credit_forensics.scenarios.settings import FaultRates, WorldSettings
from credit_forensics.scenarios.world import World, make_world

_QUIET = WorldSettings(
    payments=400, wrong_session_rate=0.0, missing_metadata=0.0, faults=FaultRates.none()
)
_SHARE = 0.05

WORLDS: dict[str, WorldSettings] = {
    "clean": _QUIET,
    "stale_session": replace(_QUIET, wrong_session_rate=_SHARE, poisoned_mappings=False),
    "poisoned_mapping": replace(_QUIET, wrong_session_rate=_SHARE, missing_metadata=_SHARE),
    **{
        name: replace(_QUIET, faults=replace(FaultRates.none(), **rates))
        for name, rates in {
            "redelivery": {"redelivered": _SHARE},
            "two_events_one_fact": {"two_events": _SHARE},
            "not_delivered": {"not_delivered": _SHARE},
            "acknowledged_not_applied": {"acknowledged_not_applied": _SHARE},
            "unpaid": {"unpaid": _SHARE},
            "async_failure": {"async_failed": _SHARE},
            "test_mode": {"test_mode": _SHARE},
            "wrong_amount": {"wrong_amount": _SHARE},
            "unknown_user": {"unknown_user": _SHARE},
            "orphan": {"orphan": _SHARE},
            "balance_drift": {"balance_drift": _SHARE},
            "refund_not_reversed": {"refunded": 0.2, "refund_not_reversed": 0.3},
            "split_identity": {"split_without_account": _SHARE},
        }.items()
    },
}


def named_world(name: str, seed: int = 0) -> tuple[Case, World]:
    """A world by name, as a case and with its truth.

    Parameters
    ----------
    name
        one of ``WORLDS``.
    seed
        the same seed gives the same world.

    Raises
    ------
    CaseError
        for a name that is none; the message lists them.

    Examples
    --------
    >>> named_world("clear")
    Traceback (most recent call last):
        ...
    credit_forensics.errors.CaseError: No world 'clear'; there are clean, stale_session, ...
    """
    if name not in WORLDS:
        raise CaseError(f"No world {name!r}; there are {', '.join(WORLDS)}.")
    world = make_world(WORLDS[name], seed)
    prices = {price.price_id: price.credits for price in world.prices}
    return Case.from_evidence(world.evidence(), CaseFile(name=name, prices=prices)), world
