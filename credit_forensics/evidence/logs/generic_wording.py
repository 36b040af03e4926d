"""Understands a line of any handler by what it names and by the common words; else not at all."""

from __future__ import annotations

import re
from typing import NamedTuple

from credit_forensics.evidence.logs import access_log, languages, wordings
from credit_forensics.evidence.logs.container_fields import Http
from credit_forensics.evidence.logs.delivery import outcome_of, whole_number
from credit_forensics.evidence.logs.message import Line
from credit_forensics.evidence.logs.wordings import Wordings

_LONGEST = 4_000
_STRIPE_ID = re.compile(
    r"(?<![A-Za-z0-9_])(?P<kind>evt|cs|pi|in|ch|sub|cus)_(?P<rest>(?:live_|test_)?[A-Za-z0-9]{1,250})(?!\w)"
)
_EVENT_TYPE = re.compile(
    r"\b(?:checkout\.session|payment_intent|charge|invoice|customer|refund|payout|setup_intent|product"
    r"|price|plan|payment_method|subscription_schedule|account|coupon|promotion_code|payment_link"
    r"|credit_note|invoiceitem|radar|review|source|transfer|topup|balance|mandate|file|test_helpers)"
    r"(?:\.[a-z_]{2,30}){0,2}\.(?:created|updated|deleted|completed|succeeded|failed|paid|expired"
    r"|async_payment_succeeded|async_payment_failed|finalized|payment_succeeded|payment_failed|refunded"
    r"|captured|cancell?ed|requires_action|processing|pending|voided|upcoming|sent|trial_will_end|paused"
    r"|resumed|attached|detached|closed|opened|funds_withdrawn|funds_reinstated|finalization_failed"
    r"|amount_capturable_updated|payment_action_required|marked_uncollectible|overdue|available"
    r"|automatically_updated|payment_attempt_required)\b"
)
_SHAPE = re.compile(r"(?:evt|cs|pi|in|ch|sub|cus)_\w+|[\w.-]*\d[\w.-]*|\s+")
_QUICK = re.compile(
    r"[a-z]{2,3}_(?:live_|test_)?[A-Za-z0-9]|hook|stripe|sign|firma|assin|event|credit|cr[ée]d|error|fail"
    r"|token|point|coin|balance|user|skip|ignor|dupl|already|gut|guthab|fehl|POST|Completed|Started"
    r"|nutzer|usu|utilis|compte|cuenta|conta|kein|bereits|d[ée]j|erro|[ée]ch|fall|falh|refus|reject"
    r"|toleranc|hmac|(?:checkout|invoice|charge|customer|payment_intent)\."
    r"|timed? ?out|metadata|exception|paid|saldo|solde|recarg|punkt|kund|abgelehnt"
    rf"{languages.QUICK}",
    re.IGNORECASE,
)
_PATH = re.compile(r"(?<!\S)\S{0,300}/\S{1,300}/\S{0,300}")
_ADDRESS = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?")
# A line's own name in snake case ("credits_granted"); a key's, a logger's or a value's is none.
_NAME_OF_EVENT = re.compile(r"(?<![\w=.\[/:\"'-])[a-z]+(?:_[a-z]+)+(?![\w=:.\]/(\"'-])")
_DOTTED = re.compile(r"\s*[a-z0-9_]+(?:[.:-][a-z0-9_]+)+\s*")
# "customerUserId", "walletOwnerId": not "awsAccountId", nor "adminUserId", who acts.
_USER_FIELD = re.compile(
    r"(?:(?:customer|buyer|target|credited|wallet|payer|internal|app|local)?(?:owner|member|player)"
    r"|(?:customer|buyer|target|credited|wallet|payer|internal|app|local)(?:user|account))(?:id|uuid)"
)
_USER_ID = re.compile(r"(?=\S*\d)[\w.|:-]{1,200}")
_ERRORS = ("reason", "error", "err", "exception", "errormessage", "exceptionmessage", "cause")
# Columns of their own, empty where all went well.
_BROKEN = ("exception", "exceptionmessage")
# What a line of a delivery's request states of it, though it names nothing of Stripe's.
_FAILURES = ("resolution_failed", "database_error", "handler_error")
_NO_ERROR = frozenset({"null", "none", "nil", "false", "undefined", "<nil>"})
_NO_USER = frozenset({"id", "user", "with", "from", "the", "session", "account", "stripe", "null"})


