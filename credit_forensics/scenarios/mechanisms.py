"""Ways in which payers, accounts and sessions come apart that the plain shop does not have.

Each is a share of the payments (of the accounts for ``heavy``, ``passed_on``, ``erased``,
``changed_emails``, ``relay`` and ``non_latin``), drawn on a stream of its own, so that a world
without any stays what it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa

from credit_forensics.arrays import Bools, Ints
from credit_forensics.scenarios.checkout import (
    EMAIL_OWN,
    EMAIL_PREFILLED,
    EMAIL_UNKNOWN,
    GUEST,
    NAME_EQUAL,
    NAME_OTHER,
    Checkouts,
)
from credit_forensics.scenarios.people import People

SHARED_FROM = 4
"""Payers whose sessions name one account, from which on that is a cause of its own."""

_TEAM = 8


def _some(checkouts: Checkouts, by: Ints, share: float, rng: np.random.Generator) -> Bools:
    """Payments of randomly chosen values of ``by`` that make up about the share."""
    values, counts = np.unique(by, return_counts=True)
    order = rng.permutation(len(values))
    chosen = values[order][np.cumsum(counts[order]) <= max(share * len(by), counts[order][0])]
    return np.isin(by, chosen)


def _paid_by(people: People, checkouts: Checkouts, rows: Ints, patron: Ints) -> None:
    """Somebody else's e-mail, name and card pay; the session stays the account's own."""
    rows, patron = (each[checkouts.payer[rows] != patron] for each in (rows, patron))
    typed = checkouts.email_kind[rows] != EMAIL_PREFILLED
    checkouts.email_kind[rows[typed]] = EMAIL_OWN
    checkouts.email_of[rows[typed]] = patron[typed]
    checkouts.name_kind[rows], checkouts.name_of[rows] = NAME_EQUAL, patron
    checkouts.card[rows] = 2 * patron
    returning = ~checkouts.preset[rows] & (checkouts.customer[rows] == checkouts.payer[rows])
    checkouts.customer[rows[returning]] = patron[returning]


def _names(checkouts: Checkouts, rows: Ints, session: Ints) -> None:
    """Sessions carry another account; what the session prefills is that account's."""
    checkouts.session[rows] = session
    checkouts.wrong[rows] = checkouts.session[rows] != checkouts.payer[rows]
    filled = rows[checkouts.email_kind[rows] == EMAIL_PREFILLED]
    checkouts.email_of[filled] = checkouts.session[filled]
    preset = rows[checkouts.preset[rows]]
    checkouts.customer[preset] = checkouts.session[preset]


def _team(people: People, c: Checkouts, share: float, rng: np.random.Generator) -> None:
    team = c.payer // _TEAM
    rows = np.flatnonzero(_some(c, team, share, rng) & (rng.random(len(c)) < 0.9) & ~c.wrong)
    _paid_by(people, c, rows, team[rows] * _TEAM)


def _assistant(people: People, c: Checkouts, share: float, rng: np.random.Generator) -> None:
    with_one = (c.payer % 4 == 1) & (c.payer + 1 < len(people)) & ~c.wrong
    rows = np.flatnonzero(with_one)
    rows = rows[rng.random(len(rows)) < share * len(c) / max(len(rows), 1)]
    _paid_by(people, c, rows, c.payer[rows] + 1)


def _sticky(people: People, c: Checkouts, share: float, rng: np.random.Generator) -> None:
    began = rng.random(len(people)) * 0.5
    progress = np.arange(len(c)) / len(c)
    stuck = _some(c, c.payer, 1.3 * share, rng) & (progress >= began[c.payer])
    rows = np.flatnonzero(stuck)
    c.preset[rows] = False
    unbound = rows[c.customer[rows] != c.payer[rows]]
    c.customer[unbound] = c.payer[unbound]
    c.email_kind[rows], c.email_of[rows] = EMAIL_OWN, c.payer[rows]
    _names(c, rows, people.browser_partner[c.payer[rows]])


def _sticky_prefilled(people: People, c: Checkouts, share: float, rng: np.random.Generator) -> None:
    before = c.session.copy()
    _sticky(people, c, share, rng)
    rows = np.flatnonzero(c.session != before)
    c.email_kind[rows], c.email_of[rows] = EMAIL_PREFILLED, c.session[rows]


