"""``serve``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

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
) -> None:
    """Run the intake: checkout guard, user validation, webhook and review queue.

    Example: credit-forensics serve intake.toml --port 8000
    """
    serving.serve(settings, host=host, port=port, log_file=log_file)
