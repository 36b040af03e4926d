"""Explains a payment: each family's weight for each candidate, summing exactly to the score."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from credit_forensics.judgement.families import Family
from credit_forensics.judgement.fit import Fit, cell_session_accuracy
from credit_forensics.judgement.pattern_arrays import Cells, Patterns, mark_unit
from credit_forensics.judgement.scores import candidate_weights, contributions, others_weight
from credit_forensics.judgement.shown_person import NOBODY, or_nobody, shown_person
from credit_forensics.judgement.used_claims import NamedMethod
from credit_forensics.resolution.family_names import NAME, SESSION

_WORTH_SAYING = 0.01


@dataclass(frozen=True)
class Explanation:
    """Why a payment has its verdict.

    Attributes
    ----------
    payment_id
        the payment.
    verdict
        its row of ``verdicts``.
    scores
        person_id, score, probability; the most probable first, and "(nobody named)" last.
    patron
        probability that another person paid for the account, and rightly.
    bars
        person_id, family, level, accuracy, weight, methods: the weights of a person sum to the
        person's score exactly.
    shown
        how ids are shown where the explanation displays itself; ``str`` and ``to_dict`` keep
        them as they are.
    """

    payment_id: str
    verdict: dict[str, Any]
    scores: pd.DataFrame
    bars: pd.DataFrame
    shown: Callable[[object], str] = field(default=str, compare=False)
    patron: float = 0.0

    def __str__(self) -> str:
        return self._text(str)

    def __repr__(self) -> str:
        return self._text(self.shown)

    def _text(self, shown: Callable[[object], str]) -> str:
        verdict = self.verdict
        lines = [f"{self.payment_id}: {verdict['verdict']} ({verdict['mode']})"]
        lines.append(f"  credited to   {or_nobody(verdict['credited_user_id'], shown)}")
        lines.append(f"  who paid      {or_nobody(verdict['rightful_user_id'], shown)}")
        p = verdict["probability_misattributed"]
        if not pd.isna(p):
            lines.append(
                f"  probability that the account is wrong (another paid, and not for it): {p:.4f}"
            )
        if self.patron >= _WORTH_SAYING:
            lines.append(f"  probability that another paid for this account: {self.patron:.4f}")
        for score in self.scores.to_dict("records"):
            lines.append(
                f"  {shown_person(score['person_id'], shown)}  score {score['score']:+.3f}  "
                f"probability {score['probability']:.4f}"
            )
            mine = self.bars[self.bars["person_id"] == score["person_id"]]
            lines += [
                f"      {bar['weight']:+7.3f}  {bar['family']} ({bar['level']}, accuracy "
                f"{bar['accuracy']:.4f}): {bar['methods']}"
                for bar in mine.to_dict("records")
            ]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "payment_id": self.payment_id,
            "verdict": {key: _plain(value) for key, value in self.verdict.items()},
            "scores": self.scores.to_dict("records"),
            "bars": self.bars.to_dict("records"),
        }


def explain(
    judged: pd.DataFrame,
    verdict: dict[str, Any],
    methods_by_family: dict[str, dict[str, list[str]]],
    patterns: Patterns,
    fit: Fit,
    *,
    methods: Sequence[NamedMethod] = (),
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
    shown
        how ids are shown where the explanation displays itself.
    """
    row = judged.iloc[0]
    fit, period = fit.at(int(row["period"]), patterns)
    cell = Cells(
        period=np.array([period]),
        pattern=np.array([0]),
        count=np.ones(1),
        periods=len(fit.states),
        mark=np.array([int(row["pattern"]) // mark_unit(len(fit.families))]),
    )
    session = cell_session_accuracy(patterns, cell, fit)
    weights = contributions(patterns, fit.believed, session)
    scores = weights.sum(axis=1)
    odds = candidate_weights(patterns, scores)[0]
    others = others_weight(patterns, fit.believed)[0]
    total = odds.sum() + others
    persons = _slot_persons(row, patterns, fit.families)
    score_rows = []
    bars = []
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
    table = pd.DataFrame(score_rows, columns=["person_id", "score", "probability"])
    table = table.sort_values(["probability", "person_id"], ascending=[False, True])
    nobody = pd.DataFrame(
        {"person_id": [NOBODY], "score": [0.0], "probability": [float(others / total)]}
    )
    bar_columns = ["person_id", "family", "level", "accuracy", "weight", "methods"]
    return Explanation(
        payment_id=str(row["payment_id"]),
        verdict=verdict,
        scores=pd.concat([table, nobody], ignore_index=True),
        bars=pd.DataFrame(bars, columns=bar_columns),
        shown=shown,
        patron=0.0 if pd.isna(row.get("patron")) else float(row["patron"]),
    )


def _slot_persons(
    row: pd.Series[Any], patterns: Patterns, families: Sequence[Family]
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
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return None
    return value.item() if hasattr(value, "item") else value
