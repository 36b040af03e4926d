"""How a candidate is shown: an account by its id, and nobody by words of ours."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

NOBODY = "(nobody named)"


def or_nobody(value: object, shown: Callable[[object], str]) -> str:
    """A user as it is shown, or "nobody".

    Examples
    --------
    >>> or_nobody(None, str), or_nobody("00123", str)
    ('nobody', '00123')
    """
    absent = value is None or pd.isna(value)  # type: ignore[call-overload]
    return "nobody" if absent else shown(value)


def shown_person(person: object, shown: Callable[[object], str]) -> str:
    """A candidate as it is shown; the candidate that nobody named has a name of ours."""
    return NOBODY if person == NOBODY else shown(person)
