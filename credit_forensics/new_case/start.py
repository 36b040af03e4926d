"""Begins a case: takes stock of a folder, infers what its case file has to say, and writes it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from credit_forensics.case_file import CaseFile
from credit_forensics.errors import CaseError
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.files.input_paths import STRIPE_KEYS
from credit_forensics.evidence.load import load_evidence
from credit_forensics.new_case.case_text import Section, case_text, toml_value
from credit_forensics.new_case.credits_of_prices import BookedCredits, credits_of_prices
from credit_forensics.new_case.found_databases import FoundDatabase, found_databases
from credit_forensics.new_case.inventory import Found, take_stock
from credit_forensics.new_case.ledger_lines import ledger_example, ledger_notes, tied_share
from credit_forensics.new_case.questions import Answer, Question
from credit_forensics.progress import Progress

API_KEY = "STRIPE_API_KEY"
SURE = 0.7


@dataclass
class NewCase:
    """A case file that was written: where, its text, what it rests on, and what is left to do.

    ``remarks`` are for the terminal: open questions and variables to set; ``pull`` is whether
    Stripe's objects have to be fetched before anything can be judged.
    """

    path: Path
    text: str
    stock: list[Found]
    databases: list[FoundDatabase]
    remarks: list[str] = field(default_factory=list)
    pull: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; no URL of a database, which may hold a password."""
        return {
            "path": str(self.path),
            "found": [
                {"name": f.name, "use": f.use, "words": f.words, "certainty": f.certainty}
                for f in self.stock
            ],
            "databases": [
                {"name": d.name, "words": d.words, "problem": d.problem} for d in self.databases
            ],
            "remarks": self.remarks,
            "pull": self.pull,
        }


def start_case(
    folder: Path,
    answer: Answer,
    *,
    out: Path | None = None,
    given: Sequence[str] = (),
    environment: Mapping[str, str] = os.environ,
    progress: Progress | None = None,
) -> NewCase:
    """Look at what lies in a folder and write the case file that fits it.

    Parameters
    ----------
    folder
        where exports, logs and databases lie.
    answer
        answers what cannot be told.
    out
        the file to write, in the folder; ``case.toml``. It must not be there.
    given
        URLs of databases (or ``env:NAME``), opened for reading only.
    environment
        looked at for ``STRIPE_API_KEY``, ``LEDGER_URL`` and ``DATABASE_URL``.

    Raises
    ------
    CaseError
        when the folder cannot be read or holds nothing of use, a database that is given cannot be
        opened, or the file is there already.
    """
    path = folder / "case.toml" if out is None else out
    if out is not None and out.parent == Path():
        path = folder / out
    if path.exists() or path.is_symlink():
        raise CaseError(f"{path} is there already, and is left as it is; --out names another file.")
    if path.resolve().parent != folder.resolve():
        raise CaseError(f"{path} is not in {folder}; the paths of a case file start where it lies.")
    try:
        stock = take_stock(folder)
    except OSError as error:
        raise CaseError(f"{folder} cannot be read: {error.strerror}.") from None
    draft = _Draft(folder, answer, environment, progress)
    case = NewCase(path, "", stock, found_databases(folder, stock, given, environment))
    draft.stripe(case)
    draft.logs(case)
    if draft.ledger(case):
        draft.prices(case)
    if not draft.settings and not case.pull:
        raise CaseError(
            f"{folder} holds no export of Stripe's, no log and no database that is known; put them "
            f"there, give --database, or set {API_KEY}."
        )
    case.text = case_text(folder.resolve().name, draft.sections)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(case.text)
    except OSError as error:
        raise CaseError(f"{path} cannot be written: {error.strerror}.") from None
    return case


