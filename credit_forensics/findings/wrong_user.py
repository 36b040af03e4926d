"""Finds credits on another person than the payer, and says what led there."""

from __future__ import annotations

from collections.abc import Sequence

from credit_forensics.findings.finding import Correction, Finding, Words
from credit_forensics.findings.finding_rows import Value, finding_rows, sentence
from credit_forensics.findings.id_schemes import (
    FOREIGN_KEY_PATTERN,
    id_scheme,
    same_but_for_spelling,
)
from credit_forensics.resolution.method import Method
from credit_forensics.resolution.methods import METHODS
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

NAME = "wrong_user"
SEVERITY = "critical"
SHARED_FROM = 4
"""So many payers' credits on one account are no coincidence of stale sessions."""
PROOF = "Independent families of evidence name another person than the one who holds the credits."


def find_wrong_user(tables: Tables, methods: Sequence[Method] = METHODS) -> ir.Table:
    """Payments whose verdict is *misattributed*; probability is the verdict's.

    The cause is the first that holds:

    1. ``id_namespace``, when the credited id is the rightful id but for leading zeros or upper
       and lower case: one scheme's id was read as another's;
    2. ``handler_ledger_mismatch``: the handler's log resolved one id and the ledger credits
       another (a log id that a scrubber damaged proves nothing and is passed over);
    3. ``id_namespace``, when the credited id is a value of another id scheme than the accounts':

       a. the metadata scan found it under a key that names another scheme (``legacy_user_id``,
          ``auth_id``, …);
       b. the session handed it over (or nothing explains it), its shape (UUID, integer, other)
          is not that of the rightful id or no account has it, and the session itself names the
          right person by another value, so the session was not stale;
       c. the session handed it over (or nothing explains it), its shape is not that of the
          rightful id, and no account has it;

    4. by the method that explains the choice: a copy of the session's id gives
       ``shared_session`` where four or more payers' credits went to that one account (a cached
       page, a fallback user), else ``stale_session``; the customer's mapping or history
       ``customer_mapping``, the payer's e-mail ``email_match``, the scan ``metadata_scan``;
    5. ``unknown``.

    Before 3, ``another_account``: who paid, by e-mail or by an id that the payment carries, is a
    member of the credited account as well as of the rightful one.

    Examples
    --------
    >>> from credit_forensics.engines.duckdb import engine_of
    >>> engine = engine_of(
    ...     verdicts={"payment_id": ["cs_1"], "verdict": ["misattributed"],
    ...         "credited_user_id": ["b"], "rightful_user_id": ["a"],
    ...         "probability_misattributed": [0.97]},
    ...     choices={"payment_id": ["cs_1"], "explaining_method": ["metadata_user_id"]})
    >>> engine.frame(find_wrong_user(Tables()))[["payment_id", "cause"]].values.tolist()
    [['cs_1', 'stale_session']]
    """
    verdicts = tables.verdicts.filter(tables.verdicts.verdict == "misattributed")
    payments, credited, choices = tables.payments, tables.credited, tables.choices
    rows = (
        verdicts.left_join(payments, "payment_id")
        .select(
            verdicts,
            payments.amount,
            payments.currency,
            paid_at=payments.completed_at.coalesce(payments.created_at),
        )
        .left_join(credited, "payment_id")
        .drop("payment_id_right", "credited_user_id_right")
        .left_join(choices, "payment_id")
        .drop("payment_id_right")
    )
    rows = _with_payers(_with_account(rows, tables), verdicts)
    rows = _of_one_member(_with_foreign_key(rows, tables), tables)
    return finding_rows(
        rows,
        NAME,
        SEVERITY,
        payment_id=rows.payment_id,
        event_id=rows.event_id,
        cause=_cause(rows, methods),
        credited_user_id=rows.credited_user_id,
        rightful_user_id=rows.rightful_user_id,
        probability=rows.probability_misattributed,
        credits=rows.credits,
        amount=rows.amount,
        currency=rows.currency,
        created_at=rows.credited_at.coalesce(rows.paid_at),
        explanation=sentence(
            "The credits of payment {payment_id} are on {credited_user_id}, but "
            "{families_agreeing} of {families_available} independent families of evidence name "
            "{rightful_user_id}{why}",
            rows,
            why=_what_led_there(rows),
        ),
    )


