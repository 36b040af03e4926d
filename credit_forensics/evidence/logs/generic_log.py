"""Reads a log of any handler's wording, and reports how much of it was understood."""

from __future__ import annotations

import re
from collections import Counter

from credit_forensics.evidence.logs.delivery import Delivery
from credit_forensics.evidence.logs.generic_wording import Clue, understand
from credit_forensics.evidence.logs.group_lines import group
from credit_forensics.evidence.logs.message import Line
from credit_forensics.evidence.logs.wordings import wordings_for

NOT_UNDERSTOOD = "not understood: "
PROPOSAL = "pattern to consider: "
_EXAMPLES = 3
_MOST_SHAPES = 5_000
_LONGEST = 160
_SIGN_IN = re.compile(r"(?:sign|log)(?:ed|ged)?[ _-]?in\b", re.IGNORECASE)
_QUOTED = re.compile(r"\"[^\"]{0,400}\"|(?<!\w)'[^']{0,400}'")
_WORD = re.compile(r"\S+")
_PLAIN = re.compile(r"[^\W\d_]{1,30}[.:,;!?)\]]*|[-=>:|()\[\]<.,;]{1,4}", re.UNICODE)
_MASKED = re.compile(r"<\w+>(?: <\w+>)*")


class GenericLog:
    """Takes lines in order; gives their deliveries, sign-ins, and notes for the custody."""

    def __init__(self) -> None:
        self.sign_ins: list[tuple[str, str, int | None]] = []
        self._clues: list[Clue] = []
        self._lines = 0
        self._others: Counter[str] = Counter()

    def take(self, lines: list[Line]) -> None:
        """Take some lines."""
        for line in lines:
            self._lines += 1
            clue = understand(line)
            if clue is not None:
                self._clues.append(clue)
            elif len(self._others) < _MOST_SHAPES and wordings_for(
                line.text[:2000]
            ).about_payments.search(line.text[:2000]):
                self._others[masked(line.text)] += 1
            self._sign_in(line)

    def deliveries(self) -> list[Delivery]:
        """The deliveries of all lines, in the order of time."""
        last = 0
        keys: list[int] = []
        for clue in self._clues:
            last = last if clue.line.time is None else clue.line.time
            keys.append(last)
        order = sorted(range(len(keys)), key=keys.__getitem__)
        return group([self._clues[at] for at in order])

    def notes(self) -> list[str]:
        """How many lines were understood; examples of those about payments that were not."""
        found = [f"{len(self._clues)} of {self._lines} lines understood by what they name"]
        others = self._others.most_common(_EXAMPLES)
        found += [f"{NOT_UNDERSTOOD}{text} ({count})" for text, count in others]
        if others:
            found.append(PROPOSAL + proposed_pattern(others[0][0]))
        return found

    def _sign_in(self, line: Line) -> None:
        email = line.fields.get("email") or line.fields.get("useremail")
        user = line.fields.get("userid") or line.fields.get("resolveduserid")
        if isinstance(email, str) and user and _SIGN_IN.search(line.text[:2000]):
            self.sign_ins.append((str(user), email, line.time))


def masked(text: str) -> str:
    """A line without what may be personal: only plain words in small letters and marks stay.

    Examples
    --------
    >>> masked("order 4711 of Ada Lovell settled, paid by ada@example.com via 'card'")
    'order <value> of <value> settled, paid by <value> via <value>'
    """
    text = _QUOTED.sub("<value>", text[: _LONGEST * 4].split("\n", 1)[0])
    words = [
        word
        if (_PLAIN.fullmatch(word) and (not word[0].isupper() or place == 0 or word.isupper()))
        else "<value>"
        for place, word in enumerate(_WORD.findall(text))
    ]
    return _MASKED.sub("<value>", " ".join(words))[:_LONGEST]


def proposed_pattern(shape: str) -> str:
    """A pattern for lines of a masked shape, to be completed by who knows what they mean.

    Examples
    --------
    >>> proposed_pattern("order <value> settled for <value>")
    "credited = 'order \\\\S+ settled for (?P<user_id>\\\\S+)'"
    """
    parts = [re.escape(part).replace("\\ ", " ") for part in shape.rstrip(".").split("<value>")]
    if len(parts) == 1:
        return f"credited = '{parts[0]}'"
    pattern = r"\S+".join(parts[:-1]) + r"(?P<user_id>\S+)" + parts[-1]
    return f"credited = '{pattern.strip()}'"
