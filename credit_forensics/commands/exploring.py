"""``lab``: JupyterLab with the case loaded."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from credit_forensics.commands.json_output import JsonOption, print_json
from credit_forensics.errors import CaseError
from credit_forensics.extras import Later

if TYPE_CHECKING:
    from credit_forensics.notebook import first_look, workspace
    from credit_forensics.scenarios import demo as demo_case
else:
    first_look = Later("credit_forensics.notebook.first_look")
    workspace = Later("credit_forensics.notebook.workspace")
    demo_case = Later("credit_forensics.scenarios.demo")


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
    json_: JsonOption = False,
) -> None:
    """Open JupyterLab in a workspace beside the case, on a page that shows what was found.

    Example: credit-forensics lab case.toml

    Example: credit-forensics lab --demo
    """
    if demo:
        case = demo_case.write_demo_case(demo_case.for_demo(case or Path("demo")), 2025)
    if case is None:
        raise CaseError("Give the case file, or --demo to make one.")
    folder = workspace.make_workspace(case)
    if json_:
        print_json("lab", {"workspace": str(folder)}, line=True)
    else:
        typer.echo(f"Workspace  {folder}")
    if prepare:
        return
    command = workspace.lab_command(folder, port=port, browser=browser)
    first = folder / workspace.FIRST
    # What an analyst wrote into it is for the analyst to run.
    if workspace.is_as_written(first):
        typer.echo("Running the first notebook, so that the lab opens on the case …", err=True)
        try:
            first_look.fill_first_look(first)
        except CaseError as error:
            # The notebooks say the same, and the lab is where one looks into it.
            typer.echo(f"credit-forensics: {error}", err=True)
    raise typer.Exit(subprocess.call(command, env=workspace.lab_environment(folder)))
