"""Explains a payment: each family's weight for each candidate, summing exactly to the score."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from credit_forensics.extras import Later
from credit_forensics.judgement.families import Family
from credit_forensics.judgement.fit import Fit, cell_session_accuracy
from credit_forensics.judgement.pattern_arrays import Cells, Patterns, mark_unit
from credit_forensics.judgement.scores import candidate_weights, contributions, others_weight
from credit_forensics.judgement.shown_person import NOBODY, is_absent, or_nobody, shown_person
from credit_forensics.judgement.used_claims import NamedMethod
from credit_forensics.resolution.family_names import NAME, SESSION

if TYPE_CHECKING:
    import pandas as pd
else:
    # Slow to load, and what is printed needs no table.
    pd = Later("pandas")

_WORTH_SAYING = 0.01
_SCORES = ("person_id", "score", "probability")
_BARS = ("person_id", "family", "level", "accuracy", "weight", "methods")


@dataclass(frozen=True)
class Explanation:
    """Why a payment has its verdict.

    Attributes
    ----------
    payment_id
        the payment.
    verdict
        its row of ``verdicts``.
    score_rows
        person_id, score, probability; the most probable first, and "(nobody named)" last.
    bar_rows
        person_id, family, level, accuracy, weight, methods: the weights of a person sum to the
        person's score exactly.
    patron
        probability that another person paid for the account, and rightly.
    unnamed
        ids of one person, who paid: several, of which the session names none, so that which of
        them was meant is in question; empty where that is not.
    shown
        how ids are shown where the explanation displays itself; ``str`` and ``to_dict`` keep
        them as they are.
    """

    payment_id: str
    verdict: dict[str, Any]
    score_rows: Sequence[Mapping[str, Any]]
    bar_rows: Sequence[Mapping[str, Any]]
    shown: Callable[[object], str] = field(default=str, compare=False)
    patron: float = 0.0
    unnamed: Sequence[str] = ()

    @cached_property
    def scores(self) -> pd.DataFrame:
        """The scores as a table."""
        return pd.DataFrame(list(self.score_rows), columns=list(_SCORES))

    @cached_property
    def bars(self) -> pd.DataFrame:
        """The bars as a table."""
        return pd.DataFrame(list(self.bar_rows), columns=list(_BARS))

    def __str__(self) -> str:
        return self._text(str)

    def __repr__(self) -> str:
        return self._text(self.shown)

    def _text(self, shown: Callable[[object], str]) -> str:
        verdict = self.verdict
        lines = [f"{self.payment_id}: {verdict['verdict']} ({verdict['mode']})"]
        lines.append(f"  credited to   {or_nobody(verdict['credited_user_id'], shown)}")
        lines.append(f"  who paid      {or_nobody(verdict['rightful_user_id'], shown)}")
        if self.unnamed:
            ids = ", ".join(shown(one) for one in self.unnamed)
            lines.append(f"  which id      {ids} are all of that person; the session names none")
        p = verdict["probability_misattributed"]
        if not is_absent(p):
            lines.append(
                f"  probability that the account is wrong (another paid, and not for it): {p:.4f}"
            )
        if self.patron >= _WORTH_SAYING:
            lines.append(f"  probability that another paid for this account: {self.patron:.4f}")
        for score in self.score_rows:
            lines.append(
                f"  {shown_person(score['person_id'], shown)}  score {score['score']:+.3f}  "
                f"probability {score['probability']:.4f}"
            )
            lines += [
                f"      {bar['weight']:+7.3f}  {bar['family']} ({bar['level']}, accuracy "
                f"{bar['accuracy']:.4f}): {bar['methods']}"
                for bar in self.bar_rows
                if bar["person_id"] == score["person_id"]
            ]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "payment_id": self.payment_id,
            "verdict": {key: _plain(value) for key, value in self.verdict.items()},
            "scores": [dict(score) for score in self.score_rows],
            "bars": [dict(bar) for bar in self.bar_rows],
        }


def explain(
    judged: Mapping[str, Any],
    verdict: dict[str, Any],
    methods_by_family: dict[str, dict[str, list[str]]],
    patterns: Patterns,
    fit: Fit,
    *,
    methods: Sequence[NamedMethod] = (),
    ids_of_person: Sequence[str] = (),
    shown: Callable[[object], str] = str,
) -> Explanation:
    """Explain one payment.

    Parameters
    ----------
    judged
        its row of ``judged``: voices, period and pattern.
    verdict
        its row of ``verdicts``.
    methods_by_family
        family to person to the methods that named that person.
    patterns
        the one pattern of the payment.
    fit
        the fitted model.
    methods
        the case's methods.
    ids_of_person
        every id of the person who was credited.
    shown
        how ids are shown where the explanation displays itself.
    """
    fit, period = fit.at(int(judged["period"]), patterns)
    cell = Cells(
        period=np.array([period]),
        pattern=np.array([0]),
        count=np.ones(1),
        periods=len(fit.states),
        mark=np.array([int(judged["pattern"]) // mark_unit(len(fit.families))]),
    )
    session = cell_session_accuracy(patterns, cell, fit)
    weights = contributions(patterns, fit.believed, session)
    scores = weights.sum(axis=1)
    odds = candidate_weights(patterns, scores)[0]
    others = others_weight(patterns, fit.believed)[0]
    total = odds.sum() + others
    persons = _slot_persons(judged, patterns, fit.families)
    score_rows: list[dict[str, Any]] = []
    bars: list[dict[str, Any]] = []
    for slot, person in persons.items():
        score_rows.append(
            {
                "person_id": person,
                "score": float(scores[0, slot]),
                "probability": float(odds[slot] / total),
            }
        )
        for index, family in enumerate(fit.families):
            weight = float(weights[0, index, slot])
            level = int(patterns.level[0, index])
            if weight == 0.0 or level == 0:
                continue
            accuracy = session[0] if family.name == SESSION else fit.accuracy[index][level - 1]
            named = methods_by_family.get(family.name, {}).get(person, [])
            of_methods = ", ".join(named) or _default_methods(family.name, methods)
            bars.append(
                {
                    "person_id": person,
                    "family": family.name,
                    "level": family.level_name(level),
                    "accuracy": float(accuracy),
                    "weight": weight,
                    "methods": of_methods,
                }
            )
    score_rows.sort(key=lambda score: (-score["probability"], score["person_id"]))
    nobody = {"person_id": NOBODY, "score": 0.0, "probability": float(others / total)}
    return Explanation(
        payment_id=str(judged["payment_id"]),
        verdict=verdict,
        score_rows=[*score_rows, nobody],
        bar_rows=bars,
        shown=shown,
        patron=0.0 if is_absent(judged.get("patron")) else float(judged["patron"]),
        unnamed=ids_of_person if _asks_which_id(judged, verdict) else (),
    )


def _asks_which_id(judged: Mapping[str, Any], verdict: Mapping[str, Any]) -> bool:
    """Whether it is sure enough who paid, and the session does not say for which of their ids."""
    credited = verdict["credited_user_id"]
    for_themselves = credited is not None and verdict["rightful_user_id"] == credited
    by_session = judged[f"v_{SESSION}"] == judged["credited"]
    return verdict["verdict"] == "ambiguous" and for_themselves and not by_session


def _slot_persons(
    row: Mapping[str, Any], patterns: Patterns, families: Sequence[Family]
) -> dict[int, str]:
    persons = {
        index: str(row[f"v_{family.name}"])
        for index, family in enumerate(families)
        if patterns.exists[0, index]
    }
    if patterns.outsider[0]:
        persons[len(families)] = str(row["credited"])
    return persons


def _default_methods(family: str, methods: Sequence[NamedMethod]) -> str:
    shared = [method.name for method in methods if method.voice == "shared"]
    return ", ".join(shared) if family == NAME else family


def _plain(value: Any) -> Any:
    if is_absent(value):
        return None
    return value.item() if hasattr(value, "item") else value
