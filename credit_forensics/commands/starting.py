"""``init``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from credit_forensics.commands.json_output import JsonOption, print_json
from credit_forensics.commands.options import steps
from credit_forensics.errors import CaseError
from credit_forensics.extras import Later

if TYPE_CHECKING:
    from credit_forensics.new_case import questions, start
else:
    questions = Later("credit_forensics.new_case.questions")
    start = Later("credit_forensics.new_case.start")


def init(
    folder: Annotated[Path, typer.Argument(help="Folder with exports, logs, databases.")] = Path(),
    database: Annotated[
        list[str] | None,
        typer.Option(help="URL of a database (or env:NAME); read only, may be given again."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The case file to write; case.toml in FOLDER.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Take the likeliest answer, ask nothing.")] = (
        False
    ),
    ask_nothing: Annotated[
        bool, typer.Option("--ask-nothing", help="Leave what cannot be told as a comment.")
    ] = False,
    json_: JsonOption = False,
) -> None:
    """Look at what lies in a folder and write a case file that shows every inference to check.

    No file is overwritten, no database written into; away from a terminal nothing is asked.

    Example: credit-forensics init . --database env:LEDGER_URL
    """
    if yes and ask_nothing:
        raise CaseError("--yes and --ask-nothing say two things; give one.")
    if not folder.is_dir():
        raise CaseError(f"{folder} is no folder.")
    answer = questions.take_best if yes else questions.leave_open
    if not yes and not ask_nothing and not json_ and sys.stdin.isatty():
        answer = _at_the_terminal
    with steps() as progress:
        case = start.start_case(folder, answer, out=out, given=database or (), progress=progress)
    if json_:
        print_json("init", case.to_dict())
    else:
        _print(case)


def _at_the_terminal(question: questions.Question) -> int | None:
    typer.echo(f"\n{question.text}", err=True)
    for number, text in enumerate(question.answers, 1):
        typer.echo(f"  {number}  {text}", err=True)
    best = "" if question.best is None else str(question.best + 1)
    while True:
        said = typer.prompt(
            "Number, or nothing to decide later" if not best else "Number, or s to decide later",
            default=best,
            err=True,
        ).strip()
        if said in ("", "s"):
            return None
        if said.isdigit() and 1 <= int(said) <= len(question.answers):
            return int(said) - 1


def _print(case: start.NewCase) -> None:
    width = max((len(found.name) for found in case.stock), default=0)
    for found in case.stock:
        sure = f" ({found.certainty:.2f})" if found.use in ("stripe", "log", "table") else ""
        words = next((one.words for one in case.databases if one.name == found.name), found.words)
        typer.echo(f"{found.name:<{width}}  {words}{sure}")
    names = {found.name for found in case.stock}
    for one in case.databases:
        if one.name not in names:
            typer.echo(f"{one.name}  {one.words}")
    typer.echo("")
    for remark in case.remarks:
        typer.echo(remark)
    typer.echo(f"Written: {case.path}. Check its lines, then:")
    if case.pull:
        typer.echo(f"  credit-forensics pull {case.path}")
    typer.echo(f"  credit-forensics analyze {case.path}\n  credit-forensics report {case.path}")
