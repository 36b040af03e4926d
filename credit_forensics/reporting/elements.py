"""The small parts of a report's HTML: headings, paragraphs, badges, links, and values as code."""

from __future__ import annotations

from markupsafe import Markup

from credit_forensics.html_templates import Macros

ELEMENTS = Macros("reporting/templates/elements.html.j2")


class Code(str):
    """A value that a page sets in the type of ids; plain text everywhere else.

    Examples
    --------
    >>> Markup("of {}").format(Code("<b>"))
    Markup('of <code>&lt;b&gt;</code>')
    >>> f"of {Code('00123')}"
    'of 00123'
    """

    __slots__ = ()

    def __html__(self) -> Markup:
        return ELEMENTS.code(str(self))