class Clue(NamedTuple):
    """What a line states of a delivery; ``line`` is where it stands.

    ``opens`` is whether a delivery may begin with it, ``begins`` whether its words are those of a
    beginning, ``shape`` its sentence without ids and numbers, ``aside`` whether it is about a
    payment only where its request is a delivery ("User not found").
    """

    line: Line
    event_id: str | None
    event_type: str | None
    payment_id: str | None
    customer_id: str | None
    user_id: str | None
    credits: int | None
    outcome: str | None
    signature: bool | None
    http: Http | None
    opens: bool
    begins: bool
    shape: str
    error: str | None
    aside: bool = False


def understand(line: Line) -> Clue | None:
    """What a line states, or None where it states nothing that is understood.

    Examples
    --------
    >>> def outcome(text):
    ...     clue = understand(Line(1, None, None, None, (), text, None, {}))
    ...     return clue and (clue.outcome, clue.event_id, clue.user_id, clue.credits)
    >>> outcome("Added 100 credits to user 00123")
    ('credited', None, '00123', 100)
    >>> outcome("evt_1Abc: Nutzer 77 wurde nicht gefunden")
    ('resolution_failed', 'evt_1Abc', '77', None)
    >>> outcome("page rendered in 12 ms") is None
    True
    """
    text = line.text[:_LONGEST]
    http = line.http if line.http and access_log.is_webhook(line.http, text) else None
    fields = line.fields
    if http is None and not fields and not _QUICK.search(text):
        return None
    words = wordings.wordings_for(text)
    ids = _ids(text, fields)
    event_type = _EVENT_TYPE.search(text) or _EVENT_TYPE.search(str(fields.get("type", "")))
    stated = access_log.request_of(text)
    if stated is not None and (stated.path is None or access_log.is_webhook(stated, text)):
        http = stated
    outcome, signature = _outcome(text, fields, words)
    failed = fields.get("success") is False or fields.get("ok") is False
    broken = any(_states(fields.get(name)) for name in _BROKEN)
    if outcome is None and (line.level == "error" or failed or broken):
        outcome, signature = _outcome_of_error(fields)
        outcome = outcome or ("handler_error" if failed else None)
    elif outcome == "handler_error":
        # "grant failed" beside error = "account not found".
        stated_error, refused = _outcome_of_error(fields)
        if stated_error is not None and stated_error != outcome:
            outcome, signature = stated_error, refused
    named = bool(ids.keys() - {"cus"}) or event_type is not None
    about = bool(ids) or named or http is not None or bool(words.about_payments.search(text))
    if outcome == "signature_refused" and not about:
        about = not wordings.OTHER_SIGNATURES.search(text)
    aside = not about and outcome in _FAILURES and bool(line.request or line.tokens)
    if outcome == "handler_error" and not about and not aside:
        outcome = None
    if not named and not about and not aside:
        return None
    if not named and outcome is None and signature is None and http is None:
        return None
    match = words.signed_amount.search(text) or words.amount.search(text)
    amount = next((a for a in match.groups() if a), None) if match else None
    if amount is None and outcome == "credited":
        # "credits added" beside amount = 100
        amount = next((fields[n] for n in ("amount", "delta", "quantity") if n in fields), None)
    opens = "evt" in ids or event_type is not None or (http is not None and http.method is not None)
    return Clue(
        line=line,
        event_id=ids.get("evt"),
        event_type=event_type[0] if event_type else None,
        payment_id=ids.get("cs") or ids.get("pi") or ids.get("in") or ids.get("ch"),
        customer_id=ids.get("cus"),
        user_id=_user(text, fields, words),
        credits=whole_number(fields.get("credits") or fields.get("creditsadded") or amount),
        outcome=outcome,
        signature=signature,
        http=http,
        opens=opens and outcome is None,
        begins=bool(words.receives.search(text[:160])),
        shape=_SHAPE.sub(" ", text[:200]),
        error=text if outcome not in (None, "credited", "ignored", "duplicate") else None,
        aside=aside,
    )


