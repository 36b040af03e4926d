"""Which rows of a table of entries are other shops': brands or tenants whose payments are not here.

Several brands keep one ledger, each with a Stripe account of its own, and one account was exported.
The others' entries name payments that nobody read, and are orphans of none.
"""

from __future__ import annotations

from collections import Counter

from credit_forensics.evidence.ledgers.inference.known_values import MOST, KnownValues
from credit_forensics.evidence.ledgers.inference.samples import Field, SampledTable, stripe_ids

# Columns that say whose shop an entry is of.
_WHOSE = frozenset({"brand", "tenant", "shop", "store", "storefront", "site", "subsidiary"})
_MOST_SHOPS = 30
# Entries of a shop that name payments, none of which was read; and of one whose were.
_LEAST = 3


def other_shops(table: SampledTable, known: KnownValues) -> tuple[Field, list[str]] | None:
    """The column of shops, and those of which every named payment is one that was not read.

    Parameters
    ----------
    table
        of entries.
    known
        the paid payments that were read.
    """
    if not table.whole or len(known.paid) >= 4 * MOST:
        return None
    for field in table.columns:
        shops = {text for text in field.texts if text}
        if not field.words & _WHOSE or not 2 <= len(shops) <= _MOST_SHOPS:
            continue
        # The gap names them, and an address is a person's.
        if any("@" in one for one in shops):
            continue
        named, read = Counter[str](), Counter[str]()
        for row, shop in enumerate(field.texts):
            texts = [one.texts[row] or "" for one in table.columns]
            ids = stripe_ids(texts, "cs", "pi", "in", "ch", "py")
            if shop and ids:
                named[shop] += 1
                read[shop] += any(one in known.paid for one in ids)
        others = sorted(one for one in shops if named[one] >= _LEAST and not read[one])
        # A shop of which some payments were read is the one that was exported.
        if others and any(read[one] >= _LEAST and 2 * read[one] > named[one] for one in shops):
            return field, others
    return None
