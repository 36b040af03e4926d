"""The report's look in a notebook: the rules of its page, held to our outputs, light and dark."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from markupsafe import Markup

from credit_forensics.charts.style import GRID, INK
from credit_forensics.notebook.elements import ELEMENTS

_HOUSE = (INK, GRID)
_OUTPUT = ".jp-RenderedHTMLCommon"
_DARK = '[data-jp-theme-light="false"]'
_PAGE = Path(__file__).resolve().parent.parent / "reporting" / "page.css"
_RULE = re.compile(r"^([^{}\n@]+?) *\{([^{}]*)\}$", re.MULTILINE)
_COLOURS = re.compile(r":root \{([^{}]*)\}")


@cache
def notebook_style() -> Markup:
    """A style element for JupyterLab.

    Only rules about our classes are taken, so that nothing else in the notebook changes. The
    theme of JupyterLab decides between light and dark, not the operating system's.

    Examples
    --------
    >>> style = notebook_style()
    >>> ".severity.critical" in style, "body {" in style
    (True, False)
    """
    page = _PAGE.read_text(encoding="utf-8")
    screen = page[: page.index("@media (max-width")]
    light, dark = (_variables(colours) for colours in _COLOURS.findall(screen)[:2])
    rules = "\n".join(
        f"{_scoped(selector)} {{ {body.strip()} }}"
        for selector, body in _RULE.findall(screen)
        if "." in selector
    )
    style = (
        f"{_OUTPUT} {{ {light} }} {_DARK} {_OUTPUT} {{ {dark} }}\n{rules}\n"
        f"{_OUTPUT} .scroll :is(th, td) {{ text-align: left; white-space: normal; }}\n"
        f"{_OUTPUT} .scroll .number {{ text-align: right; }}\n"
        f"{_OUTPUT} .scroll table {{ margin: 0; }}\n{_chart_rules(light, dark)}"
    )
    return ELEMENTS.style(Markup(style))  # noqa: S704  # rules of our own file


def _chart_rules(light: str, dark: str) -> str:
    """Rules by which charts take the theme's colours: what has the house's ink or grid is theirs,
    and no text inside a coloured bar.
    """
    chart = ".js-plotly-plot"
    ink, grid = (f"rgb({', '.join(str(int(c[i : i + 2], 16)) for i in (1, 3, 5))})" for c in _HOUSE)
    return (
        f"{chart} {{ {light} }} {_DARK} {chart} {{ {dark} }}\n"
        f"{chart} .main-svg {{ background: transparent !important; }}\n"
        f"{chart} text[style*='{ink}'] {{ fill: var(--ink) !important; }}\n"
        f"{chart} path[style*='{grid}'] {{ stroke: var(--grid) !important; }}"
    )


def _scoped(selectors: str) -> str:
    return ", ".join(
        f"{_OUTPUT} {selector.strip()}" for selector in selectors.split(",") if "." in selector
    )


def _variables(colours: str) -> str:
    return " ".join(part.strip() + ";" for part in colours.split(";") if "--" in part)
