"""Which kinds of entries add or take credits by the payments they name, where no word says it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from credit_forensics.evidence.ledgers.inference.known_values import KnownValues
from credit_forensics.evidence.ledgers.inference.samples import Field, SampledTable, stripe_ids
from credit_forensics.evidence.ledgers.inference.words import words

# So many of a kind's entries must name a paid payment that no other kind names.
BOOKS_PAYMENTS = 0.9
# A payment is booked once, or twice by mistake; what draws from it names it again and again.
_MOST_A_PAYMENT = 1.5
_LEAST = 2
_RETURNS = frozenset({"refund", "refunded", "reversal", "reversed", "returned", "dispute", "void"})


def kinds_that_book_payments(
    table: SampledTable, kind: Field, labels: Collection[str], known: KnownValues
) -> list[str]:
    """Those of some kinds whose entries are each the booking of a payment that kept its money.

    Of a kind one entry will do where entries of kinds that are known name their payments: nothing
    else books its payment then, so there is nothing to take.

    Parameters
    ----------
    labels
        kinds of which neither words nor balances say whether they add credits.
    known
        the payments that are paid, and those of which money went back, which count for nothing.
    """
    named = payments_of_rows(table, known)
    kinds_of: dict[str, set[str]] = {}
    for label, payments in zip(kind.texts, named, strict=True):
        for payment in payments:
            kinds_of.setdefault(payment, set()).add(label or "")
    settled = sum(1 for kinds in kinds_of.values() if kinds - set(labels))
    least = 1 if settled >= _LEAST else _LEAST
    found = []
    for label in labels:
        rows = [p for text, p in zip(kind.texts, named, strict=True) if (text or "") == label]
        rows = [payments for payments in rows if not payments & known.returned]
        alone = [p for p in rows if len(p) == 1 and all(len(kinds_of[one]) == 1 for one in p)]
        payments = set().union(*alone)
        if (
            len(payments) >= least
            and len(alone) >= BOOKS_PAYMENTS * len(rows)
            and len(alone) <= _MOST_A_PAYMENT * len(payments)
        ):
            found.append(label)
    return found


def kinds_that_return_payments(
    table: SampledTable, kind: Field, signs: Mapping[str, int], known: KnownValues
) -> list[str]:
    """Kinds of refunds, as yet open, that take back what another kind gave for a payment.

    A refund that names no payment may as well give back credits that were used in vain.

    Parameters
    ----------
    signs
        1, -1, or 0 where it is open, of each kind.
    """
    named = payments_of_rows(table, known)
    given = {
        payment
        for label, payments in zip(kind.texts, named, strict=True)
        for payment in payments
        if signs.get(label or "") == 1
    }
    found = []
    for label, sign in signs.items():
        rows = [p for text, p in zip(kind.texts, named, strict=True) if (text or "") == label]
        if sign == 0 and set(words(label)) & _RETURNS and rows and all(p & given for p in rows):
            found.append(label)
    return found


def payments_of_rows(table: SampledTable, known: KnownValues) -> list[set[str]]:
    """The paid payments that each row names, by whichever of their objects."""
    return [
        {
            known.paid[one]
            for field in table.columns
            for one in stripe_ids([field.texts[row] or ""], "cs", "pi", "in", "ch", "py")
            if one in known.paid
        }
        for row in range(table.rows)
    ]
