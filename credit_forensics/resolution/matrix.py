"""The wide matrix: one row a payment, one column a method. Wide first; claims are its long form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from credit_forensics.resolution.handler_cascade import cascade_method, handler_cascade
from credit_forensics.resolution.handler_log import handler_log
from credit_forensics.resolution.method import Method
from credit_forensics.resolution.methods import METHODS, REPLAYS
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

CONTEXT = (
    "created_at",
    "customer_id",
    "customer_preset",
    "email_prefilled",
    "payer_name_key",
    "card_fingerprint",
    "name_owners",
    "session_user_id",
)


def history_columns(methods: Sequence[Method]) -> dict[str, str]:
    """What the votes of histories stand on, by column and type; absent until owners are known.

    Examples
    --------
    >>> list(history_columns([one for one in METHODS if one.name == "card_history"]))
    ['card_count', 'card_purity']
    """
    stems = [method.stem for method in methods if method.history]
    kinds = {"count": "int64", "purity": "float64"}
    return {f"{stem}_{what}": kind for stem in stems for what, kind in kinds.items()}


def build_matrix(
    tables: Tables,
    fields: ir.Table,
    credited: ir.Table,
    methods: Sequence[Method] = METHODS,
    lookups: Mapping[str, ir.Table] | None = None,
) -> ir.Table:
    """Join the methods to the payments.

    Parameters
    ----------
    tables
        the evidence.
    fields
        ``session_fields(tables)``, kept.
    credited
        the table ``credited``, kept.
    methods
        the methods, in order; a user's own may follow the house's.
    lookups
        ``lookup_tables(tables, methods)``, kept; computed on the way without it.

    Returns
    -------
    payment_id; a column of user ids a method; ``handler_cascade``, ``cascade_method``,
    ``handler_log``, ``log_method``, ``ledger``; the columns of ``CONTEXT`` that the judgement
    needs to tell families apart; and those of ``history_columns``, absent as yet.

    Examples
    --------
    >>> from credit_forensics.resolution.session_fields import session_fields
    >>> from credit_forensics.resolution.credited import credited
    >>> tables = Tables()
    >>> build_matrix(tables, session_fields(tables), credited(tables)).columns[:2]
    ('payment_id', 'metadata_user_id')
    """
    lookups = lookup_tables(tables, methods) if lookups is None else lookups
    columns = [fields[name] for name in fields.columns]
    values = {
        f"m_{one.name}": value for one in methods if (value := _at_hand(one, fields)) is not None
    }
    rows = fields.select(*columns, **values)
    for method in methods:
        if method.lookup is not None and method.field is not None:
            found = lookups[lookup_name(method, methods)].view()  # two may look up in one table
            extra = {"name_owners": found.owners} if "owners" in found.columns else {}
            named = found.user_id
            if "since" in found.columns:
                known = ibis.coalesce(found.since <= rows.created_at, True)
                named = ibis.ifelse(known, named, ibis.null(str))
            rows = rows.left_join(found, rows[method.field.column] == found.key).select(
                *(rows[name] for name in rows.columns),
                **{f"m_{method.name}": named},
                **extra,
            )
        elif method.rows is not None:
            found = lookups[lookup_name(method, methods)].rename(
                found_payment_id="payment_id", found="user_id"
            )
            rows = rows.left_join(found, rows.payment_id == found.found_payment_id).select(
                *(rows[name] for name in rows.columns),
                **{f"m_{method.name}": found.found},
                **({method.echo_when: found.echo} if method.echo_when else {}),
            )
    echo = [method.echo_when for method in methods if method.echo_when]
    log = handler_log(tables).rename(logged_payment_id="payment_id")
    held = credited.select(held_payment_id="payment_id", ledger="credited_user_id")
    rows = rows.left_join(log, rows.payment_id == log.logged_payment_id)
    rows = rows.left_join(held, rows.payment_id == held.held_payment_id)
    named = rows.select(
        "payment_id",
        **{method.name: rows[f"m_{method.name}"] for method in methods},
        handler_log=rows.log_user_id,
        log_method=rows.log_method,
        ledger=rows.ledger,
        **{name: rows[name] for name in (*CONTEXT, *echo) if name != "session_user_id"},
        session_user_id=ibis.coalesce(
            *(rows[one.session_id.column] for one in methods if one.session_id is not None)
        ),
    )
    replayed = named.mutate(
        handler_cascade=handler_cascade(named), cascade_method=cascade_method(named)
    )
    return replayed.select(
        "payment_id",
        *(method.name for method in methods),
        *REPLAYS,
        "cascade_method",
        "log_method",
        *CONTEXT,
        *echo,
        **{name: ibis.null(kind) for name, kind in history_columns(methods).items()},
    )


def _at_hand(method: Method, fields: ir.Table) -> ir.Value | None:
    """A method's column where it needs no join; a history names nobody until owners are known."""
    if method.history is not None:
        return ibis.null(str)
    if method.field is not None and method.lookup is None:
        return fields[method.field.column]
    return None


