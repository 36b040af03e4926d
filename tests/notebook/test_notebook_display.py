"""What a notebook shows: masked, escaped, with a text form, and nothing set up on import."""

from __future__ import annotations

import json
import subprocess
import sys
from html.parser import HTMLParser

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

from credit_forensics.case.case import Case
from credit_forensics.charts import credit_flow, exposure_by_cause, rate_with_onset, timeline
from credit_forensics.errors import CaseError
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.notebook.displays import register_displays
from credit_forensics.notebook.show import ShownTable, show
from credit_forensics.notebook.style import notebook_style
from credit_forensics.privacy.mask import Mask
from credit_forensics.tables.catalogue import ALL, Tables

SCRIPT = "<script>alert(1)</script>"


class Reader(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)

    def handle_data(self, data):
        self.text += data + " "


@pytest.fixture(scope="module")
def shown():
    """What IPython shows of a value, as HTML."""
    shell = InteractiveShell()
    register_displays(shell)
    return lambda value: shell.display_formatter.format(value)[0]["text/html"]


@pytest.fixture
def case(literal_case) -> Case:
    """One payment of Anna's, credited to an id of a stranger's making."""
    when = "2025-09-01T10:00:00Z"
    return literal_case(
        users=[{"user_id": "u1", "email": "anna@example.com", "name": SCRIPT, "created_at": when}],
        payments=[
            {
                "payment_id": "cs_1",
                "created_at": when,
                "payment_status": "paid",
                "livemode": True,
                "payer_email": "anna@example.com",
                "payer_name": SCRIPT,
                "amount": 500,
                "currency": "eur",
            }
        ],
        metadata=[
            {"payment_id": "cs_1", "key": "user_id", "value": "eve@example.com", "source": "s"}
        ],
        ledger=[
            {
                "entry_id": "l1",
                "user_id": "eve@example.com",
                "delta": 50,
                "payment_id": "cs_1",
                "kind": "grant",
                "created_at": when,
            }
        ],
    )


def test_a_case_shows_what_was_found_and_what_it_lacks(case, shown):
    page = Reader(shown(case))
    assert "script" not in page.tags
    assert "payments judged" in page.text
    assert "Payments by verdict" in page.text
    assert "example.com" not in page.text
    assert repr(case) == "Case('credit forensics', 1 payments, mode hindsight)"


def test_evidence_shows_its_tables_and_no_value(case, shown):
    page = Reader(shown(case.evidence))
    assert "payments 1" in page.text
    assert "alert" not in page.text
    assert "payments 1" in repr(case.evidence)


def test_an_explanation_masks_where_it_displays_and_keeps_ids_where_it_is_data(case, shown):
    explanation = case.explain("cs_1")
    for text in (shown(explanation), repr(explanation)):
        assert "cs_1" in text
        assert "eve@" not in text
        assert "email~" in text
    assert "eve@example.com" in str(explanation)
    assert "eve@example.com" in json.dumps(explanation.to_dict(), default=str)
    case.reveal = True
    del case.mask
    assert "eve@example.com" in repr(case.explain("cs_1"))


def test_an_explanations_bars_are_as_long_as_the_weights(case, shown):
    explanation = case.explain("cs_1")
    page = shown(explanation)
    assert page.count('aria-hidden="true"') == len(explanation.bars) + len(explanation.scores)
    for weight in explanation.bars["weight"]:
        assert f"{weight:+.3f}" in page


def test_tables_are_masked_but_for_numbers_and_times(case):
    shown = show(case.evidence.users, case)
    assert "anna@" not in repr(shown)
    assert "2025-09-01" in repr(shown)
    assert "anna@example.com" in repr(show(case.evidence.users, case, reveal=True))
    counts = case.evidence.users["email"].value_counts()
    assert "anna@" not in repr(show(counts, case))
    assert show(counts, case).rows(5)["count"].tolist() == [1]


def test_outside_a_notebook_a_table_is_static_and_capped(case):
    many = pd.DataFrame({"amount": range(1000)})
    bundle = show(many, case, caption="Amounts")._repr_mimebundle_()
    assert sorted(bundle) == ["text/html", "text/plain"]
    assert "Amounts (25 of 1,000)" in bundle["text/html"]
    assert "(25 of 1,000 rows)" in bundle["text/plain"]


