"""Says what a case's inputs were taken for, what they cover, and what cannot be known from them."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from credit_forensics.case_file import CaseFile
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.logs.generic_log import NOT_UNDERSTOOD, PROPOSAL
from credit_forensics.evidence.stored.open import open_case_evidence

# What an evidence table or column serves: (table, condition that a row is of use, who needs it).
_NEEDS: tuple[tuple[str, str, str], ...] = (
    ("payments", "true", "every method and finding"),
    ("payments", "client_reference_id IS NOT NULL", "client_reference_id"),
    ("payments", "customer_id IS NOT NULL", "customer_mapping, customer_history"),
    ("payments", "payer_email IS NOT NULL", "payer_email"),
    ("payments", "payer_name IS NOT NULL", "payer_name"),
    ("payments", "card_fingerprint IS NOT NULL", "card_history (load charges)"),
    ("payments", "expected_credits IS NOT NULL", "wrong_amount, refunds (set [prices])"),
    ("payments", "completed_at IS NOT NULL", "missing_credit (load events)"),
    ("metadata", "source = 'session'", "metadata methods and metadata_scan"),
    ("metadata", "source IN ('intent', 'charge')", "intent_metadata"),
    ("metadata", "email_key IS NOT NULL", "session_email, persons by signed-in e-mail"),
    ("events", "true", "missing_credit causes, ledger entries without a payment column"),
    ("deliveries", "true", "handler_log, causes, failed_delivery"),
    ("ledger", "true", "every finding about credits"),
    ("ledger", "payment_id IS NOT NULL", "who was credited (entries tied to payments)"),
    ("customers", "true", "customer_mapping, poisoned_mapping"),
    ("customers", "bound_at IS NOT NULL", "customer_mapping as of the payment"),
    ("users", "true", "payer_email, payer_name, unknown_user, persons"),
    ("users", "email IS NOT NULL", "payer_email, session_email, persons"),
    ("users", "name IS NOT NULL", "payer_name"),
    ("balances", "true", "balance_drift"),
)


@dataclass(frozen=True)
class Checkup:
    """What the doctor found.

    Attributes
    ----------
    inputs
        name, taken_for, size, rows, rejects, notes.
    coverage
        source, first_at, last_at, row_count.
    livemode
        livemode (live, test, not told) and payments.
    gaps
        source, object, problem, consequence.
    needs
        table, rows, share, serves: how much of the evidence each method and finding can use.
    rejects
        file, reason, rows: rejects by reason.
    log_lines
        input, note: examples of lines of logs that were not understood, masked, and a pattern.
    """

    inputs: pd.DataFrame
    coverage: pd.DataFrame
    livemode: pd.DataFrame
    gaps: pd.DataFrame
    needs: pd.DataFrame
    rejects: pd.DataFrame
    log_lines: pd.DataFrame

    @property
    def missing(self) -> pd.DataFrame:
        """The needs that nothing in the evidence serves."""
        return self.needs[self.needs["rows"] == 0]

    def __str__(self) -> str:
        parts = [
            ("Inputs", self.inputs),
            ("Covers (UTC)", self.coverage),
            ("Mode", self.livemode),
            ("Serves", self.needs),
            ("Rejected", self.rejects),
            ("Gaps", self.gaps),
        ]
        if len(self.log_lines):
            parts.append(("Log lines", self.log_lines))
        lines = []
        for title, table in parts:
            lines.append(title)
            text = "  none" if table.empty else table.to_string(index=False, na_rep="")
            lines += [f"  {line}" for line in text.splitlines()]
            lines.append("")
        for need in self.missing.to_dict("records"):
            lines.append(f"Missing: {need['table']} for {need['serves']}.")
        return "\n".join(lines).rstrip()


def check_up(case_file: CaseFile, *, store: bool = True, fresh: bool = False) -> Checkup:
    """Load a case's inputs and say what they are.

    Raises
    ------
    CaseError
        when an input cannot be used at all.
    """
    return examine_evidence(open_case_evidence(case_file, store=store, fresh=fresh)[0])


def examine_evidence(evidence: Evidence) -> Checkup:
    """Say what loaded evidence holds.

    Examples
    --------
    >>> checkup = examine_evidence(Evidence())
    >>> "every method and finding" in set(checkup.missing["serves"])
    True
    """
    custody = evidence.custody
    inputs = pd.DataFrame(
        [
            {
                "input": source.name,
                "taken for": source.taken_for,
                "bytes": source.size,
                "rows": source.rows,
                "rejects": source.rejects,
                "notes": "; ".join(note for note in source.notes if not _of_lines(note)),
            }
            for source in custody.inputs
        ]
    )
    query = evidence.connection.execute
    coverage = query(
        """SELECT source, strftime(first_at, '%Y-%m-%d %H:%M') AS "from",
                  strftime(last_at, '%Y-%m-%d %H:%M') AS "to", row_count AS rows
           FROM coverage ORDER BY source"""
    ).df()
    livemode = query(
        """SELECT CASE WHEN livemode THEN 'live' WHEN NOT livemode THEN 'test' ELSE 'not told' END
                  AS livemode, count(*) AS payments FROM payments GROUP BY 1 ORDER BY 1"""
    ).df()
    needs = []
    for table, condition, serves in _NEEDS:
        row = query(f"SELECT count(*) FILTER (WHERE {condition}), count(*) FROM {table}").fetchone()
        rows, total = row
        needs.append(
            {
                "table": table,
                "rows": rows,
                "share": f"{rows / total:.1%}" if total else "",
                "serves": serves,
            }
        )
    rejects = custody.rejects()
    by_reason = rejects.groupby(["file", "reason"], as_index=False).agg(rows=("line", "size"))
    return Checkup(
        inputs=inputs,
        coverage=coverage,
        livemode=livemode,
        gaps=custody.gaps(),
        needs=pd.DataFrame(needs),
        rejects=by_reason,
        log_lines=pd.DataFrame(
            [
                {"input": source.name, "note": note}
                for source in custody.inputs
                for note in source.notes
                if _of_lines(note)
            ],
            columns=["input", "note"],
        ),
    )


def _of_lines(note: str) -> bool:
    """Whether a note of an input is about lines of a log that were not understood."""
    return note.startswith((NOT_UNDERSTOOD, PROPOSAL))
