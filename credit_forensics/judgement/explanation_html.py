"""Writes an explanation as HTML: the candidates, and each family's weight as a bar."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd

from credit_forensics.judgement.shown_person import or_nobody, shown_person

if TYPE_CHECKING:
    from credit_forensics.judgement.explanation import Explanation

# Okabe and Ito's blue and vermillion: told apart by colour-blind readers, and seen on light and on
# dark. The number beside a bar says the same.
_FOR, _AGAINST = "#0072B2", "#D55E00"


def explanation_html(explanation: Explanation) -> str:
    """A table: a row a candidate with its probability, below it a row a family with its weight.

    Everything is escaped; the colours of the text are the page's own.
    """
    shown, verdict = explanation.shown, explanation.verdict
    wrong = verdict["probability_misattributed"]
    facts = [
        f"credited to <code>{escape(or_nobody(verdict['credited_user_id'], shown))}</code>",
        f"paid by <code>{escape(or_nobody(verdict['rightful_user_id'], shown))}</code>",
    ]
    if not pd.isna(wrong):
        facts.append(f"on the wrong person with probability {wrong:.4f}")
    widest = float(explanation.bars["weight"].abs().max()) if len(explanation.bars) else 1.0
    rows = []
    for score in explanation.scores.to_dict("records"):
        person = escape(shown_person(score["person_id"], shown))
        rows.append(
            f'<tr><th scope="row"><code>{person}</code></th>'
            f"<td>score {score['score']:+.3f}</td>"
            f"<td>{_bar(score['probability'], 1.0)} {score['probability']:.4f}</td><td></td></tr>"
        )
        mine = explanation.bars[explanation.bars["person_id"] == score["person_id"]]
        rows += [_family_row(bar, widest) for bar in mine.to_dict("records")]
    heads = "".join(
        f'<th scope="col">{name}</th>'
        for name in ("Candidate and families", "Says", "Probability or weight", "Methods")
    )
    caption = f"{escape(explanation.payment_id)}: {escape(str(verdict['verdict']))}"
    return (
        f'<div class="scroll"><table><caption>{caption} ({escape(str(verdict["mode"]))})</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
        f"<p>{'; '.join(facts)}.</p>"
    )


def _family_row(bar: dict[Any, Any], widest: float) -> str:
    weight = float(bar["weight"])
    return (
        f'<tr><td style="padding-left:1.5em">{escape(str(bar["family"]))}</td>'
        f"<td>{escape(str(bar['level']))}, accuracy {bar['accuracy']:.4f}</td>"
        f"<td>{_bar(weight, widest)} {weight:+.3f}</td>"
        f"<td>{escape(str(bar['methods']))}</td></tr>"
    )


def _bar(value: float, widest: float) -> str:
    width = 8.0 * min(abs(value) / (widest or 1.0), 1.0)
    colour = _AGAINST if value < 0 else _FOR
    return (
        '<span aria-hidden="true" style="display:inline-block;width:8em">'
        f'<span style="display:inline-block;height:.7em;width:{width:.2f}em;background:{colour}">'
        "</span></span>"
    )
