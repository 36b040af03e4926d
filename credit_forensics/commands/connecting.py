"""``mcp``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from credit_forensics.case_file import read_case_file
from credit_forensics.commands.options import CaseArgument, StoreOption
from credit_forensics.extras import Later

if TYPE_CHECKING:
    from credit_forensics.mcp import serve as serving
else:
    serving = Later("credit_forensics.mcp.serve")


def mcp(
    case: CaseArgument,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Hand out personal data; masked without it.")
    ] = False,
    store: StoreOption = True,
) -> None:
    """Serve read-only tools over one case to programs, on standard input and output.

    Needs the extra mcp. docs/mcp.md says how a program is told of it.

    Example: credit-forensics mcp case.toml
    """
    serve = serving.serve
    read_case_file(case)
    serve(case, reveal=reveal, store=store)
