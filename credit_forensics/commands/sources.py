"""``pull`` and ``doctor``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from credit_forensics.commands.json_output import JsonOption, print_json
from credit_forensics.commands.options import FOUND, CaseArgument, FreshOption, StoreOption, steps
from credit_forensics.errors import CaseError
from credit_forensics.extras import Later

if TYPE_CHECKING:
    from credit_forensics import case_file
    from credit_forensics.case import doctor as checking
    from credit_forensics.evidence.stripe_api import pull as pulling
    from credit_forensics.intake import live_doctor
    from credit_forensics.intake import settings as intake_settings
else:
    case_file = Later("credit_forensics.case_file")
    checking = Later("credit_forensics.case.doctor")
    pulling = Later("credit_forensics.evidence.stripe_api.pull")
    live_doctor = Later("credit_forensics.intake.live_doctor")
    intake_settings = Later("credit_forensics.intake.settings")


def pull(case: CaseArgument, json_: JsonOption = False) -> None:
    """Fetch the case's window from Stripe's API into files beside the case; resumes.

    Example: credit-forensics pull case.toml
    """
    with steps() as progress:
        summary = pulling.pull(
            case_file.read_case_file(case),
            progress=lambda name, rows: progress(f"{name}: {rows:,}", 1, 1),
        )
    if json_:
        print_json("pull", asdict(summary))
    else:
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
    json_: JsonOption = False,
    store: StoreOption = True,
    fresh: FreshOption = False,
) -> None:
    """Say what each input was taken for, what it covers, and what is missing for what.

    Example: credit-forensics doctor case.toml

    Example: credit-forensics doctor intake.toml --live http://127.0.0.1:8000
    """
    if live is not None:
        _live(case, live, purchase, json_)
        return
    settings = case_file.read_case_file(case)
    try:
        checkup = checking.check_up(settings, store=store, fresh=fresh)
    except CaseError as error:
        raise CaseError(
            f"{error}\ncredit-forensics init {settings.folder} --out inferred.toml "
            "writes what it infers of these inputs."
        ) from None
    if json_:
        print_json("doctor", checkup.to_dict())
    else:
        typer.echo(str(checkup))


def _live(settings: Path, url: str, purchase: bool, json_: bool) -> None:
    read = intake_settings.read_intake_settings(settings)
    report = live_doctor.check_live(read, url, purchase=purchase)
    if json_:
        checks = [asdict(check) for check in report.checks]
        print_json("doctor-live", {"url": url, "all_right": report.all_right, "checks": checks})
    else:
        typer.echo(str(report))
    if not report.all_right:
        raise typer.Exit(FOUND)
