"""The words on the charts, in every language that reports speak."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_ENGLISH = {
    "nothing": "Nothing to show.",
    "agreement.title": "How often two methods name the same user",
    "agreement.alt": (
        "Heat map of {methods} methods: for each pair the share of payments on which both name "
        "the same user. Lowest: {low} between {low_a} and {low_b}."
    ),
    "agreement.alt_none": "Heat map of methods: no two methods spoke of the same payment.",
    "agreement.hover": "agree in",
    "waterfall.title": "Evidence for each candidate of {payment}, family by family",
    "waterfall.alt": "Waterfall of evidence for {payment}. {persons}",
    "waterfall.person": "{person}: score {score}, probability {probability}",
    "waterfall.axis": "log-odds score",
    "waterfall.total": "score",
    "waterfall.credited": "credited",
    "waterfall.other": "candidate",
    "timeline.title": "When payments came and when findings happened",
    "timeline.alt": (
        "Two bar charts over time, {first} to {last}: {payments} payments above, {findings} "
        "findings by severity below. Most findings in one bar: {most}, from {peak}."
    ),
    "timeline.alt_none": "Bar chart of {payments} payments over time; there are no findings.",
    "timeline.payments": "payments",
    "timeline.findings": "findings",
    "flow.title": "Whose payments were credited to whom ({credits} credits on other accounts)",
    "flow.title_cut": (
        "Whose payments were credited to whom: the {shown} largest of {flows} flows "
        "({credits} credits on other accounts in all)"
    ),
    "flow.alt": (
        "Flow chart from {payers} payers to {holders} credited accounts, {credits} credits. "
        "Largest: {most} credits of {payer} on {holder}."
    ),
    "flow.alt_none": "Flow chart: no credits lie on another account than the payer's.",
    "flow.title_none": "No credits lie on another account than the payer's",
    "flow.paid": "paid",
    "flow.holds": "holds",
    "flow.others": "others",
    "flow.credits": "credits",
    "rate.title": "Share of payments hit, over time",
    "rate.title_onset": "Share of payments hit, over time; it starts at {onset}",
    "rate.alt": (
        "Line of the share of payments hit per time bin with its 95 % interval; "
        "highest {most} in the bin from {peak}.{onset}"
    ),
    "rate.alt_onset": " Onset at {onset}.",
    "rate.axis": "share hit",
    "rate.interval": "95 % interval",
    "rate.onset": "onset",
    "reliability.title": "Are the probabilities right? Predicted against observed",
    "reliability.alt": (
        "Reliability curve of {labels} labelled payments in {bins} bins; "
        "largest distance from the diagonal {gap}."
    ),
    "reliability.none": "No labels yet: the probabilities are model-based, uncalibrated.",
    "reliability.predicted": "predicted probability",
    "reliability.observed": "observed share",
    "reliability.ideal": "perfectly calibrated",
    "exposure.title": "Money at stake by finding and cause, each payment once",
    "exposure.alt": "Bar chart of money at stake by finding and cause. {bars}",
    "exposure.axis": "amount ({currency})",
}

_GERMAN = {
    "nothing": "Nichts zu zeigen.",
    "agreement.title": "Wie oft zwei Methoden denselben Nutzer nennen",
    "agreement.alt": (
        "Heatmap von {methods} Methoden: je Paar der Anteil der Zahlungen, bei denen beide "
        "denselben Nutzer nennen. Kleinster Wert: {low} zwischen {low_a} und {low_b}."
    ),
    "agreement.alt_none": "Heatmap der Methoden: keine zwei sprachen über dieselbe Zahlung.",
    "agreement.hover": "einig bei",
    "waterfall.title": "Belege für jeden Kandidaten von {payment}, Familie für Familie",
    "waterfall.alt": "Wasserfall der Belege für {payment}. {persons}",
    "waterfall.person": "{person}: Punktzahl {score}, Wahrscheinlichkeit {probability}",
    "waterfall.axis": "Punktzahl (Log-Odds)",
    "waterfall.total": "Summe",
    "waterfall.credited": "gutgeschrieben",
    "waterfall.other": "Kandidat",
    "timeline.title": "Wann Zahlungen kamen und wann Befunde entstanden",
    "timeline.alt": (
        "Zwei Säulendiagramme über die Zeit, {first} bis {last}: oben {payments} Zahlungen, "
        "unten {findings} Befunde nach Schwere. Meiste Befunde in einer Säule: {most}, ab {peak}."
    ),
    "timeline.alt_none": "Säulendiagramm von {payments} Zahlungen über die Zeit; keine Befunde.",
    "timeline.payments": "Zahlungen",
    "timeline.findings": "Befunde",
    "flow.title": (
        "Wessen Zahlungen wem gutgeschrieben wurden ({credits} Credits auf fremden Konten)"
    ),
    "flow.title_cut": (
        "Wessen Zahlungen wem gutgeschrieben wurden: die {shown} größten von {flows} Flüssen "
        "(insgesamt {credits} Credits auf fremden Konten)"
    ),
    "flow.alt": (
        "Flussdiagramm von {payers} Zahlern zu {holders} Konten, {credits} Credits. "
        "Größter Fluss: {most} Credits von {payer} auf {holder}."
    ),
    "flow.alt_none": "Flussdiagramm: keine Credits liegen auf einem fremden Konto.",
    "flow.title_none": "Keine Credits liegen auf einem fremden Konto",
    "flow.paid": "zahlte",
    "flow.holds": "hält",
    "flow.others": "übrige",
    "flow.credits": "Credits",
    "rate.title": "Anteil betroffener Zahlungen über die Zeit",
    "rate.title_onset": "Anteil betroffener Zahlungen über die Zeit; Beginn {onset}",
    "rate.alt": (
        "Linie des Anteils betroffener Zahlungen je Zeitabschnitt mit 95-%-Intervall; "
        "höchster Wert {most} im Abschnitt ab {peak}.{onset}"
    ),
    "rate.alt_onset": " Beginn {onset}.",
    "rate.axis": "Anteil betroffen",
    "rate.interval": "95-%-Intervall",
    "rate.onset": "Beginn",
    "reliability.title": "Stimmen die Wahrscheinlichkeiten? Vorhersage gegen Beobachtung",
    "reliability.alt": (
        "Zuverlässigkeitskurve aus {labels} geprüften Zahlungen in {bins} Gruppen; "
        "größter Abstand zur Diagonale {gap}."
    ),
    "reliability.none": (
        "Noch keine Prüfurteile: die Wahrscheinlichkeiten sind modellbasiert, nicht kalibriert."
    ),
    "reliability.predicted": "vorhergesagte Wahrscheinlichkeit",
    "reliability.observed": "beobachteter Anteil",
    "reliability.ideal": "perfekt kalibriert",
    "exposure.title": "Betroffenes Geld nach Befund und Ursache, jede Zahlung einmal",
    "exposure.alt": "Balkendiagramm des betroffenen Geldes nach Befund und Ursache. {bars}",
    "exposure.axis": "Betrag ({currency})",
}

WORDS: Mapping[str, Mapping[str, str]] = {"en": _ENGLISH, "de": _GERMAN}


def word(language: str, key: str, **values: object) -> str:
    """One text in a language, with its values in place.

    Raises
    ------
    ValueError
        for a language that there is not.

    Examples
    --------
    >>> word("de", "timeline.payments")
    'Zahlungen'
    """
    if language not in WORDS:
        raise ValueError(f"no language {language!r}; there are {', '.join(WORDS)}")
    return WORDS[language][key].format(**values)


def percent_text(language: str, share: float, digits: int = 0) -> str:
    """A share between 0 and 1 as text, in pages and charts alike.

    It is never rounded up to all or down to none.

    Examples
    --------
    >>> percent_text("en", 0.123, 1), percent_text("de", 0.123, 1)
    ('12.3 %', '12,3 %')
    >>> [percent_text("en", share) for share in (0.0, 0.002, 0.996, 1.0)]
    ['0 %', '< 1 %', '> 99 %', '100 %']
    """
    edge = 10.0 ** -(digits + 2)
    if share in (0.0, 1.0):
        text = f"{share * 100:.0f}"
    elif share > 1 - edge:
        text = f"> {100 - edge * 100:.{digits}f}"
    elif share < edge:
        text = f"< {edge * 100:.{digits}f}"
    else:
        text = f"{share * 100:.{digits}f}"
    return f"{text.replace('.', ',') if language == 'de' else text} %"


def percent_ticks(highest: float = 1.0) -> dict[str, Any]:
    """An axis of shares up to the highest, its ticks written as shares are everywhere.

    Examples
    --------
    >>> percent_ticks()["ticktext"]
    ['0 %', '20 %', '40 %', '60 %', '80 %', '100 %']
    >>> percent_ticks(0.04)["ticktext"]
    ['0 %', '1 %', '2 %', '3 %', '4 %']
    """
    steps = (0.2, 0.1, 0.05, 0.02, 0.01)
    step = next((one for one in steps if highest > 2.5 * one), steps[-1])
    ticks = [round(place * step, 2) for place in range(round(1 / step) + 1)]
    ticks = [tick for tick in ticks if tick <= highest + step / 2]
    return {
        "tickmode": "array",
        "tickvals": ticks,
        "ticktext": [f"{tick * 100:.0f} %" for tick in ticks],
    }
