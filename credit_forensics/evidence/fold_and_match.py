"""Fills the derived columns of the evidence, once, after every source is loaded.

Text is folded (``folding``), and every value that can be a user id becomes a canonical one: the
id itself, an id that differs only in case, or a scrubbed one that fits exactly one known id.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from credit_forensics.errors import CaseError
from credit_forensics.evidence.account_roles import give_roles, name_recipients
from credit_forensics.evidence.booked_by_key import account_keys_by_booking
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.folding_sql import account_name_keys, email_key, typed_name_key
from credit_forensics.evidence.logs.scrubbed_ids import match_scrubbed
from credit_forensics.evidence.members import (
    members_by_key,
    members_by_time,
    members_in_references,
)
from credit_forensics.evidence.metadata_keys import (
    NAMED_KEYS,
    OTHERS_KEY,
    PERSON_KEY,
    RECIPIENT_KEY,
    account_keys,
    keys_like,
    quoted_keys,
)
from credit_forensics.evidence.order_numbers import (
    references_are_order_numbers,
    set_aside_order_numbers,
)
from credit_forensics.evidence.rebound_customers import settle_rebound_customers

# What programs write for nothing.
PLACEHOLDERS = (
    *("", "unknown", "null", "undefined", "none", "nan", "anonymous", "guest", "nil", "n/a", "-"),
    *("[object object]", "(null)", "<null>", "{}", "[]", "false"),
)

_HEX = "[0-9a-fA-F]"
_UUID = f"^{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}$"
_UUID_STRICT = f"^{_HEX}{{8}}-{_HEX}{{4}}-[1-5]{_HEX}{{3}}-[89abAB]{_HEX}{{3}}-{_HEX}{{12}}$"
_SHAPES = {"any": "", "uuid": _UUID, "uuid_strict": _UUID_STRICT, "integer": "^[0-9]+$"}
# Under a loose shape a scan would take amounts and versions for ids, so the key must speak of one.
_ID_KEY = "(^|_)(user|uid|account|member|owner)(_?(id|uuid|ref|key))?(_|$)"
_USER_WORDS = (
    "user_?id|user|usr|uid|member|account|acct|customer|cust|client|owner|profile|person|id|u"
)
_SCRUBBED = r"<[a-z_]+>|\[[A-Z_]+\]|\*{3,}"


def shape_pattern(shape: str) -> str:
    """The regular expression of an id shape: a name, or a pattern of one's own; empty for any.

    Raises
    ------
    CaseError
        when the pattern is not a regular expression that can be used.

    Examples
    --------
    >>> shape_pattern("integer")
    '^[0-9]+$'
    >>> shape_pattern("usr_[0-9]+")
    '^(?:usr_[0-9]+)$'
    """
    if shape in _SHAPES:
        return _SHAPES[shape]
    pattern = f"^(?:{shape})$"
    try:
        duckdb.connect().execute("SELECT regexp_matches('', ?)", [pattern]).fetchall()
    except duckdb.Error as error:
        raise CaseError(
            f"ids.shape {shape!r} is neither {', '.join(_SHAPES)} nor a usable pattern: "
            f"{str(error).splitlines()[0]}"
        ) from None
    return pattern


def prepare(
    evidence: Evidence,
    shape: str = "any",
    user_keys: Sequence[str] = (),
    order_numbers: bool | None = None,
    booked_keys: Sequence[str] | None = None,
) -> None:
    """Fill the derived columns of ``payments``, ``metadata``, ``users``, ``user_names``.

    Parameters
    ----------
    evidence
        loaded evidence; changed in place. Running it again changes nothing.
    shape
        what a user id looks like (``[ids] shape``).
    user_keys
        metadata keys that name the account (``[ids] user_keys``), the first one first.
    order_numbers
        whether all payments' references are numbers of orders, where only some are here.
    booked_keys
        by which metadata keys all payments are booked, where only some are here.

    Raises
    ------
    CaseError
        for a shape that is no pattern.
    """
    pattern = shape_pattern(shape)
    _fold(evidence)
    settle_rebound_customers(evidence.connection)
    recipients = keys_like(evidence, RECIPIENT_KEY)
    if booked_keys is None:
        booked_keys = account_keys_by_booking(evidence, user_keys)
    keys = sorted({*account_keys(evidence, user_keys, recipients), *booked_keys})
    _references(evidence, pattern, keys, loose=shape in ("any", "integer"))
    persons = [*NAMED_KEYS, *keys_like(evidence, PERSON_KEY, OTHERS_KEY)]
    members_by_key(evidence.connection, persons)
    members_by_time(evidence.connection)
    if order_numbers is None:
        order_numbers = references_are_order_numbers(evidence.connection)
    if order_numbers:
        set_aside_order_numbers(evidence.connection)
    if keys:
        name_recipients(evidence, recipients)
        give_roles(evidence, keys, user_keys, recipients)


def _fold(evidence: Evidence) -> None:
    run = evidence.connection.execute
    run(
        f"""CREATE OR REPLACE TABLE users AS SELECT * REPLACE ({email_key("email")} AS email_key)
        FROM (SELECT DISTINCT ON (user_id) * FROM users WHERE user_id IS NOT NULL
              ORDER BY user_id, created_at)"""
    )
    run(
        f"""CREATE OR REPLACE TABLE user_names AS
        SELECT DISTINCT user_id, unnest({account_name_keys("name")}) AS name_key
        FROM users WHERE name IS NOT NULL
        -- A member's name is one of the organisation's, which owns the credits.
        UNION SELECT account_id, unnest({account_name_keys("name")})
        FROM memberships WHERE name IS NOT NULL"""
    )
    run(
        f"""CREATE OR REPLACE TABLE memberships AS
        SELECT * REPLACE ({email_key("email")} AS email_key) FROM memberships"""
    )
    run(
        f"""CREATE OR REPLACE TABLE payments AS
        SELECT p.* REPLACE ({email_key("payer_email")} AS payer_email_key,
                            n.name_key AS payer_name_key)
        FROM payments p LEFT JOIN (
            SELECT payer_name, {typed_name_key("payer_name")} AS name_key
            FROM (SELECT DISTINCT payer_name FROM payments WHERE payer_name IS NOT NULL)
        ) n ON p.payer_name = n.payer_name"""
    )


def _references(
    evidence: Evidence, pattern: str, account_keys: Sequence[str], *, loose: bool
) -> None:
    run = evidence.connection.execute
    run(
        """CREATE OR REPLACE TEMP TABLE known_ids AS
        SELECT DISTINCT user_id FROM (
            SELECT user_id FROM users UNION ALL SELECT user_id FROM customers
            UNION ALL SELECT user_id FROM ledger) WHERE user_id IS NOT NULL"""
    )
    named = quoted_keys((*NAMED_KEYS, *account_keys))
    scanned = _scanned("value", "key", pattern, loose=loose)
    run(
        f"""CREATE OR REPLACE TEMP TABLE id_values AS
        SELECT DISTINCT value FROM (
            SELECT trim(value) AS value, key FROM metadata
            UNION ALL SELECT trim(client_reference_id), 'user_id' FROM payments)
        WHERE value IS NOT NULL AND length(value) BETWEEN 1 AND 200
          AND (key IN ({named}) OR {scanned} OR regexp_matches(value, '{_SCRUBBED}'))"""
    )
    placeholders = ", ".join(f"'{word}'" for word in PLACEHOLDERS)
    run(
        f"""CREATE OR REPLACE TEMP TABLE id_references AS
        WITH folded AS (
            SELECT lower(user_id) AS folded_id, min(user_id) AS user_id, count(*) AS ids
            FROM known_ids GROUP BY 1)
        SELECT v.value,
               coalesce(k.user_id, CASE WHEN f.ids = 1 THEN f.user_id END, v.value) AS user_id,
               lower(v.value) NOT IN ({placeholders})
                   AND NOT regexp_matches(v.value, '{_SCRUBBED}')
                   AND {_shaped("v.value", pattern)} AS valid,
               CASE WHEN k.user_id IS NOT NULL THEN 'exact' WHEN f.ids = 1 THEN 'case'
                    ELSE 'unknown' END AS detail
        FROM id_values v
        LEFT JOIN known_ids k ON k.user_id = v.value
        LEFT JOIN folded f ON f.folded_id = lower(v.value)"""
    )
    _match_scrubbed(evidence)
    _unwrap(evidence, pattern)
    members_in_references(evidence.connection)
    email = email_key("m.value")
    run(
        f"""CREATE OR REPLACE TABLE metadata AS
        SELECT m.* REPLACE (r.user_id AS user_id, r.valid AS valid, r.detail AS detail,
                            CASE WHEN contains(m.value, '@') THEN {email} END AS email_key)
        FROM metadata m LEFT JOIN id_references r ON r.value = trim(m.value)
            AND (m.key IN ({named}) OR {_scanned("r.value", "m.key", pattern, loose=loose)}
                 OR r.detail = 'wildcard')"""
    )
    run(
        """CREATE OR REPLACE TABLE payments AS
        SELECT p.* REPLACE (r.user_id AS reference_user_id, r.valid AS reference_valid,
                            r.detail AS reference_detail)
        FROM payments p LEFT JOIN id_references r ON r.value = trim(p.client_reference_id)"""
    )
    for name in ("known_ids", "id_values", "id_references"):
        run(f"DROP TABLE {name}")


def _shaped(value: str, pattern: str) -> str:
    return f"regexp_matches({value}, '{_sql_text(pattern)}')" if pattern else "true"


def _scanned(value: str, key: str, pattern: str, *, loose: bool) -> str:
    """SQL: whether a value under a key that is not one of the original handler's can be a user id.

    Under a strict shape the original handler's scan takes any key; under a loose one the key must
    say so.
    """
    if not loose:
        return _shaped(value, pattern)
    uuid_like = f"(length({value}) = 36 AND regexp_matches({value}, '{_UUID}'))"
    return f"({uuid_like} OR regexp_matches(lower({key}), '{_ID_KEY}'))"


def _unwrap(evidence: Evidence, pattern: str) -> None:
    """Give a reference that wraps an id (``User/42``, JSON, base64, ``org:user``) its owner.

    Only where exactly one known id stands in it. A number counts beside a word for a user alone:
    in ``cart-1234`` it is no id.
    """
    run = evidence.connection.execute
    run(
        f"""CREATE OR REPLACE TEMP TABLE unwrapped AS
        WITH texts AS (
            SELECT value, url_decode(value) AS text FROM id_references
            WHERE detail = 'unknown' AND valid AND length(value) > 3
            UNION ALL
            SELECT value, TRY(decode(from_base64(value))) FROM id_references
            WHERE detail = 'unknown' AND valid AND length(value) BETWEEN 8 AND 120
                AND length(value) % 4 = 0 AND regexp_matches(value, '^[A-Za-z0-9+/]+=*$')
        ), parts AS (
            SELECT value, text, unnest(list_distinct(regexp_extract_all(text,
                '[A-Za-z0-9][A-Za-z0-9-]*(?:_[A-Za-z0-9-]+)*') || string_split_regex(text,
                '[^A-Za-z0-9-]+') || string_split_regex(text, '[/:|;,= ]+')
                || string_split_regex(text, '[^A-Za-z0-9]+'))) AS part
            FROM texts WHERE text IS NOT NULL
        ), known AS (
            SELECT p.value, k.user_id FROM parts p JOIN known_ids k ON k.user_id = p.part
            WHERE p.part <> p.value
                AND ((length(p.part) >= 6 AND NOT regexp_matches(p.part, '^[0-9]+$'))
                    OR regexp_matches(lower(p.text), '(^|[^a-z])({_USER_WORDS})[^a-z0-9]+'
                        || regexp_escape(lower(p.part)) || '($|[^a-z0-9])'))
        )
        SELECT value, min(user_id) AS user_id FROM known
        GROUP BY 1 HAVING count(DISTINCT user_id) = 1"""
    )
    run(
        f"""UPDATE id_references SET user_id = u.user_id, detail = 'wrapped',
            valid = {_shaped("u.user_id", pattern)}
        FROM unwrapped u WHERE u.value = id_references.value"""
    )
    run("DROP TABLE unwrapped")


def _match_scrubbed(evidence: Evidence) -> None:
    """Give a scrubbed id its owner where exactly one known id fits."""
    connection = evidence.connection
    scrubbed = connection.execute(
        f"SELECT value FROM id_references WHERE regexp_matches(value, '{_SCRUBBED}')"
    ).df()["value"]
    if scrubbed.empty:
        return
    known = connection.execute("SELECT user_id FROM known_ids").df()["user_id"]
    matched = match_scrubbed(scrubbed, known)
    connection.register("matched_ids", matched[matched["user_id"].notna()])
    connection.execute(
        """UPDATE id_references SET user_id = m.user_id, valid = true, detail = 'wildcard'
        FROM matched_ids m WHERE m.value = id_references.value"""
    )
    connection.unregister("matched_ids")


def _sql_text(text: str) -> str:
    return text.replace("'", "''")
