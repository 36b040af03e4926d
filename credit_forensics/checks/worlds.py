"""Small worlds by name, for tests: each is about one fault, and its truth is known."""

from __future__ import annotations

from credit_forensics.case.case import Case
from credit_forensics.case_file import CaseFile, Price
from credit_forensics.errors import CaseError
from credit_forensics.scenarios.named import scenario, scenario_names
from credit_forensics.scenarios.world import World


def named_world(name: str) -> tuple[Case, World]:
    """A scenario of ``scenarios.named`` as a case, and with its truth.

    Raises
    ------
    CaseError
        for a name that is none; the message lists them.

    Examples
    --------
    >>> case, world = named_world("redelivery")
    >>> case.findings["finding"].tolist(), world.truth_findings["finding"].tolist()
    (['duplicate_credit'], ['duplicate_credit'])
    >>> named_world("clear")
    Traceback (most recent call last):
        ...
    credit_forensics.errors.CaseError: No world 'clear'; there are async_failure, ...
    """
    if name not in scenario_names():
        raise CaseError(f"No world {name!r}; there are {', '.join(scenario_names())}.")
    world = scenario(name)
    prices: dict[str, int | Price] = {price.price_id: price.credits for price in world.prices}
    return Case.from_evidence(world.evidence(), CaseFile(name=name, prices=prices)), world
