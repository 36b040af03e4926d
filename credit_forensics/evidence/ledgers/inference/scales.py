"""How many of a ledger's units are one credit."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from credit_forensics.evidence.ledgers.inference.decisions import Question
from credit_forensics.evidence.ledgers.inference.known_values import KnownValues
from credit_forensics.evidence.ledgers.inference.samples import Field

_NAMED = {"cent": 100, "cents": 100, "micro": 10**6, "micros": 10**6, "milli": 1000, "nano": 10**9}
_TRIED = (1, 100, 1000, 10**6, 10, 10**4, 10**9)
# So many of the amounts must be credits that were sold, for a scale to be believed.
_FITS = 0.5


def scale_of(column: Field | None, amounts: Iterable[Decimal], known: KnownValues) -> int:
    """Units a credit: 1, unless what was sold or the column's name says something else.

    Parameters
    ----------
    amounts
        what purchases added.

    Raises
    ------
    Question
        when the name says one thing and the credits that were sold another, or nothing.

    Examples
    --------
    >>> sold = KnownValues(credits=frozenset({Decimal(50)}))
    >>> scale_of(None, [Decimal(5000), Decimal(5000)], sold), scale_of(None, [Decimal(50)], sold)
    (100, 1)
    """
    found = [amount for amount in amounts if amount > 0]
    named = (
        next((_NAMED[word] for word in sorted(column.words) if word in _NAMED), 1)
        if (column)
        else 1
    )
    shares = (
        {
            scale: sum(1 for amount in found if amount / scale in known.credits) / len(found)
            for scale in _TRIED
        }
        if found and known.credits
        else {}
    )
    best = max(_TRIED, key=lambda scale: shares.get(scale, 0.0))
    if shares.get(best, 0.0) >= _FITS:
        return best
    if named == 1 and shares.get(best, 0.0) > shares.get(1, 0.0):
        raise Question(
            f"some amounts are credits that were sold if {best} units are one credit (set scale)"
        )
    if named != 1:
        assert column is not None
        raise Question(
            f"{column.column} is named for a part of a credit, and no credits that were sold say "
            f"whether {named} of it are one (set scale = {named} or scale = 1)"
        )
    return 1
