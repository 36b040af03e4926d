"""``repair``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import credit_forensics
from credit_forensics.commands.json_output import JsonOption, print_json
from credit_forensics.commands.options import (
    FOUND,
    CaseArgument,
    FreshOption,
    ModeOption,
    StoreOption,
    beside,
    steps,
    writable,
)
from credit_forensics.errors import CaseError
from credit_forensics.extras import Later

if TYPE_CHECKING:
    from credit_forensics import case_file
    from credit_forensics.checks.handler import trial_post
    from credit_forensics.repair import apply as applying
    from credit_forensics.repair import plan as planning
    from credit_forensics.repair import plan_files, plan_json, plan_text
    from credit_forensics.repair import recovery_plan as recovering
    from credit_forensics.repair import recovery_trial as trial
    from credit_forensics.repair import support_list as support
else:
    trial_post = Later("credit_forensics.checks.handler.trial_post")
    case_file = Later("credit_forensics.case_file")
    applying = Later("credit_forensics.repair.apply")
    planning = Later("credit_forensics.repair.plan")
    plan_files = Later("credit_forensics.repair.plan_files")
    plan_json = Later("credit_forensics.repair.plan_json")
    plan_text = Later("credit_forensics.repair.plan_text")
    recovering = Later("credit_forensics.repair.recovery_plan")
    trial = Later("credit_forensics.repair.recovery_trial")
    support = Later("credit_forensics.repair.support_list")


def repair(
    case: CaseArgument,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the plan; repair beside the case.")
    ] = None,
    threshold: Annotated[
        float,
        typer.Option(
            help="From which probability an inferred finding is put right.", min=0.5, max=1.0
        ),
    ] = 0.9,
    apply: Annotated[
        bool, typer.Option("--apply", help="Book the plan, after showing it and asking.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before booking.")] = False,
    plan: Annotated[
        Path | None,
        typer.Option(help="The reviewed plan.json; another plan than this one is not booked."),
    ] = None,
    allow_negative: Annotated[
        bool,
        typer.Option("--allow-negative", help="Take back spent credits, below a balance of zero."),
    ] = False,
    handler: Annotated[
        str | None,
        typer.Option(help="A handler on loopback that runs on a copy: try missing events there."),
    ] = None,
    handler_secret: Annotated[
        str, typer.Option(help="Its signing secret, as env:NAME.")
    ] = "env:STRIPE_WEBHOOK_SECRET",
    copy: Annotated[
        str | None, typer.Option(help="The copy's database URL (or env:NAME), to see what it did.")
    ] = None,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Show addresses in support.csv, to write to.")
    ] = False,
    mode: ModeOption = None,
    json_: JsonOption = False,
    store: StoreOption = True,
    fresh: FreshOption = False,
) -> None:
    """Write a repair plan to review: plan.csv, plan.json, plan.md, plan.sql. --apply books it.

    Beside it recovery.csv (send again, book, or ask) and support.csv (whom to write to).

    Example: credit-forensics repair case.toml --apply --plan repair/plan.json
    """
    if (handler is None) != (copy is None):
        raise CaseError("A trial needs both: --handler, and --copy, the database it runs on.")
    reviewed = None if plan is None else plan_json.read_plan_document(plan)
    if json_ and apply and not yes:
        raise CaseError("--json asks nothing, so --apply needs --yes beside it.")
    case_file.read_case_file(case)
    folder = writable(beside(case, out, "repair"))
    with steps() as progress:
        opened = credit_forensics.Case.open(
            case, mode=mode.value if mode else None, progress=progress, store=store, fresh=fresh
        )
        made = planning.make_plan(opened, threshold=threshold, allow_negative=allow_negative)
        tried = None
        if handler is not None and copy is not None:
            with trial_post.posting(handler, handler_secret) as post:
                tried = trial.try_on_copy(opened, opened.findings, copy=copy, post=post)
        recovery = recovering.recovery_rows(opened, made, tried=tried)
        letters = support.support_rows(opened, recovery, opened.masked(reveal=reveal))
    document = plan_json.plan_document(made)
    if reviewed is not None:
        differs = plan_json.moved_on(reviewed, document)
        if differs:
            raise CaseError(
                f"The case has moved on since {plan} was reviewed: {differs}. Nothing was "
                "changed; make a plan again and review that."
            )
    extra = {"recovery.csv": recovery, "support.csv": letters} if len(recovery) else {}
    written = [str(path) for path in plan_files.write_plan(made, folder, extra)]
    facts = {"plan": document, "written": written, "refusal": made.refusal or None}
    if json_ and not apply:
        print_json("repair", {**facts, "applied": None})
    if not json_:
        typer.echo(plan_text.plan_summary(made))
        if len(recovery):
            typer.echo(recovering.recovery_summary(recovery))
        typer.echo("\n".join(written))
    if not apply:
        return
    if made.script is None:
        raise CaseError(f"The plan cannot be applied, because {made.refusal}.")
    if not yes:
        hash_ = str(document["sha256"])
        try:
            if reviewed is None:
                agreed = typer.confirm("\nBook this plan?", default=False)
            else:
                given = typer.prompt(f"\nTo book the plan {hash_}, give its first 8 characters")
                agreed = len(given.strip()) >= 8 and hash_.startswith(given.strip())
        except typer.Abort:
            raise CaseError(
                "--apply asks before it books, and nobody answered; nothing was changed. "
                "Give --yes where nobody can."
            ) from None
        if not agreed:
            typer.echo("Nothing was changed.")
            return
    applied = applying.apply_plan(made)
    if json_:
        print_json("repair", {**facts, "applied": applied.to_dict()})
    else:
        typer.echo(f"\n{applied}")
    if not applied.complete:
        raise typer.Exit(FOUND)
