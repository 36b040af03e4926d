"""Finds credits on another id of the person who paid."""

from __future__ import annotations

from credit_forensics.findings.finding import Correction, Finding, Words
from credit_forensics.findings.finding_rows import finding_rows, sentence
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

NAME = "split_identity"
SEVERITY = "high"
PROOF = "The credited id and the rightful id are linked as one person, and they are not one id."


def find_split_identity(tables: Tables) -> ir.Table:
    """Payments whose verdict is *split_identity*.

    The cause is the reason for which the credited id (failing that, the rightful id) belongs to
    its person; the probability is that the credited person is the payer.

    Examples
    --------
    >>> from credit_forensics.engines.duckdb import engine_of
    >>> engine = engine_of(
    ...     verdicts={"payment_id": ["cs_1"], "verdict": ["split_identity"],
    ...         "credited_user_id": ["a2"], "rightful_user_id": ["a1"],
    ...         "probability_misattributed": [0.25]})
    >>> engine.frame(find_split_identity(Tables()))["probability"].tolist()
    [0.75]
    """
    verdicts = tables.verdicts.filter(tables.verdicts.verdict == "split_identity")
    payments, credited = tables.payments, tables.credited
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
    )
    reasons = tables.persons.group_by("user_id").aggregate(link=tables.persons.reason.min())
    by_credited = reasons.select(credited_id=reasons.user_id, credited_link=reasons.link)
    by_rightful = reasons.select(rightful_id=reasons.user_id, rightful_link=reasons.link)
    rows = rows.left_join(by_credited, rows.credited_user_id == by_credited.credited_id)
    rows = rows.left_join(by_rightful, rows.rightful_user_id == by_rightful.rightful_id)
    cause = rows.credited_link.nullif("").coalesce(rows.rightful_link.nullif(""), "unknown")
    return finding_rows(
        rows,
        NAME,
        SEVERITY,
        "payment_id event_id credited_user_id rightful_user_id credits amount currency",
        cause=cause,
        probability=ibis.literal(1.0) - rows.probability_misattributed,
        created_at=rows.credited_at.coalesce(rows.paid_at),
        explanation=sentence(
            "The credits of payment {payment_id} are on {credited_user_id}, a second id of the "
            "person whose account is {rightful_user_id} (linked by {cause}).",
            rows,
            cause=cause,
        ),
    )


FINDING = Finding(
    NAME,
    SEVERITY,
    PROOF,
    find_split_identity,
    Correction(
        "Everything of the payment moves to the rightful account, refunds included.",
        action="move",
        rule="move",
        turn=50,
    ),
    en=Words(
        "split identity",
        "The credits are on {credited}, another id of {rightful}.",
        {
            "account_email": "same account e-mail",
            "alias": "alias",
            "merged": "merged accounts",
            "sign_in": "sign-in",
            "session_email": "same signed-in e-mail",
            "typed_email": "same typed e-mail",
            "overruled": "set by the analyst",
        },
    ),
    de=Words(
        "geteilte Identität",
        "Die Credits liegen auf {credited}, einer anderen Kennung von {rightful}.",
        {
            "account_email": "gleiche Konto-E-Mail",
            "alias": "Alias",
            "merged": "zusammengelegte Konten",
            "sign_in": "Anmeldung",
            "session_email": "gleiche angemeldete E-Mail",
            "typed_email": "gleiche eingegebene E-Mail",
            "overruled": "vom Prüfer gesetzt",
        },
    ),
    odd=True,
    place=20,
)
