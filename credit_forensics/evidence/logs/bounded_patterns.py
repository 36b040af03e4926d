"""Searches with a case file's own regular expressions in a time that grows with the text alone.

RE2 does the work, for a whole chunk at once; it knows no way to take long. What it does not know
(look-ahead, look-behind, back references) is refused where the pattern is compiled.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from credit_forensics.errors import CaseError

# What Python takes as a word or a digit beyond ASCII, for RE2: inside brackets and outside.
_CLASSES = {"w": r"\pL\pM\pN_", "d": r"\p{Nd}"}
_NEGATED = {"W": r"[^\pL\pM\pN_]", "D": r"\P{Nd}"}


@dataclass(frozen=True)
class BoundedPattern:
    """A pattern as the case file has it, and as RE2 reads it."""

    source: str
    pattern: str
    groups: tuple[str, ...]

    def search(self, texts: list[str]) -> list[dict[str, str] | None]:
        """The named groups that each text gives, those that matched; None where it has no match.

        Examples
        --------
        >>> bounded(r"booked (?P<credits>\\d+)", "key").search(["booked 50", "no"])
        [{'credits': '50'}, None]
        """
        column = pa.array(texts, pa.large_string())
        if not self.groups:
            return [
                {} if hit else None
                for hit in pc.match_substring_regex(column, self.pattern).to_pylist()
            ]
        rows = pc.extract_regex(column, self.pattern).to_pylist()
        return [None if row is None else {k: v for k, v in row.items() if v} for row in rows]


def bounded(source: str, key: str) -> BoundedPattern:
    """Compile a pattern of the case file.

    Raises
    ------
    CaseError
        when it is no regular expression, or one whose time has no bound; the message names the key.
    """
    try:
        compiled = re.compile(source)
    except (re.error, RecursionError, OverflowError) as error:
        raise CaseError(f"{key} is not a regular expression: {error}.") from None
    pattern = BoundedPattern(source, for_re2(source), tuple(compiled.groupindex))
    try:
        pattern.search([""])
    except pa.ArrowInvalid as error:
        reason = str(error).removeprefix("Invalid regular expression: ")
        raise CaseError(
            f"{key} cannot be searched for in a bounded time ({reason}); "
            "look-ahead, look-behind and back references are not read."
        ) from None
    return pattern


def for_re2(source: str) -> str:
    """A Python pattern as RE2 takes it: words and digits of all scripts, no unnamed groups.

    Examples
    --------
    >>> for_re2(r"(a|b) (?P<user_id>[\\w.]+)")
    '(?:a|b) (?P<user_id>[\\\\pL\\\\pM\\\\pN_.]+)'
    """
    parts: list[str] = []
    inside = False
    at = 0
    while at < len(source):
        mark = source[at]
        if mark == "\\" and at + 1 < len(source):
            letter = source[at + 1]
            if letter in _CLASSES:
                parts.append(_CLASSES[letter] if inside else f"[{_CLASSES[letter]}]")
            elif letter in _NEGATED and not inside:
                parts.append(_NEGATED[letter])
            elif letter == "Z":
                parts.append(r"\z")
            else:
                parts.append(mark + letter)
            at += 2
            continue
        if inside:
            inside = mark != "]"
        elif mark == "[":
            inside = True
            if source[at + 1 : at + 3] in ("^]",) or source[at + 1 : at + 2] == "]":
                # A bracket that comes first is one of the characters.
                end = source.index("]", at + 1)
                parts.append(source[at:end] + r"\]")
                at = end + 1
                continue
        elif mark == "(" and source[at + 1 : at + 2] != "?":
            parts.append("(?:")
            at += 1
            continue
        parts.append(mark)
        at += 1
    return "".join(parts)
