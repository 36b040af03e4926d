"""Finds customer bindings that misroute payments: a misattributed payment wrote them, or a move."""

from __future__ import annotations

from datetime import timedelta

from credit_forensics.findings.finding import Correction, Finding, Words
from credit_forensics.findings.finding_rows import counted, finding_rows, sentence
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

NAME = "poisoned_mapping"
SEVERITY = "high"
PROOF = (
    "A misattributed payment, repaired since or not, wrote the binding of its customer to the "
    "wrongly credited user; or the binding was moved there from the rightful one, and "
    "misattributed payments followed."
)

WRITTEN_WITHIN = timedelta(hours=1)


def find_poisoned_mapping(tables: Tables) -> ir.Table:
    """Bindings whose user is not the rightful person and which a misattributed payment wrote.

    The writer is the earliest misattributed payment of the customer that was credited to the
    bound user and during which the binding came about: ``bound_at`` lies between the payment's
    creation and one hour after its booking. Where the table does not say when it bound, the
    customer's very first payment is the writer, if it is such a one and no payment of the customer
    is confirmed for the bound user, whose customer it then is. A binding of a later time
    than payments of the customer that are on the rightful account was moved: the first
    misattributed payment after it stands for it. ``payment_id`` names the writer, probability
    is its verdict's, and the explanation counts the customer's later payments that went the same
    wrong way.

    A payment whose credits were moved since (a purchase and a reversal on the bound user, the
    credits now on somebody else's account) counts as misattributed: the binding misroutes the
    next payment until it is mended itself.

    Examples
    --------
    >>> from credit_forensics.engines.duckdb import engine_of
    >>> engine = engine_of(
    ...     customers={"customer_id": ["cus_1"], "user_id": ["b"]},
    ...     payments={"payment_id": ["cs_1"], "customer_id": ["cus_1"]},
    ...     verdicts={"payment_id": ["cs_1"], "verdict": ["misattributed"],
    ...         "credited_user_id": ["b"], "rightful_user_id": ["a"],
    ...         "probability_misattributed": [0.95]})
    >>> engine.frame(find_poisoned_mapping(Tables()))["payment_id"].tolist()
    ['cs_1']
    """
    payments = tables.whole.payments
    bindings = tables.customers.select(
        bound_customer=tables.customers.customer_id,
        bound_user=tables.customers.user_id,
        bound_at=tables.customers.bound_at,
    ).distinct()
    said = ibis.union(_misattributed(tables), _repaired(tables))
    # Of other customers nothing is said, so their payments need not be put in order.
    theirs = payments.semi_join(said, "payment_id").select("customer_id").distinct()
    own = payments.semi_join(theirs, "customer_id")
    in_order = [own.created_at, own.payment_id]
    own = own.select(
        "payment_id",
        "customer_id",
        "created_at",
        "completed_at",
        "amount",
        "currency",
        place=ibis.row_number().over(group_by=own.customer_id, order_by=in_order),
    )
    wrong = said.view().join(own, "payment_id")
    # Every misattributed payment of the binding; the writer is chosen among them.
    rows = wrong.join(
        bindings,
        [
            wrong.customer_id == bindings.bound_customer,
            wrong.wrongly == bindings.bound_user,
        ],
    )
    proven = _confirmed(tables, own)
    rows = rows.left_join(
        proven,
        [
            rows.bound_customer == proven.proven_customer,
            rows.bound_user == proven.proven_user,
        ],
    )
    booked_at = rows.credited_at.coalesce(rows.completed_at, rows.created_at)
    while_booked = (rows.bound_at >= rows.created_at) & (
        rows.bound_at <= booked_at + WRITTEN_WITHIN
    )
    first_of_all = rows.bound_at.isnull() & (rows.place == 0) & rows.proven_user.isnull()
    wrote = while_booked.coalesce(False) | first_of_all
    rows = rows.mutate(wrote=wrote)
    before = _rightful_until(tables, own)
    rows = rows.left_join(
        before,
        [
            rows.bound_customer == before.held_customer,
            rows.rightful_user_id == before.held_user,
        ],
    )
    moved = (rows.held_at < rows.bound_at) & (rows.created_at > rows.bound_at)
    rows = rows.mutate(may_have_written=rows.wrote | moved.coalesce(False))
    candidates = rows.filter(rows.may_have_written)
    writers = candidates.group_by("bound_customer", "bound_user").aggregate(
        written_at=candidates.place.min()
    )
    counts = (
        rows.join(writers, ["bound_customer", "bound_user"])
        .filter(lambda row: row.place > row.written_at)
        .group_by("bound_customer", "bound_user")
        .aggregate(misrouted=lambda row: row.payment_id.nunique())
    )
    rows = rows.join(
        writers,
        [
            rows.bound_customer == writers.bound_customer,
            rows.bound_user == writers.bound_user,
            rows.place == writers.written_at,
        ],
    )
    rows = rows.filter(rows.may_have_written)
    rows = rows.left_join(counts, ["bound_customer", "bound_user"]).drop(
        "bound_customer_right", "bound_user_right"
    )
    misrouted = rows.misrouted.coalesce(0)
    return finding_rows(
        rows,
        NAME,
        SEVERITY,
        payment_id=rows.payment_id,
        event_id=rows.event_id,
        cause=ibis.cases(
            (~rows.wrote, "moved"),
            (rows.bound_at.isnull(), "first_payment"),
            else_="bound_while_booked",
        ),
        credited_user_id=rows.bound_user,
        rightful_user_id=rows.rightful_user_id,
        probability=rows.probability,
        credits=rows.credits,
        amount=rows.amount,
        currency=rows.currency,
        created_at=rows.bound_at.coalesce(rows.credited_at, rows.created_at),
        explanation=sentence(
            "{at}{payment_id}{bound}{bound_customer}{to}{bound_user}{instead}{rightful_user_id}"
            "; since then {payments} of that customer went the same way.",
            rows,
            at=ibis.ifelse(rows.wrote, "Payment ", "Before payment "),
            bound=ibis.ifelse(rows.wrote, " bound customer ", " customer "),
            to=ibis.ifelse(rows.wrote, " to ", " was moved to "),
            instead=ibis.ifelse(rows.wrote, " instead of ", ", and its earlier payments are of "),
            payments=counted(misrouted, "payment", "payments"),
        ),
    )


