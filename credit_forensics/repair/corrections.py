"""Makes the correction of one finding, or says why a person must decide.

What is offered follows from the ledger alone: credits move to the account of whom two families of
evidence name, a surplus goes, a share for money lost goes, what is missing is granted. What is
left to a person needs a decision of the shop's: whether credits that a front end promised stand,
whether a delayed payment may still come, who forged an entry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from credit_forensics.findings.catalogue import FINDINGS
from credit_forensics.findings.finding import FOR_A_PERSON, Finding
from credit_forensics.repair.entries import (
    NETTED,
    PAYMENT_ID,
    Correction,
    Entry,
    Keys,
    Paid,
    Rebinding,
)
from credit_forensics.repair.holdings import Holdings
from credit_forensics.repair.manual_fixes import Regrants
from credit_forensics.repair.payment_evidence import PaymentEvidence

Row = dict[str, Any]


class NeedsPersonError(Exception):
    """No entry follows from the evidence; the message says why."""


class TooDoubtfulError(NeedsPersonError):
    """The probability is below the threshold."""


@dataclass
class Desk:
    """What the corrections of a case share. ``keys`` and ``regrants`` are used up as they go.

    ``reviewed`` is what an intake's review queue says of a payment that waits or waited there.
    """

    threshold: float
    accounts: frozenset[str]
    bindings: frozenset[tuple[str, str]]
    keys: Keys
    regrants: Regrants
    any_payment_id: bool = False
    reviewed: Mapping[str, str] = field(default_factory=dict)
    catalogue: Mapping[str, Finding] = field(
        default_factory=lambda: {one.name: one for one in FINDINGS}
    )


def correct(finding: Row, facts: PaymentEvidence, held: Holdings, desk: Desk) -> Correction:
    """The correction of a finding; ``held`` is moved on, as if it were booked.

    Raises
    ------
    NeedsPersonError
        with the reason, in words; ``TooDoubtfulError`` where only the probability is too low.
    """
    correction = desk.catalogue[finding["finding"]].correction
    if correction.person or not correction.rule:
        raise NeedsPersonError(correction.person or FOR_A_PERSON.person)
    payment_id = finding["payment_id"]
    if not payment_id or not (desk.any_payment_id or PAYMENT_ID.match(payment_id)):
        raise NeedsPersonError("the payment's id cannot be written into a reason and read back")
    if facts.tie_probability < desk.threshold:
        raise TooDoubtfulError(
            "its entries name no payment; that they are this one's is "
            f"{facts.tie_probability:.3f} sure, under {desk.threshold:g}"
        )
    why = correction.why_a_person(finding["cause"])
    if why:
        raise NeedsPersonError(why)
    if held.unclear and correction.rule not in ("rebind", "move"):
        raise NeedsPersonError(
            f"entries by hand that name the payment and say no more move {held.unclear:+d} "
            "credits: count them first"
        )
    if correction.rule in ("move", "rebind") and desk.reviewed.get(payment_id) == "credited":
        raise NeedsPersonError(
            "a reviewer of the intake's queue gave the credits to this account: who decided that "
            "knows why"
        )
    return RULES[correction.rule](finding, facts, held, desk)


def _made(
    finding: Row,
    held: Holdings,
    entries: list[Entry],
    *,
    probability: float,
    note: str = "",
) -> Correction:
    return Correction(
        finding=finding["finding"],
        cause=finding["cause"] or "",
        payment_id=finding["payment_id"],
        probability=probability,
        created_at=finding["created_at"],
        entries=tuple(entries),
        mentions=held.mentions or (finding["payment_id"],),
        note=note,
    )


def _surely_of(user: str | None, facts: PaymentEvidence, desk: Desk) -> str:
    """The rightful account, if it is one and is named surely enough."""
    if not user:
        raise NeedsPersonError("the evidence names nobody")
    if desk.accounts and user not in desk.accounts:
        raise NeedsPersonError("the id that the evidence names has no account")
    if not facts.sure_of(user, desk.threshold):
        raise TooDoubtfulError(
            f"whose they are is {facts.rightful_probability:.3f} sure, under {desk.threshold:g}"
        )
    if facts.question:
        raise NeedsPersonError(facts.question)
    return user


def _granted(
    finding: Row, user: str, credits: int, key: str, desk: Desk
) -> tuple[list[Entry], str]:
    """Entries that give credits to an account, less an emergency re-grant that did already."""
    return _with_fixes([Entry("correction", user, credits, key)], finding, desk)


def _with_fixes(entries: list[Entry], finding: Row, desk: Desk) -> tuple[list[Entry], str]:
    """Entries, and beside each what a person booked to the same end already, with its sign turned.

    Raises
    ------
    NeedsPersonError
        where an entry may have been booked to that end, but does not say so.
    """
    found, notes = list(entries), []
    for entry in entries:
        regrant = desk.regrants.take(entry.user_id, entry.delta, finding["created_at"])
        if regrant is None:
            question = desk.regrants.question(entry.user_id, entry.delta, finding["created_at"])
            if question is not None:
                raise NeedsPersonError(question)
            continue
        found.append(Entry("grant", entry.user_id, -entry.delta, f"{NETTED}{regrant}"))
        verb = "granted" if entry.delta > 0 else "took"
        notes.append(
            f"entry {regrant} {verb} these {abs(entry.delta)} credits already and is set off"
        )
    return found, "; ".join(notes)


def _move(finding: Row, facts: PaymentEvidence, held: Holdings, desk: Desk) -> Correction:
    """``wrong_user`` and ``split_identity``: everything of the payment, refunds included."""
    probability = float(finding["probability"] or 0.0)
    if probability < desk.threshold:
        raise TooDoubtfulError(f"its probability is {probability:.3f}, under {desk.threshold:g}")
    rightful = _surely_of(finding["rightful_user_id"], facts, desk)
    others = {user: credits for user, credits in held.net.items() if user != rightful and credits}
    if not others or min(others.values()) < 0:
        raise NeedsPersonError("the accounts' credits of this payment do not add up to a move")
    name, payment = finding["finding"], finding["payment_id"]
    entries, note = _with_fixes(
        [
            Entry("reversal", user, -credits, desk.keys.make("reversal", name, payment))
            for user, credits in sorted(others.items())
        ],
        finding,
        desk,
    )
    # What the payer was granted for this payment by hand counts as given.
    expected = held.purchased if held.purchased > 0 else max(others.values())
    due = expected - held.net.get(rightful, 0)
    if due > 0:
        key = desk.keys.make("correction", name, payment)
        given, more = _granted(finding, rightful, due, key, desk)
        entries += given
        note = "; ".join(part for part in (note, more) if part)
        held.net[rightful] = held.net.get(rightful, 0) + due
    # A refund was taken from whoever held the credits, so it moves with them.
    for user in sorted(others):
        taken = held.taken.pop(user, 0)
        if taken:
            for whose, delta in ((user, taken), (rightful, -taken)):
                entries.append(
                    Entry("refund", whose, delta, desk.keys.make("refund", name, payment))
                )
            held.taken[rightful] = held.taken.get(rightful, 0) + taken
        held.net[user] = 0
    return _made(
        finding,
        held,
        entries,
        probability=min(probability, facts.rightful_probability),
        note=note,
    )


def _surplus(finding: Row, facts: PaymentEvidence, held: Holdings, desk: Desk) -> Correction:
    """``duplicate_credit``: the surplus, from the accounts that are not the payer's first."""
    surplus = int(finding["credits"] or 0)
    holders = held.holders()
    rightful = facts.rightful_user_id
    if len(holders) > 1 and not facts.sure_of(rightful, desk.threshold):
        raise NeedsPersonError("several accounts hold its credits, and whose they are is in doubt")
    order = [user for user in holders if user != rightful]
    order += [user for user in holders if user == rightful]
    pieces: list[tuple[str, int]] = []
    left = surplus
    for user in order:
        part = min(left, held.net[user])
        if part > 0:
            pieces.append((user, part))
            left -= part
    if left or not pieces:
        raise NeedsPersonError("the accounts do not hold the surplus")
    # One reversal cancels one grant, so a surplus of several grants takes as many.
    wanted = max(held.grants - 1, 1)
    if len(pieces) == 1 and 1 < wanted <= surplus:
        user = pieces[0][0]
        share = surplus // wanted
        pieces = [(user, share)] * (wanted - 1) + [(user, surplus - share * (wanted - 1))]
    entries = []
    for user, part in pieces:
        key = desk.keys.make("reversal", finding["finding"], finding["payment_id"])
        entries.append(Entry("reversal", user, -part, key))
    entries, note = _with_fixes(entries, finding, desk)
    for user, part in pieces:
        held.net[user] -= part
    held.purchased -= surplus
    held.grants = 1
    return _made(finding, held, entries, probability=1.0, note=note)


