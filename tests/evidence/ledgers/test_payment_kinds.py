"""A kind of entries that no word explains adds credits where its entries book paid payments."""

from __future__ import annotations

import pytest

from credit_forensics.databases.relations import Relation
from credit_forensics.evidence.ledgers.inference.known_values import KnownValues
from credit_forensics.evidence.ledgers.inference.payment_kinds import kinds_that_book_payments
from credit_forensics.evidence.ledgers.inference.samples import Field, SampledTable

KNOWN = KnownValues(
    paid={f"cs_{n}": f"pi_{n}" for n in range(20)} | {f"pi_{n}": f"pi_{n}" for n in range(20)},
    returned=frozenset({"pi_18", "pi_19"}),
)
EVERY = [("commande", f"cs_{n}") for n in range(10)]


def booking(rows: list[tuple[str, str | None]], known: frozenset[str] = frozenset()) -> list[str]:
    kinds, names = zip(*rows, strict=True)
    fields = (Field("libelle", "text", kinds), Field("ref", "text", names))
    table = SampledTable(Relation(None, "mouvements", {}), fields, len(rows), whole=True)
    return kinds_that_book_payments(table, fields[0], sorted(set(kinds) - known), KNOWN)


@pytest.mark.parametrize(
    ("rows", "books"),
    [
        (EVERY, True),
        # Nine of ten, and eight of nine.
        ([*EVERY[:9], ("commande", None)], True),
        ([*EVERY[:8], ("commande", None)], False),
        # Once by mistake twice; what draws from a payment names it again and again.
        ([*EVERY, *EVERY[:5]], True),
        ([*EVERY, *EVERY[:6]], False),
        # One payment alone is too few.
        (EVERY[:2], True),
        (EVERY[:1], False),
        # A payment that was never paid, or whose money went back, books nothing.
        ([("commande", f"cs_open{n}") for n in range(10)], False),
        ([("commande", "cs_18"), ("commande", "cs_19")], False),
        ([*EVERY, ("commande", "cs_18"), ("commande", "cs_19")], True),
    ],
)
def test_what_books_paid_payments_adds_credits(
    rows: list[tuple[str, str | None]], books: bool
) -> None:
    assert booking(rows) == (["commande"] if books else [])


def test_two_kinds_that_name_the_same_payment_are_asked_about() -> None:
    """One may take back what the other gave, by whichever of its objects it names the payment."""
    other = [("autre", f"pi_{n}") for n in range(10)]
    assert booking([*EVERY, *other]) == []
    assert booking([*EVERY, *[("autre", f"pi_{n}") for n in range(10, 15)]]) == [
        "autre", "commande",
    ]  # fmt: skip


@pytest.mark.parametrize(("purchases", "books"), [(2, True), (1, False)])
def test_one_entry_will_do_where_others_name_their_payments(purchases: int, books: bool) -> None:
    bought = [("achat", f"cs_{n}") for n in range(purchases)]
    found = booking([*bought, ("manuel", "cs_9")], frozenset({"achat"}))
    assert found == (["manuel"] if books else [])
