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


def test_every_chart_is_drawn_with_marks_when_its_section_is_unfolded(opened):
    opened.value(
        "document.querySelectorAll('button.fold[aria-expanded=false]').forEach(b => b.click())"
    )
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


FACTS = {
    "what happened": r"Wrong user \(stale session\)",
    "to how many": r"5 payments, 1 account hit, 25\.00 EUR",
    "from when to when": r"from 2025-09-0\d \d\d:\d\d UTC to 2025-09-0\d \d\d:\d\d UTC",
    "whether it goes on": r"It may still go on",
    "what they share": r"Nothing that was recorded sets the wrong payments apart",
    "what was judged": r"Judged: \d+ % of the paid money",
    "what to do now": r"credit-forensics repair case\.toml writes a plan of 8 corrections",
}


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_a_reader_who_never_saw_it_finds_the_seven_facts_on_the_first_screen(
    browser, report, width, height
):
    browser.open(report.html.as_uri(), width=width, height=height)
    lines = browser.value(
        "[...document.querySelectorAll('main p, main h1, main li, main td')].filter(e => {"
        "const box = e.getBoundingClientRect(); return box.bottom <= innerHeight && box.height; })"
        ".map(e => e.innerText)"
    )
    seen = " ".join(" ".join(lines).split())
    assert [name for name, words in FACTS.items() if not re.search(words, seen)] == [], seen


ROWS = "[...document.querySelectorAll('tr[id^=finding-]')].filter(row => !row.hidden)"


def narrow(page, **values: str) -> list[str]:
    """Fill the filter in as a person does; the ids of the rows that are left."""
    for name, value in values.items():
        page.value(
            f"(field => {{ field.value = {value!r};"
            "field.dispatchEvent(new Event('input', {bubbles: true})); return true; })"
            f"(document.querySelector('form.filter').elements[{name!r}])"
        )
    return page.value(f"{ROWS}.map(row => row.cells[0].textContent)")


def test_the_filter_narrows_by_finding_account_payment_and_time(opened):
    everything = narrow(opened)
    assert len(everything) == 9
    assert len(narrow(opened, finding="wrong_user")) == 5
    assert opened.value("document.querySelector('.filter output').textContent") == (
        "5 of 9 findings"
    )
    assert narrow(opened, text="cs_test_0024") == ["cs_test_0024"]
    assert narrow(opened, text="7675E93C-341b cs_test_0024") == ["cs_test_0024"]
    assert narrow(opened, text="nobody has this") == []
    assert narrow(opened, finding="", text="cs_test_0004") == ["cs_test_0004"]
    # The histories of the payments narrow with their findings.
    shown = "[...document.querySelectorAll('details.proof')].filter(d => !d.hidden).length"
    assert opened.value(shown) == 1
    day = {"text": "", "from": "2025-09-03", "to": "2025-09-03"}
    dated = narrow(opened, **day)
    assert 0 < len(dated) < 9
    opened.value("document.querySelector('.filter button').click()")
    opened.wait_for(f"{ROWS}.length === 9")


def test_an_incident_leads_to_its_findings_and_a_finding_to_its_history(opened):
    opened.value("document.querySelector('a[data-incident]').click()")
    opened.wait_for(f"{ROWS}.length === 5")
    anchor = opened.value(f"{ROWS}[0].nextElementSibling.querySelector('a.jump').hash.slice(1)")
    opened.value(f"{ROWS}[0].nextElementSibling.querySelector('a.jump').click()")
    opened.wait_for(f"document.getElementById({anchor!r}).open")
    text = opened.value(f"document.getElementById({anchor!r}).innerText")
    assert "webhook.log:" in text
    assert "purchase +50" in text


def click(page, selector: str) -> None:
    """A click as a mouse makes it, by which a page may copy."""
    x, y = page.value(
        f"(e => {{ e.scrollIntoView({{block: 'center'}}); const b = e.getBoundingClientRect();"
        f" return [b.x + 4, b.y + b.height / 2]; }})(document.querySelector({selector!r}))"
    )
    for kind in ("mousePressed", "mouseReleased"):
        page.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)


def test_a_click_copies_a_whole_id_though_a_column_shows_it_cut(opened):
    opened.send(
        "Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"]
    )
    cell = "tr[data-finding=wrong_user][id] td code.cut"
    width, needed = opened.value(
        f"(e => [e.clientWidth, e.scrollWidth])(document.querySelector({cell!r}))"
    )
    assert needed > width
    click(opened, cell)
    opened.wait_for("document.querySelector('.copied').classList.contains('shown')")
    whole = "7675e93c-341b-412d-a41c-cfe1dc519172"
    assert opened.value("document.querySelector('.copied').textContent") == f"Copied: {whole}"
    assert opened.value("navigator.clipboard.readText()") == whole


def test_sections_fold_and_unfold_and_links_into_them_open_them(opened):
    button = "document.querySelector('#findings button.fold')"
    assert opened.value(f"{button}.getAttribute('aria-expanded')") == "true"
    opened.value(f"{button}.click()")
    assert opened.value(f"{button}.getAttribute('aria-expanded')") == "false"
    assert opened.value("document.querySelector('form.filter').closest('[hidden]') !== null")
    opened.value("location.hash = '#findings'")
    opened.wait_for("document.querySelector('form.filter').closest('[hidden]') === null")
    # What one looks things up in begins folded, and its charts are drawn when it is unfolded.
    assert opened.value("document.querySelector('#methods button').ariaExpanded") == "false"
    opened.value("document.querySelector('#methods button').click()")
    undrawn = "[...document.querySelectorAll('.plot')].filter(p => !p.querySelector('.main-svg'))"
    opened.wait_for(f"{undrawn}.length === 0")
    opened.value("document.querySelector('button.fold-all').click()")
    every = "[...document.querySelectorAll('button.fold')].map(b => b.ariaExpanded)"
    assert set(opened.value(every)) == {"false"}


SIDEWAYS = """
[...document.querySelectorAll('main, main *')].filter(e => e.scrollWidth > e.clientWidth + 1
  && ['auto', 'scroll'].includes(getComputedStyle(e).overflowX)).map(e => e.ariaLabel || e.tagName)
"""


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_nothing_scrolls_sideways_also_inside_with_all_unfolded(browser, report, width, height):
    browser.open(report.html.as_uri(), width=width, height=height)
    browser.value(
        "[...document.querySelectorAll('button.fold[aria-expanded=false]')].forEach(b => b.click()),"
        "document.querySelectorAll('details').forEach(d => { d.open = true; }), true"
    )
    assert browser.value(SIDEWAYS) == []
    assert browser.value("document.documentElement.scrollWidth") <= width


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
