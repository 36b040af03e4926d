"""Which keys of the metadata name the account, a person, or whom the purchase is for."""

from __future__ import annotations

from collections.abc import Sequence

from credit_forensics.evidence.evidence import Evidence

NAMED_KEYS = ("user_id", "user_id_backup", "session_user_id")
EMAIL_KEYS = ("session_email", "user_email", "account_email")
# Keys whose words name the account, whatever a program calls it; keys of other people and of other
# schemes are none.
ACCOUNT_KEY = (
    "(^|_)(user|uid|account|acct|member|owner|customer_ref|player|profile|person|client|org"
    "|organi[sz]ation|team|workspace|tenant|company)(_?(id|uid|uuid|guid|ref|key))?$"
)
PERSON_KEY = "(^|_)(user|uid|member|person|profile|player)(_?(id|uid|uuid|guid|ref|key))?$"
OTHERS_KEY = (
    "(^|_)(legacy|old|prev|previous|former|last|ext|external|foreign|auth|auth0|oauth|sso|idp|crm"
    "|provider|referr(er|ed|al)|ref_by|invit(er|ed|ee)|admin|support|agent|staff|seller|merchant"
    "|vendor|creator|created|author|sender|gift|recipient|parent|device|session|backup|connected"
    "|stripe|guest|name|email)(_|$)"
)
# Keys whose words name the account that what is bought goes to, whoever buys it.
RECIPIENT_KEY = (
    "((^|_)(recipient|beneficiary|giftee|gift(ed)?_(to|for))(_?(user|account|member))?"
    "|^(for|to|target|credit(ed)?|receiving)_(user|account|member|player|uid))"
    "(_?(id|uid|uuid|email|e_?mail))?$"
)


def key_words(key: str) -> str:
    """SQL of a metadata key's words in small letters, with ``_`` between them.

    Examples
    --------
    >>> import duckdb
    >>> duckdb.sql("SELECT " + key_words("'supabaseUser-Id'")).fetchall()
    [('supabase_user_id',)]
    """
    return (
        f"lower(regexp_replace(regexp_replace({key}, '([a-z0-9])([A-Z])', '\\1_\\2', 'g'),"
        " '[^A-Za-z0-9]+', '_', 'g'))"
    )


def keys_like(evidence: Evidence, pattern: str, but: str = "^$") -> list[str]:
    """The metadata keys whose words are like one pattern and not like another, sorted.

    Examples
    --------
    >>> keys_like(Evidence(), ACCOUNT_KEY)
    []
    """
    found = evidence.connection.execute(
        f"""SELECT key FROM (
            SELECT key, {key_words("key")} AS words
            FROM (SELECT DISTINCT key FROM metadata))
        WHERE regexp_matches(words, '{pattern}') AND NOT regexp_matches(words, '{but}')
            AND key NOT IN ({quoted_keys(NAMED_KEYS)})
        ORDER BY key"""
    )
    return [str(key) for (key,) in found.fetchall()]


def account_keys(
    evidence: Evidence, user_keys: Sequence[str], recipients: Sequence[str]
) -> list[str]:
    """The metadata keys that name the account, settled by the case file or by their words.

    Examples
    --------
    >>> account_keys(Evidence(), ["wallet"], [])
    ['wallet']
    """
    named = keys_like(evidence, ACCOUNT_KEY, OTHERS_KEY)
    return sorted({*user_keys, *recipients, *named, *_subjects(evidence)})


def _subjects(evidence: Evidence) -> list[str]:
    """``sub``: whoever signed in, as sign-in services write it; a subscription by its id is not."""
    found = evidence.connection.execute(
        f"""SELECT key FROM metadata WHERE {key_words("key")} = 'sub'
        GROUP BY key HAVING NOT bool_or(starts_with(value, 'sub_')) ORDER BY key"""
    )
    return [str(key) for (key,) in found.fetchall()]


def quoted_keys(keys: Sequence[str]) -> str:
    """Keys as SQL's text literals, with commas between.

    Examples
    --------
    >>> quoted_keys(["uid", "it's"])
    "'uid', 'it''s'"
    """
    return ", ".join("'" + key.replace("'", "''") + "'" for key in keys)
