"""Speaks a report's language: sentences, numbers, money and times.

The sentences stand in one dictionary a language (``language_en``, ``language_de``); a test holds
them to the same keys and the same places for values.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from html import escape
from typing import Any

import pandas as pd

from credit_forensics.errors import CaseError
from credit_forensics.money import money_text
from credit_forensics.reporting.language_de import SENTENCES as GERMAN
from credit_forensics.reporting.language_en import SENTENCES as ENGLISH

LANGUAGES: Mapping[str, Mapping[str, str]] = {"en": ENGLISH, "de": GERMAN}


class Code(str):
    """A value that a page sets in the type of ids."""

    __slots__ = ()


class Language:
    """One language's sentences and formats.

    Raises
    ------
    CaseError
        for a language that there is not.

    Examples
    --------
    >>> english, german = Language("en"), Language("de")
    >>> english.count("payment", 1), german.count("payment", 1200)
    ('1 payment', '1.200 Zahlungen')
    >>> german.money(123456, "eur"), english.percent(0.1234)
    ('1.234,56 EUR', '12.3 %')
    """

    def __init__(self, code: str) -> None:
        if code not in LANGUAGES:
            raise CaseError(
                f"There is no report language '{code}'; there are {', '.join(LANGUAGES)}."
            )
        self.code = code
        self._sentences = LANGUAGES[code]
        self._thousands, self._point = (".", ",") if code == "de" else (",", ".")

    def say(self, key: str, /, **values: Any) -> str:
        """A sentence as plain text."""
        return self._sentences[key].format(**values)

    def html(self, key: str, /, **values: Any) -> str:
        """A sentence as HTML: everything escaped, ``Code`` values in ``<code>``.

        Examples
        --------
        >>> Language("en").html("answer.held", credits=5, payment="x", holders=Code("<b>"))
        'The 5 of x are on <code>&lt;b&gt;</code>.'
        """
        return escape(self._sentences[key], quote=False).format(
            **{name: as_html(value) for name, value in values.items()}
        )

    def has(self, key: str) -> bool:
        """Whether there is a sentence of that key."""
        return key in self._sentences

    def name(self, group: str, value: object) -> str:
        """What a code is called, as in ``name("finding", "wrong_user")``; else the code itself."""
        text = "" if value is None or value is pd.NA else str(value)
        return self._sentences.get(f"{group}.{text}", text)

    def count(self, noun: str, number: int) -> str:
        """A number with its noun in the right form."""
        form = "one" if number == 1 else "many"
        return f"{self.number(number)} {self._sentences[f'noun.{noun}.{form}']}"

    def number(self, value: float, digits: int = 0) -> str:
        """A number with this language's separators."""
        text = f"{value:,.{digits}f}"
        return text.translate(str.maketrans(",.", self._thousands + self._point))

    def percent(self, share: float, digits: int = 1) -> str:
        """A share between 0 and 1; never rounded up to all or down to none.

        Examples
        --------
        >>> [Language("en").percent(share) for share in (0.99999, 1.0, 0.5)]
        ['> 99.9 %', '100 %', '50.0 %']
        """
        if share in (0.0, 1.0):
            return f"{share:.0%}".replace("%", " %")
        edge = 10.0 ** -(digits + 2)
        if share > 1 - edge:
            return f"> {self.number(100 - edge * 100, digits)} %"
        if share < edge:
            return f"< {self.number(edge * 100, digits)} %"
        return f"{self.number(share * 100, digits)} %"

    def money(self, minor: int, currency: str) -> str:
        """Minor units as money."""
        return money_text(minor, currency, thousands=self._thousands, point=self._point)

    def amounts(self, sums: Mapping[str, int]) -> str:
        """Sums in several currencies; a dash where there are none."""
        if not sums:
            return "–"
        return " + ".join(self.money(sums[currency], currency) for currency in sorted(sums))

    def time(self, moment: datetime | None, *, seconds: bool = False) -> str:
        """A UTC time; a dash where there is none.

        Examples
        --------
        >>> Language("de").time(datetime(2025, 9, 1, 14, 39))
        '01.09.2025 14:39 UTC'
        """
        if moment is None or pd.isna(moment):
            return "–"
        clock = "%H:%M:%S" if seconds else "%H:%M"
        return moment.strftime(
            f"%d.%m.%Y {clock} UTC" if self.code == "de" else f"%Y-%m-%d {clock} UTC"
        )

    def day(self, moment: datetime | None) -> str:
        """A date; a dash where there is none."""
        if moment is None or pd.isna(moment):
            return "–"
        return moment.strftime("%d.%m.%Y" if self.code == "de" else "%Y-%m-%d")

    def list(self, parts: list[str]) -> str:
        """Texts in a row: a, b and c."""
        if len(parts) < 2:
            return "".join(parts)
        return f"{', '.join(parts[:-1])} {self._sentences['and']} {parts[-1]}"


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def as_html(value: object) -> str:
    """A value as HTML: escaped, unless it is ``Html``; ``Code`` in ``<code>``.

    Examples
    --------
    >>> as_html("<script>"), as_html(Code("a&b")), as_html(Html("<i>"))
    ('&lt;script&gt;', '<code>a&amp;b</code>', '<i>')
    """
    if isinstance(value, Html):
        return str(value)
    text = escape(str(value), quote=True)
    return f"<code>{text}</code>" if isinstance(value, Code) else text
