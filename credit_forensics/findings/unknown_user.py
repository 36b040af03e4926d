"""Finds credits on an id that no account has."""

from __future__ import annotations

from credit_forensics.coverage.absences import with_coverage
from credit_forensics.findings.finding import Correction, Finding, Words
from credit_forensics.findings.finding_rows import finding_rows, sentence
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ir

NAME = "unknown_user"
SEVERITY = "high"
PROOF = "The table of accounts was read, and neither the credited id nor its person is in it."


def find_unknown_user(tables: Tables) -> ir.Table:
    """Payments with net credits on an id that no account has and no link joins to one.

    Without a table of accounts, or where it knows hardly one of the ledger's accounts, nothing is
    said. An id that a link joins to an account is a
    ``split_identity`` instead.

    Examples
    --------
    >>> from credit_forensics.engines.duckdb import engine_of
    >>> engine = engine_of(
    ...     users={"user_id": ["a"]},
    ...     coverage={"source": ["users"]},
    ...     credited={"payment_id": ["cs_1", "cs_2"], "credited_user_id": ["a", "x"],
    ...         "credits": [5, 5]})
    >>> engine.frame(find_unknown_user(Tables()))["payment_id"].tolist()
    ['cs_2']
    """
    credited, payments, users = tables.credited, tables.payments, tables.users
    persons = tables.persons.select("user_id", "person_id").distinct()
    linked = users.left_join(persons, "user_id")
    accounts = linked.select(
        account_person=linked.person_id.coalesce(linked.user_id),
    ).distinct()

    held = credited.filter((credited.credits > 0) & credited.credited_user_id.notnull())
    held = held.anti_join(users, held.credited_user_id == users.user_id)
    held = held.left_join(persons, held.credited_user_id == persons.user_id)
    held = held.mutate(credited_person=held.person_id.coalesce(held.credited_user_id)).drop(
        "user_id", "person_id"
    )
    held = held.anti_join(accounts, held.credited_person == accounts.account_person)
    held = with_coverage(held, tables.coverage, "users")
    held = held.filter(held.users_shows)
    rows = held.left_join(payments, "payment_id").select(
        held,
        payments.amount,
        payments.currency,
        paid_at=payments.completed_at.coalesce(payments.created_at),
    )
    return finding_rows(
        rows,
        NAME,
        SEVERITY,
        "payment_id event_id credited_user_id credits amount currency",
        probability=1.0,
        created_at=rows.credited_at.coalesce(rows.paid_at),
        explanation=sentence(
            "The credits of payment {payment_id} are on {credited_user_id}, an id that no "
            "account has and no link joins to one.",
            rows,
        ),
    )


FINDING = Finding(
    NAME,
    SEVERITY,
    PROOF,
    find_unknown_user,
    Correction(
        "The credits move once it is known whose they are.",
        action="move",
        person="nobody can be named for the id; find where it came from",
        turn=110,
        settled_by_move=True,
    ),
    en=Words("unknown user", "The credits are on {credited}, an id that no account has."),
    de=Words(
        "unbekannter Nutzer",
        "Die Credits liegen auf {credited}, einer Kennung, die kein Konto hat.",
    ),
    odd=True,
    place=30,
)