def lookup_tables(tables: Tables, methods: Sequence[Method] = METHODS) -> dict[str, ir.Table]:
    """What methods look up, by the names under which the engine keeps it.

    These tables are made of all payments; what reads them afterwards needs one payment only.

    Examples
    --------
    >>> {"lookup_session_email", "lookup_customer_mapping"} <= set(lookup_tables(Tables()))
    True
    """
    found: dict[str, ir.Table] = {}
    for method in methods:
        if method.lookup is not None:
            found.setdefault(lookup_name(method, methods), method.lookup(tables))
        elif method.rows is not None:
            further = ["echo"] if method.echo_when else []
            rows = method.rows(tables).select("payment_id", "user_id", *further)
            found[lookup_name(method, methods)] = rows
    return found


def lookup_name(method: Method, methods: Sequence[Method]) -> str:
    """The name of what a method looks up: that of the first method that looks up the same."""
    if method.lookup is None:
        return f"lookup_{method.name}"
    return next(f"lookup_{one.name}" for one in methods if one.lookup is method.lookup)


def with_histories(matrix: ir.Table, votes: Mapping[str, ir.Table]) -> ir.Table:
    """The matrix with the votes of the histories in it.

    Parameters
    ----------
    matrix
        as ``build_matrix`` gives it.
    votes
        ``payment_id, user_id, history_count, history_purity`` of each history, by its stem.

    Examples
    --------
    >>> from credit_forensics.resolution.history import HISTORY_VOTES
    >>> columns = {"payment_id": str, "card_history": str, "card_count": int, "card_purity": float}
    >>> votes = {"card": ibis.table(HISTORY_VOTES, name="card_votes")}
    >>> with_histories(ibis.table(columns, name="matrix"), votes).columns[:2]
    ('payment_id', 'card_history')
    """
    rows = join_votes(matrix, votes, "new_")
    found = {f"{stem}_{what}" for stem in votes for what in ("history", "count", "purity")}
    return rows.select(
        *(
            rows[f"new_{column}"].name(column) if column in found else rows[column]
            for column in matrix.columns
        )
    )


def join_votes(rows: ir.Table, votes: Mapping[str, ir.Table], prefix: str = "") -> ir.Table:
    """Rows with ``<stem>_history``, ``<stem>_count`` and ``<stem>_purity`` of each history beside.

    Examples
    --------
    >>> from credit_forensics.resolution.history import HISTORY_VOTES
    >>> votes = {"card": ibis.table(HISTORY_VOTES, name="card_votes")}
    >>> join_votes(ibis.table({"payment_id": str}, name="rows"), votes).columns
    ('payment_id', 'card_history', 'card_count', 'card_purity')
    """
    for stem, of_stem in votes.items():
        voted = of_stem.rename(voted_payment_id="payment_id", voted_user_id="user_id")
        rows = rows.left_join(voted, rows.payment_id == voted.voted_payment_id).select(
            *(rows[column] for column in rows.columns),
            **{
                f"{prefix}{stem}_history": voted.voted_user_id,
                f"{prefix}{stem}_count": voted.history_count.cast("int64"),
                f"{prefix}{stem}_purity": voted.history_purity.cast("float64"),
            },
        )
    return rows
