"""Tells whether somebody who pays into another person's account may do so for that person.

E-mail, name and card say who paid; the session says for which account. Where the two differ, the
session was wrong or a patron (a boss, a parent, an assistant) paid. What tells them apart is what
else is known of the pair of payer and account: whether it recurs, how often the payer pays for
others and how often not, whether the account's owner is seen to pay for it too (an id that sticks
to a stranger's browser) or for others as well, and whether many others' sessions name the account
too (a cached page, a fallback user). Each payment gets a number for that (``relations``); the model
knows how usual each is of either.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from credit_forensics.judgement.relations import (
    AGAIN,
    AGAIN_AND_OTHERS,
    MUTUAL,
    ONCE,
    SEVERAL,
    STUCK,
    TOTAL_BOUNDS,
    UNSHARED,
    code,
)
from credit_forensics.resolution.family_names import CARD, EMAIL, NAME, SESSION
from credit_forensics.resolution.history import Mode
from credit_forensics.tables.expressions import ibis, ir

_APART = timedelta(days=1)
_SITTING = timedelta(hours=12)  # somebody who tries again has not paid for another twice
_TEAM = 3  # others' accounts that one payer pays into, which make it more than trying again
# Other payers whose sessions name one account: at least so many, and so many more for each that
# an account is named by on average.
_MANY, _MANY_A_MEAN = 4, 4
_TIME = "timestamp('UTC')"


def payer_relations(voices: ir.Table, mode: Mode) -> ir.Table:
    """``payment_id, relation``: of each payment whose payer the session does not name.

    Payments into an account that many others' sessions name are there as well, once more where the
    payer is known to be another: relations add up.

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
        # For whom a payment is meant, the session says; credits may have gone elsewhere since.
        account=ibis.coalesce(voices[f"v_{SESSION}"], voices.credited),
        credited="credited",
        payer=ibis.coalesce(voices[f"v_{EMAIL}"], only, voices[f"v_{CARD}"]),
        session=voices[f"v_{SESSION}"],
    )
    known = known.filter(known.credited.notnull() & known.payer.notnull() & known.at.notnull())
    known = known.mutate(own=known.payer == known.account)
    apart = known.filter(~known.own & (known.session == known.account))
    return ibis.union(_pairs(known, apart, mode), _shared(voices, apart, mode))


