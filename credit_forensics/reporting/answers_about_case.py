"""The ten answers about the case as a whole; each function gives a sentence as HTML."""

from __future__ import annotations

from markupsafe import Markup

from credit_forensics.engines.recipes import Recipe
from credit_forensics.reporting.answers_about_payment import PERSON_FINDINGS
from credit_forensics.reporting.case_view import CaseView
from credit_forensics.reporting.corrections import open_corrections
from credit_forensics.reporting.in_short import apart_words
from credit_forensics.tables.catalogue import spec


def elsewhere(view: CaseView) -> Markup:
    """How many payments have their credits on another account than the payer's."""
    elsewhere = view.findings[view.findings["finding"].isin(PERSON_FINDINGS)]
    return view.language.html(
        "answer.elsewhere",
        elsewhere=view.language.number(elsewhere["payment_id"].nunique()),
        payments=view.language.count("payment", len(view.verdicts)),
    )


def booked(view: CaseView) -> Markup:
    """How many paid payments are booked, and which gates stopped the rest."""
    language = view.language
    paid = view.payments.loc[view.payments["payment_status"] == "paid", ["payment_id"]]
    rows = view.verdicts[["payment_id", "credited_user_id"]].merge(paid, on="payment_id")
    missing = view.findings[view.findings["finding"] == "missing_credit"]
    gates = [
        f"{language.number(int(number))} {language.name('cause', cause)}"
        for cause, number in missing["cause"].fillna("unknown").value_counts().items()
    ]
    stopped = language.say("answer.stopped", gates=language.list(gates)) if gates else ""
    return language.html(
        "answer.booked_case",
        booked=language.number(int(rows["credited_user_id"].notna().sum())),
        paid=language.number(len(rows)),
        stopped=stopped,
    )


def persons(view: CaseView) -> Markup:
    """How many ids make how many persons."""
    language = view.language
    persons = set(view.person_of.values())
    # An id that shares its person is counted with it, even where no account has it any more.
    ids = view.ids
    alone = max(ids - len(view.person_of), 0)
    return language.html(
        "answer.persons_case",
        ids=language.count("id", max(ids, len(view.person_of))),
        persons=language.count("person", alone + len(persons)),
        several=language.number(len(persons)),
    )


def families_case(view: CaseView) -> Markup:
    """How often families agree, contradict each other, or are too few."""
    language = view.language
    available = view.verdicts["families_available"].fillna(0)
    agreeing = view.verdicts["families_agreeing"].fillna(0)
    return language.html(
        "answer.families_case",
        agree=language.count("payment", int(((available >= 2) & (agreeing == available)).sum())),
        differ=language.number(int(((available >= 2) & (agreeing < available)).sum())),
        few=language.number(int((available < 2).sum())),
    )


def balances_case(view: CaseView) -> Markup:
    """How many stored balances differ from their ledger."""
    language = view.language
    read = len(view.query(Recipe("table-balances", spec("balances").unbound)))
    if view.count("balance_unreadable") or not read:
        return language.html("answer.balance_case_unreadable")
    drift = view.count("balance_drift")
    key = "drift" if drift else "usual" if "balances" in view.practices else "ok"
    return language.html(
        f"answer.balance_case_{key}",
        balances=language.count("balance", read),
        drift=language.number(drift),
    )


def kinds_case(view: CaseView) -> Markup:
    """Wrong persons, other ids of the same person, and ids without an account."""
    language = view.language
    return language.html(
        "answer.kinds_case",
        wrong=language.count("payment", view.count("wrong_user")),
        split=language.number(view.count("split_identity")),
        unknown=language.number(view.count("unknown_user")),
    )


def twice_case(view: CaseView) -> Markup:
    """Booked twice, without a payment, unpaid or in test mode."""
    language = view.language
    return language.html(
        "answer.twice_case",
        twice=language.count("payment", view.count("duplicate_credit")),
        orphan=language.count("entry", view.count("orphan_credit")),
        unpaid=language.number(view.count("unpaid_credit")),
        test=language.number(view.count("test_mode_credit")),
    )


def price_case(view: CaseView) -> Markup:
    """How many payments differ from their price, but for what the shop does by practice."""
    wrong = view.count("wrong_amount")
    key = "wrong" if wrong else "usual" if "prices" in view.practices else "ok"
    return view.language.html(
        f"answer.price_case_{key}", wrong=view.language.count("payment", wrong)
    )


def hit_case(view: CaseView) -> Markup:
    """How many accounts are hit, and what the wrong payments share."""
    language = view.language
    if view.findings.empty:
        return language.html("answer.hit_none")
    return language.html(
        "answer.hit_case",
        accounts=language.count("account", view.accounts_hit),
        findings=language.count("finding", len(view.findings)),
        shared=apart_words(view, "answer.hit_shared"),
    )


def corrections_case(view: CaseView) -> Markup:
    """How many corrections are open, over how many credits."""
    language = view.language
    number, credits = open_corrections(view)
    if not number:
        return language.html("answer.corrections_case_none")
    return language.html(
        "answer.corrections_case",
        corrections=language.count("correction", number),
        credits=language.count("credit", credits),
    )
