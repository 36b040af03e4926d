"""What follows after a name that is not known: the nearest one that is."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(wanted: object, known: Iterable[str]) -> str:
    """The nearest name as a question; where none is near, all of them.

    Examples
    --------
    >>> did_you_mean("paymnts", ["ledger", "payments"])
    "did you mean 'payments'?"
    >>> did_you_mean("x", ["ledger", "payments"]), did_you_mean("x", [])
    ('known are ledger, payments.', 'known are none.')
    """
    names = list(known)
    near = difflib.get_close_matches(str(wanted), names, n=1)
    return f"did you mean '{near[0]}'?" if near else f"known are {', '.join(names) or 'none'}."


def or_nearest(wanted: object, known: Iterable[str]) -> str:
    """The end of a sentence about a name, where the known ones are too many to list.

    Examples
    --------
    >>> "There is no payment cs_11" + or_nearest("cs_11", ["cs_1"])
    "There is no payment cs_11; did you mean 'cs_1'?"
    >>> "There is no payment x" + or_nearest("x", ["cs_1"])
    'There is no payment x.'
    """
    near = difflib.get_close_matches(str(wanted), list(known), n=1)
    return f"; did you mean '{near[0]}'?" if near else "."
