"""Answers the ten questions of an incident in plain sentences with numbers."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import ibis
import pandas as pd

from credit_forensics.evidence.tables import Tables
from credit_forensics.reporting.case_view import CaseView
from credit_forensics.reporting.corrections import correction_of, open_corrections
from credit_forensics.reporting.evidence_sections import NOBODY
from credit_forensics.reporting.html_tables import Row
from credit_forensics.reporting.language import Code, Html, as_html

_LONGEST = 40
_VERSION = re.compile(r"[\w.+\-]{1,40}\Z", re.ASCII)
# The name under which the engine is told which payments are meant.
_CHOSEN = "_report_payments"
_PERSON_FINDINGS = ("wrong_user", "split_identity", "unknown_user")


@dataclass(frozen=True)
class Answer:
    """A question, the answer about the payment singled out, and about the case as a whole."""

    question: str
    focus: Html
    case: Html


def ten_answers(view: CaseView) -> list[Answer]:
    """The ten questions of an incident, answered in order."""
    pairs: tuple[tuple[Callable[[CaseView], str], Callable[[CaseView], str]], ...] = (
        (_where_now, _elsewhere),
        (_gate, _booked),
        (_payer, _persons),
        (_families, _families_case),
        (_balance, _balances_case),
        (_kind, _kinds_case),
        (_grants, _twice_case),
        (_price, _price_case),
        (_version, _hit_case),
        (_correction, _corrections_case),
    )
    return [
        Answer(
            view.language.say(f"question.{number}"),
            Html(about_focus(view) if view.focus else ""),
            Html(about_case(view)),
        )
        for number, (about_focus, about_case) in enumerate(pairs, 1)
    ]


def answers_html(view: CaseView) -> Html:
    """The ten answers as a list of cards."""
    say = view.language.html
    if view.focus:
        key = "answers.focus_chosen" if view.chosen else "answers.focus"
        lead = say(key, payment=view.id(view.focus))
    else:
        lead = say("answers.no_focus")
    cards = []
    for number, answer in enumerate(ten_answers(view), 1):
        focus = f'<p class="answer">{answer.focus}</p>' if answer.focus else ""
        style = "about-case" if answer.focus else "answer"
        cards.append(
            f'<li><h3><span class="q">{number}</span> {as_html(answer.question)}</h3>'
            f'{focus}<p class="{style}">{answer.case}</p></li>'
        )
    return Html(
        f'<h2 id="answers">{say("section.answers")}</h2><p class="lead">{lead}</p>'
        f'<ol class="answers">{"".join(cards)}</ol>'
    )


def _where_now(view: CaseView) -> str:
    say, payment = view.language.html, view.id(view.focus)
    held: dict[str, int] = defaultdict(int)
    for row in view.focus_ledger:
        held[str(row["user_id"])] += int(row["delta"] or 0)
    holders = {user: credits for user, credits in held.items() if credits > 0}
    if not holders:
        return say("answer.held_none", payment=payment)
    total = view.language.count("credit", sum(holders.values()))
    if len(holders) == 1:
        return say("answer.held", credits=total, payment=payment, holders=view.user(*holders))
    each = [
        say("answer.holder", user=view.user(user), credits=view.language.number(credits))
        for user, credits in sorted(holders.items())
    ]
    listed = Html(view.language.list(each))
    return say("answer.held", credits=total, payment=payment, holders=listed)


def _elsewhere(view: CaseView) -> str:
    elsewhere = view.findings[view.findings["finding"].isin(_PERSON_FINDINGS)]
    return view.language.html(
        "answer.elsewhere",
        elsewhere=view.language.number(elsewhere["payment_id"].nunique()),
        payments=view.language.count("payment", len(view.verdicts)),
    )


def _gate(view: CaseView) -> str:
    language, payment = view.language, view.id(view.focus)
    deliveries = view.rows_of("deliveries", "payment_id", view.focus)
    events = view.rows_of("events", "payment_id", view.focus)
    entries = [row for row in view.focus_ledger if (row["delta"] or 0) > 0]
    event = next(
        (str(r["event_id"]) for r in [*entries, *deliveries, *events] if r["event_id"]), None
    )
    event_text = view.id(event) if event else language.say("answer.no_event")
    if entries:
        booked = language.time(entries[0]["created_at"])
        if not deliveries:
            return language.html("answer.gates_booked_unlogged", payment=payment, booked=booked)
        verified = any(row["signature_valid"] for row in deliveries)
        return language.html(
            "answer.gates_passed",
            payment=payment,
            event=event_text,
            deliveries=language.count("delivery", len(deliveries)),
            signature=language.say(
                "answer.signature_ok" if verified else "answer.signature_untold"
            ),
            booked=booked,
        )
    if view.focus_payment.get("payment_status") not in ("paid", None):
        return language.html("answer.gate_not_paid", payment=payment)
    gate = _stopping_gate(view, deliveries)
    outcome = str(deliveries[-1]["outcome"]) if deliveries else "–"
    return language.html(
        f"answer.gate_{gate}", payment=payment, event=event_text, outcome=view.mask.text(outcome)
    )


def _stopping_gate(view: CaseView, deliveries: list[Row]) -> str:
    causes = [f["cause"] for f in view.focus_findings if f["finding"] == "missing_credit"]
    if causes and causes[0] in ("not_delivered", "signature_refused", "resolution_failed"):
        return str(causes[0])
    if not deliveries:
        covered = any(
            row["source"] == "deliveries" and row["row_count"]
            for row in view.rows_of("coverage", "source", "deliveries")
        )
        return "not_delivered" if covered else "unlogged"
    if any(row["outcome"] == "resolution_failed" for row in deliveries):
        return "resolution_failed"
    if all(row["signature_valid"] is False for row in deliveries):
        return "signature_refused"
    return "not_booked"


def _booked(view: CaseView) -> str:
    language = view.language
    paid = set(view.payments.loc[view.payments["payment_status"] == "paid", "payment_id"])
    rows = view.verdicts[view.verdicts["payment_id"].isin(paid)]
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


def _payer(view: CaseView) -> str:
    language, payment = view.language, view.id(view.focus)
    rightful = view.focus_verdict["rightful_user_id"]
    credited = view.focus_verdict["credited_user_id"]
    if not rightful:
        return language.html("answer.payer_unknown", payment=payment)
    person = view.person_of.get(rightful, rightful)
    scores = view.explanation.scores
    probability = scores.loc[scores["person_id"] == person, "probability"]
    if len(probability):
        text = language.html(
            "answer.paid_by",
            payment=payment,
            rightful=view.user(rightful),
            probability=language.percent(float(probability.iloc[0])),
        )
    else:
        text = language.html("answer.paid_by_plain", payment=payment, rightful=view.user(rightful))
    if credited and credited != rightful:
        same = view.person_of.get(credited, credited) == person
        key = "answer.one_person" if same else "answer.two_persons"
        text += " " + language.html(key, rightful=view.user(rightful), credited=view.user(credited))
    return text


def _persons(view: CaseView) -> str:
    language = view.language
    persons = set(view.person_of.values())
    # An id that shares its person is counted with it, even where no account bears it any more.
    ids = view.ids
    alone = max(ids - len(view.person_of), 0)
    return language.html(
        "answer.persons_case",
        ids=language.count("id", max(ids, len(view.person_of))),
        persons=language.count("person", alone + len(persons)),
        several=language.number(len(persons)),
    )


def _families(view: CaseView) -> str:
    language, payment = view.language, view.id(view.focus)
    named: dict[str, list[str]] = defaultdict(list)
    for bar in view.explanation.bars.to_dict("records"):
        if bar["weight"] > 0 and bar["person_id"] != NOBODY:
            named[str(bar["person_id"])].append(language.name("family", bar["family"]))
    if not named:
        return language.html("answer.no_family", payment=payment)
    said = [
        language.html(
            "answer.voice" if len(families) == 1 else "answer.voices",
            families=language.list(sorted(families)),
            person=view.user(person),
        )
        for person, families in sorted(named.items(), key=lambda item: (-len(item[1]), item[0]))
    ]
    speaking = {family for families in named.values() for family in families}
    return language.html(
        "answer.families",
        payment=payment,
        families=language.count("family", len(speaking)),
        voices=Html("; ".join(said)),
    )


def _families_case(view: CaseView) -> str:
    language = view.language
    available = view.verdicts["families_available"].fillna(0)
    agreeing = view.verdicts["families_agreeing"].fillna(0)
    return language.html(
        "answer.families_case",
        agree=language.count("payment", int(((available >= 2) & (agreeing == available)).sum())),
        differ=language.number(int(((available >= 2) & (agreeing < available)).sum())),
        few=language.number(int((available < 2).sum())),
    )


def _balance(view: CaseView) -> str:
    users = [view.focus_verdict["rightful_user_id"], view.focus_verdict["credited_user_id"]]
    sentences = []
    for user in dict.fromkeys(user for user in users if user):
        stored = view.rows_of("balances", "user_id", user)
        deltas = [int(row["delta"] or 0) for row in view.rows_of("ledger", "user_id", user)]
        key = "answer.balance" if stored else "answer.balance_unread"
        sentences.append(
            view.language.html(
                key,
                user=view.user(user),
                stored=view.language.number(stored[0]["balance"] or 0) if stored else "",
                summed=view.language.number(sum(deltas)),
            )
        )
    return " ".join(sentences)


def _balances_case(view: CaseView) -> str:
    language = view.language
    read = len(view.query(Tables().balances))
    if view.count("balance_unreadable") or not read:
        return language.html("answer.balance_case_unreadable")
    drift = view.count("balance_drift")
    key = "answer.balance_case_drift" if drift else "answer.balance_case_ok"
    return language.html(
        key, balances=language.count("balance", read), drift=language.number(drift)
    )


def _kind(view: CaseView) -> str:
    language, payment = view.language, view.id(view.focus)
    for finding in view.focus_findings:
        name = finding["finding"]
        if name in _PERSON_FINDINGS:
            cause = language.name("cause", finding["cause"])
            return language.html(
                f"answer.kind_{name}", payment=payment, cause=f" ({cause})" if cause else ""
            )
    if view.focus_findings:
        name = language.name("finding", view.focus_findings[0]["finding"])
        return language.html("answer.kind_other", payment=payment, finding=name)
    verdict = view.focus_verdict["verdict"]
    if verdict == "confirmed":
        return language.html("answer.kind_none", payment=payment)
    return language.html(
        "answer.kind_unsure", payment=payment, verdict=language.name("verdict", verdict)
    )


def _kinds_case(view: CaseView) -> str:
    language = view.language
    return language.html(
        "answer.kinds_case",
        wrong=language.count("payment", view.count("wrong_user")),
        split=language.number(view.count("split_identity")),
        unknown=language.number(view.count("unknown_user")),
    )


def _grants(view: CaseView) -> str:
    grants = sum(
        1 for row in view.focus_ledger if row["kind"] == "purchase" and (row["delta"] or 0) > 0
    )
    key = {0: "answer.grant_never", 1: "answer.grant_once"}.get(grants, "answer.grants")
    return view.language.html(key, payment=view.id(view.focus), grants=view.language.number(grants))


def _twice_case(view: CaseView) -> str:
    language = view.language
    return language.html(
        "answer.twice_case",
        twice=language.count("payment", view.count("duplicate_credit")),
        orphan=language.count("entry", view.count("orphan_credit")),
        unpaid=language.number(view.count("unpaid_credit")),
        test=language.number(view.count("test_mode_credit")),
    )


def _price(view: CaseView) -> str:
    language, payment = view.language, view.id(view.focus)
    expected = view.focus_payment.get("expected_credits")
    if expected is None:
        return language.html("answer.price_unknown", payment=payment)
    granted = sum(int(r["delta"] or 0) for r in view.focus_ledger if r["kind"] == "purchase")
    return language.html(
        "answer.price",
        payment=payment,
        granted=language.count("credit", granted),
        expected=language.number(int(expected)),
    )


def _price_case(view: CaseView) -> str:
    wrong = view.count("wrong_amount")
    key = "answer.price_case" if wrong else "answer.price_case_ok"
    return view.language.html(key, wrong=view.language.count("payment", wrong))


def _version(view: CaseView) -> str:
    language, payment = view.language, view.id(view.focus)
    deliveries = view.rows_of("deliveries", "payment_id", view.focus)
    facts = [
        language.html("answer.version_handler", method=Code(view.mask.text(method)))
        for method in sorted({str(row["method"]) for row in deliveries if row["method"]})
    ]
    for row in view.rows_of("metadata", "payment_id", view.focus):
        if "version" in str(row["key"]) and _VERSION.match(str(row["value"])):
            facts.append(_key_fact(view, str(row["key"]), str(row["value"])))
    if not facts:
        return language.html("answer.version_unknown", payment=payment)
    listed = Html(language.list(list(dict.fromkeys(facts))))
    return language.html("answer.version", payment=payment, facts=listed)


def _hit_case(view: CaseView) -> str:
    language = view.language
    if view.findings.empty:
        return language.html("answer.hit_none")
    shared = Html("")
    fact = _shared_fact(view)
    if fact:
        share, text = fact
        shared = Html(
            language.html(
                "answer.hit_shared",
                share=language.percent(share, 0),
                kind=language.name("finding", view.findings["finding"].iloc[0]),
                fact=text,
            )
        )
    return language.html(
        "answer.hit_case",
        accounts=language.count("account", view.accounts_hit),
        findings=language.count("finding", len(view.findings)),
        shared=shared,
    )


def _shared_fact(view: CaseView) -> tuple[float, Html] | None:
    """The version or handler method that most payments of the worst finding's kind have."""
    kind = view.findings["finding"].iloc[0]
    payments = view.findings.loc[view.findings["finding"] == kind, "payment_id"].dropna().unique()
    if not len(payments):
        return None
    # Counted where the evidence is: it may hold many more rows than a report should fetch.
    view.case.evidence.engine.register(_CHOSEN, pd.DataFrame({"payment_id": payments}))
    chosen = ibis.table({"payment_id": "string"}, name=_CHOSEN)
    tables = Tables()
    versions = tables.metadata.filter(
        tables.metadata.key.contains("version") & (tables.metadata.value.length() <= _LONGEST)
    ).select("payment_id", "key", "value")
    methods = tables.deliveries.filter(tables.deliveries.method.notnull()).select(
        "payment_id", key=ibis.literal(""), value=tables.deliveries.method
    )
    facts = versions.union(methods).semi_join(chosen, "payment_id").distinct()
    counts = view.query(facts.group_by(["key", "value"]).agg(number=facts.count()))
    counts = counts[counts["value"].astype(str).str.match(_VERSION)]
    if counts.empty:
        return None
    best = counts.sort_values(["number", "key", "value"], ascending=[False, False, True]).iloc[0]
    key, value = best["key"], best["value"]
    text = (
        _key_fact(view, str(key), str(value))
        if key
        else view.language.html("answer.version_handler", method=Code(view.mask.text(value)))
    )
    return int(best["number"]) / len(payments), Html(text)


