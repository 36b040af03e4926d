"""Says what a case's inputs were taken for, what they cover, and what cannot be known from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from credit_forensics.case_file import CaseFile
from credit_forensics.coverage.judged import WHY, Judged
from credit_forensics.coverage.judged_shares import measure_judgeable
from credit_forensics.coverage.measure import measure_coverage
from credit_forensics.coverage.unjoined_tables import unjoined_tables
from credit_forensics.coverage.unknown_worth import unknown_worth
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers.inference.decisions import MARK
from credit_forensics.evidence.logs.generic_log import NOT_UNDERSTOOD, PROPOSAL
from credit_forensics.evidence.stored.open import open_case_evidence
from credit_forensics.records import row_dicts

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


# The beginning of a reason is the type of the entry; the rest differs from entry to entry.
_KINDS = """SELECT coalesce(split_part(reason, ':', 1), '') AS type, kind, count(*) AS rows,
    count(*) FILTER (WHERE delta < 0) AS taking, count(payment_id) AS tied
    FROM ledger GROUP BY ALL ORDER BY rows DESC, type, kind LIMIT 20"""


@dataclass(frozen=True)
class Checkup:
    """What the doctor found.

    Attributes
    ----------
    inputs
        name, taken_for, size, rows, rejects, notes.
    judgeable
        what share of the money, the credits and the log can be judged.
    coverage
        source, from, to, rows, recognised, tied, and why its silence says nothing.
    livemode
        livemode (live, test, not told) and payments.
    gaps
        source, object, problem, consequence.
    needs
        table, rows, share, serves: how much of the evidence each method and finding can use.
    rejects
        file, reason, rows: rejects by reason.
    inferred
        what was decided about a ledger that nobody described, a sentence a part.
    kinds
        type, kind, rows: what the entries of such a ledger were taken for.
    log_lines
        input, note: examples of lines of logs that were not understood, masked, and a pattern.
    """

    inputs: pd.DataFrame
    judgeable: Judged
    coverage: pd.DataFrame
    livemode: pd.DataFrame
    gaps: pd.DataFrame
    needs: pd.DataFrame
    rejects: pd.DataFrame
    inferred: pd.DataFrame
    kinds: pd.DataFrame
    log_lines: pd.DataFrame

    @property
    def missing(self) -> pd.DataFrame:
        """The needs that nothing in the evidence serves."""
        return self.needs[self.needs["rows"] == 0]

    def to_dict(self) -> dict[str, Any]:
        """The same facts for JSON; a table is a list of rows."""
        tables = {
            "inputs": self.inputs.rename(columns={"taken for": "taken_for"}),
            "coverage": self.coverage.rename(columns={"absences unknown": "absences_unknown"}),
            "livemode": self.livemode,
            "gaps": self.gaps,
            "serves": self.needs,
            "rejected": self.rejects,
            "entries_by_kind": self.kinds,
            "log_lines": self.log_lines,
        }
        return {
            "judgeable": self.judgeable.to_dict(),
            **{name: row_dicts(rows) for name, rows in tables.items()},
            "ledger_as_inferred": [str(text) for text in self.inferred.iloc[:, 0]],
            "missing": [str(need) for need in self.missing["serves"]],
        }

    def __str__(self) -> str:
        parts = [
            ("Inputs", self.inputs),
            ("Covers (UTC)", self.coverage),
            ("Mode", self.livemode),
            ("Serves", self.needs),
            ("Rejected", self.rejects),
            ("Gaps", self.gaps),
        ]
        if not self.inferred.empty:
            parts += [("Ledger as inferred", self.inferred), ("Entries by kind", self.kinds)]
        if len(self.log_lines):
            parts.append(("Log lines", self.log_lines))
        lines = [*str(self.judgeable).splitlines(), ""]
        for title, table in parts:
            lines.append(title)
            text = "  none" if table.empty else table.to_string(index=False, na_rep="")
            lines += [f"  {line}" for line in text.splitlines()]
            lines.append("")
        for need in self.missing.to_dict("records"):
            lines.append(f"Missing: {need['table']} for {need['serves']}.")
        return "\n".join(lines).rstrip()


def _shown(coverage: pd.DataFrame) -> pd.DataFrame:
    """The coverage with its times to the minute and its reasons in words."""
    times = {"since": "from", "until": "to"}
    rows = coverage.rename(columns={**times, "read": "rows", "reason": "absences unknown"})
    for name in times.values():
        rows[name] = pd.to_datetime(rows[name], utc=True).dt.strftime("%Y-%m-%d %H:%M")
    counts = ["rows", "tied", "recognised"]
    rows = rows.astype(dict.fromkeys(counts, "Int64")).astype(dict.fromkeys(counts, "object"))
    reasons = rows["absences unknown"].map(lambda why: WHY[why][0], na_action="ignore")
    return rows.assign(**{"absences unknown": reasons}).fillna("").drop(columns="rejected")


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
    decided = [n.removeprefix(MARK) for i in custody.inputs for n in i.notes if n.startswith(MARK)]
    inputs = pd.DataFrame(
        [
            {
                "input": source.name,
                "taken for": source.taken_for,
                "bytes": source.size,
                "rows": source.rows,
                "rejects": source.rejects,
                "notes": "; ".join(
                    n for n in source.notes if not (n.startswith(MARK) or _of_lines(n))
                ),
            }
            for source in custody.inputs
        ]
    )
    query = evidence.connection.execute
    measured = measure_coverage(evidence.engine)
    judgeable = Judged(measure_judgeable(evidence.engine, measured), to_come=True)
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
        judgeable=judgeable,
        coverage=_shown(measured.coverage),
        livemode=livemode,
        gaps=pd.concat(
            [custody.gaps(), unjoined_tables(measured.coverage), unknown_worth(evidence.engine)],
            ignore_index=True,
        ),
        needs=pd.DataFrame(needs),
        rejects=by_reason,
        inferred=pd.DataFrame({"settled in case.toml under [ledger]": decided}),
        kinds=query(_KINDS).df(),
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