def _unearned(finding: Row, facts: PaymentEvidence, held: Holdings, desk: Desk) -> Correction:
    """``unpaid_credit`` and ``test_mode_credit``: all that is left of credits without money."""
    entries = []
    for user in held.holders():
        left = held.net[user] - held.taken.get(user, 0)
        if left > 0:
            key = desk.keys.make("reversal", finding["finding"], finding["payment_id"])
            entries.append(Entry("reversal", user, -left, key))
    if not entries:
        raise NeedsPersonError("no account holds its credits")
    taken = list(entries)
    entries, note = _with_fixes(entries, finding, desk)
    for entry in taken:
        held.net[entry.user_id] += entry.delta
    return _made(finding, held, entries, probability=1.0, note=note)


def _missing(finding: Row, facts: PaymentEvidence, held: Holdings, desk: Desk) -> Correction:
    """``missing_credit``: what the price is worth, to whom two families of evidence name."""
    probability = float(finding["probability"] or 0.0)
    if probability < desk.threshold:
        raise TooDoubtfulError(f"its probability is {probability:.3f}, under {desk.threshold:g}")
    if facts.amount_lost:
        raise NeedsPersonError("part of the money was refunded or disputed")
    credits = int(finding["credits"] or 0)
    if credits <= 0:
        raise NeedsPersonError("what the price is worth is not known; name it under [prices]")
    review = desk.reviewed.get(finding["payment_id"])
    if review is not None:
        raise NeedsPersonError(
            "it waits in the intake's review queue: decide it there"
            if review == "open"
            else f"the intake's review queue says {review}: who decided that knows why"
        )
    if facts.families_agreeing < 2:
        raise NeedsPersonError("fewer than two families of evidence name the payer")
    rightful = _surely_of(finding["rightful_user_id"], facts, desk)
    key = desk.keys.make("correction", finding["finding"], finding["payment_id"])
    entries, note = _granted(finding, rightful, credits, key, desk)
    if facts.other_subscriptions:
        told = f"another subscription of this customer's is live: {facts.other_subscriptions}"
        note = f"{told}; {note}" if note else told
    held.net[rightful] = held.net.get(rightful, 0) + credits
    made = _made(
        finding,
        held,
        entries,
        probability=min(probability, facts.rightful_probability),
        note=note,
    )
    paid = Paid(
        facts.payment_intent_id,
        facts.customer_id,
        facts.amount,
        facts.currency,
        facts.created_at,
    )
    return replace(made, paid=paid)