def _what_led_there(rows: ir.Table) -> ir.StringValue:
    """Which method led to the account, and which would have been right; where it is one method,
    what differed: it names the rightful id, and another one was booked.
    """
    explaining = rows.explaining_method.coalesce("")
    right = rows.correct_methods.coalesce("").replace(" ", "")
    among = sentence(",{right},", right=right)
    both = among.contains(sentence(",{explaining},", explaining=explaining))
    named: dict[str, Value] = {
        "explaining": explaining,
        "right": right.replace(",", ", "),
        "booked": sentence("{credited_user_id} was booked", rows),
    }
    spelling = same_but_for_spelling(rows.credited_user_id, rows.rightful_user_id)
    return ibis.cases(
        ((explaining == "") & (right == ""), "; no method explains the choice."),
        (
            explaining == "",
            sentence("; no method explains the choice; right would have been {right}.", **named),
        ),
        (
            both & spelling,
            sentence(
                "; {explaining} names {rightful_user_id}, and {booked}: the two ids differ in "
                "spelling alone.",
                rows,
                **named,
            ),
        ),
        (both, sentence("; {explaining} names {rightful_user_id}, yet {booked}.", rows, **named)),
        (right == "", sentence("; the choice is explained by {explaining}.", **named)),
        else_=sentence(
            "; the choice is explained by {explaining}; right would have been {right}.", **named
        ),
    )


def _cause(rows: ir.Table, methods: Sequence[Method]) -> ir.StringValue:
    causes: dict[str, list[str]] = {}
    for one in methods:
        causes.setdefault(one.cause, []).append(one.name)
    session, scans = causes["stale_session"], [one.name for one in methods if one.voice == "weak"]
    method = rows.explaining_method.coalesce("")
    log_user = rows.log_user_id.coalesce("")
    damaged = log_user.contains("<") | log_user.contains("*") | log_user.contains("[")
    mismatch = (log_user != "") & ~damaged & (log_user != rows.credited_user_id)
    from_session = method.isin(("", *session))
    other_shape = (id_scheme(rows.credited_user_id) != id_scheme(rows.rightful_user_id)).coalesce(
        False
    )
    no_account = rows.any_account & ~rows.has_account
    right = sentence(",{methods},", methods=rows.correct_methods.coalesce("").replace(" ", ""))
    session_is_right = ibis.or_(*(right.contains(f",{name},") for name in session))
    namespace = (method.isin(scans) & rows.under_foreign_key) | (
        from_session
        & ((session_is_right & (other_shape | no_account)) | (other_shape & no_account))
    )
    return ibis.cases(
        (same_but_for_spelling(rows.credited_user_id, rows.rightful_user_id), "id_namespace"),
        (mismatch, "handler_ledger_mismatch"),
        (rows.of_one_member, "another_account"),
        (namespace, "id_namespace"),
        (method.isin(session) & (rows.payers >= SHARED_FROM), "shared_session"),
        *((method.isin(names), cause) for cause, names in causes.items()),
        else_="unknown",
    )


def _with_account(rows: ir.Table, tables: Tables) -> ir.Table:
    accounts = tables.users.select(account_id=tables.users.user_id).distinct()
    known = rows.left_join(accounts, rows.credited_user_id == accounts.account_id)
    known = known.mutate(has_account=known.account_id.notnull()).drop("account_id")
    total = tables.users.aggregate(account_count=tables.users.count())
    counted_rows = known.cross_join(total)
    return counted_rows.mutate(any_account=counted_rows.account_count > 0).drop("account_count")


