"""How a candidate is shown: an account by its id, and nobody by words of ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from credit_forensics.extras import Later

if TYPE_CHECKING:
    import pandas as pd
else:
    # Slow to load, and most values are a text, a number or nothing.
    pd = Later("pandas")

NOBODY = "(nobody named)"


def is_absent(value: object) -> bool:
    """Whether a value is none, whatever table it is from.

    Examples
    --------
    >>> is_absent(None), is_absent(float("nan")), is_absent(""), is_absent(0.0)
    (True, True, False, False)
    """
    if isinstance(value, float):
        return value != value  # noqa: PLR0124  # only what is no number differs from itself
    if value is None or isinstance(value, str | int):
        return value is None
    return bool(pd.isna(value))  # type: ignore[call-overload]


def or_nobody(value: object, shown: Callable[[object], str]) -> str:
    """A user as it is shown, or "nobody".

    Examples
    --------
    >>> or_nobody(None, str), or_nobody("00123", str)
    ('nobody', '00123')
    """
    return "nobody" if is_absent(value) else shown(value)


def shown_person(person: object, shown: Callable[[object], str]) -> str:
    """A candidate as it is shown; the candidate that nobody named has a name of ours."""
    return NOBODY if person == NOBODY else shown(person)
