"""JupyterLab in a real browser: the notebooks run, charts have marks, the picker drives."""

from __future__ import annotations

import json
import re

import pytest
from chromium_page import ChromiumPage
from jupyter_lab import TOKEN, JupyterLab
from small_case import HOSTILE_NAME, write_case

pytestmark = pytest.mark.browser

MARKS = (
    "[...document.querySelectorAll('.js-plotly-plot')].map(p => "
    "p.querySelectorAll('.main-svg path, .main-svg rect').length)"
)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    case = write_case(tmp_path_factory.mktemp("lab_case"))
    with JupyterLab(case, tmp_path_factory.mktemp("lab_home") / "jupyter") as server:
        yield server


@pytest.fixture(scope="module")
def browser():
    with ChromiumPage() as page:
        yield page


def console(page: ChromiumPage) -> list[str]:
    """What the console said, but for leaving an unsaved notebook and a machine that is slow."""
    own = ("beforeunload", "to activate.")
    return [problem for problem in page.problems if not any(word in problem for word in own)]


def leaving(page: ChromiumPage) -> list[str]:
    local = re.compile(r"(blob:)?(http|ws)://(localhost|127\.0\.0\.1):\d+/")
    return [address for address in page.requests if not local.match(address)]


def test_the_server_listens_here_alone_and_wants_its_token(lab):
    assert lab.status("/api/contents") == 403
    assert lab.status("/api/contents", TOKEN) == 200
    addresses = re.findall(r"http://([\w.\-]+):\d+/lab", lab.log.read_text())
    assert addresses
    assert set(addresses) <= {"127.0.0.1", "localhost"}


def test_it_opens_on_what_was_found_without_a_click_and_asks_for_nothing(lab, browser):
    browser.open(f"http://localhost:{lab.port}/?token={TOKEN}", width=1440, height=900)
    browser.wait_for("document.body.innerText.includes('9 findings on 24 payments')", 180)
    text = browser.value("document.body.innerText")
    assert "Wrong user (stale session): 5 payments" in text
    assert "credit-forensics repair case.toml" in text
    seen = "document.querySelector('.jp-RenderedHTMLCommon .short').getBoundingClientRect().bottom"
    assert browser.value(f"{seen} < innerHeight")
    browser.wait_for(f"{MARKS}.length >= 1 && Math.min(...{MARKS}) > 3")
    # Nobody ran a cell, chose a kernel or trusted anything.
    assert browser.value("document.querySelectorAll('.jp-Dialog').length") == 0
    prompts = "[...document.querySelectorAll('.jp-InputPrompt')].map(p => p.innerText.trim())"
    assert set(browser.value(prompts)) <= {"[ ]:", ""}
    wide = (
        "[...document.querySelectorAll('.jp-RenderedHTMLCommon .scroll')]"
        ".filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.ariaLabel)"
    )
    assert browser.value(wide) == []
    assert leaving(browser) == []


def test_charts_and_tables_follow_the_labs_theme(browser):
    colours = (
        "(() => { const of = (e, name) => getComputedStyle(document.querySelector(e))[name];"
        "return [of('.js-plotly-plot .xtick text', 'fill'),"
        " of('.js-plotly-plot .gridlayer path', 'stroke'),"
        " of('.js-plotly-plot .main-svg', 'backgroundColor'),"
        " of('.jp-RenderedHTMLCommon .facts', 'color')]; })()"
    )
    light = browser.value(colours)
    browser.value(
        "jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})"
        ".then(() => true)"
    )
    browser.wait_for("document.body.dataset.jpThemeLight === 'false'")
    dark = browser.value(colours)
    assert light[0] == "rgb(31, 41, 51)"
    assert dark[0] == "rgb(230, 234, 240)"
    assert light[2] == dark[2] == "rgba(0, 0, 0, 0)"
    assert all(light[i] != dark[i] for i in (0, 1, 3)), (light, dark)
    browser.value(
        "jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Light'})"
        ".then(() => true)"
    )


def test_the_first_look_runs_to_its_end_and_tables_sort_and_filter(lab, browser):
    lab.open(browser, "01_first_look.ipynb")
    assert lab.run_all(browser) == []
    browser.wait_for(f"{MARKS}.length >= 1 && Math.min(...{MARKS}) > 3")
    browser.wait_for("document.querySelectorAll('.dt-container tbody tr').length === 9")
    # It neither fetches news nor asks whether it may.
    assert browser.value("document.querySelectorAll('.Toastify__toast').length") == 0
    assert "news" not in browser.value("document.body.innerText").lower()
    assert console(browser) == []
    assert leaving(browser) == []