def test_a_table_without_rows_or_with_columns_of_one_name_is_shown(case):
    assert "No rows" in show(pd.DataFrame({"a": []}), case).static_html()
    twice = pd.DataFrame([[1, 2]], columns=["a", "a"])
    assert "2" in show(twice, case).static_html()


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=40), st.text(max_size=20))
def test_no_value_or_heading_becomes_markup(value, heading):
    table = pd.DataFrame({heading: [value]})
    for reveal in (False, True):
        shown = ShownTable(table, Mask(b"key"), value, reveal)
        tags = {"div", "table", "caption", "thead", "tbody", "tr", "th"}
        assert Reader(shown.static_html()).tags <= tags


def test_the_widget_takes_every_row_and_lets_no_markup_through(case):
    users = pd.concat([case.evidence.users] * 3000, ignore_index=True)
    widget = show(users, case, caption="<i>Users", reveal=True).widget()
    head, table = widget.children
    assert head.value == "<b>&lt;i&gt;Users (3,000 of 3,000 rows)</b>"
    rows = json.loads(table._dt_args["data_json"])
    assert len(rows) == 3000
    assert SCRIPT not in rows[0]
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in rows[0]
    assert "2025-09-01 10:00:00" in rows[0]
    widget.close()
    table.close()


def test_the_style_is_the_reports_and_touches_nothing_else():
    style = notebook_style()
    assert ".jp-RenderedHTMLCommon .severity.critical" in style
    assert '[data-jp-theme-light="false"]' in style
    for line in style.removeprefix("<style>").splitlines():
        ours = (".jp-RenderedHTMLCommon", "[data-jp", ".js-plotly-plot")
        assert line.startswith(ours), line
        # A rule that a comma cut in two would take those after it along.
        assert line.count("(") == line.count(")"), line


def test_importing_sets_nothing_up():
    program = (
        "import sys, pandas as pd\nbefore = pd.get_option('display.max_rows')\n"
        "import credit_forensics.notebook\n"
        "assert pd.get_option('display.max_rows') == before\n"
        "assert not {'ipywidgets', 'itables'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


def test_completion_offers_everything_public_and_computes_nothing(case):
    shell = InteractiveShell()
    shell.user_ns["case"] = case

    def offered(code: str) -> set[str]:
        with provisionalcompleter():
            found = shell.Completer.completions(code, len(code))
            return {completion.text.lstrip(".") for completion in found}

    public = {"verdicts", "findings", "incidents", "explain", "evidence", "matrix"}
    assert public <= offered("case.")
    assert {"payments", "ledger", "frame", "count"} <= offered("case.evidence.")
    for table in ("verdicts", "findings", "incidents", "method_summary"):
        assert {"groupby", "head"} <= offered(f"case.{table}.")
    shell.Completer.use_jedi = False
    assert public <= offered("case.")
    assert not {"judgement", "verdicts", "matrix", "_examined", "mask"} & set(vars(case))
    assert set(dir(Tables())) == set(ALL)


@pytest.mark.parametrize(
    ("ask", "error", "hint"),
    [
        (lambda case: case.verdict, AttributeError, "did you mean 'verdicts'"),
        (lambda case: case.zzz, AttributeError, "known are .*verdicts"),
        (lambda case: case.evidence.paymnts, AttributeError, "did you mean 'payments'"),
        (lambda case: case.evidence.frame("paymnts"), KeyError, "did you mean 'payments'"),
        (lambda case: Tables().ledgr, AttributeError, "did you mean 'ledger'"),
        (lambda case: Case(case.evidence, mode="hindsite"), CaseError, "did you mean 'hindsight'"),
        (lambda case: Case.open("none.toml", mode="x"), CaseError, "known are hindsight, as_of"),
        (lambda case: case.explain("cs_2"), CaseError, "did you mean 'cs_1'"),
        (lambda case: timeline(case.verdicts, case.findings), ValueError, "no column 'created_at'"),
        (lambda case: credit_flow(case.verdicts), ValueError, "no column 'credits'"),
        (lambda case: exposure_by_cause(case.persons), ValueError, "no columns 'finding'"),
        (
            lambda case: rate_with_onset(case.persons, case.verdicts["payment_id"]),
            ValueError,
            "it has 'user_id'",
        ),
    ],
)
def test_a_wrong_argument_is_told_what_would_be_right(case, ask, error, hint):
    with pytest.raises(error, match=hint):
        ask(case)


def test_an_error_inside_a_property_is_not_taken_for_a_missing_one():
    class Broken(Case):
        @property
        def worse(self):
            return self.evidence.no_such_table

    with pytest.raises(AttributeError, match="no evidence table 'no_such_table'"):
        _ = Broken(Evidence()).worse
