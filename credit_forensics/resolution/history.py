"""Whom the other payments of a card or a customer belong to, by the posterior of each.

Ledger rows have no vote: a history votes with what the judgement thinks of the other payments,
and never with the payment itself.
"""

from __future__ import annotations

from typing import Literal

from credit_forensics.resolution.repeated import repeated
from credit_forensics.tables.expressions import ibis, ir

Mode = Literal["hindsight", "as_of"]

PURE = 0.9
OWNED = {
    "payment_id": "string",
    "created_at": "timestamp('UTC')",
    "card_fingerprint": "string",
    "customer_id": "string",
    "person_id": "string",
    "millionths": "int64",
}
"""Each payment with what histories group by, its most probable payer and that probability.

The probability is in whole millionths: integers add up to the same sum in any order and on any
engine. Person and probability are absent where none is probable enough to vouch for other payments.
"""
HISTORY_VOTES = {
    "payment_id": "string",
    "user_id": "string",
    "history_count": "int64",
    "history_purity": "float64",
}


def history_votes(owned: ir.Table, column: str, mode: Mode) -> ir.Table:
    """Each payment's vote by the other payments of its key.

    Parameters
    ----------
    owned
        columns of ``OWNED``, one row a payment.
    column
        of it: what makes payments one card's or one customer's.
    mode
        ``hindsight`` counts every other payment, ``as_of`` only those created before.

    Returns
    -------
    payment_id, user_id (the person with most posterior weight), history_count (other payments with
    an owner), history_purity (that person's share of the weight, 0 to 1). Payments without a vote
    have no row, nor have those where two persons are level: which id is smaller says nothing.

    Examples
    --------
    >>> history_votes(ibis.table(OWNED, name="owned"), "customer_id", "as_of").columns
    ('payment_id', 'user_id', 'history_count', 'history_purity')
    """
    keyed = owned.filter(owned[column].notnull()).select(
        "payment_id", "created_at", "person_id", "millionths", key=column
    )
    if mode == "as_of":
        return _earlier(keyed)
    return _all_others(keyed)


def _all_others(keyed: ir.Table) -> ir.Table:
    rows = keyed.inner_join(_two_likeliest(keyed), "key")
    own_weight = ibis.coalesce(rows.millionths, 0)
    rows = rows.mutate(
        first_left=rows.first_weight - ibis.ifelse(rows.person_id == rows.first, own_weight, 0),
        second_left=ibis.coalesce(rows.second_weight, 0)
        - ibis.ifelse(rows.person_id == rows.second, own_weight, 0),
        weight_left=rows.weight - own_weight,
        count_left=rows.payments - rows.person_id.notnull().cast("int64"),
    )
    overtaken = rows.second_left > rows.first_left
    chosen_weight = ibis.ifelse(overtaken, rows.second_left, rows.first_left)
    next_weight = ibis.greatest(
        ibis.ifelse(overtaken, rows.first_left, rows.second_left),
        ibis.coalesce(rows.third_weight, 0),
    )
    votes = rows.select(
        "payment_id",
        user_id=ibis.ifelse(overtaken, rows.second, rows.first),
        history_count=rows.count_left,
        chosen_weight=chosen_weight,
        next_weight=next_weight,
        weight_left=rows.weight_left,
    )
    votes = votes.filter(votes.chosen_weight > votes.next_weight)
    return _with_purity(votes.filter((votes.history_count > 0) & (votes.chosen_weight > 0)))


def _two_likeliest(keyed: ir.Table) -> ir.Table:
    """A row a key: the two persons with most weight, their weights, the third's, and those of all.

    Taking a payment's own weight away can only let the second overtake the first.
    """
    owned = keyed.filter(keyed.person_id.notnull())
    by_person = owned.group_by("key", "person_id").agg(
        weight=owned.millionths.sum(), payments=owned.count()
    )
    # Nearly every key is one person's: only the others need their persons ranked.
    several = repeated(by_person.view(), "key")
    alone = by_person.anti_join(several, "key").select(
        "key",
        first="person_id",
        first_weight="weight",
        second=ibis.null(str),
        second_weight=ibis.null("int64"),
        third_weight=ibis.null("int64"),
        weight="weight",
        payments="payments",
    )
    shared = by_person.semi_join(several.view(), "key")
    ordered = ibis.window(group_by=shared.key, order_by=[shared.weight.desc(), shared.person_id])
    ranked = shared.mutate(place=ibis.row_number().over(ordered))
    ranked = ranked.group_by("key").agg(
        first=ranked.person_id.max(where=ranked.place == 0),
        first_weight=ranked.weight.max(where=ranked.place == 0),
        second=ranked.person_id.max(where=ranked.place == 1),
        second_weight=ranked.weight.max(where=ranked.place == 1),
        third_weight=ranked.weight.max(where=ranked.place == 2),
        weight=ranked.weight.sum(),
        payments=ranked.payments.sum(),
    )
    return ibis.union(alone, ranked)


def _earlier(keyed: ir.Table) -> ir.Table:
    owned = keyed.filter(keyed.person_id.notnull())
    at_once = owned.group_by("key", "person_id", "created_at").agg(
        weight=owned.millionths.sum(), payments=owned.count()
    )
    so_far = ibis.window(
        group_by=[at_once.key, at_once.person_id],
        order_by=at_once.created_at,
        preceding=None,
        following=0,
    )
    following = ibis.window(group_by=[at_once.key, at_once.person_id], order_by=at_once.created_at)
    running = at_once.select(
        running_key="key",
        person_id="person_id",
        valid_from="created_at",
        valid_to=at_once.created_at.lead().over(following),
        weight=at_once.weight.sum().over(so_far),
        payments=at_once.payments.sum().over(so_far),
    )
    asked = keyed.select("payment_id", "key", "created_at")
    rows = asked.inner_join(
        running,
        [
            asked.key == running.running_key,
            running.valid_from < asked.created_at,
            ibis.coalesce(asked.created_at <= running.valid_to, True),
        ],
    )
    ordered = ibis.window(group_by=rows.payment_id, order_by=[rows.weight.desc(), rows.person_id])
    ranked = rows.mutate(place=ibis.row_number().over(ordered))
    votes = ranked.group_by("payment_id").agg(
        user_id=ranked.person_id.max(where=ranked.place == 0),
        history_count=ranked.payments.sum(),
        chosen_weight=ranked.weight.max(where=ranked.place == 0),
        next_weight=ranked.weight.max(where=ranked.place == 1),
        weight_left=ranked.weight.sum(),
    )
    return _with_purity(votes.filter(votes.chosen_weight > ibis.coalesce(votes.next_weight, 0)))


def _with_purity(votes: ir.Table) -> ir.Table:
    return votes.select(
        "payment_id",
        "user_id",
        "history_count",
        history_purity=votes.chosen_weight.cast("float64") / votes.weight_left.cast("float64"),
    )