def _pairs(known: ir.Table, apart: ir.Table, mode: Mode) -> ir.Table:
    of_account = known.filter(known.own).semi_join(
        apart.select("account").distinct().view(), "account"
    )
    account_own = of_account.group_by(own_account="account").agg(account_own=of_account["at"].min())
    rows = known.filter(known.own | (known.session == known.account))
    rows = rows.semi_join(apart.select("payer").distinct().view(), "payer")
    rows = rows.mutate(
        own_at=ibis.ifelse(rows.own, rows["at"], ibis.null(_TIME)),
        other_at=ibis.ifelse(rows.own, ibis.null(_TIME), rows["at"]),
    )
    so_far: dict[str, Any] = {"preceding": None, "following": 0}

    def of(*names: str, **reach: Any) -> Any:
        columns = [rows[name] for name in names]
        return ibis.window(group_by=columns, order_by=[rows["at"], rows.payment_id], **reach)

    rows = rows.mutate(
        pair_first=rows["at"].min().over(of("payer", "account", **so_far)),
        pair_place=ibis.row_number().over(of("payer", "account", **so_far)),
        own_last=rows.own_at.max().over(of("payer", **so_far)),
        other_first=rows.other_at.min().over(of("payer", **so_far)),
        kind_before=rows["at"].lag().over(of("payer", "own")),
    )
    sits = ibis.coalesce(rows["at"] < rows.kind_before + _SITTING, False)
    rows = rows.mutate(
        begins=((rows.pair_place == 0) & ~rows.own).cast("int64"),
        between=ibis.coalesce(rows.own_last > rows.pair_first, False).cast("int64"),
        sitting=(~rows.own & ~sits).cast("int64"),
        own_one=rows.own.cast("int64"),
    )
    reach: dict[str, Any] = so_far if mode == "as_of" else {}
    rows = rows.mutate(
        again=rows["at"].max().over(of("payer", "account", **reach)) >= rows.pair_first + _APART,
        between=rows.between.max().over(of("payer", "account", **reach)) == 1,
        accounts=rows.begins.sum().over(of("payer", **reach)),
        apart=rows.other_at.max().over(of("payer", **reach)) >= rows.other_first + _APART,
        sittings=rows.sitting.sum().over(of("payer", **reach)),
        owns=rows.own_one.sum().over(of("payer", **reach)),
    )
    paying = apart.group_by(paying_account="payer").agg(paying_from=apart["at"].min())
    rows = rows.left_join(account_own, rows.account == account_own.own_account)
    rows = rows.left_join(paying, rows.account == paying.paying_account)
    paying_others = known.payer.nunique(where=~known.own & (known.session == known.account))
    rows = rows.cross_join(known.agg(payers=known.payer.nunique(), paying_others=paying_others))
    # What an owner does is known once, however often the pair recurs; but where nearly everybody
    # pays for others, sessions are wrong everywhere.
    once = rows.pair_place == 0
    known_own = rows.account_own.notnull()
    mutual = rows.paying_from.notnull() & (once | (2 * rows.paying_others >= rows.payers))
    if mode == "as_of":
        # How many will pay for others is not known then.
        known_own = ibis.coalesce(rows.account_own < rows["at"], False)
        mutual = ibis.coalesce(rows.paying_from < rows["at"], False) & once
    others = (rows.accounts > 1) & rows.apart
    pair = ibis.cases(
        (rows.again & (rows.between | others), AGAIN_AND_OTHERS),
        (~rows.again, ONCE),
        (known_own, STUCK),
        else_=AGAIN,
    )
    further = ibis.ifelse(rows.apart, ibis.greatest(rows.sittings - 1, 1), 0)
    # Who buys for a whole team at once does not try again.
    team = ibis.ifelse(rows.accounts >= _TEAM, rows.accounts - 1, 0)
    further = ibis.greatest(further, team)
    relation = code(0, 0, 0) + (
        mutual.cast("int64") * MUTUAL
        + pair * (code(0, 0, 1) - code(0, 0, 0))
        + _place(further + rows.owns, TOTAL_BOUNDS) * (code(0, 1, 0) - code(0, 0, 0))
        + _further_place(further, further + rows.owns)
    )
    return rows.filter(~rows.own).select("payment_id", relation=relation.cast("int64"))


def _further_place(further: ir.IntegerValue, total: ir.IntegerValue) -> ir.IntegerValue:
    most = 2 * further >= total
    return ibis.cases(
        ((further >= SEVERAL) & most, SEVERAL + 1), (further >= SEVERAL, SEVERAL), else_=further
    )


def _place(count: ir.IntegerValue, bounds: tuple[int, ...]) -> ir.IntegerValue:
    return ibis.cases(
        *((count >= bound, place) for place, bound in reversed([*enumerate(bounds, start=1)])),
        else_=0,
    )


def _shared(voices: ir.Table, apart: ir.Table, mode: Mode) -> ir.Table:
    """What to add for payments whose session names an account that many others' name."""
    pairs = apart.group_by("account", "payer").agg(at=apart["at"].min())
    order = [pairs["at"], pairs.account, pairs.payer]
    place = ibis.row_number().over(ibis.window(group_by=pairs.account, order_by=order))
    pairs = pairs.mutate(opens=(place == 0).cast("int64"))
    reach: dict[str, Any] = {}
    if mode == "as_of":
        order = [pairs["at"], pairs.account, pairs.payer]
        reach = {"order_by": order, "preceding": None, "following": 0}
    pairs = pairs.mutate(
        payers=pairs.count().over(ibis.window(group_by=pairs.account, **reach)),
        all_pairs=pairs.count().over(ibis.window(**reach)),
        accounts=pairs.opens.sum().over(ibis.window(**reach)),
    )
    elsewhere = (pairs.all_pairs - pairs.payers) / ibis.greatest(pairs.accounts - 1, 1)
    many = pairs.filter(pairs.payers >= _MANY + _MANY_A_MEAN * elsewhere)
    many = many.group_by(shared_account="account").agg(since=many["at"].min())
    rows = voices.inner_join(many, voices[f"v_{SESSION}"] == many.shared_account)
    if mode == "as_of":
        rows = rows.filter(rows.created_at >= rows.since)
    return rows.select("payment_id", relation=ibis.literal(UNSHARED, "int64"))
