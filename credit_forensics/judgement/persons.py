"""Groups ids into persons, before anyone says "wrong".

A link needs a reason and has a strength; links of one half or more merge. A shared name or card
never makes one: households share both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from credit_forensics.extras import Later
from credit_forensics.judgement.periods import whole_seconds
from credit_forensics.tables.catalogue import Tables, spec
from credit_forensics.tables.expressions import ibis, ir

if TYPE_CHECKING:
    from scipy import sparse
    from scipy.sparse import csgraph
else:
    # Slow to load, and what is stored was judged before.
    sparse = Later("scipy.sparse")
    csgraph = Later("scipy.sparse.csgraph")

MERGES_FROM = 0.5
STRENGTHS = {
    "overruled": 1.0,
    "merged": 1.0,
    "alias": 0.95,
    "account_email": 0.9,
    "sign_in": 0.8,
    "session_email": 0.7,
    "typed_email": 0.6,
}


def person_links(tables: Tables, fields: ir.Table) -> ir.Table:
    """Every link the evidence gives: ``user_id, linked_user_id, reason, strength``.

    Parameters
    ----------
    tables
        the evidence. ``user_links`` holds explicit ones: aliases, and what the analyst overruled.
    fields
        ``session_fields(tables)``, kept.

    Returns
    -------
    Links by account e-mail (several accounts of one address), by sign-in lines, by the signed-in
    e-mail on sessions of ids that no account has and that never carried another e-mail, and by the
    e-mail typed on several sessions of an id that no account has and nothing was ever credited to
    (a sign-in service's, which the handler translates).

    Examples
    --------
    >>> from credit_forensics.resolution.session_fields import session_fields
    >>> person_links(Tables(), session_fields(Tables())).columns
    ('user_id', 'linked_user_id', 'reason', 'strength')
    """
    users = tables.users
    # An organisation is no person: its owner may own another one.
    organisations = tables.memberships.select(user_id="account_id").distinct()
    with_email = users.filter(users.email_key.notnull()).anti_join(organisations, "user_id")
    emails = with_email.group_by("email_key").agg(
        account_id=with_email.user_id.min(), accounts=with_email.user_id.nunique()
    )
    shared = emails.filter(emails.accounts > 1)
    by_account = with_email.inner_join(shared, "email_key").select(
        "user_id", linked_user_id="account_id", reason=ibis.literal("account_email")
    )

    seen = fields.select(
        user_id=ibis.coalesce(fields.metadata_user_id, fields.reference_user_id),
        email_key=fields.session_email_key,
    )
    seen = seen.filter(seen.user_id.notnull() & seen.email_key.notnull())
    without_account = seen.anti_join(users, "user_id")
    carried = without_account.group_by("user_id").agg(
        email_key=without_account.email_key.min(), emails=without_account.email_key.nunique()
    )
    steady = carried.filter(carried.emails == 1)
    smallest = steady.group_by("email_key").agg(first_id=steady.user_id.min())
    by_session = (
        steady.left_join(emails, "email_key")
        .drop("email_key_right")
        .left_join(smallest, "email_key")
        .select(
            "user_id",
            linked_user_id=ibis.coalesce(emails.account_id, smallest.first_id),
            reason=ibis.literal("session_email"),
        )
    )
    typed = fields.select(
        user_id=ibis.coalesce(fields.metadata_user_id, fields.reference_user_id),
        email_key=ibis.ifelse(fields.email_prefilled, ibis.null(str), fields.payer_email_key),
    )
    typed = typed.filter(typed.user_id.notnull() & typed.email_key.notnull())
    foreign = typed.anti_join(users.view(), "user_id")
    foreign = foreign.anti_join(tables.ledger.select("user_id").distinct(), "user_id")
    of_foreign = foreign.group_by("user_id").agg(
        email_key=foreign.email_key.min(),
        emails=foreign.email_key.nunique(),
        payments=foreign.count(),
    )
    steady = of_foreign.filter((of_foreign.emails == 1) & (of_foreign.payments > 1))
    by_typed = steady.inner_join(emails.view(), "email_key").select(
        "user_id", linked_user_id="account_id", reason=ibis.literal("typed_email")
    )
    sign_ins = tables.sign_ins
    by_sign_in = sign_ins.inner_join(emails, "email_key").select(
        "user_id", linked_user_id="account_id", reason=ibis.literal("sign_in")
    )
    found = ibis.union(by_account, by_session, by_sign_in, by_typed).distinct()
    strengths = {reason: ibis.literal(value) for reason, value in STRENGTHS.items()}
    found = found.mutate(
        strength=ibis.cases(
            *((found.reason == reason, value) for reason, value in strengths.items()), else_=0.0
        )
    )
    explicit = tables.user_links.select("user_id", "linked_user_id", "reason", "strength")
    links = ibis.union(found, explicit)
    return links.filter(links.user_id != links.linked_user_id).distinct()


def accounts_by_age(tables: Tables) -> ir.Table:
    """``user_id, made`` (epoch seconds) of every account, the earliest first; by id where the
    table does not say when. Those that were merged into another one come last: that one counts.

    Examples
    --------
    >>> accounts_by_age(Tables()).columns
    ('user_id', 'made')
    """
    users = tables.users
    merged = _mergers(tables).select(merged_id="user_id").distinct()
    rows = users.left_join(merged, users.user_id == merged.merged_id)
    order = [rows.merged_id.notnull(), rows.created_at.isnull(), rows.created_at, rows.user_id]
    return rows.order_by(order).select("user_id", made=whole_seconds(rows.created_at))


def survivors(tables: Tables) -> ir.Table:
    """``merged_id, survivor, merged_since`` of each account that became a part of another one.

    Only where the two are one person, which the analyst may deny.

    Examples
    --------
    >>> survivors(Tables()).columns
    ('merged_id', 'survivor', 'merged_since')
    """
    mergers, persons = _mergers(tables), tables.persons
    behind = persons.select(survivor="user_id", their_person="person_id")
    rows = mergers.inner_join(persons, "user_id")
    rows = rows.inner_join(behind, rows.linked_user_id == behind.survivor)
    rows = rows.filter(rows.person_id == rows.their_person)
    # One row an account, also where two ledgers say the same.
    return rows.group_by(merged_id="user_id").agg(
        survivor=rows.survivor.min(), merged_since=rows.since.min()
    )


def with_survivors(rows: ir.Table, tables: Tables) -> ir.Table:
    """The rows with ``session_survivor``, which the session's account became a part of, if any,
    and ``merged_later``: credited to an account, named by the session if by any, that was merged
    only after that, or nobody knows when.

    Parameters
    ----------
    rows
        with ``session_user_id``, ``credited_user_id`` and ``credited_at``.
    """
    merged = survivors(tables)
    rows = rows.left_join(merged, rows.session_user_id == merged.merged_id).select(
        rows, session_survivor=merged.survivor
    )
    merged = merged.view()
    rows = rows.left_join(merged, rows.credited_user_id == merged.merged_id)
    later = ibis.coalesce(rows.credited_at < rows.merged_since, True)
    named = ibis.coalesce(rows.session_survivor, rows.session_user_id, rows.survivor)
    return rows.mutate(
        merged_later=rows.survivor.notnull()
        & later
        & (named == rows.survivor)
        & ibis.coalesce(rows.session_user_id != rows.survivor, True)
    ).drop("merged_id", "survivor", "merged_since")


def _mergers(tables: Tables) -> ir.Table:
    return tables.user_links.filter(tables.user_links.reason == "merged")


def group_persons(
    links: pd.DataFrame, accounts: pd.Series, different: list[tuple[str, str]] | None = None
) -> pd.DataFrame:
    """Connect linked ids into persons.

    Parameters
    ----------
    links
        ``user_id, linked_user_id, reason, strength``.
    accounts
        ids that an account has, the principal one of several first: it names the person.
    different
        pairs of ids that the analyst says are two people; no link may join them directly.

    Returns
    -------
    The table ``persons``: only ids in groups of two or more. An id that is not there is its own
    person.

    Examples
    --------
    >>> links = pd.DataFrame({"user_id": ["new"], "linked_user_id": ["old"],
    ...                       "reason": ["alias"], "strength": [0.95]})
    >>> group_persons(links, pd.Series(["old"]))[["user_id", "person_id"]].values.tolist()
    [['new', 'old'], ['old', 'old']]
    """
    merging = links[links["strength"] >= MERGES_FROM]
    if different:
        apart = {frozenset(pair) for pair in different}
        pairs = [
            frozenset(pair)
            for pair in zip(merging["user_id"], merging["linked_user_id"], strict=True)
        ]
        merging = merging[[pair not in apart for pair in pairs]]
    if merging.empty:
        return spec("persons").empty()
    ends = pd.concat([merging["user_id"], merging["linked_user_id"]], ignore_index=True)
    codes, ids = pd.factorize(ends, sort=True)
    half = len(merging)
    graph = sparse.coo_array(
        (np.ones(half, dtype=np.int8), (codes[:half], codes[half:])), shape=(len(ids), len(ids))
    )
    _, group = csgraph.connected_components(graph, directed=False)
    rows = pd.DataFrame({"user_id": ids, "group": group})
    place = pd.Series(np.arange(len(accounts)), index=accounts.to_numpy())
    rows["place"] = rows["user_id"].map(place[~place.index.duplicated()])
    names = rows.sort_values(["group", "place", "user_id"]).groupby("group")["user_id"].first()
    rows["person_id"] = rows["group"].map(names)
    reasons = (
        pd.DataFrame({"user_id": ends, "reason": pd.concat([merging["reason"]] * 2).to_numpy()})
        .drop_duplicates()
        .sort_values(["user_id", "reason"])
        .groupby("user_id")["reason"]
        .agg(", ".join)
    )
    rows["reason"] = rows["user_id"].map(reasons)
    return rows[["user_id", "person_id", "reason"]].astype("str").reset_index(drop=True)
