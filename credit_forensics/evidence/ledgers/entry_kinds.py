"""Tells the kind of a ledger entry from the reason that the credit system wrote beside it."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from credit_forensics.did_you_mean import did_you_mean
from credit_forensics.errors import CaseError

LAPSED = (
    "(^|[^a-z])(reset|expir|lapse|forfeit|roll.?over|carr(y|ied).?over|verf(a|ä)ll|abgelaufen"
    "|caduc|vencid|vencimiento|perim|périm|scadenz|scadut|verlopen|verval|guoqi)|过期|失效"
    "|(^|[^a-z])(unused|not.used|left.?over|remaining).+(last|previous|prior|old).(period|month|cycle)"
)
"""What an entry says whose credits ended, and were neither used nor taken back."""
KINDS = ("purchase", "usage", "refund", "reversal", "correction", "transfer", "grant", "other")

# The first pattern that matches the reason wins, case apart. Order matters: the original handler
# writes its method into a purchase's reason ("method_emergency_scan_…"); an admin's note often
# names the purchase that it makes good; a purchase may come with a bonus. \b would not split at
# "_", hence the explicit borders.
_START = r"(^|[^a-z0-9])"
_END = r"($|[^a-z])"
# The same in German, French, Spanish, Portuguese, Italian, Dutch and Chinese, where the word is as
# sure: "Gutschrift" is none of them, for it may be of a purchase or of a gift.
_BOUGHT = (
    r"|(guthaben|punkte|credit)?k(auf|äufe)|aufladung|achats?|compras?|recargas?|acquist[oi]"
    r"|ricaric[ah]e?|aankoop|opwaardering|chongzhi|goumai|充值|购买|購入"
)
_GIVEN = (
    r"|willkommen\w*|(willkommens)?geschenk|kulanz\w*|bienvenue|cadeaux?|bienvenida|regalo|omaggio"
    r"|benvenuto|welkom\w*|zengsong|zhuce|赠送"
)
_RETURNED = (
    r"|(r(ü|ue)ck)?erstattung|rembours\w*|reembolso|devoluci[oó]n|estorno|rimborso|terugbetaling"
    r"|tuikuan|退款|返金"
)
_USED = (
    r"|verbrauch\w*|nutzung|verfall\w*|abgelaufen\w*|utilisation|consommation|expir[ée]s?|consumo"
    r"|gasto|uso|caducidad|vencimiento|expiraç[aã]o|utilizzo|scadenza|verbruik|xiaofei|guoqi|消费|过期"
)
_REFUND = _START + r"(refund(ed|s)?|charge_?back|dispute[ds]?" + _RETURNED + ")" + _END
# What an entry says that takes back what was booked once too often.
_TWICE = (
    _START + r"(de_?-?dup\w*|duplicates?|duplicated|doublons?|duplicad[oa]s?|doppia|doppie"
    r"|doppel\w*|doppelt\w*|dubbel\w*|(double|twice)[_ -]?(book\w*|credit\w*|grant\w*|charg\w*"
    r"|entr(y|ies)|top_?-?ups?|counted)|(booked|credited|granted|counted|applied)[_ -]?twice"
    r"|二重|重复)" + _END
)
_RULES: tuple[tuple[str, str], ...] = (
    (r"^stripe_purchase($|:)", "purchase"),
    (r"^(reversal|reverse[ds]?|clawback)" + _END, "reversal"),
    (r"^(correction|corrected|adjust(ed|ment)?)" + _END, "correction"),
    (
        r"^transfer|" + _START + r"(transfer(red)?|moved?|reassign(ed)?)[_ -]?(to|from)" + _END,
        "transfer",
    ),
    (
        _START + r"(admin|manual(ly)?|emergency|re_?-?grant(ed)?|goodwill|courtesy|compensation"
        r"|support)" + _END,
        "grant",
    ),
    (_REFUND, "refund"),
    # What is left of a period goes, or comes along: neither bought nor used.
    (_START + r"(reset|roll_?-?over|carr(y|ied)_?-?over)" + _END, "other"),
    (r"^(purchase[ds]?|checkout|top_?-?up" + _BOUGHT + ")" + _END, "purchase"),
    (
        _START + r"(grant(ed)?|promo|promotion(al)?|bonus|welcome|sign_?-?up|gift|referral|reward"
        r"|trial|free_?credits?|affiliate|commission|cash_?back|loyalty|invit(e|ed|ation)"
        + _GIVEN
        + ")"
        + _END,
        "grant",
    ),
    (
        _START + r"(stripe_?purchase|purchase[ds]?|checkout|top_?-?up|buy|bought|payment|paid"
        r"|stripe|order|credit_?pack|subscription|renewal|invoice" + _BOUGHT + ")" + _END,
        "purchase",
    ),
    (
        _START + r"(usage|used?|consume[ds]?|consumption|spen[dt]|deduct(ed|ion)?|debit(ed)?"
        r"|charge[ds]?|generat(e|ed|ion)|api_?call|burn(ed)?|job|expire[ds]?|expiry"
        r"|expiration|forfeit(ed|ure)?|lapsed?" + _USED + ")" + _END,
        "usage",
    ),
    (_START + r"(reversal|reversed)" + _END, "reversal"),
    (_START + r"(correction|corrected|adjust(ed|ment)?)" + _END, "correction"),
)


def kind_sql(
    reason: str, delta: str, backed: str, overrides: Mapping[str, str] | None = None
) -> str:
    """The kind of an entry as a DuckDB expression.

    Parameters
    ----------
    reason, delta, backed
        SQL of the reason (VARCHAR), of the signed credits (BIGINT), and of whether the entry
        names a Stripe event or payment (BOOLEAN).
    overrides
        ``[ledger.kinds]`` of the case file, checked by ``check_kinds``: the beginning of a
        reason, or a regular expression where it starts with ``^`` or stands between slashes.

    Returns
    -------
    str
        SQL; its value is one of ``KINDS``. An entry without any reason is a purchase if it adds
        credits and names an event or payment, usage if it takes credits, else ``other``.

    Examples
    --------
    >>> import duckdb
    >>> sql = kind_sql("reason", "1", "false", {"bonus-": "grant"})
    >>> reasons = ["stripe_purchase:method_primary:event_evt_1", "transfer_to_7", "bonus-may",
    ...            "admin_regrant: purchase lost", "correction:wrong_user:payment_cs_1"]
    >>> [duckdb.execute(f"SELECT {sql} FROM (SELECT ? AS reason)", [r]).fetchall()[0][0]
    ...  for r in reasons]
    ['purchase', 'transfer', 'grant', 'grant', 'correction']
    """
    whens = []
    for key, kind in (overrides or {}).items():
        pattern = _expression(key)
        test = (
            f"regexp_matches({reason}, {_literal(pattern)}, 'i')"
            if pattern is not None
            else f"starts_with(lower({reason}), lower({_literal(key)}))"
        )
        whens.append(f"WHEN {test} THEN {_literal(kind)}")
    whens.append(f"WHEN {reason} IS NULL AND {backed} AND {delta} > 0 THEN 'purchase'")
    whens.append(f"WHEN {reason} IS NULL AND {delta} < 0 THEN 'usage'")
    whens.append(f"WHEN {reason} IS NULL THEN 'other'")
    # "PurchaseRefunded" is two words.
    apart = f"regexp_replace({reason}, '([a-z])([A-Z][a-z])', '\\1_\\2', 'g')"
    for pattern, kind in _RULES:
        whens.append(f"WHEN regexp_matches({apart}, {_literal(pattern)}, 'i') THEN '{kind}'")
    return f"CASE {' '.join(whens)} ELSE 'other' END"


def kind_by_tie_sql(kind: str) -> str:
    """The kind of an entry of an inferred layout, from ``kind`` and from what it names, as SQL.

    What adds credits and names a payment is a purchase unless its own words say otherwise, what
    takes credits and names one takes the purchase back, unless it says that what was left lapsed.
    What takes credits and speaks of a double booking undoes that booking.

    Examples
    --------
    >>> import duckdb
    >>> sql = kind_by_tie_sql("kind")
    >>> row = ("SELECT 'usage' AS kind, -100 AS delta, 'cs_1' AS payment_id, "
    ...        "NULL AS event_id, 'x' AS reason")
    >>> duckdb.execute(f"SELECT {sql} FROM ({row}) AS l").fetchall()[0][0]
    'refund'
    >>> row = ("SELECT 'purchase' AS kind, -100 AS delta, NULL AS payment_id, "
    ...        "NULL AS event_id, 'order' AS reason")
    >>> duckdb.execute(f"SELECT {kind_by_tie_sql('kind')} FROM ({row}) AS l").fetchall()[0][0]
    'other'
    """
    named = "(payment_id IS NOT NULL OR starts_with(event_id, 'evt_'))"
    bought = "'(^|[^a-z])(subscription|invoice|purchase|checkout|top.?up|payment|buy|bought|order)'"
    lapsed = f"'{LAPSED}'"
    earned = "'(^|[^a-z])(referr|affiliate|commission|cash.?back|reward|loyalty|invit)'"
    return (
        f"CASE WHEN delta < 0 AND ({kind}) IN ('usage', 'purchase', 'other') "
        f"AND coalesce({states_twice_sql('l.reason')}, false) THEN 'reversal' "
        f"WHEN {named} AND delta > 0 AND ({kind}) = 'other' THEN 'purchase' "
        f"WHEN {named} AND delta > 0 AND ({kind}) = 'grant' "
        f"AND regexp_matches(lower(l.reason), {bought}) "
        f"AND NOT regexp_matches(lower(l.reason), {earned}) THEN 'purchase' "
        f"WHEN {named} AND delta < 0 AND ({kind}) IN ('usage', 'purchase', 'other') "
        f"AND NOT coalesce(regexp_matches(lower(l.reason), {lapsed}), false) "
        f"THEN 'refund' "
        # "order" may be what was paid, or what credits were spent on.
        f"WHEN NOT coalesce({named}, false) AND delta < 0 AND ({kind}) = 'purchase' THEN 'other' "
        f"ELSE {kind} END"
    )


def states_refund_sql(reason: str) -> str:
    """Whether a reason itself speaks of money that went back, as SQL.

    Examples
    --------
    >>> import duckdb
    >>> sql = states_refund_sql("'credits_refunded'"), states_refund_sql("'moved, ticket 881'")
    >>> duckdb.execute(f"SELECT {sql[0]}, {sql[1]}").fetchall()
    [(True, False)]
    """
    return f"regexp_matches({reason}, {_literal(_REFUND)}, 'i')"


def states_twice_sql(reason: str) -> str:
    """Whether a reason speaks of something that was booked twice, as SQL.

    Examples
    --------
    >>> import duckdb
    >>> told = ["dedupe", "cleanup of double bookings", "Doppelbuchung", "double_xp"]
    >>> duckdb.execute("SELECT " + ", ".join(states_twice_sql(f"'{one}'") for one in told)
    ...     ).fetchall()
    [(True, True, True, False)]
    """
    return f"regexp_matches({reason}, {_literal(_TWICE)}, 'i')"


def check_kinds(connection: duckdb.DuckDBPyConnection, overrides: Mapping[str, str]) -> None:
    """Check ``[ledger.kinds]``: each value a kind, each expression one that DuckDB takes.

    Raises
    ------
    CaseError
        naming the entry that cannot be used.

    Examples
    --------
    >>> import duckdb
    >>> check_kinds(duckdb.connect(), {"bonus": "grnt"})
    Traceback (most recent call last):
    ...
    credit_forensics.errors.CaseError: ledger.kinds: 'grnt' is no kind; did you mean 'grant'?
    """
    for key, kind in overrides.items():
        if kind not in KINDS:
            if key in KINDS:
                raise CaseError(
                    f"ledger.kinds: write the reason on the left and its kind on the right, "
                    f'"{kind}" = "{key}".'
                )
            raise CaseError(f"ledger.kinds: '{kind}' is no kind; {did_you_mean(kind, KINDS)}")
        pattern = _expression(key)
        if pattern is None:
            continue
        try:
            connection.execute("SELECT regexp_matches('', ?, 'i')", [pattern]).fetchall()
        except duckdb.Error:
            raise CaseError(
                f"ledger.kinds: '{key}' is not a regular expression that can be used."
            ) from None


def _expression(key: str) -> str | None:
    if key.startswith("^"):
        return key
    if len(key) > 2 and key.startswith("/") and key.endswith("/"):
        return key[1:-1]
    return None


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
