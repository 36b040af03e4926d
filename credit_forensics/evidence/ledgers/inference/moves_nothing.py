"""Which kinds and states of entries need no answer, as nothing that is judged depends on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from credit_forensics.evidence.ledgers.inference import words as w
from credit_forensics.evidence.ledgers.inference.samples import Field, SampledTable, stripe_ids
from credit_forensics.evidence.ledgers.inference.statuses import State

_HOLDS = frozenset(
    {"hold", "held", "reserve", "reservation", "authorization", "authorisation", "preauth", "lock",
     "freeze"}
)  # fmt: skip

Groups = Sequence[tuple[tuple[str | None, ...], int, Decimal, Decimal]]


def without_amount(
    labels: Mapping[str, tuple[Decimal, Decimal]], open_: Sequence[str]
) -> list[str]:
    """Kinds of which no row has an amount: a store of events has more than movements.

    Examples
    --------
    >>> zero, ten = Decimal(0), Decimal(10)
    >>> without_amount({"opened": (zero, zero), "fixed": (zero, ten)}, ["opened", "fixed"])
    ['opened']
    """
    return [label for label in open_ if labels[label] == (Decimal(0), Decimal(0))]


def states_of_holds(
    table: SampledTable,
    kind: Field,
    states: Sequence[State],
    seen: Groups,
    open_states: Sequence[tuple[int, str | None]],
) -> list[tuple[int, str | None]]:
    """Those of some states that only holds have: credits set aside, which a row of its own takes.

    A hold that names a payment is none: its state may say whether the payment was booked.

    Parameters
    ----------
    kind
        the column of the entries' kind, which is the first of each key in ``seen``.
    open_states
        the place among ``states`` and the value, of those whose words do not say.
    """
    found = []
    for n, value in open_states:
        kinds = {key[0] or "" for key, *_ in seen if key[n + 1] == value}
        if not kinds or not all(set(w.words(one)) & _HOLDS for one in kinds):
            continue
        column = states[n].field
        rows = [r for r, text in enumerate(column.texts) if text == value]
        texts = (f.texts[r] or "" for f in table.columns if f != kind for r in rows)
        if rows and not stripe_ids(texts, "cs", "pi", "in", "ch", "evt"):
            found.append((n, value))
    return found
