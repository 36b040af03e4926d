"""Payments and entries that nothing but the log states: for a case that has no better source."""

from __future__ import annotations

from credit_forensics.case_file import CaseFile
from credit_forensics.evidence.evidence import Evidence

SOURCE = "webhook log"
REASON = "as the webhook log states it"
# What a delivery that ended in credits is worth as a session: it was paid, or nothing was booked.
_SESSIONS = f"""
INSERT INTO stripe_sessions BY NAME
WITH stated AS (
    SELECT session_id, customer_id, payment_status, payment_intent_id, metadata, logged_at
    FROM logged_sessions
    UNION ALL BY NAME
    SELECT payment_id AS session_id, received_at AS logged_at,
        CASE WHEN outcome IN ('credited', 'duplicate') THEN 'paid' END AS payment_status
    FROM deliveries)
SELECT session_id, min(logged_at) AS created_at, 'complete' AS status, 'payment' AS mode,
    coalesce(arg_max(payment_status, logged_at), max(payment_status)) AS payment_status,
    CASE WHEN session_id LIKE 'cs!_live!_%' ESCAPE '!' THEN true
        WHEN session_id LIKE 'cs!_test!_%' ESCAPE '!' THEN false END AS livemode,
    max(customer_id) AS customer_id, max(payment_intent_id) AS payment_intent_id,
    from_json(max(metadata), '"MAP(VARCHAR, VARCHAR)"') AS metadata,
    '{SOURCE}' AS source
FROM stated WHERE session_id LIKE 'cs!_%' ESCAPE '!' GROUP BY session_id
"""
_ENTRIES = f"""
INSERT INTO ledger BY NAME
SELECT source_file || ':' || source_line AS entry_id, resolved_user_id AS user_id,
    credits AS delta, '{REASON}' AS reason, 'purchase' AS kind, event_id, payment_id,
    received_at AS created_at
FROM deliveries
WHERE outcome = 'credited' AND credits > 0 AND resolved_user_id IS NOT NULL
"""


def log_states_payments(case_file: CaseFile) -> bool:
    """Whether the case names no source of Stripe's objects, so that only its log names payments.

    Examples
    --------
    >>> log_states_payments(CaseFile()), log_states_payments(CaseFile(stripe={"files": "a"}))
    (True, False)
    """
    # Compared with a section without keys, whatever keys there are.
    return case_file.stripe == type(case_file.stripe)()


def take_what_the_log_states(evidence: Evidence, case_file: CaseFile) -> None:
    """Fill in sessions where the case names no source of Stripe's, entries where it has no ledger.

    A session that a delivery names is taken for paid where the log says so or credits were booked
    for it; what it cost is not known. A delivery that booked credits is an entry: the handler's
    own word, which no ledger confirms. Both are said in the gaps. Running it again changes nothing.

    Examples
    --------
    >>> import pandas as pd
    >>> evidence = Evidence()
    >>> evidence.add("deliveries", pd.DataFrame({
    ...     "payment_id": ["cs_1"], "resolved_user_id": ["7"], "credits": [50],
    ...     "outcome": ["credited"], "source_file": ["a.log"], "source_line": [3]}))
    >>> take_what_the_log_states(evidence, CaseFile())
    >>> evidence.ledger[["entry_id", "user_id", "delta"]].values.tolist()
    [['a.log:3', '7', 50]]
    """
    if not evidence.count("deliveries"):
        return
    run = evidence.connection.execute
    if log_states_payments(case_file) and not evidence.count("stripe_events"):
        run("DELETE FROM stripe_sessions WHERE source = ?", [SOURCE])
        if not evidence.count("stripe_sessions"):
            run(_SESSIONS)
            evidence.custody.gap(
                "stripe",
                "payments",
                "as_logged",
                "payments are those that the webhook log names; what they cost, who typed which "
                "e-mail, and payments that the log does not name are not known.",
            )
    if not case_file.all_ledgers:
        run("DELETE FROM ledger WHERE reason = ?", [REASON])
        run(_ENTRIES)
        evidence.custody.gap(
            "ledger",
            "entries",
            "as_logged",
            "entries are what the webhook's handler wrote that it booked; no ledger confirms it.",
        )
