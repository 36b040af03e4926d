"""Which kinds of entries add credits because they book payments, where no word says it."""

from __future__ import annotations

from collections.abc import Collection

from credit_forensics.evidence.ledgers.inference.known_values import KnownValues
from credit_forensics.evidence.ledgers.inference.samples import Field, SampledTable, stripe_ids

# So many of a kind's entries must name a paid payment that no other kind names.
BOOKS_PAYMENTS = 0.9
# A payment is booked once, or twice by mistake; what draws from it names it again and again.
_MOST_A_PAYMENT = 1.5
_LEAST = 2


def kinds_that_book_payments(
    table: SampledTable, kind: Field, labels: Collection[str], known: KnownValues
) -> list[str]:
    """Those of some kinds whose entries are each the booking of a payment that kept its money.

    Parameters
    ----------
    labels
        kinds of which neither words nor balances say whether they add credits.
    known
        the payments that are paid, and those of which money went back, which count for nothing.
    """
    named = [
        {
            known.paid[one]
            for field in table.columns
            for one in stripe_ids([field.texts[row] or ""], "cs", "pi", "in", "ch", "py")
            if one in known.paid
        }
        for row in range(table.rows)
    ]
    kinds_of: dict[str, set[str]] = {}
    for label, payments in zip(kind.texts, named, strict=True):
        for payment in payments:
            kinds_of.setdefault(payment, set()).add(label or "")
    found = []
    for label in labels:
        rows = [p for text, p in zip(kind.texts, named, strict=True) if (text or "") == label]
        rows = [payments for payments in rows if not payments & known.returned]
        alone = [p for p in rows if len(p) == 1 and all(len(kinds_of[one]) == 1 for one in p)]
        payments = set().union(*alone)
        if (
            len(payments) >= _LEAST
            and len(alone) >= BOOKS_PAYMENTS * len(rows)
            and len(alone) <= _MOST_A_PAYMENT * len(payments)
        ):
            found.append(label)
    return found
