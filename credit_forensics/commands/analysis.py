"""``demo``, ``analyze`` and ``explain``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import credit_forensics
from credit_forensics.commands.json_output import JsonOption, print_json
from credit_forensics.commands.options import (
    FOUND,
    UNJUDGED,
    CaseArgument,
    FailOn,
    FreshOption,
    JudgingMode,
    ModeOption,
    Severity,
    StoreOption,
    beside,
    steps,
    writable,
)
from credit_forensics.errors import CaseError
from credit_forensics.extras import Later
from credit_forensics.progress import Progress

if TYPE_CHECKING:
    from credit_forensics import case_file
    from credit_forensics.case import dossiers, explain_stored, payment_aliases
    from credit_forensics.checks import baseline as baselines
    from credit_forensics.checks import sarif as sarif_log
    from credit_forensics.judgement import explanation as explaining
    from credit_forensics.reporting import produce
    from credit_forensics.scenarios import demo as demo_case
else:
    case_file = Later("credit_forensics.case_file")
    baselines = Later("credit_forensics.checks.baseline")
    sarif_log = Later("credit_forensics.checks.sarif")
    dossiers = Later("credit_forensics.case.dossiers")
    explain_stored = Later("credit_forensics.case.explain_stored")
    explaining = Later("credit_forensics.judgement.explanation")
    payment_aliases = Later("credit_forensics.case.payment_aliases")
    produce = Later("credit_forensics.reporting.produce")
    demo_case = Later("credit_forensics.scenarios.demo")


def demo(
    out: Annotated[Path, typer.Argument(help="Folder for the demo case.")] = Path("demo"),
    seed: Annotated[int, typer.Option(help="The case is made from this number.")] = 2025,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite what lies there, whosever it is.")
    ] = False,
    json_: JsonOption = False,
) -> None:
    """Make a small case with every finding in it, analyse it and render its report.

    Example: credit-forensics demo demo
    """
    writable(out if force else demo_case.for_demo(out))
    with steps() as progress:
        progress("writing the demo case", 1, 1)
        case_path = demo_case.write_demo_case(out, seed)
        case = credit_forensics.Case.open(case_path, progress=progress)
        numbers = case.analyze(out / "analysis")
    if not json_:
        _print_summary(case, numbers)
    produced = produce.produce_report(case_path, out=out / "reports")
    if json_:
        made = {"case": str(case_path), "report": str(produced.report.html)}
        print_json("demo", {**numbers, **made, "out": str(out / "analysis")})
        return
    typer.echo(f"\nCase    {case_path}\nTables  {out / 'analysis'}\nReport  {produced.report.html}")


def analyze(
    case: CaseArgument,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the results; analysis beside the case.")
    ] = None,
    mode: ModeOption = None,
    fail_on: FailOn = None,
    baseline: Annotated[
        Path | None, typer.Option(help="Known findings, of which --fail-on takes no account.")
    ] = None,
    write_baseline: Annotated[
        Path | None, typer.Option(help="Write the findings there are now as known.")
    ] = None,
    sarif: Annotated[
        Path | None, typer.Option(help="Write the findings as SARIF 2.1.0, for code hosts.")
    ] = None,
    sarif_docs: Annotated[
        str, typer.Option(help="Where docs/findings.md is read, for the links of SARIF's rules.")
    ] = "",
    json_: JsonOption = False,
    store: StoreOption = True,
    fresh: FreshOption = False,
) -> None:
    """Judge every payment; write verdicts, claims, findings, incidents, rejects and the manifest.

    Ends with 0; with 1 on findings as --fail-on says; with 2 where the case cannot be used; with
    3 where less of the paid money or of the credits could be judged than [analysis]
    judged_at_least.

    Example: credit-forensics analyze case.toml --out analysis --fail-on critical
    """
    settings = case_file.read_case_file(case)
    known = baselines.read_baseline(baseline) if baseline else set()
    folder = writable(beside(case, out, "analysis"))
    for file in (write_baseline, sarif):
        if file is not None:
            writable(file.parent)
    with steps() as progress:
        opened = _open(case, mode, progress, store=store, fresh=fresh)
        numbers = opened.analyze(folder)
    if write_baseline is not None:
        baselines.write_baseline(opened.findings, write_baseline)
        known = baselines.read_baseline(write_baseline)
    if sarif is not None:
        path = (case / "case.toml" if case.is_dir() else case).as_posix()
        sarif_log.write_sarif(
            opened.findings, sarif, case_file=path, baseline=known, docs=sarif_docs
        )
    if json_:
        found = opened.judged.nothing_found(settings.analysis.judged_at_least)
        print_json("analyze", {**numbers, "nothing_found_means": found, "out": str(folder)})
    else:
        _print_summary(opened, numbers)
        typer.echo(f"\nWritten to {folder}")
        typer.echo("\n".join(_next_steps(numbers, case)))
    _exit_by(opened, fail_on, known)


def explain(
    case: CaseArgument,
    payment_id: Annotated[
        str,
        typer.Argument(help="The payment, by any of its ids, or the beginning of one; an account."),
    ],
    mode: ModeOption = None,
    json_: JsonOption = False,
    store: StoreOption = True,
    fresh: FreshOption = False,
) -> None:
    """Say why a payment has its verdict: every voice, its weight, and the score they sum to.

    Of an account it shows balances, payments, entries and findings.

    Example: credit-forensics explain case.toml cs_live_a1
    """
    if not payment_id.strip():
        raise CaseError("Name a payment by any of its ids, or an account; nothing was given.")
    try:
        explanation = _explanation(case, payment_id, mode, store=store, fresh=fresh)
    except payment_aliases.AccountMeantError as meant:
        _print_account(case, meant.user_id, mode, json_, store=store)
        return
    if json_:
        print_json("explain", explanation.to_dict())
    else:
        typer.echo(str(explanation))


def _explanation(
    case: Path, payment_id: str, mode: JudgingMode | None, *, store: bool, fresh: bool
) -> explaining.Explanation:
    if store and not fresh:
        settings = case_file.read_case_file(case)
        asked = mode.value if mode else settings.analysis.mode
        found = explain_stored.explain_stored(settings, payment_id, asked)
        if found is not None:
            return found
    with steps() as progress:
        opened = _open(case, mode, progress, store=store, fresh=fresh)
        return opened.explain(payment_id)


def _print_account(
    case: Path, user_id: str, mode: JudgingMode | None, json_: bool, *, store: bool
) -> None:
    with steps() as progress:
        opened = _open(case, mode, progress, store=store, fresh=False)
        dossier = dossiers.account_dossier(opened, user_id)
        user_id = opened.mask.user_id(user_id)
        dossier = dossiers.shown_dossier(dossier, opened.mask)
    if json_:
        print_json("account", {"user_id": user_id, **dossier})
    else:
        typer.echo(dossiers.account_text(user_id, dossier))


def _open(
    case: Path, mode: JudgingMode | None, progress: Progress, *, store: bool, fresh: bool
) -> credit_forensics.Case:
    return credit_forensics.Case.open(
        case, mode=mode.value if mode else None, progress=progress, store=store, fresh=fresh
    )


def _print_summary(case: credit_forensics.Case, numbers: dict[str, Any]) -> None:
    judged, at_least = case.judged, case.settings.analysis.judged_at_least
    lines = [f"{numbers['name']}", f"{numbers['payments']:,} payments, judged in {case.mode}"]
    lines += [*str(judged).splitlines(), ""]
    lines += _block("Verdicts", numbers["verdicts"])
    lines += _block("Findings", numbers["findings"] or {judged.nothing_found(at_least): 0})
    lines.append(f"Incidents: {numbers['incidents']}   Rejected rows: {numbers['rejects']:,}")
    for gap in numbers["gaps"]:
        lines.append(f"Gap: {gap['object']} ({gap['problem']}): {gap['consequence']}")
    for name in numbers["not_run"]:
        lines.append(f"Could not run: {name}")
    notes = case.model["notes"]
    lines += [f"Note: {note}" for note in notes]
    typer.echo("\n".join(lines))


def _next_steps(numbers: dict[str, Any], path: Path) -> list[str]:
    """The worst payment with its money, and the commands that go on from there."""
    lines = []
    if worst := numbers["worst"]:
        what = ", ".join(part for part in (worst["finding"], worst["money"]) if part)
        lines.append(f"Worst   {worst['payment_id']} ({what})")
        lines.append(f"Why     credit-forensics explain {path} {worst['payment_id']}")
    if numbers["asked"]:
        noun = "payment" if numbers["asked"] == 1 else "payments"
        asked = f"{numbers['asked']:,} {noun} to answer"
        lines.append(f"Review  credit-forensics review {path}  ({asked})")
    lines.append(f"Report  credit-forensics report {path}")
    return lines


def _block(title: str, counts: dict[str, Any]) -> list[str]:
    width = max((len(str(name)) for name in counts), default=0)
    return [title, *(f"  {name:<{width}}  {n:>9,}" for name, n in counts.items()), ""]


def _exit_by(case: credit_forensics.Case, fail_on: Severity | None, known: set[str]) -> None:
    if fail_on is not None:
        order = list(Severity)
        grave = {severity.value for severity in order[: order.index(fail_on) + 1]}
        counted = baselines.new_findings(case.findings, known)
        if counted["severity"].isin(grave).any():
            raise typer.Exit(FOUND)
    if not case.judged.enough(case.settings.analysis.judged_at_least):
        raise typer.Exit(UNJUDGED)
