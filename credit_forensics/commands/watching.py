"""``monitor``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from credit_forensics.commands.json_output import JsonOption, print_json
from credit_forensics.commands.options import CaseArgument, FreshOption, StoreOption
from credit_forensics.extras import Later

if TYPE_CHECKING:
    from credit_forensics.monitoring import monitor as watch
else:
    watch = Later("credit_forensics.monitoring.monitor")


def monitor(
    case: CaseArgument,
    every: Annotated[str, typer.Option(help="Time between two ticks: 90s, 5m, 1h.")] = "5m",
    once: Annotated[bool, typer.Option("--once", help="One tick, for cron.")] = False,
    status: Annotated[
        bool, typer.Option("--status", help="Show what is open, told and failing; no tick.")
    ] = False,
    json_: JsonOption = False,
    store: StoreOption = True,
    fresh: FreshOption = False,
) -> None:
    """Watch a case and tell its targets about incidents, each once.

    Example: credit-forensics monitor case.toml --every 5m
    """
    if status:
        known = watch.monitor_status(case)
        if json_:
            print_json("monitor-status", known.to_dict())
        else:
            typer.echo(str(known))
        return
    watch.interval(every)
    raise typer.Exit(
        watch.run_monitor(
            case,
            every=every,
            once=once,
            store=store,
            fresh=fresh,
            on_tick=lambda result: (
                print_json("monitor", result.to_dict(), line=True)
                if json_
                else typer.echo(str(result))
            ),
        )
    )
