"""``serve``."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from credit_forensics.errors import CaseError
from credit_forensics.extras import Later

if TYPE_CHECKING:
    from credit_forensics.intake import serve as serving
else:
    serving = Later("credit_forensics.intake.serve")


def serve(
    settings: Annotated[Path, typer.Argument(help="The intake's settings (intake.toml).")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=0, max=65535)] = 8000,
    log_file: Annotated[
        Path | None, typer.Option(help="Where delivery lines go; standard output without it.")
    ] = None,
    catch_up: Annotated[
        bool,
        typer.Option(
            "--catch-up", help="Fetch events that never arrived from Stripe, book them, and end."
        ),
    ] = False,
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
            help="With --catch-up: from when on (UTC); at most Stripe's 30 days.",
        ),
    ] = None,
) -> None:
    """Run the intake: checkout guard, user validation, webhook and review queue.

    Example: credit-forensics serve intake.toml --port 8000
    """
    if since is not None and not catch_up:
        raise CaseError("--since says from when on --catch-up fetches; give both.")
    if catch_up:
        begin = None if since is None else since.replace(tzinfo=UTC)
        typer.echo(str(serving.fetch_missed(settings, since=begin, log_file=log_file)))
        return
    serving.serve(settings, host=host, port=port, log_file=log_file)
