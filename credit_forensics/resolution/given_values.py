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

import ibis
import ibis.expr.types as ir

from credit_forensics.resolution.method import SESSION, Method


def own_words(methods: Sequence[Method]) -> list[Method]:
    """The methods that read the ids which the session itself carries.

    Examples
    --------
    >>> from credit_forensics.resolution.methods import METHODS
    >>> [method.name for method in own_words(METHODS)][:2]
    ['metadata_user_id', 'metadata_user_id_backup']
    """
    return [method for method in methods if method.family == SESSION and method.voice == "copy"]


def with_contradictions(matrix: ir.Table, methods: Sequence[Method]) -> ir.Table:
    """The matrix, ``session_when`` being false where a given value contradicts the session's ids.

    A value that names whom the credits went to stays the session's word all the same: what one
    session says in two places confirms nothing.

    Parameters
    ----------
    matrix
        the wide matrix; where it has ``p_<method>`` beside a method's ids, persons are compared.
    methods
        its methods, in order.

    Examples
    --------
    >>> from credit_forensics.resolution.methods import METHODS
    >>> columns = {m.name: str for m in METHODS} | {"ledger": str}
    >>> columns |= {"customer_preset": bool, "email_prefilled": bool}
    >>> with_contradictions(ibis.table(columns, name="m"), METHODS).columns[-1]
    'email_prefilled'
    """
    own = [_person(matrix, method.name) for method in own_words(methods)]
    if not own:
        return matrix
    silent = reduce(and_, (word.isnull() for word in own))
    sources = [*own, _person(matrix, "ledger")]
    stays: dict[str, ir.BooleanValue] = {}
    for method in methods:
        if method.session_when and not method.history:
            value = _person(matrix, method.name)
            copied = reduce(or_, (ibis.coalesce(value == one, False) for one in sources))
            given = stays.get(method.session_when, matrix[method.session_when])
            # What is absent on either side contradicts nothing.
            stays[method.session_when] = given & (copied | silent | value.isnull())
    return matrix.mutate(**stays)


def _person(matrix: ir.Table, name: str) -> ir.StringValue:
    linked = f"p_{name}"
    value = matrix[name]
    return ibis.coalesce(matrix[linked], value) if linked in matrix.columns else value
