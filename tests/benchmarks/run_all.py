"""Every benchmark in one run: one table of ratios, a plot, and the figures as JSON.

Each ``bench_*.py`` runs in a process of its own; what it prints goes to standard error, so that
standard output holds the table alone. One that fails does not stop the others. Ends with 1 where a
target is missed or a benchmark fails, and says which.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import ratio_plot
from ratios import VARIABLE, Figure, read_figures, table

HERE = Path(__file__).resolve().parent
OUT = HERE.parents[1] / "build" / "benchmarks"
QUICK = {
    "fusion": "--payments 50000 --runs 3",
    "intake": "--deliveries 800 --rounds 1",
    "ledger_read": "200000",
    "monitor_tick": "5",
    "report": "--payments 10000",
    "resolution": "--payments 10000 50000 --runs 2",
    "scale": "--payments 50000 100000",
    "stripe_json": "50000",
    "webhook_log": "--megabytes 30 --rounds 2",
}
"""Arguments that make a benchmark small: a look at whether it works, for a minute or two."""
_EXAMPLE = """examples:
  python tests/benchmarks/run_all.py
  python tests/benchmarks/run_all.py --quick --only stripe_json webhook_log"""


@dataclass(frozen=True)
class Ran:
    """A benchmark that ran: its figures, how it ended, how long it took."""

    name: str
    figures: list[Figure]
    status: int
    seconds: float

    @property
    def failed(self) -> bool:
        """Whether it ended with an error that no missed target explains, or measured nothing."""
        return not self.figures or (self.status != 0 and all(one.met for one in self.figures))


def benchmarks(folder: Path) -> dict[str, Path]:
    """The scripts by their names, without ``bench_``."""
    return {path.stem.removeprefix("bench_"): path for path in sorted(folder.glob("bench_*.py"))}


def run(name: str, script: Path, arguments: Sequence[str] = ()) -> Ran:
    """Run one benchmark and read what it noted."""
    with tempfile.TemporaryDirectory() as scratch:
        noted = Path(scratch) / "figures.jsonl"
        noted.touch()
        began = time.perf_counter()
        ended = subprocess.run(
            [sys.executable, str(script), *arguments],
            check=False,
            stdout=2,
            env={**os.environ, VARIABLE: str(noted), "PYTHONUNBUFFERED": "1"},
        )
        seconds = time.perf_counter() - began
        return Ran(name, read_figures(noted.read_text("utf-8")), ended.returncode, seconds)


def write(ran: Sequence[Ran], out: Path, sizes: str) -> None:
    """``figures.json`` and ``benchmarks.html`` into the folder."""
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    told = {
        "sizes": sizes,
        "machine": machine,
        "benchmarks": [
            {
                "name": one.name,
                "seconds": round(one.seconds, 1),
                "status": one.status,
                "failed": one.failed,
                "figures": [{**asdict(figure), "met": figure.met} for figure in one.figures],
            }
            for one in ran
        ],
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / "figures.json").write_text(json.dumps(told, indent=2) + "\n", "utf-8")
    figures = [figure for one in ran for figure in one.figures]
    plot = ratio_plot.ratio_plot(figures, f"one run, {sizes}, {machine}")
    (out / "benchmarks.html").write_text(ratio_plot.page(plot), "utf-8")


def main(arguments: Sequence[str] | None = None, folder: Path = HERE) -> int:
    """Run what is asked for, print the table, say what is missed."""
    known = benchmarks(folder)
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=_EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="small sizes, a few minutes in all")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=list(known),
                        help=f"some of: {', '.join(known)}")  # fmt: skip
    parser.add_argument("--out", type=Path, default=OUT, help="folder for plot and JSON")
    options = parser.parse_args(arguments)
    names = [name for name in known if name in (options.only or known)]
    ran = []
    for number, name in enumerate(names, start=1):
        given = shlex.split(QUICK.get(name, "")) if options.quick else []
        title = f"[{number}/{len(names)}] {' '.join([name, *given])}"
        print(title, file=sys.stderr, flush=True)
        ran.append(run(name, known[name], given))
        print(f"{title}: {ran[-1].seconds:.0f} s\n", file=sys.stderr, flush=True)
    sizes = "small sizes, where fixed costs weigh more" if options.quick else "full sizes"
    write(ran, options.out, sizes)
    print(table(figure for one in ran for figure in one.figures))
    print(f"\n{sizes}; plot: {options.out / 'benchmarks.html'}")
    missed = [figure.measure for one in ran for figure in one.figures if not figure.met]
    failed = [one for one in ran if one.failed]
    for measure in missed:
        print(f"missed: {measure}")
    for one in failed:
        print(f"failed: {one.name} ended with {one.status}, {len(one.figures)} figures noted")
    return 1 if missed or failed else 0


if __name__ == "__main__":
    sys.exit(main())
