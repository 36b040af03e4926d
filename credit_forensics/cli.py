"""The command ``credit-forensics``: one command a verb, no logic of its own."""

from __future__ import annotations

import sys
from typing import Annotated, NoReturn

import typer

from credit_forensics import __version__
from credit_forensics.commands.analysis import analyze, demo, explain
from credit_forensics.commands.exploring import lab
from credit_forensics.commands.measuring import accuracy
from credit_forensics.commands.options import DONE, UNUSABLE
from credit_forensics.commands.repairing import repair
from credit_forensics.commands.reporting import prune, report, schedule
from credit_forensics.commands.reviewing import review
from credit_forensics.commands.sources import doctor, pull
from credit_forensics.commands.watching import monitor, serve
from credit_forensics.errors import CaseError

app = typer.Typer(
    name="credit-forensics",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
)

COMMANDS = (
    demo,
    pull,
    doctor,
    analyze,
    explain,
    review,
    report,
    schedule,
    prune,
    repair,
    lab,
    monitor,
    serve,
    accuracy,
)
for command in COMMANDS:
    app.command()(command)


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


def main() -> NoReturn:
    """Run the command; an error that a user can mend is one sentence and exit status 2."""
    try:
        app()
    except CaseError as error:
        typer.echo(f"credit-forensics: {error}", err=True)
        sys.exit(UNUSABLE)
    except BrokenPipeError:
        sys.exit(DONE)
    except KeyboardInterrupt:
        typer.echo("credit-forensics: interrupted.", err=True)
        sys.exit(130)
    sys.exit(DONE)
