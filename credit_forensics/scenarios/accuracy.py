"""Measures the judgement on worlds with truth, beside what others would do on the same worlds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from credit_forensics.case.case import Case
from credit_forensics.scenarios.baselines import baseline_probabilities
from credit_forensics.scenarios.scoring import score
from credit_forensics.scenarios.settings import (
    BurstSettings,
    FaultRates,
    NameBehaviour,
    WorldSettings,
)
from credit_forensics.scenarios.world import World, make_world

OURS, OURS_WITHOUT_NAME = "ours", "ours_without_name"
_SMALLEST_BURST = 20


@dataclass(frozen=True)
class Variation:
    """A world of the grid: a name and its settings."""

    name: str
    settings: WorldSettings


def rate_worlds(payments: int, rates: Sequence[float]) -> list[Variation]:
    """Standard worlds at several wrong-session rates.

    Examples
    --------
    >>> [one.name for one in rate_worlds(1000, [0.005, 0.03])]
    ['0.5 % wrong', '3 % wrong']
    """
    return [
        Variation(
            f"{100 * rate:g} % wrong", WorldSettings(payments=payments, wrong_session_rate=rate)
        )
        for rate in rates
    ]


def grid_worlds(payments: int) -> list[Variation]:
    """The grid: the standard world, and what makes one harder or easier, one thing at a time.

    Examples
    --------
    >>> "integer ids" in {one.name for one in grid_worlds(1000)}
    True
    """
    base = WorldSettings(payments=payments, wrong_session_rate=0.02)
    others = {
        "households all share a card": {"household_card_share": 1.0},
        "no preset customer": {"preset_share": 0.0},
        "70 % preset customers": {"preset_share": 0.7},
        "e-mail matches in 60 %": {"email_match": 0.6},
        "10 % without metadata": {"missing_metadata": 0.1},
        "names say little": {"names": NameBehaviour(equal=0.4, variant=0.1, household=0.2)},
        "no poisoned mappings": {"poisoned_mappings": False},
        "integer ids": {"id_scheme": "integer"},
        "30 % relogin ids": {"relogin_share": 0.3},
    }
    return [
        *rate_worlds(payments, [0.001, 0.005, 0.01, 0.02, 0.03, 0.05]),
        *(Variation(name, replace(base, **changed)) for name, changed in others.items()),  # type: ignore[arg-type]
        *mechanism_worlds(payments),
    ]


def mechanism_worlds(payments: int) -> list[Variation]:
    """Worlds in which payers, accounts and sessions come apart in other ways, and tiny ones.

    Examples
    --------
    >>> "a boss pays for a team" in {one.name for one in mechanism_worlds(1000)}
    True
    """
    right = WorldSettings(payments=payments, days=max(10.0, payments / 100), wrong_session_rate=0.0)
    right = replace(right, faults=FaultRates.none())
    wrong = replace(right, wrong_session_rate=0.02)
    tiny = replace(right, payments=60, users=25, days=10.0)
    quiet = BurstSettings(share_in_bursts=0.0)
    weak: dict[str, object] = {"wrong_session_rate": 0.6, "preset_share": 0.7, "email_match": 0.6}
    others: dict[str, tuple[WorldSettings, dict[str, object]]] = {
        "a boss pays for a team, nothing wrong": (right, {"mechanisms": {"team": 0.15}}),
        "a boss pays for a team": (wrong, {"mechanisms": {"team": 0.15}}),
        "assistants pay in 3 %": (wrong, {"mechanisms": {"assistant": 0.03}}),
        "a stale id sticks": (right, {"mechanisms": {"sticky": 0.02}}),
        "a stale id sticks, e-mail prefilled": (right, {"mechanisms": {"sticky_prefilled": 0.02}}),
        "a cached page": (right, {"mechanisms": {"cached": 0.02}}),
        "a fallback account": (right, {"mechanisms": {"fallback": 0.02}}),
        "colliding tenants": (right, {"mechanisms": {"tenants": 0.03}}),
        "swapped pairs": (right, {"mechanisms": {"swapped": 0.02}}),
        "e-mails passed on": (wrong, {"mechanisms": {"passed_on": 0.05}}),
        "erased accounts": (wrong, {"mechanisms": {"erased": 0.1}}),
        "changed e-mails": (wrong, {"mechanisms": {"changed_emails": 0.1}}),
        "addresses of a relay": (wrong, {"mechanisms": {"relay": 0.2}}),
        "names in other letters": (wrong, {"mechanisms": {"non_latin": 0.4}}),
        "heavy buyers": (wrong, {"mechanisms": {"heavy": 0.02}}),
        "one wrong now and then": (wrong, {"bursts": quiet}),
        "sessions only": (wrong, {"mechanisms": {"sessions_only": 1.0}}),
        "ids of the sign-in service": (wrong, {"mechanisms": {"sign_ins": 1.0}}),
        "60 % wrong, weak evidence": (right, weak),
        "tiny, nothing wrong": (tiny, {}),
        "tiny, a boss pays for a team": (tiny, {"mechanisms": {"team": 0.25}}),
        "tiny, assistants pay": (tiny, {"mechanisms": {"assistant": 0.05}}),
        "tiny, 3 % wrong": (tiny, {"wrong_session_rate": 0.03, "bursts": quiet}),
    }
    return [Variation(name, replace(base, **changed)) for name, (base, changed) in others.items()]  # type: ignore[arg-type]


def measure_worlds(
    variations: Sequence[Variation],
    seeds: Sequence[int],
    progress: Callable[[str, int, int], None] | None = None,
) -> pd.DataFrame:
    """Judge each world at each seed.

    Returns
    -------
    world, seed, judge (``ours``, ``ours_without_name`` or a baseline), payments, wrong, precision
    and recall at p >= 0.9, precision_at_80 (where 80 % are found), average_precision, brier, ece;
    and for ours: accused (share of the rightful payments with p >= 0.9), confirmed_wrong (share of
    the wrong payments that are confirmed), doubtful (share ambiguous, unverifiable or paid by
    another), causes (share right among the wrong payments found), onset_hours (largest error over
    bursts of 20 or more), onsets_too_many (dated onsets within such a burst after another one in
    it), confirmed_against_two (wrong payments confirmed though three families speak and two
    disagree with the ledger).
    """
    rows: list[dict[str, object]] = []
    runs = [(variation, seed) for variation in variations for seed in seeds]
    for number, (variation, seed) in enumerate(runs, start=1):
        if progress:
            progress(f"{variation.name}, seed {seed}", number, len(runs))
        for row in _measure(make_world(variation.settings, seed)):
            rows.append({"world": variation.name, "seed": seed, **row})
    return pd.DataFrame(rows)


def _measure(world: World) -> Iterator[dict[str, object]]:
    evidence = world.evidence()
    case = Case.from_evidence(evidence)
    yield {"judge": OURS, **_scores(world, _ours(case)), **_more(world, case)}
    for name, column in baseline_probabilities(case).set_index("payment_id").items():
        yield {"judge": str(name), **_scores(world, column)}
    without = Case.from_evidence(evidence, left_out=["name"])
    yield {"judge": OURS_WITHOUT_NAME, **_scores(world, _ours(without))}


def _ours(case: Case) -> pd.Series:
    return case.verdicts.set_index("payment_id")["probability_misattributed"]


def _scores(world: World, probability: pd.Series) -> dict[str, object]:
    truth = world.truth.set_index("payment_id")["wrong"]
    p = probability.reindex(truth.index).to_numpy(dtype=np.float64, na_value=np.nan)
    found = score(p, truth.to_numpy(dtype=bool))
    return {
        "payments": int(np.isfinite(p).sum()),
        "wrong": int(truth.to_numpy(dtype=bool)[np.isfinite(p)].sum()),
        "precision": found.precision,
        "recall": found.recall,
        "precision_at_80": found.precision_at_recall,
        "average_precision": found.average_precision,
        "brier": found.brier,
        "ece": found.ece,
    }


def _more(world: World, case: Case) -> dict[str, object]:
    verdicts = case.verdicts.set_index("payment_id")
    truth = world.truth.set_index("payment_id")
    wrong = truth["wrong"].astype(bool)
    doubtful = verdicts["verdict"].isin(["ambiguous", "unverifiable", "paid_by_another"]).mean()

    found = case.findings[case.findings["finding"] == "wrong_user"].set_index("payment_id")
    found = found[wrong.reindex(found.index).fillna(False).astype(bool)]
    causes = (found["cause"] == truth["cause"].reindex(found.index)).mean() if len(found) else 1.0

    judged = case.evidence.engine.frame(case.judgement.judged).set_index("payment_id")
    voices = judged[[name for name in judged.columns if name.startswith("v_")]]
    against = voices.notna() & voices.ne(judged["credited"], axis=0)
    broken = (
        (verdicts["verdict"] == "confirmed")
        & wrong.reindex(verdicts.index)
        & (verdicts["families_available"] >= 3)
        & (against.sum(axis=1).reindex(verdicts.index) >= 2)
    )
    p = verdicts["probability_misattributed"]
    right = ~wrong.reindex(verdicts.index) & p.notna()
    confirmed = (verdicts["verdict"] == "confirmed") & ~right & p.notna()
    return {
        "accused": float(((p >= 0.9) & right).sum() / max(right.sum(), 1)),
        "confirmed_wrong": float(confirmed.sum() / max(wrong.reindex(p.dropna().index).sum(), 1)),
        "doubtful": float(doubtful),
        "causes": float(causes),
        "onset_hours": _onset_error(world, case),
        "onsets_too_many": _onsets_too_many(world, case),
        "confirmed_against_two": int(broken.sum()),
    }


def _onset_error(world: World, case: Case) -> float:
    """Hours between the onset of each large burst and the nearest incident's, at worst."""
    bursts = world.bursts[world.bursts["payments"] >= _SMALLEST_BURST]
    incidents = case.incidents[case.incidents["finding"] == "wrong_user"]
    if bursts.empty:
        return 0.0
    if incidents.empty:
        return float("inf")
    onsets = incidents["onset"].dropna().to_numpy()
    apart = np.abs(bursts["onset"].to_numpy()[:, None] - onsets[None, :]).min(axis=1)
    return float(apart.max() / np.timedelta64(1, "h"))


