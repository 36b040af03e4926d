"""The command ``credit-forensics``: a row a command; each is loaded when it is called."""

from __future__ import annotations

import atexit
import gc
import os
import sys
import traceback
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from credit_forensics import __version__
from credit_forensics.commands.options import DONE, PIPE_CLOSED, UNUSABLE
from credit_forensics.errors import CaseError
from credit_forensics.extras import load

# Set in the environment, an error of the program itself shows where it happened.
TRACEBACK = "CREDIT_FORENSICS_TRACEBACK"
# Name, which is its function's too; its module in ``commands``; what the list of commands shows.
COMMANDS = (
    ("init", "starting", "Look at a folder and write the case file that fits it."),
    ("demo", "analysis", "Make a small case with every finding, and its report."),
    ("pull", "sources", "Fetch the case's window from Stripe's API; resumes."),
    ("doctor", "sources", "Say what each input was taken for, and what is missing."),
    ("analyze", "analysis", "Judge every payment; write verdicts and findings."),
    ("explain", "analysis", "Say why a payment has its verdict."),
    ("review", "reviewing", "Serve the review queue and take labels."),
    ("report", "reporting", "Render a report: one HTML page, its notebook, its CSV."),
    ("schedule", "reporting", "Render a report on a schedule until stopped."),
    ("prune", "reporting", "Remove old reports; a legal hold keeps them."),
    ("repair", "repairing", "Write a repair plan to review; only --apply books it."),
    ("seal", "sealing", "Sign a folder of outputs, so that changes are named."),
    ("verify", "sealing", "Check a sealed folder, offline."),
    ("lab", "exploring", "Open JupyterLab with the notebooks on the case."),
    ("store", "storing", "Show what is stored beside a case, and why; or clear it."),
    ("monitor", "watching", "Watch a case and tell its targets about incidents."),
    ("serve", "serving", "Run the intake: checkout guard, webhook, review queue."),
    ("mcp", "connecting", "Serve read-only tools over a case to programs (MCP)."),
    ("accuracy", "measuring", "Measure the judgement on worlds with truth."),
)


class _Command(TyperCommand):
    """A command of the list, whose module is imported when it is run or asked for its help."""

    module = ""

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        function = getattr(load(f"credit_forensics.commands.{self.module}"), str(self.name))
        alone = typer.Typer(add_completion=False, rich_markup_mode=None)
        alone.command(self.name)(function)
        return get_command(alone).make_context(*arguments, **options)


class _Commands(TyperGroup):
    """The commands of the list, none of them loaded."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for name, module, short_help in COMMANDS:
            command = _Command(name, short_help=short_help)
            command.module = module
            self.add_command(command)


app = typer.Typer(
    name="credit-forensics",
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"credit-forensics {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Finds out who really paid when Stripe credits land on the wrong account."""


def _own_fault(error: Exception) -> str:
    """An error of the program itself in one sentence, without values, which may be personal."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "credit_forensics" in frame.filename]
    place = f" in {Path(own[-1].filename).name}, line {own[-1].lineno}" if own else ""
    return (
        f"the program itself failed ({type(error).__name__}{place}); nothing is said about the "
        f"case. {TRACEBACK}=1 shows where."
    )


def main() -> NoReturn:
    """Run the command; whatever goes wrong is one sentence and exit status 2.

    Status 1 means findings, so no error may end with it.
    """
    # Looking through every loaded module for cycles, while they load and again at the end, takes
    # a third of a short command's time.
    gc.set_threshold(100_000, 50, 100)
    atexit.register(gc.freeze)
    # Where it is installed, jsonschema builds a grammar of international addresses while it loads,
    # which takes longer than all else that a report loads; no notebook has such a field.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    # The matrices here are small: threads of BLAS would only wait for work, which costs a tenth of
    # a second a library, and sums in an order that depends on the machine's cores.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        app()
    except CaseError as error:
        typer.echo(f"credit-forensics: {error}", err=True)
        sys.exit(UNUSABLE)
    except BrokenPipeError:
        sys.exit(PIPE_CLOSED)
    except SystemExit as stopped:
        # Where the reader goes away (``| head``) Click ends with 1, which means findings.
        if isinstance(stopped.__context__, BrokenPipeError):
            sys.exit(PIPE_CLOSED)
        raise
    except Exception as error:
        if os.environ.get(TRACEBACK):
            traceback.print_exc()
        typer.echo(f"credit-forensics: {_own_fault(error)}", err=True)
        sys.exit(UNUSABLE)
    except KeyboardInterrupt:
        typer.echo("credit-forensics: interrupted.", err=True)
        sys.exit(130)
    sys.exit(DONE)
