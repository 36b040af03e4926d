"""Gives a finding's rows the columns of the table ``findings``, in order and with their types."""

from __future__ import annotations

from functools import reduce
from operator import add
from string import Formatter
from typing import TypeAlias

from credit_forensics.money import DECIMALS
from credit_forensics.tables.catalogue import spec
from credit_forensics.tables.expressions import ibis, ir

Value: TypeAlias = "ir.Value | str | int | float | None"


def finding_rows(
    rows: ir.Table, name: str, severity: str, same: str = "", **columns: Value
) -> ir.Table:
    """The rows of one finding in exactly the columns of ``findings``.

    Parameters
    ----------
    rows
        one row a finding, with whatever columns the values are made of.
    name, severity
        the finding's name and severity.
    same
        names of columns that are in ``rows`` as they are to be, with blanks between.
    columns
        value of each other column by its name; what is not given is empty.

    Raises
    ------
    TypeError
        for a column that the table does not have.

    Examples
    --------
    >>> users = ibis.table({"user_id": "string", "event_id": "string"}, name="users")
    >>> own = {"credited_user_id": users.user_id}
    >>> found = finding_rows(users, "unknown_user", "high", "event_id", **own)
    >>> found.columns[:4]
    ('payment_id', 'event_id', 'finding', 'cause')
    """
    given: dict[str, Value] = {name: rows[name] for name in same.split()}
    given |= {"finding": name, "severity": severity, **columns}
    schema = spec("findings").ibis_schema
    unknown = sorted(set(given) - set(schema))
    if unknown:
        raise TypeError(f"findings have no column {', '.join(unknown)}")
    # A cast also of what has the type already: engines widen sums and literals each in its way.
    return rows.select(
        **{
            column: ibis.null(kind)
            if given.get(column) is None
            else _value(given[column]).cast(kind)
            for column, kind in schema.items()
        }
    )


def sentence(text: str, rows: ir.Table | None = None, /, **values: Value) -> ir.StringValue:
    """A text whose ``{name}`` stand for given values, else for columns of ``rows``.

    An empty value reads "(none)". Only strings and integers: engines print floats and times each
    in its own way, and findings must be the same bytes on every engine.

    Raises
    ------
    KeyError
        for a name that nothing is given for.

    Examples
    --------
    >>> ledger = ibis.table({"delta": "int64"}, name="ledger")
    >>> sentence("{delta} credits of {who}", ledger, who="ada").type()
    String(length=None, nullable=True)
    """
    parts: list[ir.StringValue] = []
    for literal, name, *_ in Formatter().parse(text):
        if literal:
            parts.append(ibis.literal(literal).cast("string"))
        if name is None:
            continue
        if name in values:
            value = values[name]
        elif rows is not None:
            value = rows[name]
        else:
            raise KeyError(f"nothing is given for {name!r}")
        piece = _value(value).cast("string")
        if isinstance(value, ir.Value):
            piece = ibis.coalesce(piece, ibis.literal("(none)"))
        parts.append(piece)
    return reduce(add, parts)


def counted(number: ir.Value, singular: str, plural: str) -> ir.StringValue:
    """A number with its noun: "1 payment", "2 payments".

    Examples
    --------
    >>> ledger = ibis.table({"delta": "int64"}, name="ledger")
    >>> counted(ledger.delta, "credit", "credits").type()
    String(length=None, nullable=True)
    """
    noun = ibis.ifelse(number == 1, f" {singular}", f" {plural}")
    return sentence("{number}{noun}", number=number, noun=noun)


def shown_money(amount: ir.IntegerValue, currency: ir.StringValue) -> ir.StringValue:
    """An amount in minor units as a person writes it, exact: "19.99 EUR", "700 JPY".

    By ``money.DECIMALS``. In integers, since engines print fractions each in its way. Empty where
    the amount is; without a currency it says so.

    Examples
    --------
    >>> payments = ibis.table({"amount": "int64", "currency": "string"}, name="payments")
    >>> shown_money(payments.amount, payments.currency).type()
    String(length=None, nullable=True)
    """
    code = currency.lower()
    size = amount.abs()
    shown = {2: _with_point(size, 2)}
    shown |= {places: _with_point(size, places) for places in set(DECIMALS.values())}
    digits = ibis.cases(
        *(
            (code.isin(sorted(of for of, its in DECIMALS.items() if its == places)), text)
            for places, text in sorted(shown.items())
            if places != 2
        ),
        else_=shown[2],
    )
    known = sentence("{digits} {code}", digits=digits, code=currency.upper())
    unknown = sentence("{size} minor units of an unknown currency", size=size)
    sign = ibis.ifelse(amount < 0, "-", "")
    return sign + ibis.ifelse(currency.isnull() | (currency == ""), unknown, known)


def _with_point(size: ir.IntegerValue, places: int) -> ir.StringValue:
    if not places:
        return size.cast("string")
    unit = 10**places
    part = ibis.literal("0" * places) + (size % unit).cast("string")
    whole = ((size - size % unit) / unit).floor().cast("int64")
    return whole.cast("string") + "." + part.right(places)


def _value(value: Value) -> ir.Value:
    return value if isinstance(value, ir.Value) else ibis.literal(value)
