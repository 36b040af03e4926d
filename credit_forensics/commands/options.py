"""Arguments and options that several commands share, and how they show progress."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from credit_forensics.errors import CaseError
from credit_forensics.extras import Later
from credit_forensics.progress import Progress

if TYPE_CHECKING:
    from rich import console as rich_console
    from rich import progress as rich_progress
else:
    # Needed on a terminal only.
    rich_console = Later("rich.console")
    rich_progress = Later("rich.progress")

DONE, FOUND, UNUSABLE, UNJUDGED, FAILED = range(5)
# As the shell counts a program that wrote to a pipe nobody reads (128 and SIGPIPE's number).
PIPE_CLOSED = 141


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


def beside(case: Path, out: Path | None, name: str) -> Path:
    """The folder that was named, else one of that name beside the case file.

    Examples
    --------
    >>> beside(Path("shop/case.toml"), None, "analysis").as_posix()
    'shop/analysis'
    >>> beside(Path("shop/case.toml"), Path("out"), "analysis").as_posix()
    'out'
    """
    if out is not None:
        return out
    return (case if case.is_dir() else case.parent) / name


def writable(out: Path) -> Path:
    """A folder, made where it is not there; asked before the work whose results go into it.

    Raises
    ------
    CaseError
        when nothing can be written there.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise CaseError(f"{out} cannot be written: {error.strerror}.") from None
    return out


@contextmanager
def steps() -> Iterator[Progress]:
    """A progress bar on a terminal; nothing when piped."""
    if not sys.stderr.isatty():
        yield lambda name, number, total: None
        return
    columns = (
        rich_progress.TextColumn("{task.description:<28}"),
        rich_progress.BarColumn(),
        rich_progress.TimeElapsedColumn(),
    )
    console = rich_console.Console(stderr=True)
    with rich_progress.Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("starting", total=None)

        def show(name: str, number: int, total: int) -> None:
            bar.update(task, description=name, completed=number - 1, total=total)

        yield show
