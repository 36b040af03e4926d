"""The words that names of tables, columns and types are made of, and what each group means."""

from __future__ import annotations

import re

from credit_forensics.evidence.ledgers.inference.languages import folded, in_english

# Names that are written without a border between their words.
_RUN_TOGETHER = re.compile(
    r"^(user|account|owner|member|customer|wallet|team|org|order|payment|session|credits?|created"
    r"|point|token|balance)(id|uuid|at|transactions?|ledger|entry|entries|history|log|amount|balance"
    r"|delta|change)$"
)
_PARTS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")


def words(name: str) -> tuple[str, ...]:
    """The words of a name, in lower case, the singular, and English.

    Examples
    --------
    >>> words("CreditTransactions"), words("stripe_checkout_session_id"), words("STATUS")
    (('credit', 'transaction'), ('stripe', 'checkout', 'session', 'id'), ('status',))
    >>> words("userid"), words("billing_credittransaction"), words("ledgerEntries")
    (('user', 'id'), ('billing', 'credit', 'transaction'), ('ledger', 'entry'))
    >>> words("Buchungsart"), words("mouvements_crédits")
    (('type',), ('movement', 'credit'))
    """
    return tuple(
        _singular(english)
        for part in _PARTS.findall(folded(name))
        for word in _RUN_TOGETHER.sub(r"\1 \2", part.lower()).split()
        for english in in_english(word)
    )


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    if len(word) > 5 and word.endswith(("uses", "sses", "xes", "ches", "shes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is", "tatus")):
        return word[:-1]
    return word


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


UNIT = _set("credit point token coin gem unit minute")
CHANGE = _set("delta change diff")
AMOUNT = _set("amount quantity qty value sum movement") | UNIT | CHANGE
# A number with one of these words is a state, a price or a counter, not a movement.
NO_AMOUNT = _set(
    "balance after before remaining running left limit total reserved reserve price cost tax fee "
    "usd eur gbp currency percent rate version count position expire expired step max min size "
    "length lifetime discount hold available current initial starting cumulative index order no "
    "number year month day hour retry attempt status state type kind code decimal precision "
    "multiplier year age zip phone ord ordinal position sort rank input output prompt completion "
    "cached reasoning"
)
LOT = _set("lot batch bucket")
# What a lot or a pack was at first.
ISSUED = _set("granted issued purchased credited awarded allotted")
BALANCE = _set("balance remaining current available") | UNIT
NO_BALANCE = _set(
    "reserved limit lifetime spent granted used purchased monthly version cap max min quota "
    "reset debit warning frozen pending bonus rate price id decimal multiplier precision"
)
ENTRY = _set(
    "transaction ledger entry movement history log journal posting record activity operation txn "
    "tx event booking line flow move"
)
# A table with one of these words may be a ledger, whatever else it is called.
BOOKS = _set("ledger transaction balance wallet")
ADDING = _set(
    "purchase topup top deposit grant refill recharge bonus income earn earned add added buy "
    "bought gift reward signup welcome monthly plan promo promotion referral trial renewal "
    "subscription credit inflow incoming order checkout pay payment paid package free daily "
    "lot batch bucket compensation invoice allocation award initial cashback release unlock "
    "upgrade granted awarded purchased"
)
SPENDING = _set(
    "expense usage use used consume consumed consumption spend spent debit withdraw withdrawal "
    "deduct deduction burn burned charge expire expired expiry expiration clawback chargeback "
    "revoke revoked removal remove outflow outgoing reserve job generation api redeem redemption "
    "settle forfeit reversal refund cost"
)
# These can go either way: credits given back to a user, or taken back after money returned.
EITHER_WAY = _set(
    "refund adjust adjustment correction transfer reversal settle release reserve order charge "
    "admin manual system move migration subscription credit payment api generation job trial"
)
OWNER = _set(
    "user account owner customer member profile organization organisation org team workspace "
    "tenant company holder payable uid person client player subscriber identity wallet balance "
    "creditor beneficiary student learner buyer seller merchant vendor creditable billable handle "
    "nick nickname caller family household guild club"
)
# Who did it, not whose credits they are.
NOT_OWNER = _set(
    "actor admin by creator granter operator agent created updated approved issuer performed "
    "stripe provider external referrer referred sender inviter source"
)
PEOPLE = _set(
    "user account member profile customer organization organisation org team workspace tenant "
    "company person client player identity student learner subscriber seller merchant vendor "
    "family household guild club"
)
PERSONS = _set("user member profile person player student")
GROUPS = _set(
    "organization organisation org team workspace tenant company family household guild club"
)
KEY = _set("id uuid uid guid key pk no number ref sub code ulid ksuid snowflake")
PAYING = _set("order payment checkout invoice charge sale subscription purchase intent")
MONEY = _set("currency price status provider tax discount paid total subtotal usd")
TYPE = _set("type kind category action direction operation source reason")
REASON = _set("reason description note memo title comment detail label message summary what why")
REFERENCE = _set(
    "stripe session checkout payment intent invoice event reference ref external provider "
    "idempotency key meta metadata data detail order transaction txn charge source description "
    "reason note memo operation trade receipt context payload extra info number no"
)
TIME_FIRST = _set(
    "created occurred booked inserted posted happened timestamp date time when on at ctime gmt ts"
)
NO_TIME = _set(
    "updated expire expired expires expiry expiration deleted reset scheduled settled processed "
    "activated voided cancelled canceled refreshed verified ended end start until last modified "
    "reversed confirmed"
)
STATUS = _set("status state")
FLAG_GOOD = _set("active confirmed valid posted settled approved applied completed enabled final")
FLAG_BAD = _set(
    "deleted void voided cancelled canceled reversed pending draft archived failed disabled "
    "inactive removed"
)
# What columns that tell a row's versions apart are called by.
VERSION = _set("valid version revision rev superseded supersede replaced latest effective op lsn")
STATUS_GOOD = _set(
    "completed complete success succeeded successful applied posted confirmed settled active done "
    "paid ok approved processed fulfilled available finished final credited booked valid committed"
)
STATUS_BAD = _set(
    "failed fail pending cancelled canceled void voided error rejected inflight queued processing "
    "declined inactive draft deleted created open abandoned reserved reversed refused blocked "
    "incomplete initiated requires unpaid waiting new timeout"
)
