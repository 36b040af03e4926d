"""The pages as their readers meet them: blocks by language, commands by line, code in a line."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from typer.main import get_command

from credit_forensics.cli import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    path.name: path.read_text(encoding="utf-8")
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
}
PROGRAM = "credit-forensics"
GROUP: Any = get_command(app)
_BLOCK = re.compile(r"^```([a-z]*)\n(.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Block:
    """A block of a page; ``line`` is that of its first line."""

    page: str
    line: int
    language: str
    text: str

    @property
    def id(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def lines(self) -> list[str]:
        """Of a shell block, its commands without comments and with long lines put together."""
        joined = self.text.replace("\\\n", " ").splitlines()
        without = (re.sub(r"(^|\s)#.*", "", line).strip() for line in joined)
        return [line for line in without if line]


def _blocks(page: str, text: str) -> list[Block]:
    return [
        Block(page, text.count("\n", 0, match.start()) + 2, match[1], match[2])
        for match in _BLOCK.finditer(text)
    ]


BLOCKS = [block for page, text in PAGES.items() for block in _blocks(page, text)]


def blocks(*languages: str, page: str | None = None) -> list[Block]:
    """The blocks of these languages, of one page or of all."""
    return [
        one for one in BLOCKS if one.language in languages and (page is None or one.page == page)
    ]


def spans(text: str) -> list[str]:
    """Code within lines, each in one line."""
    prose = _BLOCK.sub("", text)
    return [" ".join(span.split()) for span in re.findall(r"(?<!`)`([^`]+)`(?!`)", prose)]


def commands_in_prose(page: str) -> list[str]:
    """Code within lines that is a command of ours with its arguments."""
    return [one for one in spans(PAGES[page]) if one.startswith(f"{PROGRAM} ")]


def parse(line: str) -> None:
    """Let the command itself read its arguments, and run nothing.

    Raises
    ------
    click.UsageError
        for a command or an option that there is not, and a value that cannot be used.
    """
    name, *arguments = shlex.split(line)[1:]
    if name.startswith("-"):
        GROUP.make_context(PROGRAM, [name, *arguments], resilient_parsing=True)
        return
    if name not in GROUP.commands:
        raise LookupError(f"there is no command {name}")
    GROUP.commands[name].make_context(name, arguments)


@cache
def options(name: str) -> dict[str, list[str]]:
    """The long options of a command, each with all the ways of writing it."""
    context = GROUP.commands[name].make_context(name, [], resilient_parsing=True)
    every = [one for one in context.command.params if one.param_type_name == "option"]
    known = {}
    for one in every:
        written = [*one.opts, *one.secondary_opts]
        if "--help" not in written:
            known[next(text for text in one.opts if text.startswith("--"))] = written
    return known
