"""How the amount of an entry becomes credits with a sign, and which rows count at all."""

from __future__ import annotations

from dataclasses import dataclass, field

from credit_forensics.databases.read_only import ReadOnlyDatabase
from credit_forensics.databases.relations import quote_text
from credit_forensics.evidence.ledgers.inference.probes import as_text
from credit_forensics.evidence.ledgers.inference.samples import Field
from credit_forensics.evidence.ledgers.inference.table_roles import EntriesTable

_TEXTS = ("text", "char", "varchar", "character", "string")


@dataclass
class Movements:
    """The settled amount: ``taking`` are types with a minus, ``where`` SQL of the rows that count.

    ``adds_only`` says that nothing takes credits, ``agrees`` is the part of the accounts whose
    stored balance is the sum of their entries, ``given_back`` SQL of the rows that are purchases
    and their refunds in one, ``left_out`` which rows are not read, as the problem and the sentence
    of a gap.
    """

    amount: str
    type: Field | None
    taking: tuple[str, ...] = ()
    where: str = ""
    agrees: float | None = None
    adds_only: bool = False
    notes: list[str] = field(default_factory=list)
    signs: dict[str, int] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    given_back: str = ""
    left_out: list[tuple[str, str]] = field(default_factory=list)

    def type_sql(self, database: ReadOnlyDatabase) -> str:
        """The type's column, its numbers by their labels where those are known."""
        assert self.type is not None
        sql = self.type.sql(database, "e")
        if not self.labels:
            return sql
        whens = " ".join(
            f"WHEN {quote_text(number, database.dialect)} "
            f"THEN {quote_text(label, database.dialect)}"
            for number, label in sorted(self.labels.items())
        )
        return f"CASE {as_text(database, sql)} {whens} END"

    def signed(self, database: ReadOnlyDatabase) -> str:
        """The amount with its sign, in the database's SQL."""
        if not self.taking or self.type is None:
            return self.amount
        listed = ", ".join(quote_text(label, database.dialect) for label in self.taking)
        label = as_text(database, self.type.sql(database, "e"))
        return f"CASE WHEN {label} IN ({listed}) THEN -({self.amount}) ELSE {self.amount} END"


def amount_sql(database: ReadOnlyDatabase, entries: EntriesTable, alias: str) -> str:
    """The amount as it stands, or credit less debit."""
    if entries.amount is not None:
        return number_sql(database, entries.amount, alias)
    assert entries.credit is not None and entries.debit is not None
    given, taken = (number_sql(database, f, alias) for f in (entries.credit, entries.debit))
    return f"(coalesce({given}, 0) - coalesce({taken}, 0))"


def number_sql(database: ReadOnlyDatabase, field: Field, alias: str) -> str:
    """A column of numbers, also where its type is text."""
    sql = field.sql(database, alias)
    if database.dialect == "sqlite":
        return f"({sql} + 0)" if field.path or field.type.startswith(_TEXTS) else sql
    typed = field.path or field.type.startswith(_TEXTS)
    return f"nullif(trim({sql}), '')::numeric" if typed else sql
