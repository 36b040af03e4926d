"""Makes the page around a report: one file that opens with no network at all."""

from __future__ import annotations

import base64
import json
import re
import secrets
import zlib
from collections.abc import Mapping
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from plotly.offline import get_plotlyjs

from credit_forensics.reporting.blocks import CONTENTS_MARK
from credit_forensics.reporting.language import Language, as_html

_HERE = Path(__file__).parent
_HEADING = re.compile(r'<h2 id="([a-z_]+)">(.*?)</h2>', re.DOTALL)


def chart_html(figure: Mapping[str, Any], number: int, language: Language) -> str:
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
    height = int(layout.get("height") or 360)
    name = f"chart-{number}"
    data = {"data": figure.get("data") or [], "layout": layout}
    caption = f"<figcaption>{as_html(title)}</figcaption>" if title else ""
    return (
        f'<figure class="chart">{caption}<div class="plot" id="{name}" role="img" '
        f'aria-label="{escape(alt)}" style="height:{height}px"></div>'
        f'<script type="application/json" id="{name}-data">{script_json(data)}</script></figure>'
    )


def script_json(value: object) -> str:
    """JSON that cannot end the script element it stands in.

    Examples
    --------
    >>> script_json({"name": "</script><b>"})
    '{"name":"\\\\u003c/script\\\\u003e\\\\u003cb\\\\u003e"}'
    """
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def page_html(body: str, *, title: str, language: Language, footer: str = "") -> str:
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

    Returns
    -------
    str
        HTML with everything inside. Its content security policy forbids every request and every
        script but ours, so that even data that slipped through as markup could not run or call
        home.
    """
    nonce = secrets.token_urlsafe(16)
    charts = 'class="plot"' in body
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-{nonce}'; "
        "img-src data: blob:; font-src data:; base-uri 'none'; form-action 'none'"
    )
    links = "".join(
        f'<li><a href="#{name}">{heading}</a></li>'
        for name, heading in _HEADING.findall(body)
        if name != "answers"
    )
    contents = escape(language.say("page.contents"))
    nav = f'<nav class="contents" aria-label="{contents}"><ul>{links}</ul></nav>' if links else ""
    body = body.replace(CONTENTS_MARK, nav)
    scripts = _scripts(nonce) if charts else ""
    no_script = f"<noscript><p>{language.html('page.no_script')}</p></noscript>" if charts else ""
    return (
        f'<!DOCTYPE html>\n<html lang="{language.code}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{escape(title)}</title>\n<style>\n{_text('page.css')}</style>\n</head>\n<body>\n"
        f'<a class="skip" href="#answers">{language.html("page.skip")}</a>\n'
        f"<main>\n{no_script}{body}\n<footer>{as_html(footer)}</footer>\n</main>\n"
        f"{scripts}</body>\n</html>\n"
    )


def _scripts(nonce: str) -> str:
    packed, size = _packed_plotly()
    # The library is a classic script that defines ``Plotly``; an element of its own, made by a
    # script that may run, may run too only with the nonce.
    start = (
        "(function(){var s=document.createElement('script');"
        f"s.nonce={json.dumps(nonce)};"
        f"s.textContent=inflateText(document.getElementById('plotly-packed').textContent,{size});"
        "document.head.appendChild(s);})();"
    )
    return (
        f'<script type="text/plain" id="plotly-packed">{packed}</script>\n'
        f'<script nonce="{nonce}">\n{_text("inflate.js")}\n{start}\n{_text("page.js")}</script>\n'
    )


@cache
def _packed_plotly() -> tuple[str, int]:
    library = get_plotlyjs().encode()
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(library) + packer.flush()
    return base64.b64encode(packed).decode(), len(library)


@cache
def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
