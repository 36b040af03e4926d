"""Reports are rendered whole, masked, self-contained and honestly named."""

from __future__ import annotations

import hashlib
import json
import re
import stat
import subprocess
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from small_case import HOSTILE_NAME, RIGHTFUL

from credit_forensics.errors import CaseError
from credit_forensics.reporting.incident_report import case_view
from credit_forensics.reporting.render import ReportFailedError, render_report

NOW = datetime(2025, 9, 3, 8, tzinfo=UTC)
NAME = re.compile(r"incident_report_20250903T080000Z_0a1b2c3d_findings\.html\Z")


class Page(HTMLParser):
    """Every element of a page with its attributes, and the text outside scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self._inside: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, {key: value or "" for key, value in attrs}))
        if tag in ("script", "style"):
            self._inside.append(tag)

    def handle_endtag(self, tag):
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, data):
        if not self._inside:
            self.text.append(data)

    def of(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


@pytest.fixture(scope="module")
def report(case_path, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    return render_report(case_path, out=out, now=NOW, run_id="0a1b2c3d")


@pytest.fixture(scope="module")
def page(report) -> Page:
    return Page(report.html.read_text(encoding="utf-8"))


def test_files_are_named_by_template_start_run_and_status(report):
    assert NAME.match(report.html.name)
    assert report.notebook.stem == report.csv.stem == report.html.stem
    assert report.status == "findings"
    assert report.counts == {"critical": 5, "high": 2, "medium": 2}


def test_the_same_report_is_the_same_bytes(report, case_path, tmp_path):
    again = render_report(case_path, out=tmp_path, now=NOW, run_id="0a1b2c3d")
    for kind in ("html", "json", "csv"):
        assert getattr(report, kind).read_bytes() == getattr(again, kind).read_bytes(), kind


def test_the_page_says_what_happened_then_the_incidents_then_answers_ten_questions(page):
    order = ["Wrong user (stale session)", "Incidents, gravest first", "10 What must be corrected"]
    places = [page.words.rindex(words) for words in (*order, "Findings by severity")]
    assert places == sorted(places)
    assert "9 findings on 24 payments; 35.00 EUR at stake" in page.words
    assert "10 What must be corrected, and is it done?" in page.words
    assert f"give them to {RIGHTFUL} ; not applied yet." in page.words.replace(" ;", " ;")


def test_nothing_is_loaded_from_anywhere(report, page):
    for tag, attributes in page.elements:
        for name in ("src", "srcset", "data", "poster", "action", "background"):
            assert name not in attributes, (tag, attributes)
        if tag == "link":
            raise AssertionError(attributes)
        if "href" in attributes:
            assert attributes["href"].startswith("#")
        assert "url(" not in attributes.get("style", "")
    css = "".join(re.findall(r"<style>(.*?)</style>", report.html.read_text(), re.DOTALL))
    assert "url(" not in css
    assert "@import" not in css
    (policy,) = [
        meta["content"] for meta in page.of("meta") if meta.get("http-equiv", "").startswith("Cont")
    ]
    assert policy.startswith("default-src 'none'")


def test_the_chart_library_stands_there_once_and_the_page_is_small(report, page):
    packed = [
        attributes for attributes in page.of("script") if attributes.get("id") == "plotly-packed"
    ]
    assert len(packed) == 1
    assert report.html.stat().st_size < 3_000_000


def test_every_chart_has_an_alternative_text_and_a_caption(page):
    plots = [div for div in page.of("div") if div.get("class") == "plot"]
    assert len(plots) >= 12
    for plot in plots:
        assert plot["role"] == "img"
        assert len(plot["aria-label"]) > 20
    assert len(page.of("figcaption")) == len(plots)


def test_waterfalls_end_at_the_scores_of_the_explanation(report, case):
    text = report.html.read_text(encoding="utf-8")
    figures = re.findall(r"<script[^>]*application/json[^>]*>(.*?)</script>", text, re.DOTALL)
    traces = [json.loads(figure)["data"][0] for figure in figures]
    drawn = [trace for trace in traces if trace["type"] == "waterfall"]
    assert len(drawn) == 7
    for payment, trace in zip(case_view(case).worst_payments, drawn, strict=True):
        scores = case.explain(payment).scores["score"].tolist()
        steps = zip(trace["x"], trace["measure"], strict=True)
        totals = [value for value, measure in steps if measure == "total"]
        assert totals == pytest.approx(scores[: len(totals)])


def test_tables_have_captions_and_scoped_headers(page):
    assert len(page.of("caption")) == len(page.of("table"))
    assert all("scope" in header for header in page.of("th"))


def test_language_is_declared_and_code_is_hidden(report, page):
    assert page.of("html")[0]["lang"] == "en"
    assert "IncidentReport(" not in page.words
    assert "import" not in page.words


def test_data_of_strangers_stays_text_and_masked(report, page):
    text = report.html.read_text(encoding="utf-8")
    assert "alert(1)" not in text
    assert "example.com" not in text
    assert HOSTILE_NAME not in report.csv.read_text()
    assert all("alert" not in str(attributes) for attributes in page.of("script"))


def test_no_markup_stands_in_an_attribute_and_none_is_escaped_twice(page):
    for tag, attributes in page.elements:
        assert not re.search(r"</?[a-z]", "".join(attributes.values())), (tag, attributes)
    assert not re.search(r"&(lt|gt|amp|quot|#\d+);|</?(p|code|td|span)\b", page.words)


def test_the_csv_lies_beside_the_page_with_its_hash(report, page):
    assert report.csv.name in page.words
    assert hashlib.sha256(report.csv.read_bytes()).hexdigest() in page.words
    assert "(9 of 9)" in page.words


def test_the_manifests_own_hash_is_shown_with_every_input(report, page, case, case_path, tmp_path):
    beside = report.html.with_suffix(".manifest.json")
    shown = subprocess.run(["sha256sum", beside], check=True, capture_output=True, text=True)
    assert shown.stdout.split()[0] in page.words
    assert beside.name in page.words
    assert beside.stat().st_mode & 0o077 == 0
    # It is what an analysis of the same inputs writes.
    case.analyze(tmp_path)
    assert (tmp_path / "manifest.json").read_bytes() == beside.read_bytes()
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=tmp_path, check=True)
    for name in ("sessions.jsonl", "events.jsonl", "charges.jsonl", "webhook.log"):
        sha = hashlib.sha256((case_path.parent / name).read_bytes()).hexdigest()
        assert sha in page.words


def test_notebook_and_csv_are_their_owners_alone(report):
    for path in (report.notebook, report.csv):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    notebook = nbformat.read(report.notebook, as_version=4)
    nbformat.validate(notebook)
    assert "example.com" not in report.notebook.read_text()
    assert (report.notebook.parent.parent / "case") not in report.notebook.parents


def test_reveal_says_so(case_path, tmp_path):
    report = render_report(case_path, out=tmp_path, reveal=True, language="de", now=NOW)
    page = Page(report.html.read_text(encoding="utf-8"))
    assert page.of("html")[0]["lang"] == "de"
    assert "Personendaten sind in diesem Bericht offen (--reveal)" in page.words
    assert "Zehn Fragen, beantwortet" in page.words
    assert "falscher Nutzer" in page.words
    assert stat.S_IMODE(report.html.stat().st_mode) == 0o600
    # Whatever language it speaks, no sentence of another one is left in its own words.
    assert "The credits of payment" not in page.words


def test_a_notebook_with_cells_for_an_analyst_runs_without_them(case_path, tmp_path):
    report = render_report(case_path, template="01_first_look", out=tmp_path, now=NOW)
    page = Page(report.html.read_text(encoding="utf-8"))
    assert report.status == "findings"
    assert "widget-view" not in report.notebook.read_text()
    assert page.of("h2")
    assert "example.com" not in report.html.read_text()
    assert "alert(1)" not in report.html.read_text()


def failing_notebook(folder: Path) -> Path:
    parameters = new_code_cell('case_path = ""\ncsv = ""', metadata={"tags": ["parameters"]})
    cells = [
        parameters,
        new_markdown_cell("Before <script>alert(2)</script>."),
        new_code_cell("print('secret-' + 'printed')\n1 + 1"),
        new_code_cell("password = 'secret-' + 'value'\nraise ValueError('secret-' + 'message')"),
        new_code_cell("print('after')"),
    ]
    path = folder / "will_fail.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    return path


def test_a_failed_run_still_renders_by_type_and_cell_alone(case_path, tmp_path):
    with pytest.raises(ReportFailedError, match="ValueError in cell 4") as caught:
        render_report(case_path, template=str(failing_notebook(tmp_path)), out=tmp_path, now=NOW)
    rendered = caught.value.rendered
    assert rendered.status == "failed"
    assert rendered.html.name.endswith("_failed.html")
    text = rendered.html.read_text(encoding="utf-8")
    # Its number in the notebook beside the page, where papermill's own cell comes second.
    assert "ValueError in cell 4" in Page(text).words
    for part in ("secret", "Traceback", "password", "raise "):
        assert part not in text, part
    raw = rendered.notebook.read_text(encoding="utf-8")
    assert "secret-message" not in raw
    assert "secret-printed" not in raw
    assert "secret-message" not in str(caught.value)
    # Only a script that carries the page's own nonce may run, and this one does not.
    assert all("alert" not in "".join(attributes) for attributes in Page(text).of("script"))


def test_a_case_error_inside_a_run_keeps_its_sentence_for_the_terminal(tmp_path, case_path):
    with pytest.raises(ReportFailedError, match="There is no payment cs_none"):
        render_report(case_path, out=tmp_path, parameters={"payment_id": "cs_none"}, now=NOW)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"template": "none"}, "no report template"),
        ({"language": "fr"}, "no report language"),
        ({"parameters": {"paymentid": "x"}}, "did you mean 'payment_id'"),
        ({"case_path": "nowhere/case.toml"}, "no case file"),
    ],
)
def test_what_cannot_be_used_is_told_before_anything_is_written(
    case_path, tmp_path, changes, message
):
    options = {"case_path": case_path, "out": tmp_path / "out", **changes}
    with pytest.raises(CaseError, match=message):
        render_report(options.pop("case_path"), **options)
    assert not (tmp_path / "out").exists()


def test_nothing_is_left_in_the_temporary_folder(case_path, tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setattr("tempfile.tempdir", None)
    with pytest.raises(ReportFailedError):
        render_report(case_path, template=str(failing_notebook(tmp_path)), out=tmp_path)
    assert list(scratch.iterdir()) == []


def test_the_repair_notebook_shows_each_entry_and_books_nothing(case_path, tmp_path):
    before = hashlib.sha256((case_path.parent / "ledger.db").read_bytes()).hexdigest()
    report = render_report(case_path, template="06_repair", out=tmp_path, now=NOW)
    page = Page(report.html.read_text(encoding="utf-8"))
    assert "Entries in the order of booking (12 of 12)" in page.words
    assert "Findings that no entry is planned for (1 of 1)" in page.words
    assert hashlib.sha256((case_path.parent / "ledger.db").read_bytes()).hexdigest() == before
