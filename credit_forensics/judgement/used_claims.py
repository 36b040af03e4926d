"""Which claims had a part in a voice: what an explanation names beside a family's weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from credit_forensics.resolution.family_names import SESSION


class NamedMethod(Protocol):
    """A method as far as its claims are concerned; ``resolution.method.Method`` is one."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def history(self) -> object:
        """What is true of a method that reads other payments of a key."""
        ...

    @property
    def voice(self) -> str:
        """How its value joins its family's voice."""
        ...


@dataclass(frozen=True)
class MethodVoice:
    """What is stored of a method, for an explanation."""

    name: str
    history: bool = False
    voice: str = "copy"


def used_claims(
    claims: Sequence[Mapping[str, Any]], methods: Sequence[NamedMethod]
) -> list[Mapping[str, Any]]:
    """The claims that had a part in a voice of their family.

    Left out are values of a refused shape, what a history says of a customer that the session
    gave, and a weak method where another of its family names somebody.

    Parameters
    ----------
    claims
        rows of the table ``claims``, of the few payments that are explained.
    methods
        the case's methods.

    Examples
    --------
    >>> rows = [{"payment_id": payment, "valid": True, "method": method, "family": "session"}
    ...     for payment, method in (("cs_1", "metadata_scan"), ("cs_1", "metadata_user_id"),
    ...         ("cs_2", "metadata_scan"))]
    >>> scan, copy = MethodVoice("metadata_scan", False, "weak"), MethodVoice("metadata_user_id")
    >>> [claim["method"] for claim in used_claims(rows, [copy, scan])]
    ['metadata_user_id', 'metadata_scan']
    """
    histories = {method.name for method in methods if method.history}
    weak = {method.name for method in methods if method.voice == "weak"}
    used = [
        claim
        for claim in claims
        if claim["valid"] and not (claim["family"] == SESSION and claim["method"] in histories)
    ]
    backed = {
        (claim["payment_id"], claim["family"]) for claim in used if claim["method"] not in weak
    }
    return [
        claim
        for claim in used
        if claim["method"] not in weak or (claim["payment_id"], claim["family"]) not in backed
    ]
