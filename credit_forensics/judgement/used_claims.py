"""Which claims had a part in a voice: what an explanation names beside a family's weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import pandas as pd

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


def used_claims(claims: pd.DataFrame, methods: Sequence[NamedMethod]) -> pd.DataFrame:
    """The claims that had a part in a voice of their family.

    Left out are values of a refused shape, what a history says of a customer that the session
    gave, and a weak method where another of its family names somebody.

    Parameters
    ----------
    claims
        rows of the table ``claims``.
    methods
        the case's methods.

    Examples
    --------
    >>> rows = pd.DataFrame({"payment_id": ["cs_1", "cs_1", "cs_2"], "valid": True,
    ...     "method": ["metadata_scan", "metadata_user_id", "metadata_scan"], "family": "session"})
    >>> scan, copy = MethodVoice("metadata_scan", False, "weak"), MethodVoice("metadata_user_id")
    >>> used_claims(rows, [copy, scan])["method"].tolist()
    ['metadata_user_id', 'metadata_scan']
    """
    histories = [method.name for method in methods if method.history]
    weak = [method.name for method in methods if method.voice == "weak"]
    of_session = (claims["family"] == SESSION) & claims["method"].isin(histories)
    used = claims[claims["valid"].astype(bool) & ~of_session]
    strong = ~used["method"].isin(weak)
    backed = strong.groupby([used["payment_id"], used["family"]]).transform("any")
    return used[strong | ~backed.astype(bool)]
