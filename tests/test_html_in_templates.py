"""HTML is written in templates, which escape; no Python of ours writes a tag."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import UndefinedError
from jinja2.exceptions import TemplateSyntaxError
from markupsafe import Markup

import credit_forensics
from credit_forensics.html_templates import _ENVIRONMENT, Macros, render

PACKAGE = Path(credit_forensics.__file__).parent
TEMPLATES = sorted(str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.j2"))
_NAMES = (
    "a|b|body|br|button|caption|code|dd|details|div|dl|dt|em|figcaption|figure|footer|form|h[1-6]|"
    "head|header|hr|html|i|img|input|label|li|link|main|meta|nav|noscript|ol|option|p|pre|progress|"
    "script|section|select|small|span|strong|style|sub|summary|sup|svg|table|tbody|td|textarea|th|"
    "thead|title|tr|u|ul|wbr"
)
TAG = re.compile(rf"</?(?:{_NAMES})(?=[\s/>])|<!--|<!doctype", re.IGNORECASE)
ALLOWED = {
    # Plotly's own markup of labels, which is no HTML of the page.
    "charts/exposure.py": {"<br>"},
    "charts/method_agreement.py": {"<br>"},
    "charts/style.py": {"<br>"},
    "charts/waterfall.py": {"<br>", "<b>", "</b>"},
    # Read, not written: where the page's contents stand, and what they link to.
    "reporting/blocks.py": {"<!-- contents -->"},
    "reporting/page.py": {'<h2 id="([a-z_]+)"[^>', "</h2>"},
    "reporting/report_files.py": {'<meta name="report" content="([^"]*)">'},
}


def literals(path: Path) -> Iterator[str]:
    """The string literals of a module without its docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if text and id(node) not in docstrings:
            yield node.value


@pytest.mark.parametrize("literal", ['<td class="x">', "a</p>", "<br/>", "<!-- mark -->", "<B>"])
def test_the_search_sees_a_tag(literal):
    assert TAG.search(literal)


@pytest.mark.parametrize("literal", ["<phone>", "purchase:<payment>", "a < b", "<ref *1>", "<>"])
def test_the_search_takes_nothing_else_for_one(literal):
    assert not TAG.search(literal)


def test_no_module_writes_a_tag():
    found: dict[str, set[str]] = {}
    for path in PACKAGE.rglob("*.py"):
        for literal in literals(path):
            tags = {literal[tag.start() :].partition(">")[0] + ">" for tag in TAG.finditer(literal)}
            if tags:
                found.setdefault(str(path.relative_to(PACKAGE)), set()).update(tags)
    assert found == ALLOWED


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_template_switches_escaping_off(name):
    text = (PACKAGE / name).read_text(encoding="utf-8")
    # A place to break a long name is markup of the template's own.
    text = text.replace('"_<wbr>"|safe', "")
    assert not re.search(r"\|\s*safe|autoescape|markupsafe", text)
    try:
        _ENVIRONMENT.parse(text)
    except TemplateSyntaxError as error:
        pytest.fail(f"{name}, line {error.lineno}: {error.message}")


def test_a_value_is_escaped_and_markup_is_not():
    facts = [("<i>", Markup("<i>ours</i>"))]
    text = render("monitoring/alert.html.j2", facts=facts, lines=["</ul><script>"])
    assert "&lt;i&gt;" in text
    assert "<i>ours</i>" in text
    assert "&lt;/ul&gt;&lt;script&gt;" in text


def test_a_value_in_an_attribute_stays_inside_it():
    link = Macros("reporting/templates/elements.html.j2").link('x" onclick="y', "z")
    assert link == '<a href="x&#34; onclick=&#34;y">z</a>'


def test_a_value_that_was_not_given_is_an_error():
    with pytest.raises(UndefinedError, match="'lines' is undefined"):
        render("monitoring/alert.html.j2", facts=[])