def _onsets_too_many(world: World, case: Case) -> int:
    """Dated onsets within a large burst beyond its first: one burst told as several."""
    bursts = world.bursts[world.bursts["payments"] >= _SMALLEST_BURST]
    incidents = case.incidents[case.incidents["finding"] == "wrong_user"]
    onsets = np.sort(incidents["onset"][incidents["onset_low"].notna()].to_numpy())
    begun = np.searchsorted(onsets, bursts["onset"].to_numpy(), side="left")
    over = np.searchsorted(onsets, bursts["end"].to_numpy(), side="right")
    return int(np.maximum(over - begun - 1, 0).sum())


def summarize(measured: pd.DataFrame) -> pd.DataFrame:
    """Mean over seeds with the lowest and highest, a row a world and judge.

    Returns
    -------
    world, judge, seeds, and for each measure a text ``mean (low to high)``.
    """
    figures = [
        name for name in measured.columns if name not in ("world", "seed", "judge", "payments")
    ]
    keys = ["world", "judge"]
    grouped = measured.groupby(keys, sort=False)
    mean, low, high = (grouped[figures].agg(how) for how in ("mean", "min", "max"))
    table = grouped.agg(seeds=("seed", "nunique")).reset_index()
    for name in figures:
        table[name] = [
            "" if pd.isna(m) else f"{m:.4g} ({a:.4g} to {b:.4g})"
            for m, a, b in zip(mean[name], low[name], high[name], strict=True)
        ]
    return table


def as_markdown(table: pd.DataFrame) -> str:
    """A table in Markdown.

    Examples
    --------
    >>> print(as_markdown(pd.DataFrame({"a": [1]})))
    | a |
    |---|
    | 1 |
    """
    lines = ["| " + " | ".join(map(str, table.columns)) + " |", "|" + "---|" * len(table.columns)]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in table.itertuples(index=False)]
    return "\n".join(lines)
