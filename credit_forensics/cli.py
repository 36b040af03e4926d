"""The command ``credit-forensics``: one command a verb, no logic of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from credit_forensics import __version__
from credit_forensics.errors import CaseError

if TYPE_CHECKING:
    from credit_forensics.case import Case

app = typer.Typer(
    name="credit-forensics",
    help="Finds out who really paid when Stripe credits land on the wrong account.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
)

DONE, FOUND, UNUSABLE = 0, 1, 2


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


CaseArgument = Annotated[
    Path, typer.Argument(help="The case file (case.toml), or the folder it lies in.")
]
ModeOption = Annotated[
    JudgingMode | None,
    typer.Option(help="hindsight: everything but the payment; as_of: what could be known then."),
]
FailOn = Annotated[
    Severity | None,
    typer.Option("--fail-on", help="End with status 1 on findings of this severity or graver."),
]


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


@app.command()
def demo(
    out: Annotated[Path, typer.Argument(help="Folder for the demo case.")] = Path("demo"),
    seed: Annotated[int, typer.Option(help="The case is made from this number.")] = 2025,
) -> None:
    """Make a small case with every finding in it, analyse it and render its report.

    Example: credit-forensics demo demo
    """
    from credit_forensics.case import Case
    from credit_forensics.reporting.render import render_report
    from credit_forensics.scenarios.demo import write_demo_case

    with _steps() as progress:
        progress("writing the demo case", 1, 1)
        case_path = write_demo_case(out, seed)
        case = Case.open(case_path, progress=progress)
        case.analyze(out / "analysis")
        _print_summary(case)
        progress("rendering the report", 1, 1)
        rendered = render_report(case_path, out=out / "reports")
    typer.echo(f"\nCase    {case_path}\nTables  {out / 'analysis'}\nReport  {rendered.html}")


@app.command()
def analyze(
    case: CaseArgument,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("analysis"),
    mode: ModeOption = None,
    fail_on: FailOn = None,
) -> None:
    """Judge every payment and write verdicts, claims, findings, incidents, rejects, manifest.

    Example: credit-forensics analyze case.toml --out analysis --fail-on critical
    """
    with _steps() as progress:
        opened = _open(case, mode, progress)
        opened.analyze(out)
    _print_summary(opened)
    typer.echo(f"\nWritten to {out}")
    _exit_by(opened.findings, fail_on)


@app.command()
def explain(
    case: CaseArgument,
    payment_id: Annotated[str, typer.Argument(help="The payment, cs_… or pi_….")],
    mode: ModeOption = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say why a payment has its verdict: every voice, its weight, and the score they sum to.

    Example: credit-forensics explain case.toml cs_live_a1
    """
    import json

    with _steps() as progress:
        explanation = _open(case, mode, progress).explain(payment_id)
    if json_:
        typer.echo(json.dumps(explanation.to_dict(), indent=2, ensure_ascii=False, default=str))
    else:
        typer.echo(str(explanation))


def _open(case: Path, mode: JudgingMode | None, progress: Callable[[str, int, int], None]) -> Case:
    from credit_forensics.case import Case

    return Case.open(case, mode=mode.value if mode else None, progress=progress)


def _print_summary(case: Case) -> None:
    from credit_forensics.outputs import summary

    numbers = summary(case)
    lines = [f"{numbers['name']}", f"{numbers['payments']:,} payments, judged in {case.mode}", ""]
    lines += _block("Verdicts", numbers["verdicts"])
    lines += _block("Findings", numbers["findings"] or {"none": 0})
    lines.append(f"Incidents: {numbers['incidents']}   Rejected rows: {numbers['rejects']:,}")
    for gap in numbers["gaps"]:
        lines.append(f"Gap: {gap['object']} ({gap['problem']}): {gap['consequence']}")
    for name in numbers["not_run"]:
        lines.append(f"Could not run: {name}")
    notes = case.model["notes"]
    lines += [f"Note: {note}" for note in notes]
    typer.echo("\n".join(lines))


def _block(title: str, counts: dict[str, Any]) -> list[str]:
    width = max((len(str(name)) for name in counts), default=0)
    return [title, *(f"  {name:<{width}}  {n:>9,}" for name, n in counts.items()), ""]


def _exit_by(findings: Any, fail_on: Severity | None) -> None:
    if fail_on is None:
        return
    order = list(Severity)
    grave = {severity.value for severity in order[: order.index(fail_on) + 1]}
    if findings["severity"].isin(grave).any():
        raise typer.Exit(FOUND)


@contextmanager
def _steps() -> Iterator[Callable[[str, int, int], None]]:
    """A progress line on a terminal; nothing when piped."""
    if not sys.stderr.isatty():
        yield lambda name, number, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<28}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None)

        def show(name: str, number: int, total: int) -> None:
            bar.update(task, description=name, completed=number - 1, total=total)

        yield show


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
        typer.echo("credit-forensics: interrupted; nothing was left half-written.", err=True)
        sys.exit(130)
    sys.exit(DONE)