def _cached(people: People, c: Checkouts, share: float, rng: np.random.Generator) -> None:
    length = max(round(share / 0.7 * len(c)), 3)
    start = int(rng.integers(0, max(len(c) - length, 1)))
    rows = np.arange(start, min(start + length, len(c)))
    rows = rows[rng.random(len(rows)) < 0.7]
    _names(c, rows, np.full(len(rows), int(rng.integers(len(people)))))


def _fallback(people: People, c: Checkouts, share: float, rng: np.random.Generator) -> None:
    rows = np.flatnonzero(rng.random(len(c)) < share)
    _names(c, rows, np.full(len(rows), int(rng.integers(len(people)))))


def _tenants(people: People, c: Checkouts, share: float, rng: np.random.Generator) -> None:
    rows = np.flatnonzero(rng.random(len(c)) < share)
    buyer = rng.integers(0, max(len(rows) // 3, 1), len(rows))
    c.preset[rows], c.customer[rows] = False, GUEST
    c.email_kind[rows], c.email_of[rows] = EMAIL_UNKNOWN, -1
    c.name_kind[rows], c.name_of[rows] = NAME_OTHER, -1
    c.card[rows] = 4 * len(people) + len(c) + buyer
    # The other product's buyer always has the same number, which is a stranger's here.
    session = rng.integers(0, len(people), len(rows))[buyer]
    _names(c, rows, np.where(session == c.payer[rows], (session + 1) % len(people), session))


def _swapped(people: People, c: Checkouts, share: float, rng: np.random.Generator) -> None:
    first = np.flatnonzero(rng.random(len(c) - 1) < share / 2)
    first = first[np.diff(first, prepend=-2) > 1]
    both = c.session.copy()
    _names(c, first, both[first + 1])
    _names(c, first + 1, both[first])


_CHECKOUTS: dict[str, Callable[[People, Checkouts, float, np.random.Generator], None]] = {
    "team": _team,
    "assistant": _assistant,
    "sticky": _sticky,
    "sticky_prefilled": _sticky_prefilled,
    "cached": _cached,
    "fallback": _fallback,
    "tenants": _tenants,
    "swapped": _swapped,
}


def change_people(
    mechanisms: Mapping[str, float], people: People, rng: np.random.Generator
) -> People:
    """People of whom a few (``heavy`` of the accounts) buy as often as all others together."""
    share = mechanisms.get("heavy")
    if not share:
        return people
    heavy = np.zeros(len(people), dtype=np.bool_)
    heavy[rng.permutation(len(people))[: max(round(share * len(people)), 1)]] = True
    usual = people.activity
    much = usual[~heavy].sum() / heavy.sum()
    return replace(people, activity=np.where(heavy, much, usual))


def change_checkouts(
    mechanisms: Mapping[str, float], people: People, checkouts: Checkouts, rng: np.random.Generator
) -> None:
    """Change the checkouts in place, one mechanism after another."""
    for name, share in mechanisms.items():
        if name in _CHECKOUTS:
            _CHECKOUTS[name](people, checkouts, share, rng)


def with_shared_causes(mechanisms: Mapping[str, float], truth: pd.DataFrame) -> pd.DataFrame:
    """The truth, with a cause of its own for what a cached page or a fallback named."""
    stale = truth["cause"] == "stale_session"
    if not {"cached", "fallback"} & set(mechanisms) or not stale.any():
        return truth
    account = truth.loc[stale, "credited_user_id"].mode()[0]
    shared = stale & (truth["credited_user_id"] == account)
    if truth.loc[shared, "payer_user_id"].nunique() < SHARED_FROM:
        return truth
    return truth.assign(cause=truth["cause"].mask(shared, "shared_session"))


def change_tables(
    mechanisms: Mapping[str, float], tables: dict[str, pa.Table], rng: np.random.Generator
) -> None:
    """Change the written tables in place: accounts that changed, and what sessions do not carry."""
    users = tables["users"].to_pandas(types_mapper=pd.ArrowDtype)
    if share := mechanisms.get("passed_on"):
        rows = rng.random(len(users)) < share
        new = users[rows].assign(
            user_id=[f"{user}-b" for user in users.loc[rows, "user_id"]],
            name="Newcomer",
            created_at=tables["payments"]["created_at"].to_pandas().quantile(0.7),
        )
        users.loc[rows, "email"] = None
        users = pd.concat([users, new], ignore_index=True)
    if share := mechanisms.get("erased"):
        users.loc[rng.random(len(users)) < share, ["email", "name"]] = None
    if share := mechanisms.get("changed_emails"):
        _change_emails(tables, users, rng.random(len(users)) < share)
    if share := mechanisms.get("relay"):
        _relay(tables, users, rng.random(len(users)) < share)
    if share := mechanisms.get("non_latin"):
        rows = rng.random(len(users)) < share
        users.loc[rows, "name"] = [_in_cyrillic(name) for name in users.loc[rows, "name"]]
    schema = tables["users"].schema
    tables["users"] = pa.Table.from_pandas(users, schema=schema, preserve_index=False)
    if mechanisms.get("sessions_only"):
        for name in ("payer_email", "payer_name", "card_fingerprint", "customer_id"):
            tables["payments"] = _replaced(tables["payments"], name, None)
    if mechanisms.get("sign_ins"):
        metadata = tables["metadata"].to_pandas()
        ids = metadata["key"].isin(["user_id", "user_id_backup", "session_user_id"])
        metadata.loc[ids, "value"] = "auth0_" + metadata.loc[ids, "value"].str[::-1]
        metadata = metadata[~metadata["key"].isin(["session_email", "session_name"])]
        schema = tables["metadata"].schema
        tables["metadata"] = pa.Table.from_pandas(metadata, schema=schema, preserve_index=False)
        tables["payments"] = _replaced(tables["payments"], "client_reference_id", None)


def _change_emails(tables: dict[str, pa.Table], users: pd.DataFrame, rows: Bools) -> None:
    """Accounts whose owner has another address since the middle; the table knows the last one."""
    created = tables["payments"]["created_at"].to_pandas()
    new = {email: f"new.{email}" for email in users.loc[rows, "email"].dropna()}
    typed = tables["payments"]["payer_email"].to_pandas()
    changed = typed.map(new)
    email = typed.where((created < created.quantile(0.5)) | changed.isna(), changed)
    tables["payments"] = _replaced(tables["payments"], "payer_email", _values(email))
    users.loc[rows, "email"] = users.loc[rows, "email"].map(new)


def _relay(tables: dict[str, pa.Table], users: pd.DataFrame, rows: Bools) -> None:
    """Payers who hide their address: each types one of a relay, always the same."""
    email = tables["payments"]["payer_email"].to_pandas()
    prefilled = tables["payments"]["email_prefilled"].to_pandas()
    relayed = {
        one: f"{number:06x}@relay.example.net"
        for number, one in enumerate(users.loc[rows, "email"].dropna())
    }
    hidden = email.map(relayed)
    typed = email.where(hidden.isna() | prefilled.fillna(False).astype(bool), hidden)
    tables["payments"] = _replaced(tables["payments"], "payer_email", _values(typed))


def _values(column: pd.Series) -> list[object]:
    values: list[object] = column.astype(object).where(column.notna(), None).tolist()
    return values


_LATIN = "abcdefghijklmnopqrstuvwxyz"
_CYRILLIC = "абцдефгхийклмнопкрстуввхыз"


def _in_cyrillic(name: str | None) -> str | None:
    """Letter by letter; the payers type Latin letters all the same, as their cards have them."""
    if name is None:
        return None
    return name.lower().translate(str.maketrans(_LATIN, _CYRILLIC)).title()


def _replaced(table: pa.Table, name: str, value: object) -> pa.Table:
    values = value if isinstance(value, list) else [value] * table.num_rows
    column = pa.array(values, table.schema.field(name).type)
    return table.set_column(table.schema.get_field_index(name), name, column)


MECHANISMS = (
    *_CHECKOUTS,
    *("heavy", "passed_on", "erased", "changed_emails", "relay", "non_latin"),
    *("sessions_only", "sign_ins"),
)
"""Their names."""
