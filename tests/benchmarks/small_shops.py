"""Small shops: what is found of the wrong payments, and who is accused, at 20 to 200 payments.

Run with ``python tests/benchmarks/small_shops.py [--payments N …] [--seeds N]
[--first N] [--world NAME …]``.
Most incidents are as small as that. Worlds with one mechanism or fault each, ten days long, some
without any fault; every payment's verdict is compared with the truth. Prints two tables: sums a size,
and sums a world and size.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace

import pandas as pd

from credit_forensics.case.case import Case
from credit_forensics.judgement.verdicts import ASKED
from credit_forensics.scenarios.accuracy import as_markdown
from credit_forensics.scenarios.settings import BurstSettings, FaultRates, WorldSettings
from credit_forensics.scenarios.world import make_world

SIZES = (20, 60, 200)
SEEDS = 9
WRONG = {20: 0.1, 60: 0.05, 200: 0.03}
"""Share of wrong sessions, where there are any: some two to six payments."""
_RIGHT = WorldSettings(days=10.0, wrong_session_rate=0.0, faults=FaultRates.none())
_NOW_AND_THEN = BurstSettings(share_in_bursts=0.0)


@dataclass(frozen=True)
class Small:
    """A kind of small shop: mechanisms, the share of their payments, and how sessions go wrong.

    ``wrong``: the usual share of sessions goes wrong beside the mechanism; ``as_wrong``: the
    mechanism itself makes that share of sessions wrong.
    """

    mechanism: str = ""
    share: float = 0.0
    wrong: bool = False
    as_wrong: bool = False
    bursts: BurstSettings = field(default_factory=BurstSettings)


WORLDS = {
    "nothing wrong": Small(),
    "wrong in a burst": Small(wrong=True),
    "wrong now and then": Small(wrong=True, bursts=_NOW_AND_THEN),
    "a boss pays, nothing wrong": Small("team", 0.2),
    "a boss pays, wrong in a burst": Small("team", 0.2, wrong=True),
    "a boss pays, wrong now and then": Small("team", 0.2, wrong=True, bursts=_NOW_AND_THEN),
    "assistants pay, nothing wrong": Small("assistant", 0.08),
    "assistants pay, wrong in a burst": Small("assistant", 0.05, wrong=True),
    "assistants pay, wrong now and then": Small(
        "assistant", 0.05, wrong=True, bursts=_NOW_AND_THEN
    ),
    "a stale id sticks": Small("sticky", as_wrong=True),
    "a stale id sticks, e-mail prefilled": Small("sticky_prefilled", as_wrong=True),
    "a cached page": Small("cached", as_wrong=True),
    "erased accounts, nothing wrong": Small("erased", 0.2),
    "erased accounts, wrong in a burst": Small("erased", 0.1, wrong=True),
    "ids of the sign-in service, nothing wrong": Small("sign_ins", 1.0),
    "ids of the sign-in service, wrong in a burst": Small("sign_ins", 1.0, wrong=True),
    "changed e-mails, nothing wrong": Small("changed_emails", 0.2),
    "e-mails passed on, nothing wrong": Small("passed_on", 0.1),
}


def main() -> None:
    """Judge every world at every size and seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--payments", type=int, nargs="+", default=SIZES, choices=SIZES)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--world", nargs="+", default=list(WORLDS), choices=list(WORLDS))
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    runs = [
        (name, payments, seed)
        for payments in options.payments
        for name in options.world
        for seed in range(options.first, options.first + options.seeds)
    ]
    with ProcessPoolExecutor(options.processes) as pool:
        rows = pd.DataFrame(pool.map(measure, *zip(*runs, strict=True)))
    figures = [name for name in rows.columns if name not in ("payments", "world", "seed")]
    for keys in (["payments"], ["payments", "world"]):
        print(as_markdown(rows.groupby(keys, sort=False)[figures].sum().reset_index()), end="\n\n")


def settings(name: str, payments: int) -> WorldSettings:
    """A world's settings at a size."""
    small = WORLDS[name]
    rate = WRONG[payments]
    world = replace(_RIGHT, payments=payments, users=payments * 2 // 5, bursts=small.bursts)
    if small.mechanism:
        world = replace(
            world, mechanisms={small.mechanism: rate if small.as_wrong else small.share}
        )
    return replace(world, wrong_session_rate=rate) if small.wrong else world


def measure(name: str, payments: int, seed: int) -> dict[str, object]:
    """What became of the wrong and of the rightful payments of one world."""
    world = make_world(settings(name, payments), seed)
    verdicts = Case.from_evidence(world.evidence()).verdicts.set_index("payment_id")
    judged = verdicts[verdicts["probability_misattributed"].notna()]
    wrong = world.truth.set_index("payment_id")["wrong"].reindex(judged.index).astype(bool)
    return {"payments": payments, "world": name, "seed": seed, **_figures(judged, wrong)}


def _figures(judged: pd.DataFrame, wrong: pd.Series) -> dict[str, int]:
    accused = judged["verdict"] == "misattributed"
    confirmed = judged["verdict"] == "confirmed"
    return {
        "wrong": int(wrong.sum()),
        "found": int((accused & wrong).sum()),
        "wrong_asked": int((judged["verdict"].isin(ASKED) & wrong).sum()),
        "wrong_confirmed": int((confirmed & wrong).sum()),
        "right": int((~wrong).sum()),
        "accused": int((accused & ~wrong).sum()),
        "right_confirmed": int((confirmed & ~wrong).sum()),
    }


if __name__ == "__main__":
    main()
