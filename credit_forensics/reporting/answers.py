"""Answers the ten questions of an incident in plain sentences with numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup

from credit_forensics.html_templates import render
from credit_forensics.reporting import answers_about_case as about_case
from credit_forensics.reporting import answers_about_payment as about_payment
from credit_forensics.reporting.case_view import CaseView


@dataclass(frozen=True)
class Answer:
    """A question, the answer about the payment singled out, and about the case as a whole."""

    question: str
    focus: Markup
    case: Markup


def ten_answers(view: CaseView) -> list[Answer]:
    """The ten questions of an incident, answered in order."""
    pairs: tuple[tuple[Callable[[CaseView], Markup], Callable[[CaseView], Markup]], ...] = (
        (about_payment.where_now, about_case.elsewhere),
        (about_payment.gate, about_case.booked),
        (about_payment.payer, about_case.persons),
        (about_payment.families, about_case.families_case),
        (about_payment.balance, about_case.balances_case),
        (about_payment.kind, about_case.kinds_case),
        (about_payment.grants, about_case.twice_case),
        (about_payment.price, about_case.price_case),
        (about_payment.version, about_case.hit_case),
        (about_payment.correction, about_case.corrections_case),
    )
    return [
        Answer(
            view.language.say(f"question.{number}"),
            focus(view) if view.focus else Markup(),
            whole(view),
        )
        for number, (focus, whole) in enumerate(pairs, 1)
    ]


def answers_html(view: CaseView) -> Markup:
    """The ten answers as a list of cards."""
    say = view.language.html
    if view.focus:
        whole = "answers.focus_window" if view.window else "answers.focus"
        key = "answers.focus_chosen" if view.chosen else whole
        lead = say(key, payment=view.id(view.focus))
    else:
        lead = say("answers.no_focus")
    return render(
        "reporting/templates/answers.html.j2",
        title=say("section.answers"),
        lead=lead,
        answers=ten_answers(view),
    )