def _rightful_until(tables: Tables, own: ir.Table) -> ir.Table:
    """Since when a customer's payments are on an account that is not said to be wrong."""
    verdicts = tables.whole.verdicts
    right = verdicts.filter(
        verdicts.credited_user_id.notnull() & (verdicts.verdict != "misattributed")
    )
    held = right.join(own.view(), "payment_id")
    return held.group_by(held_customer=held.customer_id, held_user=held.credited_user_id).aggregate(
        held_at=held.created_at.min()
    )


def _confirmed(tables: Tables, own: ir.Table) -> ir.Table:
    """The customers and users of whom a payment is confirmed: theirs is that customer."""
    verdicts = tables.whole.verdicts
    right = verdicts.filter(
        (verdicts.verdict == "confirmed") & (verdicts.credited_user_id == verdicts.rightful_user_id)
    )
    right = right.join(own.view(), "payment_id")
    return right.select(
        proven_customer=right.customer_id, proven_user=right.credited_user_id
    ).distinct()


def _misattributed(tables: Tables) -> ir.Table:
    """Payments that are on the wrong account now."""
    verdicts, credited = tables.verdicts, tables.credited
    wrong = verdicts.filter(verdicts.verdict == "misattributed")
    return wrong.left_join(credited, "payment_id").select(
        "payment_id",
        wrongly=wrong.credited_user_id,
        rightful_user_id=wrong.rightful_user_id,
        probability=wrong.probability_misattributed,
        event_id=credited.event_id,
        credits=credited.credits,
        credited_at=credited.credited_at,
    )


def _repaired(tables: Tables) -> ir.Table:
    """Payments that were booked on an account and moved from there to another person's."""
    ledger, verdicts, persons = tables.ledger, tables.verdicts, tables.persons
    reversed_on = ledger.filter((ledger.kind == "reversal") & (ledger.delta < 0))
    reversed_on = reversed_on.select(moved="payment_id", wrongly="user_id").distinct()
    booked = ledger.filter((ledger.kind == "purchase") & (ledger.delta > 0))
    moved = booked.join(
        reversed_on,
        [booked.payment_id == reversed_on.moved, booked.user_id == reversed_on.wrongly],
    )
    moved = moved.group_by("moved", "wrongly").aggregate(
        event_id=moved.event_id.min(),
        credits=moved.delta.sum().cast("int64"),
        credited_at=moved.created_at.min(),
    )
    rows = moved.join(verdicts, moved.moved == verdicts.payment_id)
    rows = rows.filter((rows.verdict != "misattributed") & (rows.credited_user_id != rows.wrongly))
    ids = persons.select(of="user_id", person="person_id").distinct()
    before, now = ids.view(), ids.view()
    rows = rows.left_join(before, rows.wrongly == before.of).drop("of")
    rows = rows.left_join(now, rows.credited_user_id == now.of, rname="{name}_now")
    same = rows.person.coalesce(rows.wrongly) == rows.person_now.coalesce(rows.credited_user_id)
    return rows.filter(~same).select(
        "payment_id",
        "wrongly",
        rightful_user_id=rows.credited_user_id,
        probability=(1 - rows.probability_misattributed).coalesce(1.0),
        event_id=rows.event_id,
        credits=rows.credits,
        credited_at=rows.credited_at,
    )


FINDING = Finding(
    NAME,
    SEVERITY,
    PROOF,
    find_poisoned_mapping,
    Correction(
        "The customer is bound to the rightful account.",
        action="rebind",
        rule="rebind",
        turn=100,
    ),
    en=Words(
        "poisoned mapping",
        "A binding that sends payments to the wrong account.",
        {
            "bound_while_booked": "bound while booked",
            "first_payment": "first payment",
            "moved": "moved to another account",
        },
    ),
    de=Words(
        "vergiftete Zuordnung",
        "Eine Zuordnung, die Zahlungen auf das falsche Konto leitet.",
        {
            "bound_while_booked": "beim Buchen gebunden",
            "first_payment": "erste Zahlung",
            "moved": "auf ein anderes Konto umgehängt",
        },
    ),
    follows=("wrong_user",),
    concerns="binding",
    odd=True,
    place=120,
)
