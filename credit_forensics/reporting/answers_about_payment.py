"""The ten answers about one payment; each function gives a sentence as HTML."""

from __future__ import annotations

import re
from collections import defaultdict

from markupsafe import Markup

from credit_forensics.reporting.case_view import CaseView
from credit_forensics.reporting.corrections import correction_of
from credit_forensics.reporting.elements import Code
from credit_forensics.reporting.evidence_sections import NOBODY
from credit_forensics.reporting.html_tables import Row

LONGEST_VERSION = 40
VERSION = re.compile(rf"[\w.+\-]{{1,{LONGEST_VERSION}}}\Z", re.ASCII)
PERSON_FINDINGS = ("wrong_user", "split_identity", "unknown_user")


def where_now(view: CaseView) -> Markup:
    """Where its credits are now."""
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
    listed = view.language.html_list(each)
    return say("answer.held", credits=total, payment=payment, holders=listed)


def gate(view: CaseView) -> Markup:
    """The gates it passed, or the one that stopped it."""
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
        return "not_delivered" if covered and causes != ["unknown"] else "unlogged"
    if any(row["outcome"] == "resolution_failed" for row in deliveries):
        return "resolution_failed"
    if all(row["signature_valid"] is False for row in deliveries):
        return "signature_refused"
    return "not_booked"


def payer(view: CaseView) -> Markup:
    """Who paid it, and whether the credited account is the same person."""
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


def families(view: CaseView) -> Markup:
    """Which independent families speak, and whom they name."""
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
        voices=Markup("; ").join(said),
    )


def balance(view: CaseView) -> Markup:
    """The stored balance and the ledger's sum of its payer and of who holds its credits."""
    users = [view.focus_verdict["rightful_user_id"], view.focus_verdict["credited_user_id"]]
    sentences = []
    for user in dict.fromkeys(user for user in users if user):
        stored = view.rows_of("balances", "user_id", user)
        key = "answer.balance" if stored else "answer.balance_unread"
        sentences.append(
            view.language.html(
                key,
                user=view.user(user),
                stored=view.language.number(stored[0]["balance"] or 0) if stored else "",
                summed=view.language.number(view.booked_credits(user)),
            )
        )
    return Markup(" ").join(sentences)


def kind(view: CaseView) -> Markup:
    """Wrong person, orphaned id, something else, or nothing."""
    language, payment = view.language, view.id(view.focus)
    for finding in view.focus_findings:
        name = finding["finding"]
        if name in PERSON_FINDINGS:
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


def grants(view: CaseView) -> Markup:
    """How often it was granted."""
    grants = sum(
        1 for row in view.focus_ledger if row["kind"] == "purchase" and (row["delta"] or 0) > 0
    )
    key = {0: "answer.grant_never", 1: "answer.grant_once"}.get(grants, "answer.grants")
    return view.language.html(key, payment=view.id(view.focus), grants=view.language.number(grants))


def price(view: CaseView) -> Markup:
    """Whether its credits match the price."""
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


def version(view: CaseView) -> Markup:
    """Which handler method and front-end version made it."""
    language, payment = view.language, view.id(view.focus)
    deliveries = view.rows_of("deliveries", "payment_id", view.focus)
    facts = [
        language.html("answer.version_handler", method=Code(view.mask.text(method)))
        for method in sorted({str(row["method"]) for row in deliveries if row["method"]})
    ]
    for row in view.rows_of("metadata", "payment_id", view.focus):
        if "version" in str(row["key"]) and VERSION.match(str(row["value"])):
            facts.append(key_fact(view, str(row["key"]), str(row["value"])))
    if not facts:
        return language.html("answer.version_unknown", payment=payment)
    listed = language.html_list(dict.fromkeys(facts))
    return language.html("answer.version", payment=payment, facts=listed)


def correction(view: CaseView) -> Markup:
    """What must be corrected, and whether a counter-entry did it already."""
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
        entries = language.html_list(map(view.id, correction.entries))
        sentences.append(language.html(done, what=what, entries=entries))
    if not sentences:
        return language.html("answer.correct_none", payment=payment)
    return Markup(" ").join(dict.fromkeys(sentences))


def key_fact(view: CaseView, key: str, value: str) -> Markup:
    """A metadata key and its value, as HTML."""
    return view.language.html(
        "answer.version_key", key=Code(view.mask.text(key)), value=Code(view.mask.text(value))
    )
