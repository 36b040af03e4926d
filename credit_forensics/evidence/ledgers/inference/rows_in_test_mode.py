"""Which rows of a table of entries are of test mode, or of a staging shop, by a column of theirs.

A shop that keeps what was tried beside what was sold marks it. Nobody can spend the credits of such
rows, so a payment of test mode that they name was not booked among the live ones.
"""

from __future__ import annotations

from collections.abc import Sequence

from credit_forensics.databases.read_only import ReadOnlyDatabase
from credit_forensics.databases.relations import quote_text
from credit_forensics.evidence.ledgers.inference.by_balances import Balances, come_out_without
from credit_forensics.evidence.ledgers.inference.given_back import is_one_of
from credit_forensics.evidence.ledgers.inference.known_values import KnownValues
from credit_forensics.evidence.ledgers.inference.probes import as_text
from credit_forensics.evidence.ledgers.inference.samples import (
    Field,
    SampledTable,
    sample,
    stripe_ids,
)
from credit_forensics.evidence.ledgers.inference.unsettled import Unsettled

_NO, _YES = frozenset({"false", "f", "0", "no", "n"}), frozenset({"true", "t", "1", "yes", "y"})
_TEST = frozenset({"test", "testing", "testmode", "test_mode", "sandbox", "staging", "dev"})
_TEST |= {"development", "preview"}
_LIVE = frozenset({"live", "livemode", "live_mode", "prod", "production"})
# By the column's name: the values of test mode, and those of the live one.
_COLUMNS = (
    dict.fromkeys(("livemode", "live_mode", "is_live", "live"), (_NO | _TEST, _YES | _LIVE))
    | dict.fromkeys(("test", "is_test", "sandbox", "is_sandbox"), (_YES | _TEST, _NO | _LIVE))
    | dict.fromkeys(("testmode", "test_mode", "is_test_mode"), (_YES | _TEST, _NO | _LIVE))
    | dict.fromkeys(("mode", "stripe_mode", "env", "environment"), (_TEST, _LIVE))
)


def rows_in_test_mode(
    table: SampledTable, known: KnownValues, database: ReadOnlyDatabase | None = None
) -> tuple[Field, list[str]] | None:
    """The column that marks entries of test mode, and its values that do.

    None where no entry is live, where none so marked names a payment, and where one names a payment
    that is live: then the column means something else, or nobody kept it.

    Parameters
    ----------
    table
        of entries.
    known
        the paid payments that were read, and which of them are of test mode.
    database
        is asked for rows of test mode where the table is larger than its sample.

    Examples
    --------
    >>> fields = (Field("livemode", "boolean", ("true", "false")),
    ...     Field("session", "text", ("cs_live_1", "cs_test_2")))
    >>> table = SampledTable(None, fields, 2, True)
    >>> rows_in_test_mode(table, KnownValues(paid={"cs_live_1": "pi_1"}))[1]
    ['false']
    """
    for field in table.fields:
        testing, living = _COLUMNS.get("_".join(field.words_in_order), ((), ()))
        if not any(value.lower() in living for value in field.values):
            continue
        marked = table
        if not table.whole and database is not None:
            listed = ", ".join(quote_text(value, database.dialect) for value in sorted(testing))
            text = as_text(database, field.sql(database, "t"))
            marked = sample(database, table.relation, f"lower({text}) IN ({listed})") or table
        texts = next((one.texts for one in marked.fields if one.name == field.name), ())
        rows = [n for n, value in enumerate(texts) if value and value.lower() in testing]
        if _name_payments_of_test_mode(marked, rows, known):
            return field, sorted({texts[row] or "" for row in rows})
    return None


def _name_payments_of_test_mode(
    table: SampledTable, rows: Sequence[int], known: KnownValues
) -> bool:
    texts = [one.texts[row] or "" for row in rows for one in table.columns]
    ids = stripe_ids(texts, "cs", "pi", "in", "ch", "py")
    live = any(one in known.paid and one not in known.tests for one in ids)
    return bool(ids) and not live


def without_test_mode(
    unsettled: Unsettled, balances: Balances, known: KnownValues
) -> tuple[str, str] | None:
    """SQL of the rows that are not of test mode, and the sentence that says what was left out.

    None where no column tells, and where the stored balances come out better with those rows:
    what may be spent was granted in earnest.
    """
    found = rows_in_test_mode(unsettled.entries.table, known, unsettled.database)
    if found is None or found[0] == unsettled.owner.field:
        return None
    field, tests = found
    marked = is_one_of(unsettled.database, field, tests)
    if balances and not come_out_without(unsettled, balances, marked):
        return None
    said = (
        f"entries of {field.name} {', '.join(tests)} are of test mode, and are not read; "
        "[ledger.entries] where says it otherwise."
    )
    return f"NOT {marked}", said