def _key_fact(view: CaseView, key: str, value: str) -> str:
    return view.language.html(
        "answer.version_key", key=Code(view.mask.text(key)), value=Code(view.mask.text(value))
    )


def _correction(view: CaseView) -> str:
    language, payment = view.language, view.id(view.focus)
    needed = [correction_of(view, finding) for finding in view.focus_findings]
    sentences = []
    for correction in needed:
        if correction is None:
            continue
        finding = correction.finding
        what = language.html(
            correction.key,
            credits=language.count("credit", abs(int(finding["credits"] or 0))),
            credited=view.user(finding["credited_user_id"] or "–"),
            rightful=view.user(finding["rightful_user_id"] or "–"),
            payment=payment,
        )
        done = "answer.applied" if correction.entries else "answer.not_applied"
        entries = [as_html(view.id(entry)) for entry in correction.entries]
        sentences.append(language.html(done, what=Html(what), entries=Html(language.list(entries))))
    if not sentences:
        return language.html("answer.correct_none", payment=payment)
    return " ".join(dict.fromkeys(sentences))


def _corrections_case(view: CaseView) -> str:
    language = view.language
    number, credits = open_corrections(view)
    if not number:
        return language.html("answer.corrections_case_none")
    return language.html(
        "answer.corrections_case",
        corrections=language.count("correction", number),
        credits=language.count("credit", credits),
    )
