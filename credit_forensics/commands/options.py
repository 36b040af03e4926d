"""Arguments and options that several commands share, and how they show progress."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from credit_forensics.progress import Progress

DONE, FOUND, UNUSABLE, UNJUDGED, FAILED = range(5)


class Severity(StrEnum):
    """Severities, the gravest first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class JudgingMode(StrEnum):
    """What the judgement may know."""

    HINDSIGHT = "hindsight"
    AS_OF = "as_of"


class ReportLanguage(StrEnum):
    """Languages of a report."""

    ENGLISH = "en"
    GERMAN = "de"


CaseArgument = Annotated[
    Path, typer.Argument(help="The case file (case.toml), or the folder it lies in.")
]
ModeOption = Annotated[
    JudgingMode | None,
    typer.Option(help="hindsight: everything but the payment; as_of: what could be known then."),
]
StoreOption = Annotated[
    bool,
    typer.Option(
        "--store/--no-store",
        help="Take what is stored beside the case, and store what is computed; or neither.",
    ),
]
FreshOption = Annotated[
    bool, typer.Option("--fresh", help="Read and judge all anew, in place of what is stored.")
]
FailOn = Annotated[
    Severity | None,
    typer.Option("--fail-on", help="End with status 1 on findings of this severity or graver."),
]


@contextmanager
def steps() -> Iterator[Progress]:
    """A progress bar on a terminal; nothing when piped."""
    if not sys.stderr.isatty():
        yield lambda name, number, total: None
        return
    columns = (TextColumn("{task.description:<28}"), BarColumn(), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None)

        def show(name: str, number: int, total: int) -> None:
            bar.update(task, description=name, completed=number - 1, total=total)

        yield show
