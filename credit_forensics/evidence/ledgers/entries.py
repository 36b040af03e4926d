"""Takes ledger entries from what was read of a database, as DuckDB SQL."""

from __future__ import annotations

from collections.abc import Mapping

from credit_forensics.databases.values import (
    RAW,
    column_types,
    count_rows,
    decimal_sql,
    has_fractions,
    quoted_text,
    text_sql,
    time_sql,
    whole_and_fraction,
    whole_sql,
)
from credit_forensics.evidence.custody import Input
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers.entry_kinds import KINDS, kind_by_tie_sql, kind_sql
from credit_forensics.evidence.ledgers.listed_payments import listed_sql, split_listed

_TEXTS = {
    "entry_id": "entry_id",
    "user_id": "user_id",
    "kind": "kind_column",
    "event_id": "event_column",
    "payment_id": "payment_column",
    "session_id": "session_column",
    "intent_id": "intent_column",
    "local_payment_id": "local_payment_id",
    "meta": "meta",
    "reference": "reference_column",
}


def take_entries(
    evidence: Evidence,
    source: Input,
    label: str,
    kinds: Mapping[str, str],
    *,
    prefix: str = "",
    parts: frozenset[str] = frozenset(),
    inferred: bool = False,
) -> int:
    """Append ledger entries; the number of good rows.

    An entry without a user, or whose credits are no number, is a reject. Of those without a user
    what adds credits and names a payment is taken all the same: the account may have been deleted
    since, and the payment was booked (see ``ownerless``).

    ``kinds`` are ``[ledger.kinds]``; ``prefix`` sets the entries of several ledgers apart;
    ``parts`` are the other parts that were read; ``inferred`` is whether nobody named the layout,
    so that what an entry names decides its kind where its own words are vague.
    """
    raw = f"{RAW}entries"
    types = column_types(evidence.connection, raw)
    typed = _typed_sql(types, raw, parted=has_fractions(evidence.connection, raw, "delta"))
    _reject(evidence, source, label, typed)
    good = f"FROM ({typed}) WHERE delta IS NOT NULL AND user_id IS NOT NULL"
    late = count_rows(evidence.connection, f"{good} AND has_time AND created_at IS NULL")
    if late:
        source.notes.append(f"{late} entries of {label} have a time that cannot be read")

    # A reason's kind is told once a reason, not once an entry.
    backed = "(event_id IS NOT NULL OR payment_id IS NOT NULL)"
    told = kind_sql("reason", "0", "false", kinds)
    reasons = f"(SELECT DISTINCT reason FROM ({typed}) WHERE reason IS NOT NULL)"
    evidence.connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {RAW}kinds AS SELECT reason, {told} AS kind FROM {reasons}"
    )
    untold = kind_sql("CAST(NULL AS VARCHAR)", "delta", backed)
    kind = f"coalesce(k.kind, {untold})"
    if "admin_actions" in parts:
        kind = _admin_kind(evidence, kind)
    if "kind" in types:
        listed = ", ".join(f"'{name}'" for name in KINDS)
        kind = f"CASE WHEN lower(kind_column) IN ({listed}) THEN lower(kind_column) ELSE {kind} END"
    if inferred:
        kind = kind_by_tie_sql(kind)
    owned = "FROM ledger WHERE user_id IS NOT NULL"
    before = count_rows(evidence.connection, owned)
    evidence.connection.execute(
        f"""INSERT INTO ledger BY NAME SELECT
            '{quoted_text(prefix)}' || {_entry_id(evidence, types, typed)} AS entry_id,
            user_id, delta, fraction, l.reason, {kind} AS kind, event_id, payment_id, created_at
        FROM ({_linked_sql(evidence, types, typed, parts, inferred)}) AS l
        LEFT JOIN {RAW}kinds AS k ON l.reason = k.reason
        WHERE user_id IS NOT NULL OR delta > 0 AND payment_id IS NOT NULL"""
    )
    taken = count_rows(evidence.connection, owned) - before
    split_listed(evidence)
    return taken


