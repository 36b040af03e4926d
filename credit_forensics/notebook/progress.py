"""Shows how far a long step is: a bar in a notebook, a line in a terminal, else nothing."""

from __future__ import annotations

import sys
from typing import Any, TextIO

from IPython.display import HTML, display
from markupsafe import Markup

from credit_forensics.notebook.elements import ELEMENTS
from credit_forensics.notebook.live import live_shell
from credit_forensics.progress import Progress

_WIDTH = 24


def notebook_progress() -> Progress:
    """Progress for ``Case.open(progress=…)`` that fits where it runs.

    Examples
    --------
    >>> progress = notebook_progress()
    >>> progress("loading Stripe", 1, 5)
    """
    shell = live_shell()
    if shell is not None:
        return NotebookBar(shell)
    if sys.stderr is not None and sys.stderr.isatty():
        return TerminalBar(sys.stderr)
    return _nothing


class NotebookBar:
    """A bar below the running cell, gone when the cell ends.

    A step is told when it starts and nobody tells that the last one has ended, but IPython tells
    that the cell has.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._handle: Any = None

    def __call__(self, name: str, number: int, total: int) -> None:
        page = HTML(bar_html(name, number, total))
        if self._handle is None:
            self._handle = display(page, display_id=True)
            self._shell.events.register("post_run_cell", self._end)
        else:
            self._handle.update(page)

    def _end(self, *_: object) -> None:
        self._shell.events.unregister("post_run_cell", self._end)
        self._handle.update(HTML(""))
        self._handle = None


class TerminalBar:
    """A line that is written over, and ended with the last step."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, name: str, number: int, total: int) -> None:
        done = _WIDTH * (number - 1) // max(total, 1)
        bar = "#" * done + "." * (_WIDTH - done)
        end = "\n" if number >= total else ""
        self._stream.write(f"\r[{bar}] {number}/{total} {name:<32}{end}")
        self._stream.flush()


def bar_html(name: str, number: int, total: int) -> Markup:
    """The bar as HTML.

    Examples
    --------
    >>> "2/7 &lt;judging&gt;" in bar_html("<judging>", 2, 7)
    True
    """
    return ELEMENTS.progress(name, number, total)


def _nothing(name: str, number: int, total: int) -> None:
    """Neither a notebook nor a terminal looks."""
