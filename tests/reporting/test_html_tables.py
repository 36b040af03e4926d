"""Tables are accessible, capped, and data in them stays text."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from credit_forensics.reporting.html_tables import TableColumn, html_table
from credit_forensics.reporting.language import Language
from credit_forensics.reporting.page import chart_html

ENGLISH = Language("en")
COLUMNS = [TableColumn("name", "Name"), TableColumn("n", "N", number=True)]


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text.append(data)


def table(**options):
    rows = pd.DataFrame({"name": ["anna", None], "n": pd.array([1, None], "Int64")})
    return html_table(rows, COLUMNS, caption="People", language=ENGLISH, **options)


def test_headers_have_scope_and_the_caption_says_n_of_m():
    page = table(total=1234)
    assert page.count('<th scope="col"') == 2
    assert page.count('<th scope="row"') == 2
    assert "<caption>People (2 of 1,234)</caption>" in page
    assert 'tabindex="0" role="region" aria-label="People (2 of 1,234)"' in page


def test_absent_values_are_empty_and_details_follow_their_row():
    page = table(detail=lambda row: f"about {row['name']}")
    assert "<NA>" not in page
    assert page.index("anna</th>") < page.index("about anna") < page.index("about None")


def test_an_empty_table_says_so():
    page = html_table(pd.DataFrame(), COLUMNS, caption="x", language=ENGLISH)
    assert page == '<p class="none">No rows.</p>'


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=60))
def test_no_value_ever_becomes_markup(value):
    page = html_table(
        pd.DataFrame({"name": [value], "n": [1]}), COLUMNS, caption=value, language=ENGLISH
    )
    reader = Reader()
    reader.feed(page)
    expected = ["div", "table", "caption", "thead", "tr", "th", "th", "tbody", "tr", "th", "td"]
    assert reader.tags == expected


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=60))
def test_json_never_leaves_its_script_element(value):
    trace = {"v": value, "x": "</script><!--"}
    chart = chart_html({"data": [trace], "layout": {"title": {"text": value}}}, 1, ENGLISH)
    text = chart.split('-data">')[1].removesuffix("</script></figure>")
    assert "<" not in text
    assert ">" not in text
    assert json.loads(text)["data"] == [trace]
