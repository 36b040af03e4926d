"""What the report's sections ask of a case, each question once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import pandas as pd
from markupsafe import Markup

from credit_forensics.case.case import Case
from credit_forensics.charts.style import SEVERITIES
from credit_forensics.engines.recipes import Query, Recipe
from credit_forensics.errors import CaseError
from credit_forensics.evidence.stored.custody import ReadAnew
from credit_forensics.findings.finding import Finding
from credit_forensics.findings.practice import BY_PRACTICE
from credit_forensics.incidents.shared_traits import find_shared_traits
from credit_forensics.judgement.explanation import Explanation
from credit_forensics.privacy.mask import Mask
from credit_forensics.records import row_dicts
from credit_forensics.reporting.elements import ELEMENTS, Code
from credit_forensics.reporting.html_tables import Row
from credit_forensics.reporting.incident_notes import Note, read_notes
from credit_forensics.reporting.language import Language
from credit_forensics.reporting.matters import accounts_hit, matters, money_at_stake
from credit_forensics.reporting.since_last import SinceLast
from credit_forensics.reporting.window import Window
from credit_forensics.tables.catalogue import Tables, spec
from credit_forensics.tables.expressions import ir

# What a reader looks things up in begins folded.
_BEGIN_FOLDED = frozenset({"methods", "trust", "manifest", "appendix"})
_MANUAL_KINDS = ("correction", "grant", "transfer", "reversal")


class CaseView:
    """A case as its report sees it.

    Parameters
    ----------
    case
        the case.
    language, mask
        how the report speaks and what it masks.
    payment_id
        the payment to answer about; the worst one without it.
    window
        what the report is about: payments, findings and incidents that fall into it. All of the
        case is judged all the same.

    Raises
    ------
    CaseError
        when that payment is not in the case.
    """

    def __init__(
        self,
        case: Case,
        language: Language,
        mask: Mask,
        payment_id: str = "",
        window: Window | None = None,
    ) -> None:
        self.case = case
        self.language = language
        self.mask = mask
        self.chosen = bool(payment_id)
        self.window = window
        self.read_anew: Sequence[ReadAnew] | None = None
        self.since: SinceLast | None = None
        self._rows: dict[tuple[str, str, str | None], list[Row]] = {}
        if payment_id and payment_id not in set(self.case.verdicts["payment_id"]):
            raise CaseError(f"There is no payment {payment_id} in this case.")
        self._payment_id = payment_id

    @property
    def catalogue(self) -> tuple[Finding, ...]:
        """The case's findings, the house's and its own."""
        return self.case.catalogue

    @cached_property
    def verdicts(self) -> pd.DataFrame:
        """The verdicts of the window's payments."""
        frame: pd.DataFrame = self.case.verdicts
        if self.window:
            frame = frame[frame["payment_id"].isin(self.payments["payment_id"])]
        return frame.reset_index(drop=True)

    @cached_property
    def practices(self) -> list[str]:
        """Of what something is passed over as the shop's practice, as the case's gaps name it."""
        gaps = self.case.gaps
        usual = gaps.loc[gaps["problem"] == BY_PRACTICE, "object"]
        return sorted({str(one) for one in usual})

    @cached_property
    def incidents(self) -> pd.DataFrame:
        """The incidents, those of the whole case that reach into the window."""
        frame: pd.DataFrame = self.case.incidents
        if self.window:
            # A finding may be dated after its payment, by which bursts are.
            named = self._all_payments["payment_id"].isin(self.worst_payments)
            first = self._all_payments.loc[named, "created_at"].min()
            since = self.window.since if pd.isna(first) else min(self.window.since, first)
            over = (frame["end"] < since) | (frame["onset"] > self.window.until)
            frame = frame[~over].reset_index(drop=True)
        return frame

    @cached_property
    def findings(self) -> pd.DataFrame:
        """The findings and their incidents, worst first: by severity, money, probability."""
        rank = {severity: i for i, severity in enumerate(SEVERITIES)}
        found: pd.DataFrame = self.case.findings_by_incident
        found = found.assign(cause=found["cause"].mask(found["cause"] == ""))
        if self.window:
            # What has no date, as a balance, is as it is now.
            found = found[self.window.holds(found["created_at"], undated=True)]
        keys = pd.DataFrame(
            {
                "severity": found["severity"].map(rank).fillna(len(rank)).astype("float64"),
                "amount": -found["amount"].fillna(0).astype("float64"),
                "probability": -found["probability"].fillna(0).astype("float64"),
                "payment_id": found["payment_id"].fillna("~").astype(str),
                "finding": found["finding"].astype(str),
            }
        )
        order = keys.sort_values(list(keys.columns), kind="stable").index
        return found.loc[order].reset_index(drop=True)

    @cached_property
    def payments(self) -> pd.DataFrame:
        """payment_id, created_at, payment_status and livemode of the window's payments."""
        rows = self._all_payments
        if self.window:
            rows = rows[self.window.holds(rows["created_at"])].reset_index(drop=True)
        return rows

    @cached_property
    def _all_payments(self) -> pd.DataFrame:
        columns = ["payment_id", "created_at", "payment_status", "livemode"]

        def in_order() -> ir.Table:
            return Tables().payments.select(*columns).order_by("payment_id")

        return self.query(Recipe("report-payments", in_order))

    @cached_property
    def worst_payments(self) -> list[str]:
        """Payments with findings, worst first, each once."""
        # A payment may lie before the window in which its entry is found wrong.
        known = set(self.case.verdicts["payment_id"])
        named = self.findings["payment_id"].dropna().unique()
        return [str(payment) for payment in named if payment in known]

    @cached_property
    def focus(self) -> str | None:
        """The payment that the answers single out."""
        if self._payment_id:
            return self.case.payments_named([self._payment_id])[0]
        return self.worst_payments[0] if self.worst_payments else None

    @cached_property
    def focus_verdict(self) -> Row:
        """The verdict of that payment."""
        verdicts = self.case.verdicts
        return row_dicts(verdicts[verdicts["payment_id"] == self.focus])[0]

    @cached_property
    def focus_findings(self) -> list[Row]:
        """The findings of that payment, worst first."""
        return row_dicts(self.findings[self.findings["payment_id"] == self.focus])

    @cached_property
    def focus_payment(self) -> Row:
        """That payment's row of evidence."""
        rows = self.rows_of("payments", "payment_id", self.focus)
        return rows[0] if rows else {}

    @cached_property
    def focus_ledger(self) -> list[Row]:
        """That payment's ledger entries in order of time."""
        rows = self.rows_of("ledger", "payment_id", self.focus)
        return sorted(rows, key=lambda row: (str(row["created_at"]), row["entry_id"]))

    def booked_credits(self, user: str) -> int:
        """The sum of an account's entries, to the whole credit."""
        rows = self.rows_of("ledger", "user_id", user)
        billionths = sum(int(row["fraction"] or 0) for row in rows)
        return sum(int(row["delta"] or 0) for row in rows) + round(billionths / 10**9)

    @cached_property
    def explanation(self) -> Explanation:
        """The explanation of that payment."""
        return self.case.explain(self.focus or "")

    @cached_property
    def person_of(self) -> dict[str, str]:
        """Id to person, for ids that share one; any other id is its own person."""
        persons = self.case.persons
        return dict(zip(persons["user_id"], persons["person_id"], strict=True))

    @cached_property
    def ids(self) -> int:
        """How many user ids accounts, the ledger and bindings bear."""

        def named() -> ir.Table:
            tables = Tables()
            users, ledger = (one.select("user_id") for one in (tables.users, tables.ledger))
            both = users.union(ledger, distinct=True)
            return both.filter(both.user_id.notnull())

        return len(self.query(Recipe("report-ids", named)))

    @cached_property
    def by_finding(self) -> dict[str, int]:
        """Number of findings by their name."""
        counts = self.findings["finding"].value_counts()
        return {str(name): int(number) for name, number in counts.items()}

    @cached_property
    def at_stake(self) -> dict[str, int]:
        """Money at stake by currency, minor units: each payment once, however many findings."""
        return money_at_stake(self.findings)

    @cached_property
    def matters(self) -> pd.DataFrame:
        """Beside each finding its id, what it is part of and the money counted with it."""
        return matters(self.findings, self.catalogue, self.case.masked())

    @cached_property
    def traits(self) -> pd.DataFrame:
        """What wrong payments share more often than right ones, the surest first."""
        self.case.verdicts  # noqa: B018  # counted against the verdicts on the engine
        return find_shared_traits(self.case.evidence.engine)

    @property
    def judged_enough(self) -> bool:
        """Whether so much was judged that to have found nothing means something."""
        return self.case.judged.enough(self.case.settings.analysis.judged_at_least)

    @cached_property
    def notes(self) -> dict[str, Note]:
        """What people noted of incidents, by their ids."""
        return read_notes(self.case.settings.folder)

    @cached_property
    def accounts_hit(self) -> int:
        """Accounts that a finding names, as credited or as rightful."""
        return accounts_hit(self.findings)

    @cached_property
    def manual_by_user(self) -> dict[object, list[Row]]:
        """These entries by their account."""
        entries: dict[object, list[Row]] = {}
        for row in row_dicts(self.manual_entries):
            entries.setdefault(row["user_id"], []).append(row)
        return entries

    @cached_property
    def manual_entries(self) -> pd.DataFrame:
        """Ledger entries that people make: corrections, grants, transfers, reversals."""

        def by_hand() -> ir.Table:
            ledger = Tables().ledger
            return ledger.filter(ledger.kind.isin(_MANUAL_KINDS)).order_by("entry_id")

        return self.query(Recipe("report-manual-entries", by_hand))

    def count(self, *findings: str) -> int:
        """Number of findings of these names."""
        return sum(self.by_finding.get(name, 0) for name in findings)

    def query(self, expression: Query) -> pd.DataFrame:
        """Run a query over the evidence."""
        frame: pd.DataFrame = self.case.evidence.engine.frame(expression)
        return frame

    def matrix_of(self, payments: Sequence[str]) -> list[Row]:
        """The matrix's rows of some payments; the whole of it may be large."""
        matrix = self.case.judgement.matrix_query
        return row_dicts(self.case.evidence.engine.rows_with(matrix, "payment_id", payments))

    def rows_of(self, table: str, column: str, value: str | None) -> list[Row]:
        """The rows of an evidence table with one value in one column, each asked for once."""
        key = (table, column, value)
        if key not in self._rows:
            self._rows[key] = [] if value is None else self.rows_with(table, column, [value])
        return self._rows[key]

    def rows_with(self, table: str, column: str, values: Sequence[str]) -> list[Row]:
        """The rows of an evidence table with one of some values in one column."""
        rows = Recipe(f"table-{table}", spec(table).unbound)
        return row_dicts(self.case.evidence.engine.rows_with(rows, column, values))

    def user(self, user_id: object) -> Code:
        """A user id as the report shows it."""
        return Code(self.mask.user_id(user_id))

    def short_user(self, user_id: object) -> Markup:
        """A user id, shown as wide as a table's column is; it is there whole, to find and copy."""
        return ELEMENTS.cut(self.mask.user_id(user_id))

    def short_id(self, value: object) -> Markup:
        """Another id in the same way."""
        return ELEMENTS.cut(self.mask.text(value))

    def id(self, value: object) -> Code:
        """A payment's, event's or entry's id as the report shows it."""
        return Code(self.mask.text(value))

    def heading(self, section: str) -> Markup:
        """A section's heading, with the anchor that the contents link to."""
        folded = section in _BEGIN_FOLDED
        return ELEMENTS.heading(section, self.language.say(f"section.{section}"), folded)

    def paragraph(self, key: str, kind: str = "", **values: object) -> Markup:
        """A sentence of the report's language as a paragraph; its kind ``none`` says that there is
        nothing, for "nothing found" is a result.
        """
        return ELEMENTS.paragraph(self.language.html(key, **values), kind)
