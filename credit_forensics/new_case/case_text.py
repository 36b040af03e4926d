"""Writes the case file: what was inferred with what it rests on, open questions as comments."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, field

_HEAD = (
    "Written by credit-forensics init: every line was inferred from what lies here. Check each,",
    "and change what is wrong; certainties (0 to 1) and examples are read by nobody but you.",
)
_WIDTH = 96


@dataclass
class Section:
    """A section of the case file, line by line."""

    name: str
    lines: list[str] = field(default_factory=list)

    def say(self, *sentences: str) -> None:
        """Add comments."""
        for sentence in sentences:
            self.lines += [f"# {part}" for part in _folded(sentence)]

    def set(self, key: str, value: str | int | list[str] | dict[str, str]) -> None:
        """Add a key."""
        self.lines.append(f"{_key(key)} = {toml_value(value)}")

    def offer(self, text: str) -> None:
        """Add lines that would settle something, as comments that only need their mark removed."""
        self.lines += [f"# {_printable(line)}".rstrip() for line in text.splitlines()]


def case_text(name: str, sections: Iterable[Section]) -> str:
    """The text of a case file.

    Examples
    --------
    >>> stripe = Section("stripe")
    >>> stripe.say("a.jsonl: Stripe's sessions (certainty 0.99)")
    >>> stripe.set("sessions", "a.jsonl")
    >>> print(case_text("shop", [stripe]).split("\\n\\n", 1)[1].strip())
    name = "shop"
    <BLANKLINE>
    [stripe]
    # a.jsonl: Stripe's sessions (certainty 0.99)
    sessions = "a.jsonl"
    """
    parts = ["\n".join(f"# {line}" for line in _HEAD), f"name = {toml_value(name)}"]
    for section in sections:
        if section.lines:
            # A section that sets nothing is a comment: some keys must be there.
            mark = "# " * all(line.startswith("#") for line in section.lines)
            parts.append("\n".join([f"{mark}[{section.name}]", *section.lines]))
    return "\n\n".join(parts) + "\n"


def toml_value(value: str | int | list[str] | dict[str, str]) -> str:
    """A value as TOML has it.

    Examples
    --------
    >>> toml_value(["a\\tb", "c"]), toml_value(7)
    ('["a\\\\tb", "c"]', '7')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, dict):
        inside = ", ".join(f"{_key(key)} = {toml_value(one)}" for key, one in value.items())
        return f"{{ {inside} }}"
    if isinstance(value, list):
        return f"[{', '.join(toml_value(one) for one in value)}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(key: str) -> str:
    plain = key.replace("_", "").replace("-", "")
    return key if plain.isascii() and plain.isalnum() else toml_value(key)


def _folded(sentence: str) -> list[str]:
    """A sentence in lines of a width that a terminal shows, without what would end a comment."""
    text = _printable(sentence)
    indent = text[: len(text) - len(text.lstrip())]
    return textwrap.wrap(
        text.strip(),
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)
