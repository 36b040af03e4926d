"""Sets what refunds and lost disputes cost a payment against what the ledger took back."""

from __future__ import annotations

from datetime import timedelta

from credit_forensics.findings.mixed_carts import cart_shares
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

TOLERANCE = 1
"""Credits by which taking back in proportion may differ, for rounding."""

WITH_THE_PURCHASE = timedelta(minutes=2)
"""How near to the purchase a gift on its account was given with it."""


def refund_balance(tables: Tables) -> ir.Table:
    """One row a live payment with credits or reversals and a known ``amount_lost``.

    Rule: money lost (refunds and lost disputes) takes back credits in proportion,
    ``due = round_half_up(base * amount_lost / amount)``, where base is what the price is worth,
    or what was granted where that is not known. What should be left is ``base - due``. Of a cart
    that held other things too, the money lost may be theirs: ``due`` is then the least that can be
    meant, ``most_due`` the most (``cart_shares``); else both are one.

    * ``outstanding``: credits left beyond that, not counting those granted beyond the price
      (they are another finding's). Credits that were taken back as a plain reversal count as
      taken back, for they are missing from the grant; so do entries of no known kind that are
      tied to the payment and take credits, in whatever words.
    * ``excess``: credits taken back beyond that, judged by the price and by the grant, the
      smaller of the two; so a payment with too few credits from the start is not blamed on its
      refund. What was given with the purchase may go with it.
    * ``misplaced``: credits taken back from ``misplaced_user_id``, of another person, which never
      had any of the payment (see ``_misplaced``). They count as still outstanding.

    The arithmetic is in integers, since engines round halves each in its way.

    Examples
    --------
    >>> refund_balance(Tables()).columns[:4]
    ('payment_id', 'event_id', 'credited_user_id', 'created_at')
    """
    credited, payments = tables.credited, tables.payments
    rows = credited.join(payments, "payment_id").left_join(_by_hand(tables), "payment_id")
    rows = rows.drop("payment_id_right").left_join(_misplaced(tables), "payment_id")
    rows = rows.drop("payment_id_right").left_join(_given_along(tables), "payment_id")
    rows = rows.drop("payment_id_right").left_join(cart_shares(tables), "payment_id")
    rows = rows.select(
        credited.payment_id,
        credited.event_id,
        credited.credited_user_id,
        payments.amount,
        payments.currency,
        payments.amount_lost,
        created_at=payments.completed_at.coalesce(payments.created_at),
        granted=credited.granted.coalesce(0),
        taken=credited.reversed.coalesce(0) - rows.misplaced.coalesce(0),
        misplaced=rows.misplaced.coalesce(0),
        misplaced_user_id=rows.misplaced_user_id,
        by_hand=rows.by_hand.coalesce(0),
        along=rows.along.coalesce(0),
        base=payments.expected_credits.nullif(0).coalesce(credited.granted, 0),
        live=payments.livemode.coalesce(True),
        pack=rows.pack.coalesce(payments.amount),
        least_lost=rows.least.coalesce(ibis.least(payments.amount_lost, payments.amount)),
        most_lost=rows.most.coalesce(ibis.least(payments.amount_lost, payments.amount)),
    )
    rows = rows.filter(rows.live & (rows.amount > 0) & rows.amount_lost.notnull())
    rows = rows.mutate(
        due=_share(rows.base, rows.least_lost, rows.pack),
        most_due=_share(rows.base, rows.most_lost, rows.pack),
        most_due_of_grant=_share(rows.granted, rows.most_lost, rows.pack),
    )
    left, least_left = rows.base - rows.due, rows.base - rows.most_due
    return rows.select(
        "payment_id",
        "event_id",
        "credited_user_id",
        "created_at",
        "amount",
        "currency",
        "amount_lost",
        "granted",
        "taken",
        "due",
        "most_due",
        "misplaced",
        "misplaced_user_id",
        outstanding=ibis.least(rows.granted, rows.base) - rows.taken - rows.by_hand - left,
        excess=ibis.least(
            least_left - (rows.granted - rows.taken), rows.taken - rows.most_due_of_grant
        )
        - rows.along,
    )


