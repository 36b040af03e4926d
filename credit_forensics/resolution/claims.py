"""The long claims table, derived from the wide matrix when asked for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import ibis
import ibis.expr.types as ir

from credit_forensics.evidence.prepare import NAMED_KEYS
from credit_forensics.evidence.tables import Tables
from credit_forensics.resolution.method import SESSION, Method

CLAIMS_ORDER = ("payment_id", "method", "family", "user_id")

# Metadata keys whose raw value is shown even where its shape was refused.
_RAW = dict(
    zip(
        ("metadata_user_id", "metadata_user_id_backup", "metadata_session_user_id"),
        NAMED_KEYS,
        strict=True,
    )
)


def claims(tables: Tables, matrix: ir.Table, methods: Sequence[Method]) -> ir.Table:
    """What each method says of each payment: the table ``claims`` of ``evidence.tables``.

    Parameters
    ----------
    tables
        the evidence, for accounts, raw values and how an id was matched.
    matrix
        the wide matrix.
    methods
        its methods, in order.

    Returns
    -------
    A row for each payment and method that names somebody, and for each named metadata key whose
    value was refused for its shape (``valid`` false). ``family`` is where the value came from for
    this payment; ``detail`` what makes it weak or strong.

    Examples
    --------
    >>> from credit_forensics.resolution.methods import METHODS
    >>> names = ["payment_id", *(m.name for m in METHODS), "payer_name_key", "name_bearers"]
    >>> columns = dict.fromkeys(names, "string") | {"customer_preset": "boolean"}
    >>> columns |= {"email_prefilled": "boolean", "name_bearers": "int64"}
    >>> claims(Tables(), ibis.table(columns, name="matrix"), METHODS).columns
    ('payment_id', 'method', 'family', 'user_id', 'valid', 'known', 'detail')
    """
    parts = [_of_method(matrix, method) for method in methods]
    named = reduce(ibis.union, parts)
    details = _details(tables)
    named = named.left_join(
        details, [named.payment_id == details.of_payment, named.method == details.of_method]
    ).select(named, matched=details.matched)
    accounts = tables.users.select(account_id="user_id")
    known = named.left_join(accounts, named.user_id == accounts.account_id).select(
        "payment_id",
        "method",
        "family",
        "user_id",
        valid=ibis.literal(True),
        known=accounts.account_id.notnull(),
        detail=ibis.coalesce(named.note, named.matched),
    )
    return ibis.union(known, _refused(tables))


def _of_method(matrix: ir.Table, method: Method) -> ir.Table:
    family: ir.Value = ibis.literal(method.family)
    note: ir.Value = ibis.null(str)
    if method.session_when:
        by_session = ibis.coalesce(matrix[method.session_when], False)
        family = ibis.ifelse(by_session, SESSION, method.family)
        note = ibis.ifelse(by_session, f"given by the session ({method.session_when})", note)
    rows = matrix.select(
        "payment_id",
        method=ibis.literal(method.name),
        family=family,
        user_id=matrix[method.name],
        note=note,
    )
    return rows.filter(rows.user_id.notnull())


def _details(tables: Tables) -> ir.Table:
    """How the value of a metadata key or of client_reference_id was matched to an id."""
    metadata = tables.metadata
    session = metadata.filter((metadata.source == "session") & metadata.key.isin(list(NAMED_KEYS)))
    by_key = session.select(
        of_payment="payment_id",
        of_method=ibis.cases(
            *((session.key == key, method) for method, key in _RAW.items()), else_=ibis.null(str)
        ),
        matched="detail",
    )
    payments = tables.payments.filter(tables.payments.reference_user_id.notnull())
    by_reference = payments.select(
        of_payment="payment_id",
        of_method=ibis.literal("client_reference_id"),
        matched="reference_detail",
    )
    both = ibis.union(by_key, by_reference)
    return both.group_by("of_payment", "of_method").agg(matched=both.matched.max())


def _refused(tables: Tables) -> ir.Table:
    metadata = tables.metadata
    refused = metadata.filter(
        (metadata.source == "session")
        & metadata.key.isin(list(NAMED_KEYS))
        & ~ibis.coalesce(metadata.valid, False)
        & metadata.value.notnull()
    )
    return refused.select(
        "payment_id",
        method=ibis.cases(
            *((refused.key == key, method) for method, key in _RAW.items()), else_=ibis.null(str)
        ),
        family=ibis.literal(SESSION),
        user_id=refused.value,
        valid=ibis.literal(False),
        known=ibis.literal(False),
        detail=ibis.literal("shape refused"),
    )
