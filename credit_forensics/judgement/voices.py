"""Gives each family one voice a payment: a person and a level.

Copies of one value never add up: three methods that read what one web session wrote are one
voice, however many of them agree.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import reduce
from operator import add

import ibis
import ibis.expr.types as ir

from credit_forensics.judgement import families as levels
from credit_forensics.judgement.families import Family
from credit_forensics.resolution.history import PURE
from credit_forensics.resolution.method import CARD, EMAIL, MAPPING, NAME, SESSION, Method

_COPIES = (
    "metadata_user_id",
    "metadata_user_id_backup",
    "metadata_session_user_id",
    "client_reference_id",
    "session_email",
    "intent_metadata",
)
_NOBODY = ibis.null(str)
_WITH_HISTORY = (MAPPING, CARD)
WITHOUT_HISTORY = ("customer_preset", "customer_mapping")
"""What the voices of the histories' families stand on beside the histories."""


def with_persons(matrix: ir.Table, persons: ir.Table, columns: Sequence[str]) -> ir.Table:
    """Add ``p_<column>`` to some columns of user ids: the persons they belong to, where another.

    Nearly every id is its own person, and what is empty need not be kept or joined.

    Parameters
    ----------
    matrix
        any table.
    persons
        ``user_id, person_id``; ids that are not there are their own person.
    columns
        names of columns of user ids.

    Examples
    --------
    >>> matrix = ibis.table({"payment_id": str, "m": str}, name="matrix")
    >>> persons = ibis.table({"user_id": str, "person_id": str}, name="persons")
    >>> with_persons(matrix, persons, ["m"]).columns
    ('payment_id', 'm', 'p_m')
    """
    rows = matrix
    for column in columns:
        # A view each time: the same table is joined once a column.
        linked = persons.select(linked_id="user_id", linked_person="person_id").view()
        joined = rows.left_join(linked, rows[column] == linked.linked_id)
        other = linked.linked_person.nullif(rows[column])
        rows = joined.select(*(rows[name] for name in rows.columns), **{f"p_{column}": other})
    return rows


def as_persons(matrix: ir.Table, columns: Sequence[str]) -> ir.Table:
    """The matrix with persons instead of user ids, where ``with_persons`` added them.

    Examples
    --------
    >>> as_persons(ibis.table({"payment_id": str, "m": str, "p_m": str}, name="t"), ["m"]).columns
    ('payment_id', 'm')
    """
    added = {f"p_{column}" for column in columns}
    return matrix.select(
        *(
            ibis.coalesce(matrix[f"p_{name}"], matrix[name]).name(name)
            if f"p_{name}" in added
            else matrix[name]
            for name in matrix.columns
            if name not in added
        )
    )


def family_voices(
    matrix: ir.Table,
    families: Sequence[Family],
    custom: Sequence[Method] = (),
    silent: Collection[str] = (),
    keep: Sequence[str] = (),
) -> ir.Table:
    """One voice a family.

    Parameters
    ----------
    matrix
        the wide matrix with persons instead of user ids; where the judgement does not know
        owners yet, its histories are empty and silent.
    families
        the families, in order.
    custom
        methods that a user added; those of a known family count as its copies.
    silent
        families to leave out, to see what they contribute.
    keep
        columns of the matrix to keep beside the voices.

    Returns
    -------
    payment_id, created_at, session_user_id, credited (person), name_key, name_bearers, for
    each family ``v_<family>`` (person) and ``l_<family>`` (level, 0 for silence), and what to keep.
    """
    columns: dict[str, ir.Value] = {}
    for family in families:
        columns |= _columns(matrix, family, custom, silent)
    return matrix.select(
        "payment_id",
        "created_at",
        "session_user_id",
        credited=matrix.ledger,
        name_key=matrix.payer_name_key,
        name_bearers=matrix.name_bearers,
        **columns,
        **{name: matrix[name] for name in keep},
    )


def heard_again(
    first: ir.Table,
    card: ir.Table,
    customer: ir.Table,
    families: Sequence[Family],
    *,
    custom: Sequence[Method] = (),
    silent: Collection[str] = (),
) -> ir.Table:
    """The first round's voices with those of the histories heard: only two families change.

    Parameters
    ----------
    first
        ``family_voices`` of the matrix without histories, and beside it ``session_bears``,
        ``WITHOUT_HISTORY`` and the methods that a user added to the families of the histories.
    card, customer
        ``payment_id, user_id, history_count, history_purity``.
    families, custom, silent
        as for ``family_voices``.
    """
    rows = first
    for name, votes in (("card", card), ("customer", customer)):
        voted = votes.rename(voted_payment_id="payment_id")
        rows = rows.left_join(voted, rows.payment_id == voted.voted_payment_id).select(
            *(rows[column] for column in rows.columns),
            **{
                f"{name}_history": voted.user_id,
                f"{name}_count": voted.history_count,
                f"{name}_purity": voted.history_purity,
            },
        )
    changed: dict[str, ir.Value] = {}
    for family in families:
        if family.name in _WITH_HISTORY:
            changed |= _columns(rows, family, custom, silent)
    heard = [name for family in families for name in (f"v_{family.name}", f"l_{family.name}")]
    return rows.select(
        *("payment_id", "created_at", "session_user_id", "credited", "name_key", "name_bearers"),
        "session_bears",
        **{name: changed.get(name, rows[name]) for name in heard},
    )


