"""What the balance that stands beside each entry says of whether its amount came or went."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from decimal import Decimal

from credit_forensics.evidence.ledgers.inference.column_roles import is_number, time_of
from credit_forensics.evidence.ledgers.inference.samples import Field, SampledTable

_RUNNING = frozenset({"after", "balance", "running", "remaining", "resulting"})


def running_balance_falls(table: SampledTable, owner: Field, amount: Field) -> bool:
    """Whether the balance after an entry is below the one before it, of any account.

    By that a table says that an amount without a sign took credits.
    """
    return any(
        after < before
        for field in _running_balances(table, amount)
        for _, before, after in _steps(table, owner, field)
        if before is not None
    )


def signs_by_running_balance(
    table: SampledTable, owner: Field, amount: Field, kind: Field, labels: Collection[str]
) -> dict[str, int]:
    """1 or -1 of each kind whose every entry moves the balance beside it by the whole amount.

    Parameters
    ----------
    labels
        kinds of which no word says whether they add credits.

    Examples
    --------
    >>> from credit_forensics.databases.relations import Relation
    >>> columns = {"id": "1234", "user": "abaa", "type": ("buy", "buy", "manual", "fix"),
    ...     "amount": ("10", "20", "5", "1"), "balance_after": ("10", "20", "15", "99")}
    >>> fields = tuple(Field(name, "text", tuple(texts)) for name, texts in columns.items())
    >>> table = SampledTable(Relation("", "log"), fields, 4, True)
    >>> _, user, kind, amount, _ = fields
    >>> signs_by_running_balance(table, user, amount, kind, ["manual", "fix"])
    {'manual': 1}
    """
    found: dict[str, int] = {}
    for field in _running_balances(table, amount):
        seen: dict[str, set[int]] = {label: set() for label in labels}
        for row, before, after in _steps(table, owner, field):
            label, moved = kind.texts[row] or "", amount.texts[row]
            if label not in seen or not moved:
                continue
            change = after - (before or Decimal(0))
            size = abs(Decimal(moved))
            seen[label].add(0 if abs(change) != size else 1 if change > 0 else -1)
        found |= {label: min(signs) for label, signs in seen.items() if signs in ({1}, {-1})}
    return found


def _running_balances(table: SampledTable, amount: Field) -> Iterator[Field]:
    for field in table.columns:
        own = field.words
        if not own & _RUNNING or own & {"before", "previous", "id"} or field == amount:
            continue
        if is_number(field) and len(field.values) > 1:
            yield field


def _steps(
    table: SampledTable, owner: Field, field: Field
) -> Iterator[tuple[int, Decimal | None, Decimal]]:
    """Each entry's row, with its account's balance before it and after."""
    time = time_of(table)
    order = time.texts if time else tuple(str(n) for n in range(len(field.texts)))
    last: dict[str, Decimal] = {}
    rows = zip(order, owner.texts, field.texts, range(len(field.texts)), strict=True)
    for _, whose, text, row in sorted(rows, key=lambda one: (repr(one[0]), one[3])):
        if whose is None or not text:
            continue
        after = Decimal(text)
        yield row, last.get(whose), after
        last[whose] = after
