"""Tells whether what a session was given is still its own word: a copy says what its source says.

A customer or an e-mail that a web session was created with is, as a rule, a copy of whom the
session meant. Where it belongs to another than the ids in the same session, it cannot be a copy of
them: it came from somewhere else, and speaks for itself (copiers are told by the values they share;
Dong, Berti-Equille, Srivastava 2009).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import and_, or_

from credit_forensics.resolution.method import SESSION, Method
from credit_forensics.tables.expressions import ibis, ir


def own_words(methods: Sequence[Method]) -> list[Method]:
    """The methods that read the ids which the session itself carries.

    Examples
    --------
    >>> from credit_forensics.resolution.methods import METHODS
    >>> [method.name for method in own_words(METHODS)][:2]
    ['metadata_user_id', 'metadata_user_id_backup']
    """
    return [method for method in methods if method.family == SESSION and method.voice == "copy"]


def with_contradictions(
    matrix: ir.Table, methods: Sequence[Method], users: ir.Table | None = None
) -> ir.Table:
    """The matrix, ``session_when`` being false where a given value contradicts the session's ids.

    An id of another system (a sign-in service's) contradicts nobody: what it means is not known.

    Parameters
    ----------
    matrix
        the wide matrix; where it has ``p_<method>`` beside a method's ids, persons are compared.
    methods
        its methods, in order.
    users
        the accounts; without them every id counts as one.

    Examples
    --------
    >>> from credit_forensics.resolution.methods import METHODS
    >>> columns = {"payment_id": str} | {m.name: str for m in METHODS}
    >>> columns |= {"customer_preset": bool, "email_prefilled": bool}
    >>> with_contradictions(ibis.table(columns, name="m"), METHODS).columns[-1]
    'email_prefilled'
    """
    own = [method.name for method in own_words(methods)]
    given = [method for method in methods if method.session_when and not method.history]
    if not own or not given:
        return matrix
    apart = {f"apart_{one.name}": _apart(matrix, one.name, own) for one in given}
    word = ibis.coalesce(*(matrix[name] for name in own))
    asked = ibis.ifelse(reduce(or_, apart.values()), word, ibis.null(str))
    rows = matrix.mutate(own_word=asked, **apart)
    known: ir.BooleanValue = ibis.literal(True)
    if users is not None:
        # Nearly nowhere is anything apart: few rows look for their account, and few are joined.
        told = rows.filter(rows.own_word.notnull())
        told = told.semi_join(users, told.own_word == users.user_id)
        told = told.select(told_payment="payment_id")
        rows = rows.left_join(told, rows.payment_id == told.told_payment)
        known = rows.told_payment.notnull()
    stays: dict[str, ir.BooleanValue] = {}
    for method in given:
        when = str(method.session_when)
        contradicts = rows[f"apart_{method.name}"] & known
        stays[when] = stays.get(when, rows[when]) & ~contradicts
    return rows.select(**{name: stays.get(name, rows[name]) for name in matrix.columns})


def _apart(matrix: ir.Table, name: str, own: Sequence[str]) -> ir.BooleanValue:
    """Whether a value belongs to another than every id of the session; absent ones say nothing."""
    value = _person(matrix, name)
    words = [_person(matrix, one) for one in own]
    copied = reduce(or_, (ibis.coalesce(value == word, False) for word in words))
    silent = reduce(and_, (word.isnull() for word in words))
    return ~(copied | silent | value.isnull())


def _person(matrix: ir.Table, name: str) -> ir.StringValue:
    linked = f"p_{name}"
    value = matrix[name]
    return ibis.coalesce(matrix[linked], value) if linked in matrix.columns else value
