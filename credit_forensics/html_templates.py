"""Makes HTML of the templates that lie beside the code, as ``.html.j2`` files.

Whatever a template is given is escaped, unless it is ``Markup``; a value that was not given is an
error, not a gap.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
# Charts are data that a page holds: compact, and in the order that they were made in.
_ENVIRONMENT.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "ensure_ascii": False}


def render(template: str, **values: object) -> Markup:
    """The HTML of a template, named by its path in the package.

    Raises
    ------
    jinja2.UndefinedError
        when the template uses a value that was not given.

    Examples
    --------
    >>> "&lt;b&gt;" in render("monitoring/alert.html.j2", facts=[("Id", "<b>")], lines=[])
    True
    """
    # Made with autoescape, so whatever is markup in it is the template's own.
    return Markup(_ENVIRONMENT.get_template(template).render(**values))  # noqa: S704


class Macros:
    """The macros of a template, as functions that give ``Markup``.

    Examples
    --------
    >>> Macros("reporting/templates/elements.html.j2").paragraph("a & b", "none")
    Markup('<p class="none">a &amp; b</p>')
    """

    def __init__(self, template: str) -> None:
        self._template = template

    def __getattr__(self, name: str) -> Callable[..., Markup]:
        macro: Callable[..., Markup] = getattr(
            _ENVIRONMENT.get_template(self._template).module, name
        )
        return macro
