"""Finds payments and accounts by what is at hand: an id, an e-mail, an amount, a day."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import date
from functools import reduce
from operator import or_

from credit_forensics.case.shown_emails import ShownEmails
from credit_forensics.money import DECIMALS, minor_units
from credit_forensics.reporting.case_view import CaseView
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

_DAYS = (re.compile(r"(\d{4})-(\d\d)-(\d\d)"), re.compile(r"(\d\d?)\.(\d\d?)\.(\d{4})"))


class Finder:
    """Searches one case.

    Parameters
    ----------
    view
        the case, and what is shown of it.
    """

    def __init__(self, view: CaseView) -> None:
        self._view = view
        view.case.verdicts  # noqa: B018  # searched on the engine
        self._emails = ShownEmails(view.case, view.case.masked())

    def payments(
        self,
        words: Sequence[str],
        said: Sequence[Collection[str]],
        *,
        most: int | None = None,
        among: Collection[str] | None = None,
    ) -> list[str]:
        """Payments that each word fits, in order of their ids.

        Parameters
        ----------
        words
            parts of an id of the payment, its events, entries, customer or accounts; an e-mail,
            as it is or as it is shown; an amount; a day.
        said
            for each word, payments that it fits for another reason.
        most
            at most so many.
        among
            only of these.
        """
        payments = Tables().payments
        rows = payments if among is None else payments.filter(payments.payment_id.isin(_ids(among)))
        for word, more in zip(words, said, strict=True):
            rows = rows.filter(self._fits(rows, word) | rows.payment_id.isin(_ids(more)))
        return self._of(rows.select(id=rows.payment_id), most)

    def accounts(
        self,
        words: Sequence[str],
        *,
        most: int | None = None,
        among: Collection[str] | None = None,
    ) -> list[str]:
        """Accounts that each word fits: part of the id, the e-mail, or a payment's id of theirs."""
        tables = Tables()
        users = tables.users.select("user_id", "email_key")
        ids = users.select("user_id").union(tables.ledger.select("user_id"), distinct=True)
        rows = ids.filter(ids.user_id.notnull()).left_join(users, "user_id")
        rows = rows.select("user_id", "email_key")
        if among is not None:
            rows = rows.filter(rows.user_id.isin(_ids(among)))
        for word in words:
            rows = rows.filter(self._is_of(rows, word))
        return self._of(rows.select(id=rows.user_id).distinct(), most)

    def _of(self, rows: ir.Table, most: int | None) -> list[str]:
        found = self._view.query(rows.order_by("id").limit(most))
        return [str(value) for value in found["id"]]

    def _fits(self, payments: ir.Table, word: str) -> ir.BooleanValue:
        tables, folded = Tables(), word.casefold()
        own = [payments.payment_id, payments.customer_id, payments.card_fingerprint]
        fits = [_holds(column, folded) for column in own]
        for table, column in (
            (tables.payment_objects, "object_id"),
            (tables.events, "event_id"),
            (tables.ledger, "entry_id"),
            (tables.ledger, "user_id"),
            (tables.verdicts, "rightful_user_id"),
        ):
            named = table.filter(_holds(table[column], folded) & table.payment_id.notnull())
            fits.append(payments.payment_id.isin(named.payment_id))
        if emails := self._emails.meant(word):
            fits.append(payments.payer_email_key.isin(emails))
        if (day := _day(word)) is not None:
            fits.append(payments.created_at.date() == ibis.literal(day))
        fits += _costs(payments, word)
        return reduce(or_, fits)

    def _is_of(self, rows: ir.Table, word: str) -> ir.BooleanValue:
        tables, folded = Tables(), word.casefold()
        ledger = tables.ledger.filter(_holds(tables.ledger.payment_id, folded))
        fits = _holds(rows.user_id, folded) | rows.user_id.isin(ledger.user_id)
        emails = self._emails.meant(word)
        return fits | rows.email_key.isin(emails) if emails else fits


def _ids(values: Collection[str]) -> list[str]:
    """Of no values there is one that no id has, since an empty list has no type."""
    return list(values) or [""]


def _holds(column: ir.Value, folded: str) -> ir.BooleanValue:
    return column.cast("string").lower().contains(folded).fill_null(False)


def _costs(payments: ir.Table, word: str) -> list[ir.BooleanValue]:
    """Payments of an amount, as it is written in each currency's own units."""
    fits = []
    for places in (None, *set(DECIMALS.values())):
        codes = [code for code, own in DECIMALS.items() if own == places]
        amount = minor_units(word, codes[0] if codes else "eur")
        if amount is not None:
            known = payments.currency.isin(codes or list(DECIMALS))
            fits.append((payments.amount == amount) & (known if codes else ~known))
    return fits


def _day(word: str) -> date | None:
    for pattern in _DAYS:
        if match := pattern.fullmatch(word):
            year, month, day = map(int, match.groups())
            if pattern is _DAYS[1]:
                year, day = day, year
            try:
                return date(year, month, day)
            except ValueError:
                return None
    return None
