"""``pull`` and ``doctor``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from credit_forensics.commands.options import FOUND, CaseArgument, steps


def pull(case: CaseArgument) -> None:
    """Fetch the case's window from Stripe's API into files beside the case; resumes.

    Example: credit-forensics pull case.toml
    """
    from credit_forensics.case_file import read_case_file
    from credit_forensics.evidence.stripe_api.pull import pull as fetch

    with steps() as progress:
        summary = fetch(
            read_case_file(case),
            progress=lambda name, rows: progress(f"{name}: {rows:,}", 1, 1),
        )
    typer.echo(f"Kept in {summary.folder}\n{summary}")


def doctor(
    case: CaseArgument,
    live: Annotated[
        str | None,
        typer.Option(help="URL of a running intake; CASE is then its intake.toml."),
    ] = None,
    purchase: Annotated[
        bool, typer.Option(help="With --live: follow a signed test purchase and reverse it.")
    ] = True,
) -> None:
    """Say what each input was taken for, what it covers, and what is missing for what.

    Example: credit-forensics doctor case.toml

    Example: credit-forensics doctor intake.toml --live http://127.0.0.1:8000
    """
    if live is not None:
        _live(case, live, purchase)
        return
    from credit_forensics.case.doctor import check_up
    from credit_forensics.case_file import read_case_file

    typer.echo(str(check_up(read_case_file(case))))


def _live(settings: Path, url: str, purchase: bool) -> None:
    from credit_forensics.intake.live_doctor import check_live
    from credit_forensics.intake.settings import read_intake_settings

    report = check_live(read_intake_settings(settings), url, purchase=purchase)
    typer.echo(str(report))
    if not report.all_right:
        raise typer.Exit(FOUND)
