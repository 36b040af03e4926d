"""The figures of the benchmarks: noted by each, read and tabled by ``run_all.py``."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

VARIABLE = "BENCH_FIGURES"
"""The environment variable that names the file to note figures in."""


@dataclass(frozen=True)
class Figure:
    """What a benchmark measured, and what it should be."""

    measure: str
    value: float
    target: float | None = None
    at_most: bool = True
    unit: str = "x"

    @property
    def met(self) -> bool:
        """Whether the figure is as wanted; always so without a target.

        Examples
        --------
        >>> Figure("load", 1.4, 1.3).met, Figure("load", 1.4).met
        (False, True)
        """
        if self.target is None:
            return True
        return self.value <= self.target if self.at_most else self.value >= self.target

    @property
    def cost(self) -> float | None:
        """The figure relative to its target, turned so that above 1 is a miss in both senses.

        Examples
        --------
        >>> Figure("load", 2.6, 1.3).cost, Figure("rows", 12.0, 6.0, at_most=False).cost
        (2.0, 0.5)
        """
        if self.target is None:
            return None
        above, below = (self.value, self.target) if self.at_most else (self.target, self.value)
        return above / below if below > 0 else math.inf

    @property
    def words(self) -> tuple[str, str, str, str]:
        """The row of the table.

        Examples
        --------
        >>> Figure("rows", 6.04, 6, at_most=False).words
        ('rows', '6.04 x', 'at least 6 x', 'met')
        """
        figure, target, verdict = shown(self.value, self.unit), "", ""
        if self.target is not None:
            target = f"at {'most' if self.at_most else 'least'} {shown(self.target, self.unit)}"
            verdict = "met" if self.met else "MISSED"
        return self.measure, figure, target, verdict


def note(
    measure: str, value: float, target: float | None = None, at_most: bool = True, unit: str = "x"
) -> bool:
    """Note a figure in the file that ``BENCH_FIGURES`` names, if any; say whether it is as wanted.

    Examples
    --------
    >>> note("session JSON, against a bare read_json", 1.2, 1.3)
    True
    """
    figure = Figure(measure, value, target, at_most, unit)
    if path := os.environ.get(VARIABLE):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(figure)) + "\n")
    return figure.met


def note_growth(measure: str, seconds: Mapping[int, float], target: float) -> bool:
    """Print and note how the time grows from the smallest size to the largest: the exponent of its
    power of the size. Whether it is as wanted; so it is of one size.

    Examples
    --------
    >>> note_growth("load", {1_000: 1.0, 10_000: 10.0}, 1.05)
    load: growth from 1,000 to 10,000 with an exponent of 1.000 (at most 1.05)
    True
    """
    low, high = min(seconds), max(seconds)
    if low == high:
        return True
    exponent = math.log(seconds[high] / seconds[low]) / math.log(high / low)
    span = f"growth from {low:,} to {high:,}"
    print(f"{measure}: {span} with an exponent of {exponent:.3f} (at most {target})")
    return note(f"{measure}, exponent of {span}", exponent, target, unit="")


def read_figures(text: str) -> list[Figure]:
    """The figures of a file's text. A line cut short is left out: its process ended with an error.

    Examples
    --------
    >>> read_figures('{"measure": "load", "value": 1.2}\\n{"measure": "lo')
    [Figure(measure='load', value=1.2, target=None, at_most=True, unit='x')]
    """
    figures = []
    for line in text.splitlines():
        try:
            figures.append(Figure(**json.loads(line)))
        except json.JSONDecodeError:
            continue
    return figures


def shown(value: float, unit: str) -> str:
    """A figure with three digits that count, and its unit.

    Examples
    --------
    >>> shown(0.3333, "x"), shown(1234567.8, "payments"), shown(0.9, "")
    ('0.333 x', '1,234,568 payments', '0.9')
    """
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{text} {unit}".rstrip()


def table(figures: Iterable[Figure]) -> str:
    """One line a figure: measure, figure, target, met or missed."""
    rows = [("measure", "figure", "target", ""), *(figure.words for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        f"{row[0]:<{widths[0]}}  {row[1]:>{widths[1]}}  {row[2]:<{widths[2]}}  {row[3]}".rstrip()
        for row in rows
    ]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])
