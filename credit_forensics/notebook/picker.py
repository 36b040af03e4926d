"""Picks a payment: a searchable list of the worst payments that drives the dossier."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pandas as pd
from IPython.display import display

from credit_forensics.case.case import Case
from credit_forensics.extras import how_to_install, installed, load
from credit_forensics.notebook.elements import ELEMENTS
from credit_forensics.notebook.live import live_shell
from credit_forensics.records import row_dicts
from credit_forensics.reporting.payment_dossier import PaymentDossier

SHOWN = 200
_SECTIONS = ("summary", "history", "claims", "related")


def choose_payment(
    case: Case, payment_id: str = "", *, language: str = "en", reveal: bool = False
) -> PaymentDossier | PickedDossier:
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
    if live_shell() is None:
        return dossier
    if not installed("ipywidgets"):
        print(how_to_install("ipywidgets"), "Until then, set payment_id in the parameters' cell.")
        return dossier
    picked = PickedDossier(case, dossier, language=language, reveal=reveal)
    display(picked.picker)
    return picked


class PickedDossier:
    """A dossier whose sections are widgets, written anew when another payment is picked.

    Attributes
    ----------
    picker
        the search field above the list, as one widget.
    dossier
        the dossier of the payment that is picked.
    """

    def __init__(
        self, case: Case, dossier: PaymentDossier, *, language: str = "en", reveal: bool = False
    ) -> None:
        widgets = load("ipywidgets")
        self._case, self._language, self._reveal = case, language, reveal
        self.dossier = dossier
        self._found = found_payments(dossier)
        self._others = other_payments(dossier, self._found)
        self._sections: dict[str, Any] = {}
        wide = widgets.Layout(width="100%", max_width="56rem")
        narrow = {"description_width": "5rem"}
        self._search = widgets.Text(
            description="Search",
            placeholder="part of a payment's id, a finding, a severity",
            layout=wide,
            style=narrow,
        )
        self._list = widgets.Select(
            description="Payment", rows=8, layout=wide, style=narrow, options=self._options("")
        )
        self._count = widgets.HTML()
        self.picker = widgets.VBox([self._search, self._list, self._count])
        self._list.value = self.payment_id or None
        self._say_count()
        self._search.observe(self._searched, "value")
        self._list.observe(self._picked, "value")

    @property
    def payment_id(self) -> str:
        """The payment that is picked."""
        return self.dossier.payment_id

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

    def pick(self, payment_id: str) -> None:
        """Show another payment in every section.

        Raises
        ------
        CaseError
            when the case has no such payment.
        """
        self.dossier = PaymentDossier(
            self._case, payment_id, language=self._language, reveal=self._reveal
        )
        for name in self._sections:
            self._write(name)

    def _section(self, name: str) -> Any:
        widgets = load("ipywidgets")
        if name not in self._sections:
            self._sections[name] = widgets.Output()
            self._write(name)
        return self._sections[name]

    def _write(self, name: str) -> None:
        block = getattr(self.dossier, name)()
        self._sections[name].outputs = tuple(
            {"output_type": "display_data", "data": bundle, "metadata": {}}
            for bundle in block.bundles()
        )

    def _options(self, wanted: str) -> list[tuple[str, str]]:
        words = wanted.casefold().split()
        found = [
            payment
            for payment, line in self._found.items()
            if all(word in line.casefold() for word in words)
        ][:SHOWN]
        if len(found) < SHOWN:
            others = self._others
            for word in words:
                others = others[others.str.casefold().str.contains(word, regex=False)]
            found += others.head(SHOWN - len(found)).tolist()
        if self.payment_id and self.payment_id not in found:
            # The one that is shown stays, or the list would name another one than the sections.
            found.insert(0, self.payment_id)
        text = self.dossier.view.mask.text
        return [(self._found.get(payment, text(payment)), payment) for payment in found]

    def _searched(self, change: dict[str, Any]) -> None:
        current = self.payment_id
        self._list.unobserve(self._picked, "value")
        self._list.options = self._options(str(change["new"]))
        self._list.value = current or None
        self._list.observe(self._picked, "value")
        self._say_count()

    def _picked(self, change: dict[str, Any]) -> None:
        if change["new"] and change["new"] != self.payment_id:
            self.pick(str(change["new"]))

    def _say_count(self) -> None:
        shown, total = len(self._list.options), len(self._found) + len(self._others)
        counted = f"{shown:,} of {total:,} payments, the worst first"
        self._count.value = str(ELEMENTS.note(counted))


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
            view.mask.text(row["payment_id"]),
        ]
        lines[str(row["payment_id"])] = " · ".join(part for part in parts if part)
    return lines


def other_payments(dossier: PaymentDossier, found: Collection[str]) -> pd.Series:
    """The ids of the other payments: too many to write a line for each."""
    ids = dossier.view.verdicts["payment_id"]
    return ids[~ids.isin(list(found))]