def _refund(finding: Row, facts: PaymentEvidence, held: Holdings, desk: Desk) -> Correction:
    """``refund_not_reversed`` and ``refund_over_reversed``: on the one account concerned."""
    over = desk.catalogue[finding["finding"]].correction.action == "give"
    concerned = sorted(u for u, n in held.taken.items() if n > 0) if over else held.holders()
    if len(concerned) != 1:
        raise NeedsPersonError("not exactly one account holds its credits")
    user, credits = concerned[0], int(finding["credits"] or 0)
    delta = credits if over else -credits
    # As a refund: a reversal would make the grant itself too small.
    key = desk.keys.make("refund", finding["finding"], finding["payment_id"])
    entries, note = _with_fixes([Entry("refund", user, delta, key)], finding, desk)
    held.taken[user] = held.taken.get(user, 0) - delta
    return _made(finding, held, entries, probability=1.0, note=note)


def _too_few(finding: Row, facts: PaymentEvidence, held: Holdings, desk: Desk) -> Correction:
    """``wrong_amount``: what is wanting; a surplus that was sold is the shop's to judge."""
    short = -int(finding["credits"] or 0)
    if short <= 0:
        raise NeedsPersonError("nothing is wanting")
    holders = held.holders()
    if len(holders) != 1:
        raise NeedsPersonError("not exactly one account holds its credits")
    key = desk.keys.make("correction", finding["finding"], finding["payment_id"])
    entries, note = _granted(finding, holders[0], short, key, desk)
    held.net[holders[0]] += short
    return _made(finding, held, entries, probability=1.0, note=note)


def _rebind(finding: Row, facts: PaymentEvidence, held: Holdings, desk: Desk) -> Correction:
    """``poisoned_mapping``: the binding, where it still names the wrong user."""
    probability = float(finding["probability"] or 0.0)
    if probability < desk.threshold:
        raise TooDoubtfulError(f"its probability is {probability:.3f}, under {desk.threshold:g}")
    rightful = _surely_of(finding["rightful_user_id"], facts, desk)
    customer, wrong = facts.customer_id, finding["credited_user_id"]
    if customer is None or wrong is None or (customer, wrong) not in desk.bindings:
        raise NeedsPersonError("the binding is not in the customers' table")
    correction = _made(finding, held, [], probability=min(probability, facts.rightful_probability))
    return replace(correction, rebinding=Rebinding(customer, wrong, rightful))


RULES: dict[str, Callable[[Row, PaymentEvidence, Holdings, Desk], Correction]] = {
    "unearned": _unearned,
    "surplus": _surplus,
    "move": _move,
    "refund": _refund,
    "shortfall": _too_few,
    "missing": _missing,
    "rebind": _rebind,
}
"""How findings are put right, by the name of the rule that a finding's correction states."""
