"""What is known of each pair of payer and account that are two people, for labels to learn from.

An answer "yes, A pays for B" says something about pairs like A and B. What makes two pairs alike
stands here, each thing as a number from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from credit_forensics.arrays import Floats
from credit_forensics.judgement.families import Family
from credit_forensics.judgement.pattern_arrays import decode
from credit_forensics.judgement.relations import (
    AGAIN,
    AGAIN_AND_OTHERS,
    FURTHERS,
    MUTUAL,
    ONCE,
    SEVERAL,
    STUCK,
    TOTAL_BOUNDS,
    UNSHARED,
)
from credit_forensics.judgement.verdicts import PAID_BY_ANOTHER, person_of_best
from credit_forensics.resolution.inferred_ties import inferred_grants
from credit_forensics.resolution.moved_on import moved_on
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

OF_TWO_PERSONS = ("ambiguous", "misattributed", PAID_BY_ANOTHER)
"""Verdicts that can be about a pair of payer and account."""

FEATURES = (
    "pays for others in most purchases",
    "pays for others now and then",
    "buys for itself",
    "the pair is there once",
    "the pair recurs days apart",
    "all purchases into an account that pays for itself since",
    "the account's owner pays for others",
    "many pay into the account",
    "one e-mail domain",
    "members of one account",
    "the account spends its credits",
    "in a burst",
)
# A domain with more accounts than this is a mail provider's, whatever it is called.
_MOST_OF_A_DOMAIN = 50
# Of half or more of all further payments into accounts of others, so many at least are for others.
_SEVERAL_OF_MOST = 4
_PROVIDERS = (
    *("gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "yahoo.com"),
    *("icloud.com", "me.com", "aol.com", "gmx.de", "gmx.net", "web.de", "t-online.de"),
    *("proton.me", "protonmail.com", "mail.ru", "yandex.ru", "qq.com", "163.com"),
)


def pairs_of_persons(tables: Tables, judged: ir.Table, families: Sequence[Family]) -> ir.Table:
    """Payments that are about two persons, and what is known of the two.

    Parameters
    ----------
    tables
        verdicts, payments, users, memberships, ledger.
    judged
        voices joined to ``posteriors``.
    families
        the families, in order.

    Returns
    -------
    ``payment_id, payer, account`` (persons), ``pattern``, ``misattributed``, ``patron``, ``burst``,
    ``accusable`` (false where a recipient is named, the entry is only paired with the payment, or
    the credits were handed on), ``one_domain``, ``members``, ``spends``.
    """
    verdicts = tables.verdicts.filter(tables.verdicts.verdict.isin(OF_TWO_PERSONS))
    rows = judged.semi_join(verdicts, "payment_id").select(
        "payment_id",
        "pattern",
        "misattributed",
        "patron",
        "burst",
        payer=person_of_best(judged, families),
        account=judged.credited,
    )
    rows = rows.filter(ibis.coalesce(rows.payer != rows.account, False))
    named = tables.payments.filter(ibis.coalesce(tables.payments.for_recipient, False))
    barred = ibis.union(
        named.select("payment_id"),
        inferred_grants(tables).select("payment_id"),
        moved_on(tables).select("payment_id"),
    ).distinct()
    barred = barred.select(barred_payment="payment_id")
    rows = rows.left_join(barred, rows.payment_id == barred.barred_payment)
    rows = rows.mutate(accusable=rows.barred_payment.isnull()).drop("barred_payment")
    marks = {
        "one_domain": _same(tables.users, "user_id", _domains(tables)),
        "members": _members(tables),
    }
    for name, marked in marks.items():
        pairs = marked.select(one="payer", other="account").distinct()
        joined = rows.left_join(pairs, [rows.payer == pairs.one, rows.account == pairs.other])
        rows = joined.mutate(**{name: joined.one.notnull()}).drop("one", "other")
    ledger = tables.ledger
    spending = ledger.filter(ledger.kind == "usage").select(spender="user_id").distinct()
    joined = rows.left_join(spending, rows.account == spending.spender)
    return joined.mutate(spends=joined.spender.notnull()).drop("spender")


def _domains(tables: Tables) -> ir.Table:
    users = tables.users
    domain = users.email_key.re_extract("@(.+)$", 1)
    own = users.filter(users.email_key.notnull()).select("user_id", group=domain)
    own = own.filter((own.group != "") & ~own.group.isin(_PROVIDERS))
    small = own.group_by("group").agg(accounts=own.user_id.nunique())
    return own.semi_join(small.filter(small.accounts <= _MOST_OF_A_DOMAIN), "group")


def _same(users: ir.Table, key: str, groups: ir.Table) -> ir.Table:
    """``payer, account``: ids of one group."""
    others = groups.view()
    both = groups.join(others, [groups.group == others.group, groups[key] != others[key]])
    return both.select(payer=groups[key], account=others[key])


def _members(tables: Tables) -> ir.Table:
    """``payer, account``: a member and its organisation, either way round, and fellow members."""
    members = tables.memberships
    fellows = members.select("user_id", group="account_id")
    there = members.select(payer="user_id", account="account_id")
    back = members.select(payer="account_id", account="user_id")
    return ibis.union(there, back, _same(members, "user_id", fellows))


def as_features(pairs: pd.DataFrame, families: tuple[Family, ...]) -> Floats:
    """``[payment, feature]``, each from 0 to 1, in the order of ``FEATURES``.

    None is ever negative, so answers of one kind only ever move all pairs the same way.
    """
    relation = decode(families, pairs["pattern"].to_numpy(dtype=np.int64)).related
    further, total, pair, mutual, shared = _parts(relation)
    known = relation % UNSHARED > 0
    most = (further > SEVERAL) | ((further == 1) & (total <= 2))
    columns = [
        known & most,
        known & (further > 0) & ~most,
        known & (total > np.where(further > SEVERAL, _SEVERAL_OF_MOST, further)),
        known & (pair == ONCE),
        known & np.isin(pair, (AGAIN_AND_OTHERS, AGAIN)),
        known & (pair == STUCK),
        mutual,
        shared,
        *(pairs[name].to_numpy(dtype=bool) for name in ("one_domain", "members", "spends")),
        pairs["burst"].to_numpy(dtype=np.float64),
    ]
    result: Floats = np.column_stack([np.asarray(one, dtype=np.float64) for one in columns])
    return result


def _parts(relation: npt.NDArray[np.int64]) -> tuple[npt.NDArray[Any], ...]:
    """What ``relations.code`` was made of: a place of further payments for others, then counts."""
    rest = relation % UNSHARED - 1
    mutual, rest = rest >= MUTUAL, np.maximum(rest, 0) % MUTUAL
    further = rest % FURTHERS
    rest //= FURTHERS
    total = np.array([0, *TOTAL_BOUNDS])[rest % (len(TOTAL_BOUNDS) + 1)]
    return further, total, rest // (len(TOTAL_BOUNDS) + 1), mutual, relation >= UNSHARED