def _typed_sql(types: dict[str, str], raw: str, *, parted: bool) -> str:
    """The entries with the house's types; a layout's type stands before its reason."""
    reason = text_sql(types, "reason")
    if "type" in types:
        reason = f"nullif(concat_ws(':', {text_sql(types, 'type')}, {reason}), '')"
    texts = ", ".join(f"{text_sql(types, name)} AS {alias}" for name, alias in _TEXTS.items())
    delta, fraction = whole_sql(types, "delta"), "CAST(NULL AS BIGINT)"
    if parted:
        delta, fraction = whole_and_fraction(decimal_sql(types, "delta"))
    return f"""SELECT {texts}, {reason} AS reason,
        {delta} AS delta, {fraction} AS fraction, {text_sql(types, "delta")} IS NULL AS no_delta,
        {time_sql(types, "created_at")} AS created_at,
        {text_sql(types, "created_at")} IS NOT NULL AS has_time
    FROM {raw}"""


def _reject(evidence: Evidence, source: Input, label: str, typed: str) -> None:
    evidence.custody.reject_many(
        source,
        evidence.connection.execute(
            f"""SELECT 0 AS line, '{quoted_text(label)}' || coalesce(' ' || entry_id, '') || ': '
                || CASE WHEN user_id IS NULL THEN 'the user is empty'
                WHEN no_delta THEN 'the credits are empty'
                ELSE 'the credits are not a number' END AS reason
            FROM ({typed}) WHERE user_id IS NULL OR delta IS NULL ORDER BY ALL"""
        ).df(),
    )


def _entry_id(evidence: Evidence, types: dict[str, str], typed: str) -> str:
    """The key; where there is none, the entry's number in order of time."""
    if "entry_id" in types and not count_rows(
        evidence.connection, f"FROM ({typed}) WHERE entry_id IS NULL"
    ):
        return "entry_id"
    order = "created_at, user_id, delta, l.reason, event_id, payment_id"
    return f"coalesce(entry_id, 'row' || row_number() OVER (ORDER BY {order}))"


def _linked_sql(
    evidence: Evidence, types: dict[str, str], typed: str, parts: frozenset[str], inferred: bool
) -> str:
    """The good entries with the event and the payment that they name themselves.

    A payment is looked for in columns before texts, as a session before an intent.
    """
    session, intent, event, other, joins = _bookkeeping(evidence, parts)
    payments = [
        "payment_column",
        "session_column",
        session,
        "CASE WHEN regexp_matches(local_payment_id, '^(cs|pi)_') THEN local_payment_id END",
        *(_named(text, "cs") for text in ("event_column", "reason", "meta")),
        "intent_column",
        intent,
        *(_named(text, "pi") for text in ("event_column", "reason", "meta")),
    ]
    events = [
        "CASE WHEN NOT regexp_matches(event_column, '^(cs|pi)_|^[0-9]+$') THEN event_column END",
        *(_named(text, "evt") for text in ("reason", "meta")),
        event,
    ]
    if inferred:
        payments.insert(4, "keyed.payment_id")
        listed = listed_sql("concat_ws(' ', payment_column, reference_column, meta)")
        payments.insert(0, f"CASE WHEN t.delta > 0 THEN {listed} END")
        payments += [
            other,
            *(_any_named("meta", start) for start in ("in", "ch", "re", "du", "dp")),
        ]
        joins += " LEFT JOIN _reference_keys AS keyed ON t.reference_column = keyed.value"
    # What is used names its subscription too, and takes nothing back.
    by_subscription = (_any_named(text, "sub") for text in ("reason", "meta"))
    payments += [f"CASE WHEN t.delta > 0 THEN {named} END" for named in by_subscription]
    return f"""SELECT t.*, coalesce({", ".join(payments)}) AS payment_id,
        coalesce({", ".join(events)}) AS event_id
    FROM ({typed}) AS t {joins} WHERE t.delta IS NOT NULL"""


