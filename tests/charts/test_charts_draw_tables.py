"""The charts draw what the tables say, aggregated, escaped, in both languages."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest

from credit_forensics.charts import (
    credit_flow,
    exposure_by_cause,
    method_agreement,
    rate_with_onset,
    reliability_curve,
    timeline,
    waterfall,
)
from credit_forensics.charts.style import SEVERITY_COLOURS, bin_frequency, plain
from credit_forensics.charts.wording import WORDS, word

OKABE_ITO = {
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7",
}  # fmt: skip


@dataclass
class Explained:
    payment_id: str = "cs_1"
    verdict: dict = field(default_factory=lambda: {"credited_user_id": "b"})
    scores: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(
            {"person_id": ["a", "b"], "score": [5.0, 2.0], "probability": [0.95, 0.05]}
        )
    )
    bars: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(
            {
                "person_id": ["a", "a", "b"],
                "family": ["email", "card", "session"],
                "level": ["alone", "one", "unanimous"],
                "accuracy": [0.95, 0.9, 0.99],
                "weight": [6.0, -1.0, 2.0],
                "methods": ["payer_email", "card_history", "metadata_user_id"],
            }
        )
    )


def payments(number: int) -> pd.DataFrame:
    times = pd.Timestamp("2025-09-01", tz="UTC") + pd.to_timedelta(
        np.linspace(0, 90 * 86_400, number).astype("int64"), unit="s"
    )
    return pd.DataFrame({"payment_id": [f"p{i}" for i in range(number)], "created_at": times})


def findings(rows: list[dict]) -> pd.DataFrame:
    frame = pd.DataFrame(rows)
    frame["created_at"] = pd.to_datetime(frame["created_at"], utc=True)
    return frame


def some_findings() -> pd.DataFrame:
    base = {"created_at": "2025-09-03", "severity": "critical", "finding": "wrong_user"}
    return findings(
        [
            {**base, "payment_id": "p1", "cause": "stale_session", "amount": 500,
             "currency": "eur", "rightful_user_id": "a", "credited_user_id": "b", "credits": 50},
            {**base, "payment_id": "p2", "cause": "stale_session", "amount": 700,
             "currency": "eur", "rightful_user_id": "a", "credited_user_id": "b", "credits": 70},
            {**base, "payment_id": "p2", "cause": None, "amount": 300, "severity": "high",
             "finding": "wrong_amount", "currency": "jpy", "rightful_user_id": "a",
             "credited_user_id": "b", "credits": 70},
        ]
    )  # fmt: skip


def test_agreement_shows_shares_and_leaves_silent_methods_out():
    names = ["m1", "m2", "silent"]
    table = pd.DataFrame(
        [[1.0, 0.25, np.nan], [0.25, 1.0, np.nan], [np.nan] * 3], index=names, columns=names
    )
    figure = method_agreement(table)
    assert list(figure.data[0].x) == ["m1", "m2"]
    assert figure.data[0].z[0][1] == 0.25
    assert "25 % between m1 and m2" in figure.layout.meta["alt"]


def test_agreement_refuses_a_table_that_is_not_square():
    with pytest.raises(ValueError, match="same methods"):
        method_agreement(pd.DataFrame([[1.0]], index=["a"], columns=["b"]))


def test_waterfall_starts_anew_for_each_person_and_ends_at_the_score():
    trace = waterfall(Explained()).data[0]
    bars = ["absolute", "relative", "relative", "total", "absolute", "relative", "total"]
    assert list(trace.measure) == bars
    level, ends = 0.0, []
    for measure, value in zip(trace.measure, trace.x, strict=True):
        if measure == "absolute":
            level = value
        elif measure == "relative":
            level += value
        else:
            ends.append((level, value))
    assert ends == [(5.0, 5.0), (2.0, 2.0)]


def test_waterfall_keeps_the_credited_person_among_many_candidates():
    many = pd.DataFrame(
        {
            "person_id": list("acdeb"),
            "score": [9.0, 8.0, 7.0, 6.0, 1.0],
            "probability": [0.9, 0.05, 0.03, 0.01, 0.01],
        }
    )
    heads = [text for text in waterfall(Explained(scores=many)).data[0].text if "<b>" in text]
    assert len(heads) == 3
    assert heads[-1].startswith("<b>b · credited")


def test_timeline_counts_every_payment_and_finding_once():
    figure = timeline(payments(1000), some_findings())
    bars = {trace.name: sum(trace.y) for trace in figure.data}
    assert bars == {"": 1000, "critical": 2, "high": 1}


def test_flow_counts_a_payment_once_and_nobody_to_himself():
    rows = pd.concat([some_findings(), some_findings().assign(credited_user_id="a")])
    link = credit_flow(rows).data[0].link
    assert list(link.value) == [120]


def test_flow_gathers_small_flows():
    rows = pd.DataFrame(
        {
            "rightful_user_id": [f"r{i}" for i in range(30)],
            "credited_user_id": "thief",
            "credits": range(30, 0, -1),
        }
    )
    link = credit_flow(rows, most=10).data[0].link
    assert len(link.value) == 11
    assert sum(link.value) == sum(range(31))
    # Where the others would leave the largest no room, the title counts them instead.
    many = pd.concat(
        [rows.assign(rightful_user_id=f"{i}" + rows.rightful_user_id) for i in range(9)]
    )
    figure = credit_flow(many, most=5)
    assert list(figure.data[0].link.value) == [30] * 5
    assert "5 largest of 270 flows (4,185 credits" in figure.layout.title.text


def test_rate_is_the_share_hit_and_names_the_onset():
    table = payments(500)
    hit = table["payment_id"].iloc[250:]
    onset = table["created_at"].iloc[250]
    figure = rate_with_onset(table, hit, onset=onset)
    line = figure.data[1]
    assert line.y[0] == 0.0
    assert line.y[-1] == 1.0
    assert f"{onset:%Y-%m-%d %H:%M}" in figure.layout.title.text
    assert all(low <= share <= high for low, share, high in _bands(figure))


def _bands(figure):
    band, line = figure.data[0], figure.data[1]
    number = len(line.y)
    return zip(list(band.y[number:])[::-1], line.y, band.y[:number], strict=True)


def test_reliability_bins_by_count_and_says_when_there_are_no_labels():
    rows = pd.DataFrame(
        {"probability": np.linspace(0, 1, 100), "wrong": [False] * 50 + [True] * 50}
    )
    figure = reliability_curve(rows)
    assert [counted for *_, counted in figure.data[1].customdata] == [10] * 10
    empty = reliability_curve(rows.head(0))
    assert "uncalibrated" in empty.layout.annotations[0].text


def test_exposure_never_adds_two_currencies():
    figure = exposure_by_cause(some_findings())
    amounts = {trace.name: list(trace.text) for trace in figure.data}
    assert amounts == {"EUR": ["12.00 EUR"], "JPY": ["300 JPY"]}


@pytest.mark.parametrize("language", list(WORDS))
def test_every_chart_survives_having_nothing_and_says_so(language):
    nothing = some_findings().head(0)
    none = Explained(scores=Explained().scores.head(0), bars=Explained().bars.head(0))
    figures = [
        method_agreement(pd.DataFrame(), language=language),
        waterfall(none, language=language),
        timeline(payments(1).head(0), nothing, language=language),
        credit_flow(nothing, language=language),
        rate_with_onset(payments(1).head(0), pd.Series(dtype=str), language=language),
        reliability_curve(pd.DataFrame({"probability": [], "wrong": []}), language=language),
        exposure_by_cause(nothing, language=language),
    ]
    for figure in figures:
        assert figure.layout.meta["alt"]
        assert figure.layout.annotations[0].text


def test_a_million_payments_draw_as_small_as_a_thousand():
    large = timeline(payments(1_000_000), some_findings())
    hits = payments(1_000_000)["payment_id"].iloc[::50]
    assert len(large.to_json()) < 12_000
    assert len(rate_with_onset(payments(1_000_000), hits).to_json()) < 30_000


def test_labels_that_strangers_wrote_are_not_markup():
    rows = some_findings().assign(credited_user_id='<a href="https://example.com">x</a>')
    labels = credit_flow(rows).data[0].node.label
    assert not any("<a" in label for label in labels)
    assert plain("<b>&") == "&lt;b&gt;&amp;"


def test_colours_are_of_okabe_and_ito_or_grey():
    assert set(SEVERITY_COLOURS.values()) <= OKABE_ITO | {"#8A8F98"}


def test_languages_have_the_same_texts():
    assert {tuple(sorted(texts)) for texts in WORDS.values()} == {tuple(sorted(WORDS["en"]))}
    with pytest.raises(ValueError, match="no language"):
        word("fr", "nothing")


@pytest.mark.parametrize("days", [0, 1, 5, 60, 300, 3000])
def test_bins_are_never_too_many(days):
    first = pd.Timestamp("2025-01-01", tz="UTC")
    last = first + pd.Timedelta(days=days)
    width = pd.Timedelta(bin_frequency(first, last))
    assert (last - first) / width <= 131