def _with_payers(rows: ir.Table, verdicts: ir.Table) -> ir.Table:
    """The rows with how many people's credits are on the same account."""
    counted = verdicts.group_by(shared_account="credited_user_id").agg(
        payers=verdicts.rightful_user_id.nunique()
    )
    joined = rows.left_join(counted, rows.credited_user_id == counted.shared_account)
    return joined.drop("shared_account")


def _with_foreign_key(rows: ir.Table, tables: Tables) -> ir.Table:
    metadata = tables.metadata.filter(tables.metadata.user_id.notnull())
    named = metadata.semi_join(rows.view(), "payment_id")
    # Summed up first: filtered by it at once, engines try the pattern on everybody's metadata.
    named = named.group_by(foreign_payment="payment_id", foreign_user="user_id").aggregate(
        foreign=named.key.lower().re_search(FOREIGN_KEY_PATTERN).any()
    )
    foreign = named.filter(named.foreign).drop("foreign")
    joined = rows.left_join(
        foreign,
        [
            rows.payment_id == foreign.foreign_payment,
            rows.credited_user_id == foreign.foreign_user,
        ],
    )
    return joined.mutate(under_foreign_key=joined.foreign_payment.notnull()).drop(
        "foreign_payment", "foreign_user"
    )


def _of_one_member(rows: ir.Table, tables: Tables) -> ir.Table:
    """The rows with whether the payer belongs to both accounts."""
    payments = tables.whole.payments
    here, there = tables.memberships, tables.memberships.view()
    both = here.join(there, [here.user_id == there.user_id, here.account_id != there.account_id])
    both = both.select(
        member_id=here.user_id,
        member_email=here.email_key,
        member_of=here.account_id,
        member_too=there.account_id,
    )
    carried = tables.metadata.select("payment_id", carried=tables.metadata.value.strip())
    carried = carried.union(
        payments.select("payment_id", carried=payments.client_reference_id.strip())
    )
    by_email = payments.join(both, payments.payer_email_key == both.member_email)
    by_id = carried.join(both, carried.carried == both.member_id)
    members = by_email.select("payment_id", "member_of", "member_too").union(
        by_id.select("payment_id", "member_of", "member_too")
    )
    members = members.distinct().rename(member_payment="payment_id")
    joined = rows.left_join(
        members,
        [
            rows.payment_id == members.member_payment,
            rows.rightful_user_id == members.member_of,
            rows.credited_user_id == members.member_too,
        ],
    )
    return joined.mutate(of_one_member=joined.member_payment.notnull()).drop(
        "member_payment", "member_of", "member_too"
    )


FINDING = Finding(
    NAME,
    SEVERITY,
    PROOF,
    find_wrong_user,
    Correction(
        "Everything of the payment moves to the rightful account, refunds included.",
        action="move",
        rule="move",
        turn=40,
    ),
    en=Words(
        "wrong user",
        "The credits are on {credited}; {rightful} paid (probability {probability}).",
        {
            "stale_session": "stale session",
            "shared_session": "one session for many",
            "customer_mapping": "customer mapping",
            "email_match": "e-mail match",
            "id_namespace": "id namespace",
            "metadata_scan": "metadata scan",
            "handler_ledger_mismatch": "handler and ledger differ",
            "another_account": "another account of the payer",
        },
    ),
    de=Words(
        "falscher Nutzer",
        "Die Credits liegen auf {credited}; gezahlt hat {rightful} "
        "(Wahrscheinlichkeit {probability}).",
        {
            "stale_session": "veraltete Sitzung",
            "shared_session": "eine Sitzung für viele",
            "customer_mapping": "Kundenzuordnung",
            "email_match": "E-Mail-Abgleich",
            "id_namespace": "Namensraum der Kennungen",
            "metadata_scan": "Metadaten-Suche",
            "handler_ledger_mismatch": "Handler und Ledger weichen ab",
            "another_account": "anderes Konto derselben Person",
        },
    ),
    by_methods=True,
    odd=True,
    place=10,
)