def test_tables_sort_and_filter_in_place_for_thousands_of_rows(lab, browser):
    shown = lab.last_output()
    lab.run_cell(
        browser,
        "import pandas as pd\n"
        "many = pd.concat([case.verdicts.assign(number=n) for n in range(300)])\n"
        "show(many.reset_index(drop=True), case)",
    )
    browser.wait_for(f"{shown}.innerText.includes('7,200 of 7,200 rows')")
    first = f"{shown}.querySelector('tbody tr')?.innerText ?? ''"
    info = f"{shown}.querySelector('.dt-info')?.innerText ?? ''"
    browser.wait_for(f"({info}).includes('7,200')")
    field = f"{shown}.querySelector('.dt-search input')"
    browser.value(
        f"{field}.value = 'not_credited', "
        f"{field}.dispatchEvent(new Event('input', {{bubbles: true}}))"
    )
    browser.wait_for(f"({info}).includes('300 entries') && ({first}).includes('cs_test_0003')")
    column = f"[...{shown}.querySelectorAll('thead th')].find(h => h.innerText.trim() === 'number')"
    for ending in ("\t0", "\t299"):
        browser.value(f"({column}).querySelector('.dt-column-order').click(), true")
        browser.wait_for(f"({first}).trimEnd().endsWith({json.dumps(ending)})")
    assert console(browser) == []


def test_a_case_its_evidence_and_explanations_show_themselves(lab, browser):
    shown = lab.last_output()
    for source, words in {
        "case": ["9 findings on 24 payments", "misattributed", "No gaps"],
        "case.evidence": ["A row is", "payments", "24"],
        "case.explain('cs_test_0024')": ["cs_test_0024: misattributed", "card_history", "+"],
    }.items():
        lab.run_cell(browser, source)
        text = browser.value(f"{shown}.innerText")
        assert all(word in text for word in words), (source, text)
        assert "@example.com" not in text
    # Masked by default; where somebody asks for it, a name is text whatever it holds.
    lab.run_cell(browser, "case.evidence.users")
    browser.wait_for(f"{shown}.querySelectorAll('tbody tr').length === 7")
    assert "name~" in browser.value(f"{shown}.innerText")
    lab.run_cell(browser, "show(case.evidence.users, case, reveal=True)")
    browser.wait_for(f"{shown}.innerText.includes({HOSTILE_NAME!r})")
    assert browser.value(f"{shown}.querySelectorAll('td script').length") == 0
    assert console(browser) == []


def search(page: ChromiumPage, text: str) -> None:
    page.value(
        "(() => { const field = document.querySelector('.widget-text input');"
        f"field.value = {text!r}; field.dispatchEvent(new Event('input', {{bubbles: true}}));"
        "return true; })()"
    )


def click_button(page: ChromiumPage, label: str) -> None:
    button = (
        "[...document.querySelectorAll('button.jupyter-button')]"
        f".find(b => b.innerText.startsWith({label!r}))"
    )
    page.wait_for(f"!!{button}")
    page.value(f"{button}.click(), true")


def test_the_picker_changes_the_dossier(lab, browser):
    lab.open(browser, "03_payment_dossier.ipynb")
    assert lab.run_all(browser) == []
    title = "[...document.querySelectorAll('h1')].map(h => h.innerText).join()"
    options = "[...document.querySelectorAll('.widget-select option')].map(o => o.innerText)"
    browser.wait_for(f"{options}.length === 24")
    # The worst of the five stale sessions, which are nearly level.
    browser.wait_for(f"/cs_test_002[0-4]: misattributed/.test({title})")
    browser.wait_for(f"{MARKS}.length === 1 && {MARKS}[0] > 3")
    search(browser, "duplicate")
    browser.wait_for(f"{options}.length === 2")
    browser.value(
        "(() => { const list = document.querySelector('.widget-select select');"
        "list.selectedIndex = [...list.options].findIndex(o => o.text.includes('0004'));"
        "list.dispatchEvent(new Event('change', {bubbles: true})); return true; })()"
    )
    browser.wait_for(f"{title}.includes('cs_test_0004: confirmed')")
    browser.wait_for("document.body.innerText.includes('Payment cs_test_0004 was granted 2 times')")
    browser.wait_for(f"{MARKS}.length === 1 && {MARKS}[0] > 3")
    browser.wait_for("document.body.innerText.includes('Learned from')")
    search(browser, "nobody@nowhere.example")
    browser.wait_for("document.body.innerText.includes('Nothing matches.')")
    assert console(browser) == []
    assert leaving(browser) == []


def test_a_click_leads_from_an_account_to_an_incident_a_payment_and_back(lab, browser):
    lab.open(browser, "04_user_dossier.ipynb")
    assert lab.run_all(browser) == []
    title = "[...document.querySelectorAll('h1')].map(h => h.innerText).join(' / ')"
    browser.wait_for(f"{title}.includes('User e747de39')")
    # What the payer of the wrong payments lost stands first.
    browser.wait_for(
        "document.body.innerText.includes('Lost: 250 credits of 5 payments (25.00 EUR)')"
    )
    click_button(browser, "incident wrong_user")
    browser.wait_for(f"{title}.includes('Incident wrong_user-stale_session')")
    click_button(browser, "payment cs_test_002")
    browser.wait_for(f"{title}.includes('Payment cs_test_002')")
    click_button(browser, "account 7675e93c")
    # An account that is gone to is picked in the list too.
    browser.wait_for(f"{title}.startsWith('User 7675e93c') || {title}.includes('/ User 7675e93c')")
    click_button(browser, "← back")
    browser.wait_for(f"{title}.includes('Payment cs_test_002')")
    search(browser, "payer3@example.com")
    options = "[...document.querySelectorAll('.widget-select option')].map(o => o.innerText)"
    browser.wait_for(f"{options}.some(o => o.includes('00000000-0000-4000-8000-000000000003'))")
    assert console(browser) == []
