"""Picks a payment or an account: a list that is searched, and drives a dossier's sections."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from IPython.display import display

from credit_forensics.case.case import Case
from credit_forensics.extras import how_to_install, installed, load
from credit_forensics.notebook.elements import ELEMENTS
from credit_forensics.notebook.entities import Entity
from credit_forensics.notebook.find import Finder
from credit_forensics.notebook.live import live_shell
from credit_forensics.notebook.pivot import Pivot
from credit_forensics.records import row_dicts
from credit_forensics.reporting.case_view import CaseView
from credit_forensics.reporting.payment_dossier import PaymentDossier
from credit_forensics.reporting.user_dossier import UserDossier

SHOWN = 200


def choose_payment(
    case: Case, payment_id: str = "", *, language: str = "en", reveal: bool = False
) -> PaymentDossier | PickedPayment:
    """The dossier of a payment, with a list to pick another one from.

    Parameters
    ----------
    case
        the case.
    payment_id
        the payment to begin with; the worst one without it.
    language, reveal
        as for ``IncidentReport``.

    Returns
    -------
    In JupyterLab, with ipywidgets, a dossier whose sections follow the list; elsewhere, as in a
    report, the dossier of that payment.

    Raises
    ------
    CaseError
        when the case has no such payment.
    """
    dossier = PaymentDossier(case, payment_id, language=language, reveal=reveal)
    if not _can_pick("payment_id"):
        return dossier
    picked = PickedPayment(case, dossier)
    display(picked.picker)
    return picked


def choose_user(
    case: Case, user_id: str = "", *, language: str = "en", reveal: bool = False
) -> UserDossier | PickedUser:
    """The dossier of a user, with a list to pick another one from: see ``choose_payment``."""
    dossier = UserDossier(case, user_id, language=language, reveal=reveal)
    if not _can_pick("user_id"):
        return dossier
    picked = PickedUser(case, dossier)
    display(picked.picker)
    return picked


class _Picked(ABC):
    """A dossier whose sections are widgets, written anew when another one is picked.

    Attributes
    ----------
    picker
        the search field, the list, and where one can go from what is picked, as one widget.
    dossier
        the dossier of what is picked.
    """

    kind = ""

    def __init__(self, case: Case, dossier: Any) -> None:
        widgets = load("ipywidgets")
        self._case, self.dossier = case, dossier
        self._view: CaseView = dossier.view
        self._find = Finder(self._view)
        self._sections: dict[str, Any] = {}
        self._lines = self._worst()
        self._total = self._number()
        say = self._view.language.say
        wide = widgets.Layout(width="100%", max_width="56rem")
        narrow = {"description_width": "5rem"}
        self._search = widgets.Text(
            description=say("picker.search"),
            placeholder=say(f"picker.{self.kind}s"),
            layout=wide,
            style=narrow,
        )
        self._list = widgets.Select(
            description=say(f"picker.{self.kind}"), rows=8, layout=wide, style=narrow
        )
        self._count = widgets.HTML()
        self._pivot = Pivot(case, self._view, self._went)
        self.picker = widgets.VBox([self._search, self._list, self._count, self._pivot.widget])
        self._offering = False
        self._offer("")
        self._pivot.start(self._entity())
        self._list.observe(self._chosen, "value")
        self._search.observe(lambda change: self._offer(str(change["new"])), "value")

    @property
    @abstractmethod
    def picked(self) -> str:
        """The id of what is picked; empty where the case has none."""

    def pick(self, id_: str) -> None:
        """Show another one in every section.

        Raises
        ------
        CaseError
            when the case has none of this id.
        """
        self.dossier = self._opened(id_)
        self._pivot.start(self._entity())
        for name in self._sections:
            self._write(name)

    @abstractmethod
    def _opened(self, id_: str) -> Any:
        """The dossier of another one."""

    @abstractmethod
    def _worst(self) -> dict[str, str]:
        """The ids of those with findings, the worst first, each with its line in the list."""

    @abstractmethod
    def _number(self) -> int:
        """How many there are in all."""

    @abstractmethod
    def _found(self, words: Sequence[str]) -> list[str]:
        """The ids that all words fit, those with findings first."""

    @abstractmethod
    def _shown_id(self, id_: str) -> str:
        """An id as it is shown."""

    def _entity(self) -> Entity | None:
        return Entity(self.kind, self.picked) if self.picked else None

    def _went(self, entity: Entity) -> None:
        """Another one of the list's own kind is picked there too."""
        if entity.kind == self.kind and entity.id != self.picked:
            self.dossier = self._opened(entity.id)
            for name in self._sections:
                self._write(name)
            self._offer(self._search.value)

    def _section(self, name: str) -> Any:
        if name not in self._sections:
            self._sections[name] = load("ipywidgets").Output()
            self._write(name)
        return self._sections[name]

    def _write(self, name: str) -> None:
        block = getattr(self.dossier, name)()
        self._sections[name].outputs = tuple(
            {"output_type": "display_data", "data": bundle, "metadata": {}}
            for bundle in block.bundles()
        )

    def _offer(self, wanted: str) -> None:
        """List what a search finds; what is shown stays, or the list would name another one."""
        found = self._found(wanted.split())
        listed = found if self.picked in found or not self.picked else [self.picked, *found]
        # New options pick the first of them by themselves, which nobody meant.
        self._offering = True
        try:
            lines = [(self._lines.get(one, self._shown_id(one)), one) for one in listed]
            self._list.options = lines
            self._list.value = self.picked or None
        finally:
            self._offering = False
        language = self._view.language
        counted = language.say("picker.none")
        if found:
            counted = language.say(
                "picker.shown",
                shown=language.number(len(found)),
                total=language.count(self.kind, self._total),
            )
        self._count.value = str(ELEMENTS.note(counted))

    def _chosen(self, change: dict[str, Any]) -> None:
        if not self._offering and change["new"] and change["new"] != self.picked:
            self.pick(str(change["new"]))


