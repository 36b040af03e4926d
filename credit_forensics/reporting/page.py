"""Makes the page around a report: one file that opens with no network at all."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from markupsafe import Markup
from plotly.offline import get_plotlyjs

from credit_forensics.html_templates import render
from credit_forensics.reporting.blocks import CONTENTS_MARK
from credit_forensics.reporting.language import Language

_HERE = Path(__file__).parent
# What the page's script says.
_WORDS = ("copied", "copy", "fold_all", "unfold_all")
_HEADING = re.compile(r'<h2 id="([a-z_]+)"[^>]*>(.*?)</h2>', re.DOTALL)


def chart_html(figure: Mapping[str, Any], number: int, language: Language) -> Markup:
    """A Plotly figure (as JSON) as a place on the page and its data; the page's script draws it.

    The title moves out of the chart into a caption, where it can wrap, and the text alternative
    becomes the chart's label.
    """
    layout = dict(figure.get("layout") or {})
    meta = layout.pop("meta", None)
    meta = meta if isinstance(meta, dict) else {}
    own_title = layout.pop("title", None)
    own_text = own_title.get("text", "") if isinstance(own_title, dict) else own_title or ""
    title = str(meta.get("title") or re.sub(r"<[^>]*>", " ", str(own_text)))
    alt = str(meta.get("alt") or title or language.say("page.chart"))
    margin = dict(layout.get("margin") or {})
    # Room above for the legend only: the title is a caption now.
    layout["margin"] = {**margin, "t": 8 if layout.get("showlegend") is False else 34}
    return render(
        "reporting/templates/chart.html.j2",
        name=f"chart-{number}",
        title=title,
        alt=alt,
        height=int(layout.get("height") or 360),
        data={"data": figure.get("data") or [], "layout": layout},
    )


def page_html(
    body: Markup,
    *,
    title: str,
    language: Language,
    footer: str = "",
    facts: Mapping[str, Any] | None = None,
) -> str:
    """The whole page.

    Parameters
    ----------
    body
        HTML of the report.
    title
        the page's title, plain text.
    language
        its ``lang``, and the words of the shell.
    footer
        plain text at the end.
    facts
        what the index of reports reads of the page.

    Returns
    -------
    str
        HTML with everything inside. Its content security policy forbids every request and every
        script but ours, so that even data that slipped through as markup could not run or call
        home.
    """
    before, mark, after = body.partition(CONTENTS_MARK)
    headings = _HEADING.findall(body) if mark else []
    return str(
        render(
            "reporting/templates/page.html.j2",
            language=language,
            title=title,
            # Of the page itself, so that the same report is the same bytes; a value in the page
            # cannot hold a hash of the page that it is in.
            nonce=hashlib.sha256(f"{title}\0{body}".encode()).hexdigest()[:32],
            facts=json.dumps(facts, ensure_ascii=False, sort_keys=True) if facts else "",
            script=_text("page.js"),
            words=json.dumps({key: language.say(f"page.{key}") for key in _WORDS}),
            style=_text("page.css"),
            before=before,
            # Out of the body, in which it is escaped already.
            contents=[(name, Markup(text)) for name, text in headings],  # noqa: S704
            after=after,
            footer=footer,
            plotly=_plotly() if 'class="plot"' in body else None,
        )
    )


@cache
def _plotly() -> dict[str, Any]:
    """The charts' library, compressed, its size, and the scripts that unpack it and draw."""
    library = get_plotlyjs().encode()
    # The last three levels save a quarter of a percent, and take half as long again.
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    packed = packer.compress(library) + packer.flush()
    return {
        "packed": base64.b64encode(packed).decode(),
        "size": len(library),
        "inflate": _text("inflate.js"),
        "draw": _text("charts.js"),
    }


@cache
def _text(name: str) -> Markup:
    return Markup((_HERE / name).read_text(encoding="utf-8"))  # noqa: S704  # a file of ours
