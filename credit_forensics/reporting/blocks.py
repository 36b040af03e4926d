"""Blocks: what a report's cell shows, HTML and charts in order.

In JupyterLab a block displays itself; in a run by papermill the same outputs become the page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from itertools import groupby
from typing import Any

import plotly.graph_objects as go
from IPython.display import display
from markupsafe import Markup

PLOTLY_MIME = "application/vnd.plotly.v1+json"
STATUS_MIME = "application/vnd.credit-forensics.status+json"
OURS = "credit_forensics"
"""The key in an output's metadata that says that a block made its HTML, which is well formed."""
CONTENTS_MARK = Markup("<!-- contents -->")


class Block:
    """Parts in order: ``Markup``, of which neighbours become one, and Plotly figures.

    Examples
    --------
    >>> block = Block(Markup("<p>one</p>"), Markup("<p>two</p>"))
    >>> [sorted(bundle) for bundle in block.bundles()]
    [['text/html', 'text/plain']]
    """

    def __init__(self, *parts: Markup | go.Figure, status: dict[str, Any] | None = None) -> None:
        self.parts: list[Markup | go.Figure] = []
        for kind, group in groupby(parts, type):
            neighbours = list(group)
            self.parts += [Markup().join(neighbours)] if kind is Markup else neighbours
        self.status = status

    def bundles(self) -> Iterator[dict[str, Any]]:
        """One MIME bundle a part, each with a text form."""
        for part in self.parts:
            if isinstance(part, Markup):
                yield {"text/html": str(part), "text/plain": text_of(part)}
            else:
                figure = json.loads(part.to_json())
                alt = (figure["layout"].get("meta") or {}).get("alt", "")
                yield {PLOTLY_MIME: figure, "text/plain": alt}
        if self.status is not None:
            yield {STATUS_MIME: self.status, "text/plain": json.dumps(self.status)}

    def _ipython_display_(self) -> None:
        for bundle in self.bundles():
            display(bundle, metadata={OURS: True}, raw=True)

    def __repr__(self) -> str:
        return "\n".join(bundle["text/plain"] for bundle in self.bundles())


def text_of(html: str) -> str:
    """The text of HTML of ours, a line a block, for terminals and plain-text viewers.

    Examples
    --------
    >>> text_of("<h2>Ten</h2><p>a &amp; b</p>")
    'Ten\\na & b'
    """
    broken = re.sub(r"</(p|h\d|tr|li|caption|dd|div|figcaption)>", "\n", html)
    broken = re.sub(r"</t[hd]>", "  ", broken)
    text = unescape(re.sub(r"<[^>]*>", "", broken))
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())
