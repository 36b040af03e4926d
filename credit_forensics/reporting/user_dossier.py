"""One user's dossier: the ids that are one person, their payments, ledger and findings."""

from __future__ import annotations

from markupsafe import Markup

from credit_forensics.case.case import Case
from credit_forensics.charts import timeline
from credit_forensics.records import row_dicts
from credit_forensics.reporting.blocks import Block
from credit_forensics.reporting.cells import Cells
from credit_forensics.reporting.elements import ELEMENTS
from credit_forensics.reporting.findings_section import findings_table
from credit_forensics.reporting.html_tables import TableColumn, html_table
from credit_forensics.reporting.incident_report import case_view
from credit_forensics.reporting.matters import money_at_stake
from credit_forensics.tables.catalogue import Tables

SHOWN_ROWS = 25
# The findings by which a payer lacks credits.
_LOST = ("wrong_user", "missing_credit", "missing_renewal", "credits_vanished")


class UserDossier:
    """Everything about one user: ids, payments, ledger and findings.

    Parameters
    ----------
    case
        the case.
    user_id
        the user; the one credited by the worst finding, failing that the first, without it.
    language, reveal
        as for ``IncidentReport``.
    """

    def __init__(
        self, case: Case, user_id: str = "", *, language: str = "en", reveal: bool = False
    ) -> None:
        self.view = case_view(case, language=language, reveal=reveal)
        self.user_id = user_id or self._somebody()
        person = self.view.person_of.get(self.user_id, self.user_id)
        ids = {user for user, of in self.view.person_of.items() if of == person}
        self.ids = sorted(ids | {self.user_id}) if self.user_id else []

    def summary(self) -> Block:
        """The ids that are this person, the stored balance and the ledger's sum of each."""
        view = self.view
        if not self.ids:
            return Block(view.paragraph("dossier.no_user", "none"))
        title = view.language.html("dossier.user", user=view.user(self.user_id))
        lines = [self._lost(), *self._got(), *map(self._balance, self.ids)]
        return Block(ELEMENTS.title(title), ELEMENTS.bullets(lines))

    def findings(self) -> Block:
        """Findings that name this person, as credited or as rightful."""
        found = self.view.findings
        named = found["credited_user_id"].isin(self.ids) | found["rightful_user_id"].isin(self.ids)
        return Block(self.view.heading("findings"), findings_table(self.view, found[named]))

    def payments(self) -> Block:
        """Payments that this person made, or whose credits this person holds."""
        view = self.view
        verdicts = view.verdicts
        mine = verdicts["credited_user_id"].isin(self.ids) | verdicts["rightful_user_id"].isin(
            self.ids
        )
        rows = verdicts[mine].merge(view.payments, on="payment_id").sort_values("created_at")
        keys = ("payment_id", "created_at", "verdict", "credited_user_id", "rightful_user_id")
        table = html_table(
            rows.head(SHOWN_ROWS),
            Cells(view).columns(*keys),
            caption=view.language.say("caption.payments"),
            language=view.language,
            total=len(rows),
        )
        head = view.heading("payments")
        if rows.empty:
            return Block(head, table)
        none = view.findings.head(0)
        return Block(head, table, timeline(rows, none, language=view.language.code))

    def ledger(self) -> Block:
        """This person's ledger entries, in order, with the running balance."""
        view, text = self.view, self.view.language.say
        ledger = Tables().ledger
        rows = view.query(
            ledger.filter(ledger.user_id.isin(self.ids or [""])).order_by(
                ["created_at", "entry_id"]
            )
        )
        rest = rows["fraction"].astype("float64").fillna(0).cumsum() / 10**9
        rows["running"] = rows["delta"].fillna(0).cumsum() + rest.round().astype("int64")
        cells = Cells(view)
        table = html_table(
            view.mask.frame(rows.tail(SHOWN_ROWS), "ledger").assign(
                running=rows["running"].tail(SHOWN_ROWS)
            ),
            [
                *cells.columns("entry_id", "created_at", "user_id"),
                TableColumn("kind", text("column.kind")),
                TableColumn("delta", text("column.credits"), number=True),
                TableColumn("running", text("column.running"), number=True),
                cells.column("payment_id"),
            ],
            caption=text("caption.ledger"),
            language=view.language,
            total=len(rows),
        )
        return Block(view.heading("ledger"), table)

    def _lost(self) -> Markup:
        """What this person paid for and does not have: on others' accounts, or nowhere."""
        found, view = self.view.findings, self.view
        elsewhere = found["finding"].isin(_LOST) & found["rightful_user_id"].isin(self.ids)
        lost = found[elsewhere & ~found["credited_user_id"].isin(self.ids)]
        lost = lost.drop_duplicates("payment_id")
        if lost.empty:
            return view.language.html("dossier.lost_none")
        sums = money_at_stake(lost)
        return view.language.html(
            "dossier.lost",
            credits=view.language.count("credit", int(lost["credits"].fillna(0).abs().sum())),
            payments=view.language.count("payment", len(lost)),
            money=f" ({view.language.amounts(sums)})" if sums else "",
        )

    def _got(self) -> list[Markup]:
        """What this person holds and another paid for."""
        found, view = self.view.findings, self.view
        held = (found["finding"] == "wrong_user") & found["credited_user_id"].isin(self.ids)
        got = found[held].drop_duplicates("payment_id")
        if got.empty:
            return []
        credits = int(got["credits"].fillna(0).abs().sum())
        return [
            view.language.html(
                "dossier.got",
                credits=view.language.count("credit", credits),
                payments=view.language.count("payment", len(got)),
            )
        ]

    def _balance(self, user: str) -> Markup:
        view = self.view
        stored = view.rows_of("balances", "user_id", user)
        return view.language.html(
            "answer.balance" if stored else "answer.balance_unread",
            user=view.user(user),
            stored=view.language.number(stored[0]["balance"] or 0) if stored else "",
            summed=view.language.number(view.booked_credits(user)),
        )

    def _somebody(self) -> str:
        for row in row_dicts(self.view.findings):
            user = row["rightful_user_id"] or row["credited_user_id"]
            if user:
                return str(user)
        users = self.view.query(Tables().users.order_by("user_id").limit(1))
        return str(users["user_id"].iloc[0]) if len(users) else ""
