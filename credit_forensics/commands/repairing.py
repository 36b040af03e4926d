"""``repair``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import credit_forensics
from credit_forensics.commands.options import (
    FOUND,
    CaseArgument,
    FreshOption,
    ModeOption,
    StoreOption,
    steps,
)
from credit_forensics.errors import CaseError
from credit_forensics.extras import Later

if TYPE_CHECKING:
    from credit_forensics.repair import apply as applying
    from credit_forensics.repair import plan as planning
    from credit_forensics.repair import plan_files, plan_text
else:
    applying = Later("credit_forensics.repair.apply")
    planning = Later("credit_forensics.repair.plan")
    plan_files = Later("credit_forensics.repair.plan_files")
    plan_text = Later("credit_forensics.repair.plan_text")


def repair(
    case: CaseArgument,
    out: Annotated[Path, typer.Option(help="Folder for the plan.")] = Path("repair"),
    threshold: Annotated[
        float, typer.Option(help="From which probability an inferred finding is put right.")
    ] = 0.9,
    apply: Annotated[
        bool, typer.Option("--apply", help="Book the plan, after showing it and asking.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before booking.")] = False,
    allow_negative: Annotated[
        bool,
        typer.Option("--allow-negative", help="Take back spent credits, below a balance of zero."),
    ] = False,
    mode: ModeOption = None,
    store: StoreOption = True,
    fresh: FreshOption = False,
) -> None:
    """Write a repair plan to review: plan.csv, plan.md and plan.sql. Only --apply books it.

    Example: credit-forensics repair case.toml --out repair
    """
    with steps() as progress:
        opened = credit_forensics.Case.open(
            case, mode=mode.value if mode else None, progress=progress, store=store, fresh=fresh
        )
        plan = planning.make_plan(opened, threshold=threshold, allow_negative=allow_negative)
    written = plan_files.write_plan(plan, out)
    typer.echo(plan_text.plan_markdown(plan))
    typer.echo("\n".join(str(path) for path in written))
    if not apply:
        return
    if plan.script is None:
        raise CaseError(f"The plan cannot be applied, because {plan.refusal}.")
    if not yes:
        try:
            agreed = typer.confirm("\nBook this plan?", default=False)
        except typer.Abort:
            raise CaseError(
                "--apply asks before it books, and nobody answered; nothing was changed. "
                "Give --yes where nobody can."
            ) from None
        if not agreed:
            typer.echo("Nothing was changed.")
            return
    applied = applying.apply_plan(plan)
    typer.echo(f"\n{applied}")
    if not applied.complete:
        raise typer.Exit(FOUND)
