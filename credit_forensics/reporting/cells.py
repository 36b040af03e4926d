"""Writes the cells of the report's tables: ids, names of codes, numbers, money and times."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from markupsafe import Markup

from credit_forensics.charts.style import SEVERITIES
from credit_forensics.reporting.case_view import CaseView
from credit_forensics.reporting.elements import ELEMENTS, Code
from credit_forensics.reporting.html_tables import Row, TableColumn

_DASH = "–"
_NUMBERS = frozenset(
    {
        "count",
        "credits",
        "findings",
        "users",
        "rows",
        "rejects",
        "size",
        "start",
        "row_count",
        "payments",
    }
)
_TIMES = frozenset({"created_at", "onset", "end", "since", "until", "first_at", "last_at"})
_USERS = frozenset({"credited_user_id", "rightful_user_id", "user_id", "person_id"})
_IDS = frozenset({"payment_id", "event_id", "entry_id"})
_CODES = frozenset({"finding", "cause", "verdict", "family"})
_SHARES = frozenset({"probability", "accuracy", "coverage", "agreement", "explains_ledger"})


class Cells:
    """Columns by key, written as the view's language and mask want them.

    A key's kind is known: ``columns("payment_id", "credits")`` gives an id and a number.
    """

    def __init__(self, view: CaseView) -> None:
        self._view = view

    def columns(self, *keys: str) -> list[TableColumn]:
        """The columns of these keys, in order."""
        return [self.column(key) for key in keys]

    def column(self, key: str) -> TableColumn:
        """The column of one key; text as it stands where the key is of no known kind."""
        return TableColumn(
            key,
            self._view.language.say(f"column.{key}"),
            self._writer(key),
            number=key in _NUMBERS or key in _SHARES or key == "amount",
        )

    def _writer(self, key: str) -> Callable[[Row], str] | None:
        view, language = self._view, self._view.language
        if key == "severity":
            return self._severity
        if key == "amount":
            return self._amount
        kinds: tuple[tuple[frozenset[str], Callable[[Any], str]], ...] = (
            (_NUMBERS, lambda value: language.number(int(str(value)))),
            (_TIMES, lambda value: ELEMENTS.moment(language.time(value))),
            (_USERS, view.short_user),
            (_IDS, view.short_id),
            (_CODES, lambda value: language.name(key, value)),
            (_SHARES, lambda value: language.percent(float(str(value)))),
        )
        for keys, write in kinds:
            if key in keys:
                return _present(key, write)
        return None

    def _severity(self, row: Row) -> Markup:
        severity = str(row["severity"])
        look = severity if severity in SEVERITIES else "low"
        return ELEMENTS.badge(self._view.language.name("severity", severity), look)

    def _amount(self, row: Row) -> str:
        if row.get("amount") is None or not row.get("currency"):
            return _DASH
        return self._view.language.money(int(row["amount"]), str(row["currency"]))


def code(key: str) -> Callable[[Row], str]:
    """Writes a value in the type of ids.

    Examples
    --------
    >>> code("method")({"method": "ledger"})
    'ledger'
    """
    return lambda row: Code(_DASH if row.get(key) is None else row[key])


def _present(key: str, write: Callable[[object], str]) -> Callable[[Row], str]:
    def cell(row: Row) -> str:
        value = row.get(key)
        return _DASH if value is None or value == "" else write(value)

    return cell
