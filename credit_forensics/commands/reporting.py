"""``report``, ``schedule`` and ``prune``."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from credit_forensics.commands.json_output import JsonOption, print_json
from credit_forensics.commands.options import (
    FAILED,
    FOUND,
    UNJUDGED,
    CaseArgument,
    FreshOption,
    ReportLanguage,
    StoreOption,
    beside,
)
from credit_forensics.errors import CaseError
from credit_forensics.extras import Later

if TYPE_CHECKING:
    from credit_forensics.reporting import produce, render
    from credit_forensics.reporting import prune as old_reports
    from credit_forensics.reporting import schedule as scheduling
else:
    produce = Later("credit_forensics.reporting.produce")
    old_reports = Later("credit_forensics.reporting.prune")
    render = Later("credit_forensics.reporting.render")
    scheduling = Later("credit_forensics.reporting.schedule")

TemplateOption = Annotated[
    str, typer.Option(help="incident_report, daily_digest, or a notebook of your own.")
]
LanguageOption = Annotated[
    ReportLanguage | None, typer.Option(help="Language; the case file's without it.")
]
RollingOption = Annotated[
    str | None,
    typer.Option(
        help="Report on a window that ends now, as 24h, 7d or 4w, and on what was read for it."
    ),
]
OutOption = Annotated[
    Path | None,
    typer.Option(help="Folder of the reports and their index; reports beside the case."),
]


def report(
    case: CaseArgument,
    out: OutOption = None,
    template: TemplateOption = "incident_report",
    language: LanguageOption = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="Print it to PDF too, by Chromium.")] = False,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Show personal data; the report says so.")
    ] = False,
    rolling: RollingOption = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", help="A parameter of the notebook: name=value."),
    ] = None,
    fail_on_findings: Annotated[
        bool, typer.Option("--fail-on-findings", help="End with status 1 where anything is found.")
    ] = False,
    json_: JsonOption = False,
    store: StoreOption = True,
    fresh: FreshOption = False,
) -> None:
    """Render a report: one HTML page that opens without any network, its notebook and its CSV.

    Ends with 3 where less was judged than [analysis] judged_at_least, with 4 where it failed.

    Example: credit-forensics report case.toml --out reports

    Example: credit-forensics report case.toml --rolling 7d
    """
    given: dict[str, Any] = {}
    for text in parameter or []:
        name, equals, value = text.partition("=")
        if not equals:
            raise CaseError(f"--parameter takes name=value, not {text!r}.")
        given[name] = value
    try:
        produced = produce.produce_report(
            case,
            template=template,
            out=beside(case, out, "reports"),
            reveal=reveal,
            language=language.value if language else None,
            parameters=given,
            pdf=pdf,
            rolling=rolling,
            store=store,
            fresh=fresh,
        )
    except render.ReportFailedError as error:
        # A report that failed is no finding, and no fault of the case file either.
        typer.echo(f"credit-forensics: {error}", err=True)
        raise typer.Exit(FAILED) from None
    if json_:
        print_json("report", produced.to_dict())
    else:
        typer.echo(f"Report  {produced.report.html}")
        if produced.pdf:
            typer.echo(f"PDF     {produced.pdf}")
        typer.echo(f"Index   {produced.index}")
    if fail_on_findings and produced.report.status == "findings":
        raise typer.Exit(FOUND)
    if not produced.report.judged_enough:
        raise typer.Exit(UNJUDGED)


def schedule(
    case: CaseArgument,
    every: Annotated[
        str, typer.Option(help="day, hour, a weekday, or a span as 15m, 6h, 2d.")
    ] = "day",
    at: Annotated[str, typer.Option(help="Time of day, HH:MM.")] = "07:00",
    timezone: Annotated[str, typer.Option(help="Zone of that time of day.")] = "UTC",
    template: TemplateOption = "daily_digest",
    out: OutOption = None,
    language: LanguageOption = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="Print each report too.")] = False,
    rolling: RollingOption = None,
    store: StoreOption = True,
    alert: Annotated[
        str | None,
        typer.Option(help="module:function told of failed runs; the case's monitor targets else."),
    ] = None,
) -> None:
    """Render a report on a schedule until stopped; a missed run is caught up once.

    Example: credit-forensics schedule case.toml --every day --at 07:00 --template daily_digest

    Example: credit-forensics schedule case.toml --every monday --rolling 7d
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    scheduling.run_schedule(
        scheduling.SchedulePlan(
            case_path=str(case),
            template=template,
            every=every,
            at=at,
            timezone=timezone,
            out=str(beside(case, out, "reports")),
            language=language.value if language else None,
            pdf=pdf,
            alert=alert,
            rolling=rolling,
            store=store,
        )
    )


def prune(
    folder: Annotated[Path, typer.Argument(help="Folder of the reports.")],
    older_than: Annotated[int, typer.Option(help="Age in days from which reports go.", min=0)] = 90,
    keep: Annotated[
        int, typer.Option(help="So many of the newest of each template stay.", min=0)
    ] = 1,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Decide, remove nothing.")] = False,
    hold: Annotated[
        str | None, typer.Option(help="Put this report under legal hold; nothing is removed.")
    ] = None,
    release: Annotated[str | None, typer.Option(help="Lift the hold of this report.")] = None,
    json_: JsonOption = False,
) -> None:
    """Remove old reports: page, notebook, CSV and PDF together; a legal hold keeps them.

    Example: credit-forensics prune reports --older-than 90 --dry-run
    """
    if hold or release:
        path = old_reports.hold_report(folder, str(hold or release), held=bool(hold))
        if json_:
            report = {"report": path.stem, "decision": "held" if hold else "released"}
            print_json("prune", {"reports": [report], "dry_run": False})
            return
        typer.echo(f"{'Held' if hold else 'Released'}  {path.stem}")
        return
    decided = old_reports.prune(folder, older_than_days=older_than, keep=keep, dry_run=dry_run)
    if json_:
        reports = [{"report": one.report.name, "decision": one.decision} for one in decided]
        print_json("prune", {"reports": reports, "dry_run": dry_run})
        return
    for one in decided:
        if one.decision != "kept":
            typer.echo(f"{one.decision:<8} {one.report.name}")
    removed = sum(one.decision == "removed" for one in decided)
    typer.echo(f"{removed} of {len(decided)} reports {'would be ' if dry_run else ''}removed")
