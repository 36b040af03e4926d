"""``monitor`` and ``serve``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from credit_forensics.commands.options import CaseArgument


def monitor(
    case: CaseArgument,
    every: Annotated[str, typer.Option(help="Time between two ticks: 90s, 5m, 1h.")] = "5m",
    once: Annotated[bool, typer.Option("--once", help="One tick, for cron.")] = False,
    status: Annotated[
        bool, typer.Option("--status", help="Show what is open, told and failing; no tick.")
    ] = False,
) -> None:
    """Watch a case and tell its targets about incidents, each once.

    Example: credit-forensics monitor case.toml --every 5m
    """
    from credit_forensics.monitoring.monitor import monitor_status, run_monitor

    if status:
        typer.echo(str(monitor_status(case)))
        return
    raise typer.Exit(
        run_monitor(case, every=every, once=once, on_tick=lambda result: typer.echo(str(result)))
    )


def serve(
    settings: Annotated[Path, typer.Argument(help="The intake's settings (intake.toml).")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
    log_file: Annotated[
        Path | None, typer.Option(help="Where delivery lines go; standard output without it.")
    ] = None,
) -> None:
    """Run the intake: checkout guard, user validation, webhook and review queue.

    Example: credit-forensics serve intake.toml --port 8000
    """
    from credit_forensics.intake.serve import serve as run

    run(settings, host=host, port=port, log_file=log_file)
