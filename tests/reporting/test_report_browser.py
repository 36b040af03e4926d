"""The report in a real browser, from disk, with the network off."""

from __future__ import annotations

import importlib.util
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from chromium_page import ChromiumPage
from markupsafe import Markup

from credit_forensics.reporting.language import Language
from credit_forensics.reporting.page import page_html
from credit_forensics.reporting.pdf import print_pdf
from credit_forensics.reporting.render import RenderedReport, render_report

pytestmark = pytest.mark.browser

NOW = datetime(2025, 9, 3, 8, tzinfo=UTC)
# Luminance contrast after WCAG 2.1; text against the nearest background that is not transparent.
CONTRAST = """
(() => {
  const light = c => { c = c / 255; return c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4; };
  const luminance = ([r, g, b]) => .2126 * light(r) + .7152 * light(g) + .0722 * light(b);
  const numbers = text => text.match(/[\\d.]+/g).map(Number);
  const ground = e => {
    for (; e; e = e.parentElement) {
      const c = numbers(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] > 0) return c;
    }
    return [255, 255, 255];
  };
  const low = [];
  for (const e of document.querySelectorAll('main *:not(.plot *)')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
    if (['SCRIPT', 'STYLE', 'NOSCRIPT'].includes(e.tagName)) continue;
    const a = luminance(numbers(getComputedStyle(e).color)), b = luminance(ground(e));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) low.push([e.tagName, e.className, e.textContent.slice(0, 30), ratio]);
  }
  return low;
})()
"""


@pytest.fixture(scope="module")
def report(case_path, tmp_path_factory) -> RenderedReport:
    return render_report(case_path, out=tmp_path_factory.mktemp("out"), now=NOW)


@pytest.fixture(scope="module")
def browser():
    with ChromiumPage() as page:
        yield page


@pytest.fixture
def opened(browser, report):
    browser.requests.clear()
    browser.problems.clear()
    browser.open(report.html.as_uri())
    return browser


def test_no_request_leaves_and_the_console_is_silent(opened, report):
    assert opened.requests == [report.html.as_uri()]
    assert opened.problems == []


def test_every_chart_is_drawn_with_marks_when_the_page_has_loaded(opened):
    drawn = opened.value(
        "[...document.querySelectorAll('.plot')].map(p => "
        "p.querySelectorAll('.main-svg path, .main-svg rect, image').length)"
    )
    assert len(drawn) >= 12
    assert min(drawn) > 3


def test_a_script_in_a_payers_name_stays_text(browser, tmp_path):
    # Worse than what can happen: markup that slipped through whole into the page.
    hostile = Markup('<p>x<script>window.ran = 1</script><img src=x onerror="window.ran = 2"></p>')
    path = tmp_path / "hostile.html"
    path.write_text(page_html(hostile, title="x", language=Language("en")), encoding="utf-8")
    browser.open(path.as_uri())
    assert browser.value("window.ran === undefined")


@pytest.mark.parametrize("dark", [False, True])
def test_text_has_contrast_in_both_colour_schemes(browser, report, dark):
    browser.open(report.html.as_uri(), dark=dark)
    assert browser.value(CONTRAST) == []


def test_charts_follow_the_colour_scheme(browser, report):
    colour = "getComputedStyle(document.querySelector('.plot .xtick text')).fill"
    browser.open(report.html.as_uri())
    light = browser.value(colour)
    browser.open(report.html.as_uri(), dark=True)
    assert browser.value(colour) != light


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_no_width_scrolls_sideways(browser, report, width):
    browser.open(report.html.as_uri(), width=width)
    assert browser.value("document.documentElement.scrollWidth") <= width
    assert browser.value("innerWidth") == width


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_the_first_screen_shows_what_happened_and_the_next_command(browser, report, width, height):
    browser.open(report.html.as_uri(), width=width)
    seen = browser.value(
        "[...document.querySelectorAll('.short p')].map(p => "
        "[p.textContent, p.getBoundingClientRect().bottom])"
    )
    shown = " ".join(text for text, bottom in seen if bottom <= height)
    assert "Wrong user (stale session): 5 payments" in shown
    assert "credit-forensics repair case.toml" in shown


def test_ids_are_unique_and_contents_lead_somewhere(opened):
    assert (
        opened.value(
            "[...document.querySelectorAll('[id]')].map(e => e.id)"
            ".filter((id, i, all) => id && all.indexOf(id) !== i)"
            ".filter(id => !document.getElementById(id).closest('.plot'))"
        )
        == []
    )
    assert opened.value(
        "[...document.querySelectorAll('nav a')].every("
        "a => document.getElementById(a.getAttribute('href').slice(1)))"
    )
    assert opened.value("document.querySelectorAll('nav a').length") >= 8


def test_it_prints_to_pdf(report):
    pdf = print_pdf(report.html)
    content = Path(pdf).read_bytes()
    assert content.startswith(b"%PDF-")
    assert len(content) > 20_000
    # A4 in points, give or take a rounding.
    boxes = re.findall(rb"/MediaBox \[0 0 (\S+) (\S+)\]", content)
    assert boxes
    assert {(round(float(w)), round(float(h))) for w, h in boxes} == {(595, 842)}


@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_no_serious_violation(browser, report, dark):
    # The package bundles axe-core; its Playwright binding is not used.
    found = importlib.util.find_spec("axe_playwright_python")
    assert found is not None
    (folder,) = found.submodule_search_locations
    browser.open(report.html.as_uri(), dark=dark)
    browser.value((Path(folder) / "axe.min.js").read_text(encoding="utf-8") + "; true")
    serious = browser.value(
        "axe.run(document, {resultTypes: ['violations']}).then(r => r.violations"
        ".filter(v => ['serious', 'critical'].includes(v.impact))"
        ".map(v => [v.id, v.nodes.length, v.nodes[0].html.slice(0, 200)]))"
    )
    assert serious == []