class PickedPayment(_Picked):
    """A payment's dossier that follows the list: see ``PaymentDossier``."""

    kind = "payment"
    dossier: PaymentDossier

    @property
    def picked(self) -> str:
        """The payment that is picked."""
        return self.dossier.payment_id

    @property
    def payment_id(self) -> str:
        """The payment that is picked."""
        return self.picked

    def summary(self) -> Any:
        """Its verdict and its findings."""
        return self._section("summary")

    def history(self) -> Any:
        """What happened to it, in order: Stripe, the log and the ledger."""
        return self._section("history")

    def claims(self) -> Any:
        """Whom each method names, and the weight of each family's voice."""
        return self._section("claims")

    def related(self) -> Any:
        """Other payments of the same card, customer and person, with their verdicts."""
        return self._section("related")

    def _opened(self, id_: str) -> PaymentDossier:
        view = self._view
        return PaymentDossier(self._case, id_, language=view.language.code, reveal=view.mask.reveal)

    def _worst(self) -> dict[str, str]:
        return found_payments(self.dossier)

    def _number(self) -> int:
        return len(self._view.verdicts)

    def _found(self, words: Sequence[str]) -> list[str]:
        folded = {payment: line.casefold() for payment, line in self._lines.items()}
        said = [[p for p, line in folded.items() if word.casefold() in line] for word in words]
        fit = set(self._find.payments(words, said, among=self._lines))
        worst = [payment for payment in self._lines if payment in fit]
        others = self._find.payments(words, said, most=SHOWN)
        return [*worst, *(payment for payment in others if payment not in self._lines)][:SHOWN]

    def _shown_id(self, id_: str) -> str:
        return self._view.mask.text(id_)


class PickedUser(_Picked):
    """A user's dossier that follows the list: see ``UserDossier``."""

    kind = "account"
    dossier: UserDossier

    @property
    def picked(self) -> str:
        """The account that is picked."""
        return self.dossier.user_id

    def summary(self) -> Any:
        """The ids that are this person, what was lost, and the balances."""
        return self._section("summary")

    def findings(self) -> Any:
        """Findings that name this person, as credited or as rightful."""
        return self._section("findings")

    def payments(self) -> Any:
        """Payments that this person made, or whose credits this person holds."""
        return self._section("payments")

    def ledger(self) -> Any:
        """This person's ledger entries, in order, with the running balance."""
        return self._section("ledger")

    def _opened(self, id_: str) -> UserDossier:
        view = self._view
        return UserDossier(self._case, id_, language=view.language.code, reveal=view.mask.reveal)

    def _worst(self) -> dict[str, str]:
        language, findings = self._view.language, self._view.findings
        lines: dict[str, str] = {}
        for role, column in (("lost", "rightful_user_id"), ("got", "credited_user_id")):
            rows = findings.dropna(subset=[column]).drop_duplicates(column)
            for row in row_dicts(rows[rows["finding"] == "wrong_user"]):
                user = str(row[column])
                word = language.name("role", role)
                lines.setdefault(user, f"{word} · {self._shown_id(user)}")
        return lines

    def _number(self) -> int:
        return self._view.ids

    def _found(self, words: Sequence[str]) -> list[str]:
        fit = set(self._find.accounts(words, among=self._lines))
        worst = [user for user in self._lines if user in fit]
        others = self._find.accounts(words, most=SHOWN)
        return [*worst, *(user for user in others if user not in self._lines)][:SHOWN]

    def _shown_id(self, id_: str) -> str:
        return self._view.mask.user_id(id_)


def found_payments(dossier: PaymentDossier) -> dict[str, str]:
    """Payments with findings, the worst first, each with its line in the list."""
    view = dossier.view
    known = set(view.verdicts["payment_id"])
    lines: dict[str, str] = {}
    named = view.findings.dropna(subset=["payment_id"]).drop_duplicates("payment_id")
    for row in row_dicts(named[named["payment_id"].isin(known)]):
        money = ""
        if row["amount"] is not None and row["currency"]:
            money = view.language.money(int(row["amount"]), str(row["currency"]))
        parts = [
            view.language.name("severity", row["severity"]),
            view.language.name("finding", row["finding"]),
            money,
            view.language.day(row["created_at"]),
            view.mask.text(row["payment_id"]),
        ]
        lines[str(row["payment_id"])] = " · ".join(part for part in parts if part)
    return lines


def _can_pick(parameter: str) -> bool:
    """Whether a person looks who can pick; one who lacks the widgets is told."""
    if live_shell() is None:
        return False
    if not installed("ipywidgets"):
        print(how_to_install("ipywidgets"), f"Until then, set {parameter} in the parameters' cell.")
        return False
    return True
