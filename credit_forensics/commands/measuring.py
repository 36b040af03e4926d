"""``accuracy``: the judgement on worlds with truth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from credit_forensics.commands.json_output import JsonOption, print_json
from credit_forensics.commands.options import steps, writable
from credit_forensics.extras import Later

if TYPE_CHECKING:
    from credit_forensics.scenarios import accuracy as measurement
else:
    measurement = Later("credit_forensics.scenarios.accuracy")


def accuracy(
    payments: Annotated[int, typer.Option(help="Payments a world.", min=2)] = 20_000,
    seeds: Annotated[int, typer.Option(help="Worlds of each kind.", min=1)] = 2,
    rate: Annotated[
        list[float] | None,
        typer.Option(help="Wrong-session rates, as shares; 0.005 and 0.03.", min=0.0, max=1.0),
    ] = None,
    grid: Annotated[
        bool, typer.Option("--grid", help="The whole grid of worlds instead of rates alone.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Write every run to this CSV.")] = None,
    json_: JsonOption = False,
) -> None:
    """Measure precision, recall, average precision, Brier and ECE beside four baselines.

    Example: credit-forensics accuracy --payments 200000 --seeds 5
    """
    if out is not None:
        writable(out.parent)
    if grid:
        worlds = measurement.grid_worlds(payments)
    else:
        worlds = measurement.rate_worlds(payments, rate or [0.005, 0.03])
    with steps() as progress:
        measured = measurement.measure_worlds(worlds, range(1, seeds + 1), progress)
    if out is not None:
        measured.to_csv(out, index=False, lineterminator="\n")
    if json_:
        print_json("accuracy", {"runs": measured})
    else:
        typer.echo(measurement.as_markdown(measurement.summarize(measured)))
