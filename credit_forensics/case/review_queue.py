"""The review queue: what people should look at first, one question a pair of payer and account."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.util import hash_array

from credit_forensics.case.comparable_amounts import comparable_amounts
from credit_forensics.case.judged_case import JudgedCase
from credit_forensics.case.rulings import PAIR
from credit_forensics.engines.recipes import Recipe
from credit_forensics.judgement.judge import Judgement
from credit_forensics.judgement.pair_features import OF_TWO_PERSONS
from credit_forensics.judgement.verdicts import (
    CONFIRMED_AT_MOST,
    PAID_BY_ANOTHER,
    person_of_best,
)
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

__all__ = ["PAID_BY_ANOTHER", "blind_needed", "review_queue"]

_OPEN = (*OF_TWO_PERSONS, "unverifiable")
_UNSEEN = 0.05  # chance that too many wrong ones are all missed by the blind sample
_COLUMNS = [
    *("payment_id", "stratum", "verdict", "credited_user_id", "rightful_user_id"),
    *("probability_misattributed", "amount", "currency", "entropy", "priority", "payments"),
    *("since", "label"),
]


def review_queue(case: JudgedCase, *, blind: int | None = None, seed: int = 2025) -> pd.DataFrame:
    """What to look at first: most expected loss, and a blind sample of the confirmed.

    Payments of one payer into one other person's account are one question: one of them stands for
    all, and the answer counts for all.

    Parameters
    ----------
    case
        the case.
    blind
        how many confirmed payments to mix in, drawn by chance; as many as ``blind_needed`` says
        without it. Without them nobody would ever learn whether "confirmed" is.
    seed
        of that draw. A payment that was drawn stays so while others come and go.

    Returns
    -------
    payment_id, stratum (queue or blind), verdict, credited_user_id, rightful_user_id,
    probability_misattributed (of the account: that who paid is another and does not pay for it),
    amount, currency, entropy (nats), priority (expected loss: that probability × amount, in minor
    units of the case's main currency, summed over a pair), payments (that the question is about),
    since, label (empty where none was given); the queue first, by priority, then by entropy.
    """
    engine = case.evidence.engine
    judgement = case.judgement
    doubt = engine.frame(judgement.over("review-doubt", lambda: _doubt(judgement)))
    payments = engine.frame(Recipe("review-payments", _amounts))
    payments["comparable"] = comparable_amounts(payments)
    rows = case.verdicts.merge(doubt, on="payment_id").merge(payments, on="payment_id")
    rows = rows[rows["probability_misattributed"].notna()]
    loss = rows["comparable"] * rows["probability_misattributed"].astype("float64")
    labels = case.labels.set_index("payment_id")["label"].to_dict()
    label = rows["payment_id"].map(labels).astype("str").fillna("")
    rows = rows.assign(priority=loss.round(6), payments=1, label=label)
    open_ = rows[rows["verdict"].isin(_OPEN)]
    of_two = open_["of_two"] & open_["verdict"].isin(OF_TWO_PERSONS)
    queue = pd.concat([open_[~of_two], _one_a_pair(open_[of_two])])
    queue = queue.sort_values(["priority", "entropy", "payment_id"], ascending=[False, False, True])
    # What people confirmed, of a payer and another's account, is no word of the model's.
    confirmed = rows[(rows["verdict"] == "confirmed") & ~rows["of_two"]]
    count = blind_needed(len(confirmed)) if blind is None else blind
    places = np.argsort(_drawn(confirmed["payment_id"], seed), kind="stable")
    sample = confirmed.iloc[places[:count]].sort_values("payment_id")
    both = pd.concat([queue.assign(stratum="queue"), sample.assign(stratum="blind")])
    return both[_COLUMNS].reset_index(drop=True)


def _doubt(judgement: Judgement) -> ir.Table:
    """How much is in doubt of each payment, and whether two persons are in question."""
    judged = judgement.judged
    of_two = ibis.coalesce(person_of_best(judged, judgement.families) != judged.credited, False)
    return judged.select("payment_id", "entropy", of_two=of_two)


def _amounts() -> ir.Table:
    columns = ("payment_id", "amount", "currency", "expected_credits")
    return Tables().payments.select(*columns, since="created_at")


def blind_needed(confirmed: int) -> int:
    """How many of the confirmed payments, drawn by chance, show whether they may be called so.

    So many that, were more than ``CONFIRMED_AT_MOST`` of them wrong, the sample would miss them all
    in one case of twenty (hypergeometric).

    Examples
    --------
    >>> blind_needed(10), blind_needed(100), blind_needed(1_000_000)
    (10, 63, 149)
    """
    wrong = int(confirmed * CONFIRMED_AT_MOST) + 1
    drawn = np.arange(confirmed)
    missed = np.cumprod(np.maximum(confirmed - wrong - drawn, 0) / np.maximum(confirmed - drawn, 1))
    return int((missed > _UNSEEN).sum()) + 1 if confirmed else 0


def _drawn(payment_ids: pd.Series, seed: int) -> npt.NDArray[np.uint64]:
    """A place in the draw that hangs on the payment alone."""
    return hash_array(payment_ids.to_numpy(dtype=object), hash_key=f"{seed:016d}"[:16])


def _one_a_pair(rows: pd.DataFrame) -> pd.DataFrame:
    """A payment of each pair of payer and account, with what all of them come to.

    The first, or the first that has a label: that is the answer.
    """
    rows = rows.assign(open=rows["label"] == "").sort_values(["open", "since", "payment_id"])
    pairs = rows.groupby(PAIR, sort=False)
    first = rows[~rows.duplicated(PAIR)]
    totals = {name: pairs[name].transform("sum") for name in ("priority", "payments")}
    totals["entropy"] = pairs["entropy"].transform("max")
    totals["since"] = pairs["since"].transform("min")
    return first.assign(**{name: values.loc[first.index] for name, values in totals.items()})