def for_histories(custom: Sequence[Method]) -> list[str]:
    """The columns that ``heard_again`` reads of the matrix, beside the voices."""
    added = [method.name for method in custom if method.family in _WITH_HISTORY]
    return [*WITHOUT_HISTORY, *added]


def _columns(
    rows: ir.Table, family: Family, custom: Sequence[Method], silent: Collection[str]
) -> dict[str, ir.Value]:
    person, level = _voice(rows, family.name, custom)
    if family.name in silent:
        person, level = _NOBODY, ibis.literal(0)
    return {f"v_{family.name}": person, f"l_{family.name}": level}


def _voice(
    rows: ir.Table, family: str, custom: Sequence[Method]
) -> tuple[ir.StringValue, ir.IntegerValue]:
    added = [rows[method.name] for method in custom if method.family == family]
    if family == SESSION:
        preset = ibis.ifelse(rows.customer_preset, rows.customer_mapping, _NOBODY)
        prefilled = ibis.ifelse(rows.email_prefilled, rows.payer_email, _NOBODY)
        copies = [*(rows[name] for name in _COPIES), preset, prefilled, *added]
        person, level = _one_voice(copies)
        scanned = person.isnull() & rows.metadata_scan.notnull()
        return (
            ibis.coalesce(person, rows.metadata_scan),
            ibis.ifelse(scanned, levels.SCAN, level),
        )
    if family == MAPPING:
        free = ~rows.customer_preset
        binding = ibis.ifelse(free, rows.customer_mapping, _NOBODY)
        history = ibis.ifelse(free, rows.customer_history, _NOBODY)
        # What the customer's other payments are judged to be outweighs what one of them wrote.
        person = ibis.coalesce(history, binding, *added)
        mixed = (rows.customer_purity < PURE) | (history != binding)
        level = ibis.cases(
            (history.isnull() & person.isnull(), 0),
            (history.isnull(), levels.BINDING),
            (ibis.coalesce(mixed, False), levels.HISTORY_MIXED),
            (binding.notnull(), levels.BINDING_AND_HISTORY),
            (rows.customer_count > 1, levels.HISTORY_MORE),
            else_=levels.HISTORY_ONE,
        )
        return person, level
    if family == EMAIL:
        person = ibis.coalesce(ibis.ifelse(rows.email_prefilled, _NOBODY, rows.payer_email), *added)
        return person, person.notnull().cast("int64")
    if family == CARD:
        level = ibis.cases(
            (rows.card_history.isnull(), 0),
            (rows.card_purity < PURE, levels.CARD_MIXED),
            (rows.card_count > 1, levels.CARD_MORE),
            else_=levels.CARD_ONE,
        )
        return ibis.coalesce(rows.card_history, *added), level
    if family == NAME:
        bearers = rows.name_bearers
        level = ibis.cases(
            (bearers.isnull(), 0),
            *((bearers <= bound, i) for i, bound in enumerate(levels.NAME_BOUNDS, start=1)),
            else_=len(levels.NAME_BOUNDS) + 1,
        )
        return ibis.coalesce(rows.payer_name, *added), level
    return _one_voice(added)


def _one_voice(copies: Sequence[ir.StringValue]) -> tuple[ir.StringValue, ir.IntegerValue]:
    if not copies:
        return _NOBODY, ibis.literal(0)
    first = ibis.coalesce(*copies) if len(copies) > 1 else copies[0]
    speaking = reduce(add, (copy.notnull().cast("int64") for copy in copies))
    differing = reduce(add, (ibis.coalesce((copy != first).cast("int64"), 0) for copy in copies))
    level = ibis.cases(
        (first.isnull(), 0),
        (differing > 0, levels.SPLIT),
        (speaking > 1, levels.UNANIMOUS),
        else_=levels.ALONE,
    )
    if len(copies) <= 2:
        return first, level
    # Where the copies differ, the value that most of them carry speaks; the first on a tie.
    other = ibis.coalesce(*(ibis.ifelse(copy != first, copy, _NOBODY) for copy in copies))
    others = reduce(add, (ibis.coalesce((copy == other).cast("int64"), 0) for copy in copies))
    person = ibis.ifelse(ibis.coalesce(others > speaking - differing, False), other, first)
    return person, level
