"""One verdict a payment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from credit_forensics.coverage.absences import covers, with_coverage
from credit_forensics.judgement.accounts_of_person import with_accounts_of_person
from credit_forensics.judgement.families import Family
from credit_forensics.judgement.persons import with_survivors
from credit_forensics.resolution.given_grants import given_grants
from credit_forensics.resolution.history import Mode
from credit_forensics.resolution.inferred_ties import inferred_grants
from credit_forensics.resolution.method import SESSION
from credit_forensics.resolution.moved_on import moved_on
from credit_forensics.resolution.not_yet_members import not_yet_members
from credit_forensics.resolution.shared_grants import shared_grants
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

CONFIRMED_AT_MOST = 0.02
MISATTRIBUTED_FROM = 0.9
DENIED_FROM = 2
"""Families that name others than the credited account, from which nothing is confirmed."""
PAID_BY_ANOTHER = "paid_by_another"
ASKED = ("ambiguous", PAID_BY_ANOTHER)
"""Verdicts that are questions: neither an accusation nor an all-clear until a person answers."""
ASKED_FROM = 0.5
"""From this probability on the one witness of an unverifiable payment names another account."""


def is_asked(verdict: Any, probability: Any) -> Any:
    """Whether a payment waits for a person's answer, of columns of Ibis or of pandas.

    One kind of evidence accuses nobody, but it asks where it names another account than the
    credited one: among many that agree, one that does not would be lost.

    Parameters
    ----------
    verdict, probability
        the columns ``verdict`` and ``probability_misattributed`` of the table ``verdicts``.

    Examples
    --------
    >>> import pandas as pd
    >>> verdict = pd.Series(["ambiguous", "unverifiable", "unverifiable", "confirmed"])
    >>> is_asked(verdict, pd.Series([0.3, 0.9, 0.1, 0.0])).tolist()
    [True, True, False, False]
    """
    return verdict.isin(ASKED) | ((verdict == "unverifiable") & (probability >= ASKED_FROM))


def owed_credits(payments: ir.Table) -> ir.BooleanValue:
    """Whether money came, or an order that cost nothing is granted by this shop's practice.

    Parameters
    ----------
    payments
        rows with ``payment_status`` and ``for_credits``.
    """
    free = (payments.payment_status == "no_payment_required") & (payments.for_credits == "yes")
    return ibis.coalesce((payments.payment_status == "paid") | free, False)


def person_of_best(judged: ir.Table, families: Sequence[Family]) -> ir.StringValue:
    """The person whom the posterior favours, from the slot's family.

    Parameters
    ----------
    judged
        voices joined to ``posteriors`` (column ``best``: index of the family, from 0).
    """
    return ibis.cases(
        *(
            (judged.best == index, judged[f"v_{family.name}"])
            for index, family in enumerate(families)
        ),
        else_=ibis.null(str),
    )


def verdicts(
    tables: Tables,
    judged: ir.Table,
    habits: ir.Table,
    families: Sequence[Family],
    mode: Mode,
    *,
    has_users: bool,
    linked: bool = True,
) -> ir.Table:
    """The table ``verdicts`` of ``evidence.tables``.

    Parameters
    ----------
    tables
        payments, credited, ledger, coverage.
    judged
        voices joined to ``posteriors``, with ``session_user_id``: the id (not person) that the
        session named.
    habits
        what ``payer_habits`` gives: it reads all payments, this one the payment at hand.
    families
        the families, in order.
    mode
        named in the output.
    has_users
        whether the evidence holds accounts.
    linked
        whether any ids are linked into persons.

    Notes
    -----
    ``split_identity``: credits on another id of the payer than the one that counts: the account
    that the session named, else the earliest; of accounts that were merged, the surviving one, but
    for what was booked before. Where it named none of several accounts of a person, each may be
    meant: that is no second id, and a question unless the payment points to the credited one.
    ``paid_by_another``: the payer is known to be
    another person, who may well pay for this account; where the metadata names the credited account
    as the recipient, or several accounts share what was bought, that is never called wrong, nor is,
    in a case of few such payers, what one of several others' accounts paid, or one who hardly
    bought and without anything that explains a fault (see ``likely_patrons``): the probability
    says so. It also counts what no session says: that who pays for others elsewhere may do so
    here, and that the payer matches nobody (``strangers``). Nobody is accused
    where such a payer's session names a third person, or by what speaks for an organisation that
    the payer joined later (``not_yet_members``). Fewer than two families can never confirm, nor
    can e-mail, name and card alone: they are one act of one payer; nor can any number
    where two others name somebody else. An absence counts only where the ledger covers the
    payment's time and shows what is not there: otherwise the payment is ``undetermined``. So is one
    whose entry names no account any more: it was booked, and nobody knows on whom.
    """
    payments = tables.payments
    held = tables.credited
    rows = judged.inner_join(payments, "payment_id").select(
        judged,
        livemode=payments.livemode,
        payment_status=payments.payment_status,
        for_credits=payments.for_credits,
        for_recipient=payments.for_recipient,
        amount=payments.amount,
        amount_lost=payments.amount_lost,
        completed_at=payments.completed_at,
        customer_id=payments.customer_id,
    )
    rows = rows.left_join(held, "payment_id").select(
        rows,
        credited_user_id=held.credited_user_id,
        credited_at=held.credited_at,
        # Granted to an account that the entry no longer names.
        ownerless=held.credited_user_id.isnull() & (held.granted > 0),
    )
    # An entry that was only paired with the payment by credits and time accuses nobody.
    paired = inferred_grants(tables)
    rows = rows.left_join(paired, "payment_id").select(rows, suspect=paired.payment_id.notnull())
    # Nor does one that says that the credits were given.
    given = given_grants(tables)
    rows = rows.left_join(given, "payment_id").select(rows, given=given.payment_id.notnull())
    shared = shared_grants(tables)
    rows = rows.left_join(shared, "payment_id").select(rows, shared=shared.payment_id.notnull())
    # Nor do credits that were booked on the payer's account, and handed on from there.
    on = moved_on(tables)
    rows = rows.left_join(on, "payment_id").select(rows, booked_person=on.booked_person)
    of_payer = habits.select(
        habit_of="payment_id", habit="habit", elsewhere="elsewhere", third="third"
    )
    rows = rows.left_join(of_payer, rows.payment_id == of_payer.habit_of)
    if has_users and linked:
        accounts = tables.users.select(session_account="user_id").distinct()
        rows = rows.left_join(accounts, rows.session_user_id == accounts.session_account)
        rows = rows.mutate(session_has_account=rows.session_account.notnull())
        rows = with_accounts_of_person(with_survivors(rows, tables), tables)
    rows = with_coverage(rows, tables.coverage, "ledger")

    # Nor does what speaks for an organisation that the payer joined later.
    joined = not_yet_members(tables)
    rows = rows.mutate(best_person=person_of_best(rows, families))
    rows = rows.left_join(
        joined, [rows.payment_id == joined.payment_id, rows.best_person == joined.account_id]
    ).select(rows, joined_later=joined.account_id.notnull())

    best = rows.best_person
    credit = rows.credited_user_id.notnull()
    paid = owed_credits(rows) & ibis.coalesce(rows.livemode, True)
    returned = ibis.coalesce(rows.amount_lost, 0) >= ibis.greatest(ibis.coalesce(rows.amount, 1), 1)
    when = ibis.coalesce(rows.completed_at, rows.created_at)
    in_ledger = covers(rows, "ledger", when)
    for_credits = ibis.coalesce(rows.for_credits, "yes")
    same_person = ibis.coalesce(best == rows.credited, False)
    for_another = ibis.coalesce(rows.habit, 0.0) * rows.misattributed
    elsewhere = ibis.ifelse(same_person, ibis.coalesce(rows.elsewhere, 0.0), 0.0)
    p = rows.misattributed - for_another + (1 - rows.misattributed) * elsewhere
    changed = (for_another > 0) | (elsewhere > 0)
    # Where nothing changed, the model's own keep the digits of a tiny probability.
    p = ibis.ifelse(changed, p, rows.misattributed)
    log_odds = ibis.ifelse(changed, (p / (1 - p)).ln(), rows.log_odds)
    by_session = rows[f"v_{SESSION}"] == rows.credited
    other_id = ibis.coalesce(by_session & (rows.session_user_id != rows.credited_user_id), False)
    # A person is named by the earliest account. Without accounts nobody knows which of a person's
    # ids counts, but for the one that signed in.
    if has_users and linked:
        signed_in = ibis.coalesce(by_session & rows.session_has_account, False)
        signed_in_id = ibis.coalesce(rows.session_survivor, rows.session_user_id)
        counts = ibis.ifelse(signed_in, signed_in_id, rows.credited)
        # Of several accounts of which the session names none, the credited one is as good.
        unnamed = rows.several & ~signed_in
        counts = ibis.ifelse(unnamed, rows.credited_user_id, counts)
        untold = unnamed & ~rows.meant
        # Booked before the accounts became one, on what was then the account.
        counts = ibis.ifelse(rows.merged_later, rows.credited_user_id, counts)
        split = same_person & (counts != rows.credited_user_id)
        rightful = ibis.ifelse(same_person, counts, best)
    else:
        split = same_person & (
            other_id if not has_users else rows.credited != rows.credited_user_id
        )
        rightful = best if has_users else ibis.ifelse(split, rows.session_user_id, best)
        untold = ibis.literal(False)
    accusable = best.notnull() & ~same_person & ~rows.suspect & ~rows.given
    accusable &= ~ibis.coalesce(best == rows.booked_person, False) & ~rows.joined_later
    # For whom a payer for others meant it, the session says: neither of the two.
    accusable &= ~ibis.coalesce(rows.third, False)
    # A named recipient is an account for which another pays, and nobody else's to hold.
    named = ibis.coalesce(rows.for_recipient, False)
    received = named & ibis.coalesce(by_session, False) | rows.shared
    withheld = named & ~ibis.coalesce(by_session, False)
    denied = rows.available - rows.agreeing >= DENIED_FROM
    verdict = ibis.cases(
        (~credit & ~paid, "not_paid"),
        (~credit & (for_credits == "no"), "not_for_credits"),
        (~credit & (returned | ~in_ledger | (for_credits == "probably not")), "undetermined"),
        (ibis.coalesce(rows.ownerless, False), "undetermined"),
        (~credit, "not_credited"),
        (split & (p < 0.5) & ~rows.suspect, "split_identity"),
        (rows.available == 0, "unresolved"),
        (rows.available == 1, "unverifiable"),
        (received & accusable, PAID_BY_ANOTHER),
        (withheld & same_person, "ambiguous"),
        (untold & same_person, "ambiguous"),
        ((p >= MISATTRIBUTED_FROM) & accusable, "misattributed"),
        ((p + rows.patron + for_another >= MISATTRIBUTED_FROM) & accusable, PAID_BY_ANOTHER),
        ((p <= CONFIRMED_AT_MOST) & (rows.independent >= 2) & same_person & ~denied, "confirmed"),
        # What one payer typed and paid with says nothing of the account.
        (
            (p <= CONFIRMED_AT_MOST) & (rows.agreeing >= 2) & (rows.independent < 2) & same_person,
            "unverifiable",
        ),
        else_="ambiguous",
    )
    return rows.select(
        "payment_id",
        verdict=verdict,
        credited_user_id=rows.credited_user_id,
        rightful_user_id=rightful,
        probability_misattributed=ibis.ifelse(credit, p, ibis.null("float64")),
        log_odds=ibis.ifelse(credit, log_odds, ibis.null("float64")),
        families_agreeing=rows.agreeing,
        families_available=rows.available,
        mode=ibis.literal(mode),
    )