def _ids(text: str, fields: dict[str, object]) -> dict[str, str]:
    """The first id of each kind, of the record's fields before those of its text."""
    found: dict[str, str] = {}
    values = [value for value in fields.values() if isinstance(value, str) and len(value) < 300]
    for source in (*values, text):
        for match in _STRIPE_ID.finditer(source):
            kind, rest = match["kind"], match["rest"]
            if source is not text and match[0] != source.strip():
                continue
            # "in_progress" and "cs_id" are words; an id has a digit or a capital.
            if kind != "evt" and len(rest) < 8 and not rest[:1].isdigit():
                continue
            if any(c.isdigit() or c.isupper() for c in rest) or len(rest) > 14:
                found.setdefault(kind, match[0])
    return found


def _outcome(
    text: str, fields: dict[str, object], words: Wordings
) -> tuple[str | None, bool | None]:
    told = next((fields[n] for n in ("outcome", "result") if isinstance(fields.get(n), str)), None)
    known = outcome_of(told) if told not in ("ok", "success", "succeeded") else None
    if known is not None:
        return known, False if known == "signature_refused" else None
    if "\n" in text:
        # What the message says goes before the names in its trace ("Database\\Eloquent").
        first = _outcome(text.split("\n", 1)[0], {}, words)
        if first[0] not in (None, "handler_error"):
            return first
    # "charge.failed" is a type and "/credits/add" a path: no words of the handler's.
    sentence = wordings.HARMLESS.sub(" ", _PATH.sub(" ", _EVENT_TYPE.sub(" ", text)))
    if _DOTTED.fullmatch(sentence):
        # An event's own name, and nothing else: "stripe.hook.no_account".
        sentence = re.sub("[._:-]", " ", sentence)
    named = _NAME_OF_EVENT.sub(lambda name: name[0].replace("_", " "), sentence)
    last = words.outcomes[-1][1]
    for outcome, pattern in words.outcomes:
        # "retry_failed_payments" is what runs, and no failure.
        if pattern.search(sentence if pattern is last else named):
            if outcome == "planned":
                break
            return outcome, False if outcome == "signature_refused" else None
    return None, True if words.signature_holds.search(sentence) else None


def _states(error: object) -> bool:
    return isinstance(error, str) and bool(error.strip()) and error.lower() not in _NO_ERROR


def _outcome_of_error(fields: dict[str, object]) -> tuple[str | None, bool | None]:
    """What the error says that a record has beside its message ("apply credits")."""
    for name in _ERRORS:
        error = fields.get(name)
        if _states(error):
            error = str(error).replace("_", " ")
            outcome, signature = _outcome(error, {}, wordings.wordings_for(error))
            failed = outcome not in (None, "credited", "ignored")
            return (outcome, signature) if failed else ("handler_error", None)
    return None, None


def _user(text: str, fields: dict[str, object], words: Wordings) -> str | None:
    """Whom a line names as the user: an id has a digit, and is neither Stripe's nor an address."""
    names = ("resolveduserid", "userid", "accountid", "useruuid")
    for name in (*names, *(name for name in fields if _USER_FIELD.fullmatch(name))):
        value = fields.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if not isinstance(value, str) or not value.strip() or "@" in value:
            continue
        if name in names or not _STRIPE_ID.match(value):
            return value.strip()
    plain = fields.get("user")
    if isinstance(plain, str) and _USER_ID.fullmatch(plain) and not _STRIPE_ID.match(plain):
        return plain
    for place, pattern in enumerate(words.users):
        for match in pattern.finditer(text[:1000]):
            value = match["id"].rstrip(".:|-")
            known = (
                _ADDRESS.fullmatch(value)
                or not any(c.isdigit() for c in value)
                or value.lower() in _NO_USER
            )
            if known or _STRIPE_ID.match(value) or text[match.end() : match.end() + 1] == "@":
                continue
            amount = words.amount.match(text, match.start("id")) if value.isdigit() else None
            if amount and len(amount[0].split()) == 2:
                # "kullanıcısına 50 kredi": the number is of the credits.
                continue
            # "to 100 credits" is an amount, "for 2 seconds" a span.
            if place == 0 or not value.isdigit():
                return value
    return None
