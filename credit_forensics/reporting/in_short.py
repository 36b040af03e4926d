"""The first paragraph of a report: what happened, to whom, since when, why, and what to do now."""

from __future__ import annotations

import pandas as pd
from markupsafe import Markup

from credit_forensics.charts.style import SEVERITIES
from credit_forensics.coverage.judged import SUBJECTS, percent
from credit_forensics.judgement.verdicts import is_asked
from credit_forensics.records import row_dicts
from credit_forensics.reporting.case_view import CaseView
from credit_forensics.reporting.corrections import open_corrections
from credit_forensics.reporting.elements import Code
from credit_forensics.reporting.html_tables import Row

# A trait sets wrong payments apart where it is surely more frequent among them, and much so.
MOST_Q = 0.05
LEAST_LIFT = 2.0
_KINDS_NAMED = 4


def in_short(view: CaseView) -> list[Markup]:
    """The report in sentences, each a line: the main incident, what sets it apart, the rest, what
    was judged, what to do now.

    Parameters
    ----------
    view
        the case; without a finding only what was judged and what to do is said.
    """
    incident = main_incident(view)
    said = []
    if incident is not None:
        said.append(_what_happened(view, incident))
        said.append(_apart(view, incident))
        said.append(_besides(view, incident))
    said += [Markup.escape(line) for line in judged_facts(view)]
    said.append(_now(view))
    return [line for line in said if line]


def judged_facts(view: CaseView) -> list[str]:
    """What share of money, credits and deliveries was judged, and why the rest was not."""
    language, judged = view.language, view.case.judged

    def part(subject: str, share: float) -> str:
        return f"{percent(share)} {language.say(f'judged.{subject}')}"

    shares = [
        part(subject, judged.shares[subject]) for subject in SUBJECTS if subject in judged.shares
    ]
    if not shares:
        return []
    said = [language.say("headline.judged", shares=language.list(shares))]
    not_judged = [
        f"{part(row['subject'], row['share'])} ({language.say('unjudged.' + row['reason'])})"
        for row in judged.unjudged
    ]
    if not_judged:
        said.append(language.say("headline.unjudged", parts=language.list(not_judged)))
    return [" ".join(said)]


def main_incident(view: CaseView) -> Row | None:
    """The incident that a report speaks of first; none where there is none."""
    largest = largest_first(view.incidents)
    return row_dicts(largest.head(1))[0] if len(largest) else None


def largest_first(incidents: pd.DataFrame) -> pd.DataFrame:
    """The gravest incidents first, of those the ones with most findings, then most money.

    Examples
    --------
    >>> rows = pd.DataFrame({"incident_id": ["a", "b", "c"], "severity": ["high"] * 2 + ["low"],
    ...     "findings": [1, 9, 20], "amount": [500, None, 100]})
    >>> largest_first(rows)["incident_id"].tolist()
    ['b', 'a', 'c']
    """
    rank = {severity: place for place, severity in enumerate(SEVERITIES)}
    keys = pd.DataFrame(
        {
            "severity": incidents["severity"].map(rank),
            "findings": -incidents["findings"],
            "amount": -incidents["amount"].fillna(0).astype("float64"),
            "incident_id": incidents["incident_id"],
        }
    )
    return incidents.loc[keys.sort_values(list(keys.columns), kind="stable").index]


def trait_apart(view: CaseView) -> Row | None:
    """The trait that most surely sets the wrong payments apart, if any does.

    One that most payments have, right or wrong, explains nothing, however many wrong ones have it:
    lift and the false discovery rate decide, not the share.
    """
    traits = view.traits
    apart = traits[(traits["q_value"] < MOST_Q) & (traits["lift"] >= LEAST_LIFT)]
    return row_dicts(apart.head(1))[0] if len(apart) else None


def apart_words(view: CaseView, key: str) -> Markup:
    """A sentence that names what sets the wrong payments apart; empty where nothing does."""
    trait = trait_apart(view)
    if trait is None:
        return Markup()
    language = view.language
    return language.html(
        key,
        share=language.percent(float(trait["share_of_wrong"]), 0),
        others=language.percent(float(trait["share_of_right"]), 0),
        trait=language.name("trait", trait["trait"]),
        value=Code(view.mask.text(trait["value"])),
        lift=language.number(float(trait["lift"]), 1),
    )


def _what_happened(view: CaseView, incident: Row) -> Markup:
    language = view.language
    cause = incident.get("cause")
    ongoing = incident.get("ongoing")
    going_on = "unknown" if ongoing is None else "goes_on" if ongoing else "ended"
    amount, currency = incident.get("amount"), incident.get("currency")
    money = ""
    if amount is not None and currency:
        money = language.say("short.money", amount=language.money(int(amount), str(currency)))
    users = incident.get("users")
    name = language.name("finding", incident["finding"])
    return language.html(
        "short.happened",
        finding=name[:1].upper() + name[1:],
        cause=f" ({language.name('cause', cause)})" if cause else "",
        findings=language.count("payment", int(incident["findings"])),
        accounts=language.count("account", int(users or 0)),
        money=money,
        onset=language.time(incident.get("onset")),
        end=language.time(incident.get("end")),
        going_on=language.say(f"short.{going_on}"),
    )


def _apart(view: CaseView, incident: Row) -> Markup:
    if incident["finding"] != "wrong_user":
        return Markup()
    return apart_words(view, "short.apart") or view.language.html("short.alike")


def _besides(view: CaseView, incident: Row) -> Markup:
    """The other findings by kind, most frequent first, then how many follow from those named."""
    language = view.language
    alone = view.matters["part_of"] == ""
    others = view.findings.loc[alone & (view.findings["incident_id"] != incident["incident_id"])]
    counts = {str(name): int(n) for name, n in others["finding"].value_counts().items()}
    order = sorted(counts, key=lambda name: (-counts[name], name))
    follow = int((~alone).sum())
    if not order and not follow:
        return Markup()
    named = [
        f"{language.number(counts[name])} × {language.name('finding', name)}"
        for name in order[:_KINDS_NAMED]
    ]
    rest = sum(counts[name] for name in order[_KINDS_NAMED:])
    if rest:
        named.append(language.say("short.others", number=language.number(rest)))
    if follow:
        named.append(language.say("short.follow", number=language.number(follow)))
    return language.html("short.besides", kinds=language.list(named))


def _now(view: CaseView) -> Markup:
    """What to do, as commands, the most urgent first."""
    language = view.language
    steps: list[Markup] = []

    def step(command: str, number: int, noun: str, verb: str) -> None:
        if number:
            what = language.html(f"short.{verb}", count=language.count(noun, number))
            command = f"credit-forensics {command} case.toml"
            steps.append(language.html("short.step", command=Code(command), what=what))

    verdicts = view.verdicts
    asked = int(is_asked(verdicts["verdict"], verdicts["probability_misattributed"]).sum())
    step("repair", open_corrections(view)[0], "correction", "repair")
    step("review", asked, "payment", "review")
    if not view.judged_enough:
        step("doctor", len(view.verdicts), "payment", "doctor")
    return language.html("short.now", steps=language.html_list(steps)) if steps else Markup()
