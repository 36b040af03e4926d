"""Reads any usual time: a field's value, or the first time written in a line of text."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from credit_forensics.evidence.logs.lines import parse_time

_EARLIEST = 946_684_800_000_000  # 2000-01-01
_LATEST = 4_102_444_800_000_000  # 2100-01-01
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ZONES = {
    "z": 0, "utc": 0, "gmt": 0, "wet": 0, "bst": 60, "west": 60, "cet": 60, "cest": 120, "eet": 120,
    "eest": 180, "est": -300, "edt": -240, "cst": -360, "cdt": -300, "mst": -420, "mdt": -360,
    "pst": -480, "pdt": -420, "jst": 540, "ist": 330, "brt": -180,
}  # fmt: skip
_HEAD = 240

_CLOCK = r"(?P<{0}h>\d{{1,2}}):(?P<{0}i>\d\d):(?P<{0}s>\d\d)(?:[.,](?P<{0}f>\d{{1,9}}))?"
_HALF = r"(?: ?(?P<{0}p>[AaPp]\.?[Mm]\.?))?"
_ZONE = (
    r"(?: ?(?P<{0}z>Z\b|[+-]\d\d:?\d\d\b|(?:UTC|GMT|WES?T|BST|CES?T|EES?T|[ECMP][SD]T|JST|IST"
    r"|BRT)\b"
    r"(?:[+-]\d\d?(?::?\d\d)?)?))?"
)
_MONTH = (
    r"(?P<{0}b>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)(?:uary|ruary|ch|il|e|y|ust"
    r"|tember|t|ober|ember)?\.?"
)
# Each form with the letter that its groups begin with.
_FORMS = {
    # 2025-09-01T22:00:00.123Z, 2025/09/01 - 22:00:00
    "a": r"(?P<{0}y>\d{{4}})[-/.](?P<{0}m>\d\d)[-/.](?P<{0}d>\d\d)(?:[T_ ]|,? | - )"
    + _CLOCK + _HALF + _ZONE,
    # 09/01/2025, 10:00:00 PM; 01.09.2025 22:00:00
    "b": r"(?P<{0}n>\d{{1,2}})(?P<{0}x>[/.-])(?P<{0}o>\d{{1,2}})(?P=bx)(?P<{0}y>\d{{4}}),?[ T]+"
    + _CLOCK + _HALF + _ZONE,
    # 01/Sep/2025:22:00:00 +0000; 01 Sep 2025 22:00:00 GMT
    "c": r"(?P<{0}d>\d{{1,2}})[/ -]" + _MONTH + r"[/ -](?P<{0}y>\d{{4}}),?[: ]" + _CLOCK + _ZONE,
    # Sep 1, 2025 @ 22:00:00.123; Sep 01 22:00:00; Mon Sep 01 22:00:00.123 2025
    "e": _MONTH + r" {{1,2}}(?P<{0}d>\d{{1,2}})(?:,? (?P<{0}y>\d{{4}}))?,?(?: @| at)? "
    + _CLOCK + _HALF + r"(?: (?P<{0}w>20\d\d)\b)?" + _ZONE,
    # I0901 22:00:00.123456
    "g": r"^[IWEF](?P<{0}m>\d\d)(?P<{0}d>\d\d) " + _CLOCK,
    # 1756764000.123, 1756764000123
    "k": r"^\[?(?P<{0}t>1\d{{9}}(?:\d{{3}}|\d{{6}}|\d{{9}})?(?:\.\d{{1,9}})?)\b",
}  # fmt: skip
_WRITTEN = re.compile(
    r"(?<![\d.])(?:" + "|".join(f"(?P<{k}>{form.format(k)})" for k, form in _FORMS.items()) + ")"
)


@dataclass
class TimeReader:
    """Reads times; ``near`` (microseconds) settles the year of those that have none.

    ``yearless`` counts times without a year, ``unsettled`` those of them that nothing settled.
    """

    near: int | None = None
    yearless: int = 0
    unsettled: int = 0

    def value(self, value: object) -> int | None:
        """A field's value as microseconds since 1970; None when it is no time of this century.

        Examples
        --------
        >>> reader = TimeReader()
        >>> [reader.value(v) for v in (1756764000, "1756764000000", 1756764000.5)]
        [1756764000000000, 1756764000000000, 1756764000500000]
        >>> [reader.value(v) for v in ("2025-09-01T22:00:00Z", 8640000000000000000000, True, "x")]
        [1756764000000000, None, None, None]
        """
        if isinstance(value, bool):
            return None
        if isinstance(value, (int, float)):
            return epoch(value)
        if not isinstance(value, str) or not 6 <= len(value) <= 60:
            return None
        text = value.strip()
        if text.replace(".", "", 1).isdigit():
            return epoch(int(text) if text.isdigit() else float(text))
        parsed = parse_time(text)
        if parsed is not None:
            return parsed if _EARLIEST <= parsed < _LATEST else None
        found = self.find(text)
        return found[0] if found and found[1] <= 6 else None

    def find(self, text: str) -> tuple[int | None, int, int] | None:
        """The first time written in the head of a line: its moment, and where it stands.

        The moment is None where the year is missing and nothing settles it.

        Examples
        --------
        >>> TimeReader().find("[Nest] 1  - 09/01/2025, 10:00:00 PM   LOG")
        (1756764000000000, 12, 35)
        >>> TimeReader(near=1756764000000000).find("Sep  1 22:00:00 web1 node[1]: x")
        (1756764000000000, 0, 15)
        >>> TimeReader().find("Sep  1 22:00:00 web1 node[1]: x")
        (None, 0, 15)
        """
        match = _WRITTEN.search(text, 0, _HEAD)
        if match is None:
            return None
        try:
            return self._moment(match), match.start(), match.end()
        except (ValueError, OverflowError):
            return None

    def _moment(self, match: re.Match[str]) -> int | None:
        letter = next(key for key in _FORMS if match[key] is not None)
        part = {k[1]: v for k, v in match.groupdict().items() if k[0] == letter and k[1:]}
        if letter == "k":
            return self.value(part["t"])
        year = part.get("y") or part.get("w")
        if letter == "b":
            month, day = _month_and_day(int(part["n"]), int(part["o"]), part["x"], part["p"])
        elif part.get("b"):
            month, day = _MONTHS.index(part["b"].lower()) + 1, int(part["d"])
        else:
            month, day = int(part["m"]), int(part["d"])
        hour = int(part["h"])
        if half := part.get("p"):
            hour = hour % 12 + (12 if half[0] in "Pp" else 0)
        micro = int((part.get("f") or "0").ljust(6, "0")[:6])
        clock = (hour, int(part["i"]), int(part["s"]), micro)
        zone = timedelta(minutes=_offset(part.get("z")))
        if year:
            moment = datetime(int(year), month, day, *clock, tzinfo=UTC) - zone
            return _plausible((moment - _EPOCH) // timedelta(microseconds=1))
        self.yearless += 1
        if self.near is None:
            self.unsettled += 1
            return None
        return _nearest(self.near, month, day, clock, zone)


def epoch(value: float) -> int | None:
    """Seconds, milliseconds, microseconds or nanoseconds since 1970, told by their size.

    Examples
    --------
    >>> [epoch(1756764000 * 10**power) for power in (0, 3, 6, 9)] == [1756764000000000] * 4
    True
    """
    if isinstance(value, float) and not math.isfinite(value):
        return None
    for limit, scale in ((10**11, 10**6), (10**14, 10**3), (10**17, 1)):
        if value < limit:
            return _plausible(int(value * scale))
    return _plausible(int(value // 1000)) if value < 10**20 else None


def _plausible(moment: int) -> int | None:
    return moment if _EARLIEST <= moment < _LATEST else None


def _month_and_day(first: int, second: int, mark: str, half: str | None) -> tuple[int, int]:
    """The day first with dots and 24 hours; the month first with AM and PM, as in English."""
    if first > 12 or second > 12:
        return (second, first) if first > 12 else (first, second)
    return (first, second) if half and mark == "/" else (second, first)


def _offset(zone: str | None) -> int:
    """Minutes east of UTC."""
    if not zone:
        return 0
    name = re.match(r"[A-Za-z]*", zone)
    minutes = _ZONES.get(name[0].lower(), 0) if name and name[0] else 0
    digits = re.search(r"([+-])(\d\d?):?(\d\d)?", zone)
    if digits:
        east = int(digits[2]) * 60 + int(digits[3] or 0)
        minutes += east if digits[1] == "+" else -east
    return minutes


def _nearest(
    near: int, month: int, day: int, clock: tuple[int, int, int, int], zone: timedelta
) -> int | None:
    """The year that puts a time closest to what is known of the case."""
    around = (_EPOCH + timedelta(microseconds=near)).year
    found: list[int] = []
    for year in (around - 1, around, around + 1):
        try:
            moment = datetime(year, month, day, *clock, tzinfo=UTC) - zone
        except ValueError:
            continue
        found.append((moment - _EPOCH) // timedelta(microseconds=1))
    return min(found, key=lambda moment: abs(moment - near), default=None)
