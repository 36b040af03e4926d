"""Whether an entry adds credits or takes them, where the amount alone does not say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from itertools import product

from credit_forensics.evidence.ledgers.inference import words as w

MOST_UNKNOWN = 10
# So many of the owners must have the balance that their entries sum up to.
AGREES = 0.8

_STRONG_SPENDING = w.SPENDING - w.EITHER_WAY
RETURNED = frozenset({"refund", "refunded", "returned", "chargeback", "chargedback"})
_BOUGHT = frozenset({"purchase", "purchased", "topup", "top", "deposit", "buy", "bought", "sale"})
_STRONG_ADDING = w.ADDING - w.EITHER_WAY


def sign_of(label: str) -> int:
    """1, -1, or 0 where the words of a type do not say.

    Examples
    --------
    >>> [sign_of(label) for label in ("topup_purchase", "deduct", "ADMIN_ADJUST", "manual_credit")]
    [1, -1, 0, 1]
    >>> sign_of("3")
    0
    >>> [sign_of(label) for label in ("PurchaseRefunded", "usage_refund", "refund")]
    [-1, 1, 0]
    """
    own = set(w.words(label))
    if {"non", "not", "un", "cancel"} & own:
        return 0
    if own & RETURNED:
        # A purchase that is refunded takes its credits, a use that is refunded gives them back.
        bought, used = bool(own & _BOUGHT), bool(own & (_STRONG_SPENDING - RETURNED))
        return 0 if bought == used else -1 if bought else 1
    spending, adding = bool(own & _STRONG_SPENDING), bool(own & _STRONG_ADDING)
    if own & {"admin", "manual"} and own & {"add", "grant", "deduct", "remove"}:
        return -1 if own & {"deduct", "remove"} else 1
    if spending == adding:
        return 1 if own - {"admin", "manual"} == {"credit"} else 0
    return -1 if spending else 1


def may_add(label: str) -> bool:
    """Whether a type is words, and none of them may take credits.

    Examples
    --------
    >>> [may_add(label) for label in ("trial", "subscription", "refund", "2")]
    [True, True, False, False]
    """
    own = set(w.words(label))
    return bool(own) and not own & w.SPENDING and not any(word.isdigit() for word in own)


# owner, values of the grouping columns, sum of the amounts
Sums = Sequence[tuple[str, tuple[str | None, ...], Decimal]]
Weight = Callable[[tuple[str | None, ...]], int]


def agreement(sums: Sums, balances: Mapping[str, Decimal], weight: Weight) -> float:
    """The part of the owners whose balance is the weighted sum of their entries.

    Examples
    --------
    >>> sums = [("a", ("in",), Decimal(10)), ("a", ("out",), Decimal(4))]
    >>> agreement(sums, {"a": Decimal(6)}, lambda key: -1 if key == ("out",) else 1)
    1.0
    """
    totals: dict[str, Decimal] = {}
    for owner, keys, amount in sums:
        totals[owner] = totals.get(owner, Decimal(0)) + weight(keys) * amount
    both = [owner for owner in totals if owner in balances]
    if not both:
        return 0.0
    return sum(1 for owner in both if totals[owner] == balances[owner]) / len(both)


def best_weights(
    sums: Sums,
    balances: Mapping[str, Decimal],
    settled: Mapping[str, int],
    open_: Sequence[str],
    keep: Weight,
) -> tuple[dict[str, int], float] | None:
    """The weights of unknown labels that make the balances agree, if exactly one choice does.

    Parameters
    ----------
    settled, open_
        the signs that are known, and the labels (the first grouping column) of which it is not.
    keep
        1 or 0 by the grouping columns: whether a row counts.
    """
    if not balances or len(open_) > MOST_UNKNOWN:
        return None
    labels = sorted(open_)
    scored = []
    for choice in product((1, -1), repeat=len(labels)):
        signs = {**settled, **dict(zip(labels, choice, strict=True))}
        weight = partial(_signed, signs, keep)
        scored.append((agreement(sums, balances, weight), choice))
    scored.sort(key=lambda one: -one[0])
    best = scored[0]
    tied = len(scored) > 1 and scored[1][0] == best[0]
    if best[0] < AGREES or tied:
        return None
    return {**settled, **dict(zip(labels, best[1], strict=True))}, best[0]


def _signed(signs: Mapping[str, int], keep: Weight, keys: tuple[str | None, ...]) -> int:
    return signs.get(keys[0] or "", 1) * keep(keys)