def _by_hand(tables: Tables) -> ir.Table:
    """Credits that entries of no known kind take of a payment; what they move nets out."""
    ledger = tables.ledger
    other = ledger.filter((ledger.kind == "other") & ledger.payment_id.notnull())
    sums = other.group_by("payment_id").agg(by_hand=-other.delta.sum())
    return sums.filter(sums.by_hand > 0)


def _given_along(tables: Tables) -> ir.Table:
    """Credits that a purchase's account was given with it, where some of it was taken back."""
    ledger, entries = tables.ledger, tables.whole.ledger
    back = tables.credited.filter(tables.credited.reversed > 0)
    bought = ledger.filter((ledger.kind == "purchase") & (ledger.delta > 0))
    bought = bought.semi_join(back, "payment_id").group_by("payment_id", "user_id")
    bought = bought.agg(bought_at=lambda rows: rows.created_at.min())
    given = entries.filter(
        (entries.kind == "grant") & (entries.delta > 0) & entries.payment_id.isnull()
    ).select("user_id", "delta", given_at=entries.created_at)
    rows = bought.join(given, "user_id")
    rows = rows.filter(
        (rows.given_at >= rows.bought_at - WITH_THE_PURCHASE)
        & (rows.given_at <= rows.bought_at + WITH_THE_PURCHASE)
    )
    return rows.group_by("payment_id").agg(along=rows.delta.sum())


def _misplaced(tables: Tables) -> ir.Table:
    """Refunds that were taken from an account of somebody else than who has the credits.

    Only where the payment itself is in no doubt, the other account and its person had nothing of
    it, and no entry shows that its credits had moved on from where they were booked.
    """
    ledger, credited = tables.ledger, tables.credited
    doubted = tables.verdicts.filter(
        tables.verdicts.verdict.isin(["misattributed", "split_identity", "ambiguous"])
    )
    person_of = tables.persons.select("user_id", "person_id")
    held = credited.filter((credited.reversed > 0) & (credited.accounts == 1))
    held = held.anti_join(doubted, "payment_id").select("payment_id", "credited_user_id")
    holder_of = person_of.rename(credited_user_id="user_id", holder_id="person_id")
    held = held.left_join(holder_of, "credited_user_id").select(
        "payment_id", "credited_user_id", "holder_id"
    )
    entries = tables.whole.ledger
    moved = entries.filter(
        entries.kind.isin(["transfer", "other", "reversal", "correction"]) & (entries.delta < 0)
    )
    moved = moved.select(credited_user_id=moved.user_id).distinct()
    held = held.anti_join(moved, "credited_user_id")
    taken = ledger.filter((ledger.kind == "refund") & (ledger.delta < 0))
    rows = taken.join(held, "payment_id").left_join(person_of, "user_id")
    rows = rows.filter(
        (rows.user_id != rows.credited_user_id)
        & ~(rows.person_id == rows.holder_id).coalesce(False)
    )
    sums = rows.group_by("payment_id").agg(
        misplaced=-rows.delta.sum(),
        misplaced_user_id=rows.user_id.min(),
        others=rows.user_id.nunique(),
    )
    had = ledger.filter(ledger.delta > 0).semi_join(held, "payment_id")
    had = had.select("payment_id", misplaced_user_id=had.user_id).distinct()
    return (
        sums.filter(sums.others == 1)
        .anti_join(had, ["payment_id", "misplaced_user_id"])
        .select("payment_id", "misplaced", "misplaced_user_id")
    )


def _share(credits: ir.Value, part: ir.Value, whole: ir.Value) -> ir.Value:
    return (credits * part * 2 + whole) // (whole * 2)
