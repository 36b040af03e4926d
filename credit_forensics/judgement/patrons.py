"""Tells whether somebody who pays into another person's account may do so for that person.

E-mail, name and card say who paid; the session says for which account. Where the two differ, the
session was wrong or a patron (a boss, a parent, an assistant) paid. What tells them apart is what
else is known of the pair of payer and account: whether it recurs, whether the payer pays for
further accounts, whether the payer's own purchases go on beside it, and whether the account's
owner is seen to pay for it too (an id that sticks to a stranger's browser). Each payment gets a
class by that; the model knows how usual each class is of either.
"""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir

from credit_forensics.judgement.families import (
    AGAIN,
    AGAIN_AND_OTHERS,
    OTHERS,
    STUCK,
    UNRELATED,
)
from credit_forensics.resolution.family_names import CARD, EMAIL, NAME, SESSION
from credit_forensics.resolution.history import Mode

_APART = ibis.interval(days=1)


def payer_relations(voices: ir.Table, mode: Mode) -> ir.Table:
    """``payment_id, relation``: the class of each payment whose payer the session does not name.

    Parameters
    ----------
    voices
        as ``family_voices`` gives them.
    mode
        ``hindsight`` looks at all payments of the payer, ``as_of`` at earlier ones and this one.

    Examples
    --------
    >>> columns = {"payment_id": str, "created_at": "timestamp('UTC')", "credited": str,
    ...     "name_owners": int}
    >>> columns |= {f"v_{name}": str for name in ("session", "email", "card", "name")}
    >>> payer_relations(ibis.table(columns, name="voices"), "as_of").columns
    ('payment_id', 'relation')
    """
    only = ibis.ifelse(voices.name_owners == 1, voices[f"v_{NAME}"], ibis.null(str))
    known = voices.select(
        "payment_id",
        at="created_at",
        account="credited",
        payer=ibis.coalesce(voices[f"v_{EMAIL}"], only, voices[f"v_{CARD}"]),
        session=voices[f"v_{SESSION}"],
    )
    known = known.filter(known.account.notnull() & known.payer.notnull() & known.at.notnull())
    known = known.mutate(own=known.payer == known.account)
    apart = known.filter(~known.own & (known.session == known.account))
    of_account = known.filter(known.own).semi_join(
        apart.select("account").distinct().view(), "account"
    )
    account_own = of_account.group_by(own_account="account").agg(account_own=of_account["at"].min())
    rows = known.filter(known.own | (known.session == known.account))
    rows = rows.semi_join(apart.select("payer").distinct().view(), "payer")

    order = [rows["at"], rows.payment_id]
    so_far: dict[str, Any] = {"order_by": order, "preceding": None, "following": 0}
    of_payer = ibis.window(group_by=rows.payer, **so_far)
    of_pair = ibis.window(group_by=[rows.payer, rows.account], **so_far)
    own_at = ibis.ifelse(rows.own, rows["at"], ibis.null("timestamp('UTC')"))
    other_at = ibis.ifelse(rows.own, ibis.null("timestamp('UTC')"), rows["at"])
    rows = rows.mutate(
        pair_first=rows["at"].min().over(of_pair),
        pair_place=ibis.row_number().over(of_pair),
        own_last=own_at.max().over(of_payer),
        other_first=other_at.min().over(of_payer),
    )
    rows = rows.mutate(
        begins=((rows.pair_place == 0) & ~rows.own).cast("int64"),
        between=ibis.coalesce(rows.own_last > rows.pair_first, False).cast("int64"),
    )
    order = [rows["at"], rows.payment_id]
    so_far = {"order_by": order, "preceding": None, "following": 0}
    reach: dict[str, Any] = so_far if mode == "as_of" else {}
    of_payer = ibis.window(group_by=rows.payer, **reach)
    of_pair = ibis.window(group_by=[rows.payer, rows.account], **reach)
    other_at = ibis.ifelse(rows.own, ibis.null("timestamp('UTC')"), rows["at"])
    rows = rows.mutate(
        again=rows["at"].max().over(of_pair) >= rows.pair_first + _APART,
        between=rows.between.max().over(of_pair) == 1,
        others=(rows.begins.sum().over(of_payer) > 1)
        & (other_at.max().over(of_payer) >= rows.other_first + _APART),
    )
    rows = rows.left_join(account_own, rows.account == account_own.own_account)
    known_own = rows.account_own.notnull()
    if mode == "as_of":
        known_own = ibis.coalesce(rows.account_own < rows["at"], False)
    relation = ibis.cases(
        (rows.again & (rows.between | rows.others), AGAIN_AND_OTHERS),
        (rows.others, OTHERS),
        (rows.again & known_own, STUCK),
        (rows.again, AGAIN),
        else_=UNRELATED,
    )
    return rows.filter(~rows.own).select("payment_id", relation=relation.cast("int64"))
