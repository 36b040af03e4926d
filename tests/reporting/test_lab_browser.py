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
    """What the console said, but for the browser's own word on leaving an unsaved notebook."""
    return [problem for problem in page.problems if "beforeunload" not in problem]


def leaving(page: ChromiumPage) -> list[str]:
    local = re.compile(r"(blob:)?(http|ws)://(localhost|127\.0\.0\.1):\d+/")
    return [address for address in page.requests if not local.match(address)]


def test_the_server_listens_here_alone_and_wants_its_token(lab):
    assert lab.status("/api/contents") == 403
    assert lab.status("/api/contents", TOKEN) == 200
    addresses = re.findall(r"http://([\w.\-]+):\d+/lab", lab.log.read_text())
    assert addresses
    assert set(addresses) <= {"127.0.0.1", "localhost"}


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


def test_the_picker_changes_the_dossier(lab, browser):
    lab.open(browser, "03_payment_dossier.ipynb")
    assert lab.run_all(browser) == []
    title = "[...document.querySelectorAll('h1')].map(h => h.innerText).join()"
    options = "[...document.querySelectorAll('.widget-select option')].map(o => o.innerText)"
    browser.wait_for(f"{options}.length === 24")
    browser.wait_for(f"{title}.includes('cs_test_0021: misattributed')")
    browser.wait_for(f"{MARKS}.length === 1 && {MARKS}[0] > 3")
    browser.value(
        "(() => { const field = document.querySelector('.widget-text input');"
        "field.value = 'duplicate'; field.dispatchEvent(new Event('input', {bubbles: true}));"
        "return true; })()"
    )
    browser.wait_for(f"{options}.length === 2")
    browser.value(
        "(() => { const list = document.querySelector('.widget-select select');"
        "list.selectedIndex = [...list.options].findIndex(o => o.text.includes('0004'));"
        "list.dispatchEvent(new Event('change', {bubbles: true})); return true; })()"
    )
    browser.wait_for(f"{title}.includes('cs_test_0004: confirmed')")
    browser.wait_for("document.body.innerText.includes('Payment cs_test_0004 was granted 2 times')")
    browser.wait_for(f"{MARKS}.length === 1 && {MARKS}[0] > 3")
    assert console(browser) == []
    assert leaving(browser) == []
