"""The long claims table, derived from the wide matrix when asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce

from credit_forensics.resolution.method import SESSION, Method
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

CLAIMS_ORDER = ("payment_id", "method", "family", "user_id")


def claims(
    tables: Tables,
    matrix: ir.Table,
    methods: Sequence[Method],
    histories: Mapping[str, ir.Table],
) -> ir.Table:
    """What each method says of each payment: the table ``claims`` of ``evidence.tables``.

    Parameters
    ----------
    tables
        the evidence, for accounts, raw values and how an id was matched.
    matrix
        the wide matrix; what it says of histories is not read.
    methods
        its methods, in order.
    histories
        ``payment_id, user_id`` for each method that is a history, by its name.

    Returns
    -------
    A row for each payment and method that names somebody, and for each named metadata key whose
    value was refused for its shape (``valid`` false). ``family`` is where the value came from for
    this payment; ``detail`` what makes it weak or strong.

    Examples
    --------
    >>> from credit_forensics.resolution.methods import METHODS
    >>> names = ["payment_id", *(m.name for m in METHODS), "payer_name_key", "name_owners"]
    >>> columns = dict.fromkeys(names, "string") | {"customer_preset": "boolean"}
    >>> columns |= {"email_prefilled": "boolean", "name_owners": "int64"}
    >>> votes = ibis.table({"payment_id": str, "user_id": str}, name="votes")
    >>> histories = {"card_history": votes, "customer_history": votes}
    >>> claims(Tables(), ibis.table(columns, name="matrix"), METHODS, histories).columns
    ('payment_id', 'method', 'family', 'user_id', 'valid', 'known', 'detail')
    """
    matched = _matched(tables, methods)
    parts = [
        _of_method(_named(matrix, method, histories.get(method.name)), method, matched)
        for method in methods
    ]
    named = reduce(ibis.union, parts)
    accounts = tables.users.select(account_id="user_id")
    known = named.left_join(accounts, named.user_id == accounts.account_id).select(
        "payment_id",
        "method",
        "family",
        "user_id",
        valid=ibis.literal(True),
        known=accounts.account_id.notnull(),
        detail=named.detail,
    )
    return ibis.union(known, _refused(tables, methods))


def _named(matrix: ir.Table, method: Method, history: ir.Table | None) -> ir.Table:
    """``payment_id, user_id, by_session``: whom a method names, and whether by the session."""
    if history is not None:
        named = history.select("payment_id", "user_id")
        if not method.session_when:
            return named.mutate(by_session=ibis.literal(False))
        told = matrix.select(stated_id="payment_id", by_session=method.session_when)
        rows = named.inner_join(told, named.payment_id == told.stated_id).drop("stated_id")
    else:
        by_session = matrix[method.session_when] if method.session_when else ibis.literal(False)
        rows = matrix.select("payment_id", user_id=matrix[method.name], by_session=by_session)
        rows = rows.filter(rows.user_id.notnull())
    return rows.mutate(by_session=ibis.coalesce(rows.by_session, False))


def _of_method(named: ir.Table, method: Method, matched: Mapping[str, ir.Table]) -> ir.Table:
    """A method's claims, but for whether an account of that id is known."""
    note: ir.Value = ibis.null(str)
    if method.session_when:
        given = f"given by the session ({method.session_when})"
        note = ibis.ifelse(named.by_session, given, note)
    rows = named.select(
        "payment_id",
        "user_id",
        method=ibis.literal(method.name),
        family=ibis.ifelse(named.by_session, SESSION, method.family),
        detail=note,
    )
    if method.name in matched:
        found = matched[method.name]
        joined = rows.drop("detail").left_join(found, rows.payment_id == found.of_payment)
        rows = joined.rename(detail="matched")
    return rows.select("payment_id", "method", "family", "user_id", "detail")


def _matched(tables: Tables, methods: Sequence[Method]) -> dict[str, ir.Table]:
    """``of_payment, matched`` by method: how a key's or the reference's value was matched to an id.

    A payment is in each at most once, as a session has each key once.
    """
    metadata = tables.metadata
    session = metadata.filter((metadata.source == SESSION) & metadata.detail.notnull())
    payments = tables.payments.filter(tables.payments.reference_user_id.notnull())
    by_key = {
        method.name: session.filter(session.key == method.key).select(
            of_payment="payment_id", matched="detail"
        )
        for method in methods
        if method.key is not None
    }
    by_reference = payments.select(of_payment="payment_id", matched="reference_detail")
    return by_key | {
        method.name: by_reference
        for method in methods
        if method.session_id is not None and method.session_id.attribute
    }


def _refused(tables: Tables, methods: Sequence[Method]) -> ir.Table:
    """The values of a method's metadata key that were refused for their shape."""
    of_key = {method.key: method.name for method in methods if method.key is not None}
    metadata = tables.metadata
    refused = metadata.filter(
        (metadata.source == SESSION)
        & metadata.key.isin(list(of_key))
        & ~ibis.coalesce(metadata.valid, False)
        & metadata.value.notnull()
    )
    return refused.select(
        "payment_id",
        method=ibis.cases(
            *((refused.key == key, method) for key, method in of_key.items()), else_=ibis.null(str)
        ),
        family=ibis.literal(SESSION),
        user_id=refused.value,
        valid=ibis.literal(False),
        known=ibis.literal(False),
        detail=ibis.literal("shape refused"),
    )
