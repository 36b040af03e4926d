"""Speaks a report's language: sentences, numbers, money and times.

The sentences stand in one dictionary a language (``language_en``, ``language_de``), those of a
finding or method in its own file; a test holds all to the same keys and places for values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from markupsafe import Markup, escape

from credit_forensics.charts.wording import percent_text
from credit_forensics.coverage.judged import SUBJECTS, WHY
from credit_forensics.errors import CaseError
from credit_forensics.findings.catalogue import FINDINGS
from credit_forensics.money import money_text
from credit_forensics.reporting.language_de import SENTENCES as GERMAN
from credit_forensics.reporting.language_en import SENTENCES as ENGLISH
from credit_forensics.resolution.methods import METHODS


def _carried(german: bool) -> dict[str, str]:
    """The sentences that findings, methods and coverage carry themselves."""
    sentences = {}
    for finding in FINDINGS:
        words = finding.de if german else finding.en
        if words is not None:
            sentences[f"finding.{finding.name}"] = words.name
            sentences[f"sentence.{finding.name}"] = words.sentence
            sentences |= {f"cause.{cause}": text for cause, text in words.causes.items()}
    for method in METHODS:
        sentences[f"method.{method.name}"] = method.reads_de if german else method.reads
        if method.family_words is not None:
            sentences[f"family.{method.family}"] = method.family_words[german]
    for reason, both in WHY.items():
        sentences[f"unjudged.{reason}"] = both[german]
    for subject, both in SUBJECTS.items():
        sentences[f"judged.{subject}"] = both[german]
    return sentences


LANGUAGES: Mapping[str, Mapping[str, str]] = {
    "en": {**ENGLISH, **_carried(german=False)},
    "de": {**GERMAN, **_carried(german=True)},
}


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

    def html(self, key: str, /, **values: Any) -> Markup:
        """A sentence as HTML: everything escaped but ``Markup``, ``Code`` values set as code.

        Examples
        --------
        >>> Language("en").html("answer.held", credits=5, payment="x", holders="<b>")
        Markup('The 5 of x are on &lt;b&gt;.')
        """
        return escape(self._sentences[key]).format(**values)

    def has(self, key: str) -> bool:
        """Whether there is a sentence of that key."""
        return key in self._sentences

    def name(self, group: str, value: object) -> str:
        """What a code is called, as in ``name("finding", "wrong_user")``; else the code itself."""
        text = "" if value is None or _absent(value) else str(value)
        return self._sentences.get(f"{group}.{text}", text)

    def count(self, noun: str, number: int) -> str:
        """A number with its noun in the right form."""
        one, many = self._sentences[f"noun.{noun}"].split(" | ")
        return f"{self.number(number)} {one if number == 1 else many}"

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
        return percent_text(self.code, share, digits)

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
        if moment is None or _absent(moment):
            return "–"
        clock = "%H:%M:%S" if seconds else "%H:%M"
        return moment.strftime(
            f"%d.%m.%Y {clock} UTC" if self.code == "de" else f"%Y-%m-%d {clock} UTC"
        )

    def day(self, moment: datetime | None) -> str:
        """A date; a dash where there is none."""
        if moment is None or _absent(moment):
            return "–"
        return moment.strftime("%d.%m.%Y" if self.code == "de" else "%Y-%m-%d")

    def list(self, parts: list[str]) -> str:
        """Texts in a row: a, b and c."""
        if len(parts) < 2:
            return "".join(parts)
        return f"{', '.join(parts[:-1])} {self._sentences['and']} {parts[-1]}"

    def html_list(self, parts: Iterable[str]) -> Markup:
        """The same as HTML.

        Examples
        --------
        >>> Language("en").html_list(["<b>", Markup("&amp;")])
        Markup('&lt;b&gt; and &amp;')
        """
        # Joined as places for the parts, so that each is escaped as what it is.
        places = [escape(part) for part in parts]
        return escape(self.list(["{}"] * len(places))).format(*places)


def _absent(value: object) -> bool:
    """Whether it is pandas' NA or NaT, told without loading pandas."""
    return str(value) in ("<NA>", "NaT")
