"""``lab``: JupyterLab with the case loaded."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Annotated

import typer


def lab(
    case: Annotated[
        Path | None, typer.Argument(help="The case file (case.toml), or the folder it lies in.")
    ] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Make and open the demo case.")] = False,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    browser: Annotated[bool, typer.Option(help="Open a browser window.")] = True,
    prepare: Annotated[
        bool, typer.Option("--prepare", help="Only write the workspace; do not start JupyterLab.")
    ] = False,
) -> None:
    """Open JupyterLab in a workspace beside the case, with the notebooks on it.

    Example: credit-forensics lab case.toml

    Example: credit-forensics lab --demo
    """
    from credit_forensics.errors import CaseError
    from credit_forensics.notebook.workspace import lab_command, lab_environment, make_workspace

    if demo:
        from credit_forensics.scenarios.demo import write_demo_case

        case = write_demo_case(case or Path("demo"), 2025)
    if case is None:
        raise CaseError("Give the case file, or --demo to make one.")
    folder = make_workspace(case)
    typer.echo(f"Workspace  {folder}")
    if prepare:
        return
    command = lab_command(folder, port=port, browser=browser)
    raise typer.Exit(subprocess.call(command, env=lab_environment(folder)))