def _named(text: str, start: str) -> str:
    """A Stripe id in a text: ``payment_cs_1`` and ``event_evt_1`` hold one, ``docs_1`` does not."""
    # The search for the bare letters spares most texts the expression.
    return (
        f"CASE WHEN contains({text}, '{start}_') THEN nullif(regexp_extract({text},"
        f" '(?:^|[^A-Za-z0-9])({start}_[A-Za-z0-9_]+)', 1), '') END"
    )


def _any_named(text: str, start: str) -> str:
    """As ``_named``, of ids whose beginning may end a word: none in ``sign_in_page``."""
    return (
        f"CASE WHEN contains({text}, '{start}_') THEN nullif(regexp_extract({text},"
        f" '(?:^|[^A-Za-z0-9_])({start}_[A-Za-z0-9]{{8,}})', 1), '') END"
    )


def _bookkeeping(evidence: Evidence, parts: frozenset[str]) -> tuple[str, str, str, str, str]:
    """SQL of session, intent, event and other object by the shop's own number, and the joins."""
    session = intent = event = other = "CAST(NULL AS VARCHAR)"
    joins = ""
    if "payments" in parts:
        types = column_types(evidence.connection, f"{RAW}payments")
        joins += f""" LEFT JOIN (
            SELECT {text_sql(types, "local_id")} AS local_id,
                min({text_sql(types, "object_id")}) AS object_id,
                min({text_sql(types, "session_id")}) AS session_id,
                min({text_sql(types, "intent_id")}) AS intent_id
            FROM {RAW}payments GROUP BY 1) AS p ON t.local_payment_id = p.local_id"""
        session, intent = "p.session_id", "p.intent_id"
        # A journal may name the event alone, which is no object of a payment.
        other = "CASE WHEN NOT starts_with(p.object_id, 'evt_') THEN p.object_id END"
        event = "CASE WHEN starts_with(p.object_id, 'evt_') THEN p.object_id END"
        if "reference" in types:
            joins += f""" LEFT JOIN (
                SELECT {text_sql(types, "local_id")} AS local_id, min(k.payment_id) AS payment_id
                FROM {RAW}payments JOIN _reference_keys AS k ON reference = k.value
                GROUP BY 1) AS r ON t.local_payment_id = r.local_id"""
            session = "coalesce(p.session_id, r.payment_id)"
    if "processed_events" in parts:
        types = column_types(evidence.connection, f"{RAW}processed_events")
        event_id = text_sql(types, "event_id")
        joins += f""" LEFT JOIN (
            SELECT {text_sql(types, "local_payment_id")} AS local_id, min({event_id}) AS event_id
            FROM {RAW}processed_events WHERE starts_with({event_id}, 'evt_')
            GROUP BY 1) AS e ON t.local_payment_id = e.local_id"""
        event = f"coalesce(e.event_id, {event})"
    return session, intent, event, other, joins


def _admin_kind(evidence: Evidence, kind: str) -> str:
    """A grant where the admins' journal tells of the same credits within a minute."""
    types = column_types(evidence.connection, f"{RAW}admin_actions")
    evidence.connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE {RAW}granted AS SELECT DISTINCT
            {text_sql(types, "user_id")} AS granted_user, {whole_sql(types, "delta")} AS granted,
            {time_sql(types, "created_at")} AS granted_at
        FROM {RAW}admin_actions"""
    )
    return f"""CASE WHEN event_id IS NULL AND payment_id IS NULL AND delta > 0 AND EXISTS (
        SELECT 1 FROM {RAW}granted WHERE granted_user = l.user_id AND granted = l.delta
            AND abs(epoch(granted_at) - epoch(l.created_at)) <= 60
    ) THEN 'grant' ELSE {kind} END"""