class _Draft:
    """The case file on its way: its sections, and the settings that they amount to."""

    def __init__(
        self,
        folder: Path,
        answer: Answer,
        environment: Mapping[str, str],
        progress: Progress | None,
    ) -> None:
        self.sections: list[Section] = []
        self.settings: dict[str, Any] = {}
        self._folder, self._answer, self._environment = folder, answer, environment
        self._progress = progress
        self._evidence: Evidence | None = None

    def stripe(self, case: NewCase) -> None:
        """``[stripe]``: exports by their kinds, synced tables, the API."""
        section = self._section("stripe")
        values: dict[str, Any] = {}
        for key in STRIPE_KEYS:
            found = [one for one in case.stock if one.use == "stripe" and one.key == key]
            for one in found:
                _describe(section, one)
            if found:
                names = [one.name for one in found]
                values[key] = names[0] if len(names) == 1 else names
                section.set(key, values[key])
        synced = [one for one in case.databases if one.synced]
        if synced:
            chosen = self._one_of(case, section, "Stripe's objects", synced)
            if chosen:
                section.say(f"{chosen.name}: {chosen.words} (certainty 0.95)")
                section.set("database", chosen.url)
                values["database"] = chosen.opens
        if self._environment.get(API_KEY):
            self._api(case, section, alone=not values)
        if values:
            self.settings["stripe"] = values

    def _api(self, case: NewCase, section: Section, *, alone: bool) -> None:
        if alone:
            section.say(
                f"{API_KEY} is set, and no export lies here: credit-forensics pull fetches from "
                "Stripe's API, reading only. Without since it begins with the first object."
            )
            section.set("api_key", f"env:{API_KEY}")
            section.offer("since = 2025-08-01")
            case.pull = True
        else:
            section.say(f"{API_KEY} is set; credit-forensics pull would add what exports lack.")
            section.offer(f'api_key = "env:{API_KEY}"')

    def logs(self, case: NewCase) -> None:
        """``[webhook_log]``."""
        section = self._section("webhook_log")
        names: list[str] = []
        for one in case.stock:
            if one.use != "log":
                continue
            _describe(section, one)
            taken: int | None = 0
            if one.certainty < SURE:
                question = Question(
                    f"Is {one.name} a log of the webhook's handler? It looks like {one.words}.",
                    ("yes", "no"),
                    0 if one.certainty >= 0.5 else 1,
                )
                taken = self._ask(case, section, question)
                if taken is None:
                    section.offer(f"files = {one.name!r}")
            if taken == 0:
                names.append(one.name)
        if names:
            section.set("files", names[0] if len(names) == 1 else names)
            self.settings["webhook_log"] = {"files": names}

    def ledger(self, case: NewCase) -> bool:
        """``[ledger]``; whether the case can be loaded with it."""
        section = self._section("ledger")
        candidates = [one for one in case.databases if one.others and not one.problem]
        for one in case.databases:
            if one.problem:
                section.say(f"{one.name}: {one.problem}")
        for found in case.stock:
            if found.use == "none" and found.words.startswith("SQL"):
                section.say(f"{found.name}: {found.words}")
        billing = [found for found in case.stock if found.key == "credit_grants"]
        tables = [found for found in case.stock if found.use == "table"]
        if billing and (candidates or tables):
            section.say("Credit grants of Stripe Billing lie here too; to count them as well:")
            section.offer("[[ledgers]]\nstripe_billing = true")
        if tables and not candidates:
            return self._tables(case, section, tables)
        for found in tables:
            section.say(f"{found.name}: {found.words}; not read, for there is a database")
        chosen = self._one_of(case, section, "the credit ledger", candidates)
        if chosen is None:
            whole = self._load(case, None)
            if whole and self._evidence is not None and self._evidence.count("ledger"):
                section.say(
                    "The credit grants of Stripe Billing are read as the ledger, in minor units of "
                    "money. With the time of the export as until the last payments are judged too."
                )
                section.set("stripe_billing", True)
                section.offer("until = 2025-10-01T12:00:00Z")
                self.settings["ledger"] = {"stripe_billing": True}
            elif not candidates:
                section.say(
                    "No database was found. Without a ledger nobody can say who was credited; give "
                    "one with: credit-forensics init --database sqlite:///ledger.db"
                )
                section.offer('url = "sqlite:///ledger.db"')
            return whole
        if chosen.set_variable:
            case.remarks.append(
                f"Set {chosen.set_variable} to the database's URL before you go on."
            )
        whole = self._load(case, chosen)
        self._ledger_lines(case, section, chosen, whole=whole)
        return whole

    def _tables(self, case: NewCase, section: Section, tables: Sequence[Found]) -> bool:
        """A ledger of exported files; whether the case can be loaded with it."""
        files: dict[str, str] = {}
        for found in tables:
            stem = re.sub(r"\W+", "_", Path(found.name).stem).strip("_").lower() or "table"
            name = stem if stem not in files else f"{stem}_{len(files) + 1}"
            files[name] = found.name
            section.say(f"{found.name}: {found.words} (certainty {found.certainty:.2f})")
        if not self._load(case, files) or self._evidence is None:
            section.offer(f"files = {toml_value(files)}")
            return self._load(case, None)
        certainty, notes = ledger_notes(self._evidence)
        section.say(f"read together as a ledger (certainty {certainty:.2f})", *notes)
        example = ledger_example(self._evidence)
        if example:
            section.say(f"  example: {example}")
        section.set("files", files)
        self.settings["ledger"] = {"files": files}
        return True

    def _ledger_lines(
        self, case: NewCase, section: Section, chosen: FoundDatabase, *, whole: bool
    ) -> None:
        if whole and self._evidence is not None:
            certainty, notes = ledger_notes(self._evidence)
            section.say(f"{chosen.name}: {chosen.words} (certainty {certainty:.2f})")
            section.say(*notes)
            example = ledger_example(self._evidence)
            if example:
                section.say(f"  example: {example}")
        else:
            section.say(f"{chosen.name}: {chosen.words}")
        section.set("url", chosen.url)

    def _load(self, case: NewCase, ledger: FoundDatabase | dict[str, str] | None) -> bool:
        """Load the case as it is drafted; why it cannot be becomes a remark."""
        try:
            self._evidence = self._loaded(ledger)
        except CaseError as error:
            if not self.settings:
                return False
            case.remarks.append(f"Open: {error}")
            section = self.sections[-1]
            section.say("This is not settled yet:")
            section.offer(str(error))
            return False
        return True

    def _loaded(self, ledger: FoundDatabase | dict[str, str] | None) -> Evidence:
        settings = dict(self.settings)
        if isinstance(ledger, FoundDatabase):
            settings["ledger"] = {"url": ledger.opens, "schema": "auto"}
        elif ledger is not None:
            settings["ledger"] = {"files": ledger}
        case_file = CaseFile.model_validate({**settings, "folder": self._folder.resolve()})
        return load_evidence(case_file, self._progress)

    def prices(self, case: NewCase) -> None:
        """``[prices]``: what the ledger booked most often, where nothing else says it."""
        if self._evidence is None:
            return
        section = self._section("prices")
        for price in credits_of_prices(self._evidence):
            credits, times = price.counts[0]
            if price.by_amount:
                section.say(
                    f"{price.at_one_rate} of {price.payments} payments of {price.price_id} were "
                    "booked with credits that follow the money paid: no number is its worth, and "
                    "whether a payment brought too few or too many is not judged"
                )
                continue
            section.say(
                f"{times} of {price.payments} payments of {price.price_id} that the ledger names "
                f"were booked with {credits} (certainty {price.certainty:.2f})"
            )
            if not price.sold_for_credits:
                section.say(
                    f"the ledger names {price.payments} of its {price.paid} payments alone: it may "
                    "be no price of credits"
                )
            taken = 0 if price.sure else self._ask(case, section, _price_question(price))
            if taken is None:
                section.offer(f"{price.price_id} = {credits}")
            elif taken < len(price.counts):
                section.set(price.price_id, price.counts[taken][0])

    def _one_of(
        self, case: NewCase, section: Section, what: str, found: Sequence[FoundDatabase]
    ) -> FoundDatabase | None:
        """The one database that holds it: whose entries name payments, else the answer."""
        if len(found) < 2:
            return found[0] if found else None
        shares = [self._share(one) for one in found] if what == "the credit ledger" else []
        order = sorted(range(len(found)), key=lambda n: (-shares[n] if shares else 0, n))
        if shares and shares[order[0]] > 0 >= shares[order[1]]:
            section.say(f"of {len(found)} databases, the one whose entries name these payments")
            return found[order[0]]
        answers = [found[n] for n in order]
        question = Question(
            f"Which database holds {what}?", tuple(f"{a.name}: {a.words}" for a in answers)
        )
        taken = self._ask(case, section, question)
        if taken is None:
            for one in answers:
                section.offer(f'{"url" if shares else "database"} = "{one.url}"')
            return None
        return answers[taken]

    def _share(self, database: FoundDatabase) -> float:
        """How many of the payments the entries of a database name; -1 where it cannot be read."""
        try:
            return tied_share(self._loaded(database))
        except CaseError:
            return -1.0

    def _ask(self, case: NewCase, section: Section, question: Question) -> int | None:
        taken = self._answer(question)
        if taken is None:
            section.say(f"Question: {question.text}")
            case.remarks.append(f"Open: {question.text}")
        return taken

    def _section(self, name: str) -> Section:
        section = Section(name)
        self.sections.append(section)
        return section


def _price_question(price: BookedCredits) -> Question:
    numbers = tuple(str(credits) for credits, _ in price.counts[:4])
    return Question(
        f"How many credits is {price.price_id} worth?",
        (*numbers, "I do not know"),
        0 if price.likely else None,
    )


def _describe(section: Section, one: Found) -> None:
    section.say(f"{one.name}: {one.words} (certainty {one.certainty:.2f})")
    if one.example:
        section.say(f"  example: {one.example}")
