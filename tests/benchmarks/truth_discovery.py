"""Fusion of claims on public data with known truth, beside three baselines.

Run with ``make benchmark-truth DATA=folder`` or ``python tests/benchmarks/truth_discovery.py --data
folder``. The folder holds ``NAME_claims.csv`` (question, source, answer) and ``NAME_truth.csv``
(question, truth, of some of the questions) for each set; it is measured with and never kept. Prints
one table. Nothing is fitted to a truth: it is read once all the answers are there.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))

from claim_set import claim_set
from fuse_claims import fuse_claims
from truth_baselines import dawid_skene, is_shared, majority, one_coin, scored

TRUTH, CLAIMS = "_truth.csv", "_claims.csv"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every set of a folder and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="", metavar="FOLDER", help="the claims and truths")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="some of the sets")
    options = parser.parse_args(arguments)
    folder = Path(options.data)
    names = [path.name.removesuffix(CLAIMS) for path in sorted(folder.glob(f"*{CLAIMS}"))]
    names = [name for name in names if (folder / f"{name}{TRUTH}").is_file()]
    if not options.data or not names:
        where = f"in {folder}" if options.data else "as no folder is given"
        print(f"There are no claims with truth to measure {where}: give a folder that holds "
              "NAME_claims.csv and NAME_truth.csv by --data.", file=sys.stderr)  # fmt: skip
        return 2
    print("| set | judge | accuracy | confidence | ece | brier | seconds |")
    print("|---|---|---|---|---|---|---|")
    for name in options.only or names:
        measure(name, read(folder / f"{name}{CLAIMS}"), read(folder / f"{name}{TRUTH}"))
    return 0


def measure(name: str, claims: pd.DataFrame, truth: pd.DataFrame) -> None:
    """Print the lines of one set."""
    judges = {"majority": majority, "one-coin": one_coin}
    if is_shared(claim_set(claims)):
        judges["Dawid–Skene"] = dawid_skene
    judges["ours"] = lambda rows: fuse_claims(rows).answers
    for judge, answer in judges.items():
        began = time.perf_counter()
        answers = answer(claims)
        seconds = time.perf_counter() - began
        figures = " | ".join(f"{value:.4f}" for value in scored(answers, truth).values())
        print(f"| {name} | {judge} | {figures} | {seconds:.1f} |", flush=True)


def read(path: Path) -> pd.DataFrame:
    """A table of texts; an empty text or NA is a value like any other."""
    return pd.read_csv(path, dtype=str, keep_default_na=False)


if __name__ == "__main__":
    raise SystemExit(main())
