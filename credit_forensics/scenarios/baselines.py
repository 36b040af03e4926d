"""What simpler ways would have said: the baselines of the accuracy table.

Each gives for every payment with credits the probability that another person than the payer holds
them, from the same claims that the model reads.

``first_hit``
    the original handler's cascade, replayed: 1 where it names another person than the credited
    one, else 0.
``majority_of_methods``
    one vote a method: 1 - the share of votes for the credited person; 0 where nobody votes.
``majority_of_families``
    one vote a family, from the voices that the model hears: likewise.
``dawid_skene``
    one-coin Dawid-Skene (ACCU) over methods as if they were independent sources: each method has
    one accuracy, found by EM; p = 1 - P(credited person).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

if TYPE_CHECKING:
    from credit_forensics.case.case import Case

Codes = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]

BASELINES = ("first_hit", "majority_of_methods", "majority_of_families", "dawid_skene")
# Effective number of false values (Dong, Berti-Equille and Srivastava 2009), as the model has it.
_FALSE_VALUES = 10
_ROUNDS = 50
_CLOSE = 1e-6


def baseline_probabilities(case: Case) -> pd.DataFrame:
    """All baselines of a case.

    Returns
    -------
    payment_id (sorted), and a column for each of ``BASELINES``; empty where nothing was credited.

    Examples
    --------
    >>> from credit_forensics.case.case import Case
    >>> from credit_forensics.scenarios.named import scenario
    >>> case = Case.from_evidence(scenario("stale_session").evidence())
    >>> baseline_probabilities(case)["first_hit"].sum()
    np.float64(0.0)
    """
    judgement = case.judgement
    names = [method.name for method in judgement.methods]
    voices = [f"v_{family.name}" for family in judgement.families]
    judged = judgement.judged.select("payment_id", *voices).order_by("payment_id")
    persons = case.persons.set_index("user_id")["person_id"]
    return compare(
        as_persons(case.matrix, [*names, "handler_cascade", "ledger"], persons),
        case.evidence.engine.frame(judged),
        names,
    )


def as_persons(matrix: pd.DataFrame, columns: Sequence[str], persons: pd.Series) -> pd.DataFrame:
    """The matrix with each id replaced by its person; an id without one is its own.

    Examples
    --------
    >>> matrix = pd.DataFrame({"payment_id": ["cs_1"], "ledger": ["a2"]})
    >>> as_persons(matrix, ["ledger"], pd.Series({"a2": "a"}))["ledger"].tolist()
    ['a']
    """
    mapped = {}
    for name in columns:
        ids = matrix[name].astype("str")
        mapped[name] = ids.map(persons).astype("str").fillna(ids)
    return matrix[["payment_id"]].assign(**mapped)


def compare(matrix: pd.DataFrame, voices: pd.DataFrame, methods: Sequence[str]) -> pd.DataFrame:
    """All baselines, from tables of persons.

    Parameters
    ----------
    matrix
        payment_id, a column a method, ``handler_cascade`` and ``ledger`` (the credited person).
    voices
        payment_id and a column ``v_<family>`` a family; the same payments.
    methods
        the columns of ``matrix`` that are methods.

    Examples
    --------
    >>> row = {"payment_id": "cs_1", "m": "a", "n": "b", "handler_cascade": "a", "ledger": "a"}
    >>> found = compare(pd.DataFrame([row]), pd.DataFrame([{"payment_id": "cs_1", "v_x": "b"}]),
    ...                 ["m", "n"])
    >>> found["majority_of_methods"].tolist(), found["majority_of_families"].tolist()
    ([0.5], [1.0])
    """
    rows = matrix.merge(voices, on="payment_id", validate="one_to_one").sort_values("payment_id")
    families = [name for name in voices.columns if name.startswith("v_")]
    codes = _encoded(rows, [*methods, *families, "handler_cascade", "ledger"])
    credited = codes["ledger"]
    cascade = codes["handler_cascade"]
    claims = _Claims.of([codes[name] for name in methods])
    found = pd.DataFrame({"payment_id": rows["payment_id"].to_numpy()})
    found["first_hit"] = ((cascade >= 0) & (cascade != credited)).astype(float)
    found["majority_of_methods"] = _majority([codes[name] for name in methods], credited)
    found["majority_of_families"] = _majority([codes[name] for name in families], credited)
    found["dawid_skene"] = _dawid_skene(claims, credited)
    found.loc[credited < 0, list(BASELINES)] = np.nan
    return found


def _encoded(rows: pd.DataFrame, columns: Sequence[str]) -> dict[str, Codes]:
    """Each column as numbers that mean the same person in all; -1 for nobody."""
    values = pd.concat([rows[name] for name in columns], ignore_index=True)
    codes = pd.factorize(values)[0].astype(np.int64).reshape(len(columns), len(rows))
    return dict(zip(columns, codes, strict=True))


def _majority(voters: Sequence[Codes], credited: Codes) -> Reals:
    votes = np.zeros(len(credited))
    agreeing = np.zeros(len(credited))
    for voice in voters:
        votes += voice >= 0
        agreeing += (voice >= 0) & (voice == credited)
    share: Reals = 1.0 - np.where(votes > 0, agreeing / np.maximum(votes, 1.0), 1.0)
    return share


@dataclass(frozen=True)
class _Claims:
    """Claims in long form: the method of each, and the (payment, person) pair it names."""

    method: Codes
    pair: Codes
    pair_payment: Codes
    pair_person: Codes
    payments: int
    methods: int

    @classmethod
    def of(cls, columns: Sequence[Codes]) -> _Claims:
        count = len(columns[0]) if columns else 0
        table = np.stack(columns) if columns else np.zeros((0, 0), dtype=np.int64)
        method, payment = np.nonzero(table >= 0)
        person = table[method, payment]
        base = int(person.max(initial=0)) + 1
        keys, pair = np.unique(payment * base + person, return_inverse=True)
        return cls(method, pair, keys // base, keys % base, count, len(columns))


def _dawid_skene(claims: _Claims, credited: Codes) -> Reals:
    """EM over methods; "somebody nobody names" takes the weight of the false values left over."""
    if not len(claims.pair):
        return np.zeros(claims.payments)
    accuracy = np.full(claims.methods, 0.9)
    named = np.bincount(claims.pair_payment, minlength=claims.payments)
    # The number of false values must hold all candidates, or nobody's weight would be negative.
    nobody = np.maximum(_FALSE_VALUES + 1 - named, 1).astype(float)
    claimed = np.bincount(claims.method, minlength=claims.methods)
    posterior = np.zeros(len(claims.pair_payment))
    for _ in range(_ROUNDS):
        weight = np.log(_FALSE_VALUES * accuracy / (1.0 - accuracy))
        score = np.bincount(claims.pair, weight[claims.method], minlength=len(posterior))
        peak = np.zeros(claims.payments)
        np.maximum.at(peak, claims.pair_payment, score)
        raised = np.exp(score - peak[claims.pair_payment])
        total = np.bincount(claims.pair_payment, raised, minlength=claims.payments)
        total += nobody * np.exp(-peak)
        posterior = raised / total[claims.pair_payment]
        hits = np.bincount(claims.method, posterior[claims.pair], minlength=claims.methods)
        updated = np.clip((hits + 9.0) / (claimed + 10.0), 0.5, 1.0 - 1e-6)
        moved = float(np.abs(updated - accuracy).max(initial=0.0))
        accuracy = updated
        if moved < _CLOSE:
            break
    right = claims.pair_person == credited[claims.pair_payment]
    held = np.bincount(claims.pair_payment[right], posterior[right], minlength=claims.payments)
    # Where no method says anything, nothing speaks against the ledger either.
    wrong: Reals = np.where(named > 0, 1.0 - held, 0.0)
    return wrong
