"""Writes an explanation as HTML: the candidates, and each family's weight as a bar."""

from __future__ import annotations

import pandas as pd
from markupsafe import Markup

from credit_forensics.html_templates import render
from credit_forensics.judgement.explanation import Explanation
from credit_forensics.judgement.shown_person import or_nobody, shown_person


def explanation_html(explanation: Explanation) -> Markup:
    """A table: a row a candidate with its probability, below it a row a family with its weight.

    The colours of the text are the page's own.
    """
    shown, verdict, bars = explanation.shown, explanation.verdict, explanation.bars
    wrong = verdict["probability_misattributed"]
    return render(
        "judgement/explanation.html.j2",
        payment_id=explanation.payment_id,
        verdict=verdict,
        credited=or_nobody(verdict["credited_user_id"], shown),
        rightful=or_nobody(verdict["rightful_user_id"], shown),
        wrong=None if pd.isna(wrong) else wrong,
        candidates=[
            (
                shown_person(score["person_id"], shown),
                score,
                bars[bars["person_id"] == score["person_id"]].to_dict("records"),
            )
            for score in explanation.scores.to_dict("records")
        ],
        # A payment without a single voice has no bar, and bars of no weight have no length.
        widest=float(bars["weight"].abs().max() if len(bars) else 0.0) or 1.0,
    )
