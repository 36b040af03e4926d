"""One table and one plot of what benchmarks note, whatever becomes of each of them."""

import json
import re
from pathlib import Path

import pytest
from ratio_plot import page, ratio_plot
from ratios import VARIABLE, note, read_figures, table
from run_all import HERE, QUICK, benchmarks, main

LINES = """\
{"measure": "load", "value": 1.2, "target": 1.3, "at_most": true, "unit": "x"}
{"measure": "faster than a loop", "value": 3.04, "target": 6, "at_most": false, "unit": "x"}
{"measure": "peak <memory>", "value": 5123.4, "unit": "MB"}
{"measure": "cut sho"""


def test_the_table_says_what_is_met_and_what_is_missed():
    assert table(read_figures(LINES)).splitlines() == [
        "measure               figure  target",
        "---------------------------------------------------",
        "load                   1.2 x  at most 1.3 x  met",
        "faster than a loop    3.04 x  at least 6 x   MISSED",
        "peak <memory>       5,123 MB",
    ]


def test_bars_go_from_the_target_to_the_figure_and_left_is_better_in_both_senses():
    plot = ratio_plot(read_figures(LINES))
    assert plot.layout.title.text == "Benchmarks: 1 of 2 figures meet their target"
    ends = {
        bar.name: [base + x for base, x in zip(bar.base, bar.x, strict=True)] for bar in plot.data
    }
    assert ends["met"] == [pytest.approx(1.2 / 1.3)]
    assert ends["missed"] == [pytest.approx(6 / 3.04)]
    assert plot.layout.xaxis.type == "log"
    assert "missed" in plot.layout.annotations[1].text, "colour is not alone in saying so"


@pytest.mark.parametrize("value", [0.0, -0.3, 1e-9, 1e9])
def test_what_a_log_axis_cannot_show_is_drawn_at_its_edge(value):
    lines = [
        {"measure": "seconds", "value": value, "target": 90, "at_most": sense}
        for sense in (True, False)
    ]
    plot = ratio_plot(read_figures("\n".join(map(json.dumps, lines))))
    ends = [base + x for bar in plot.data for base, x in zip(bar.base, bar.x, strict=True)]
    assert sorted(ends) == [pytest.approx(0.01), pytest.approx(100)]


def test_the_page_needs_no_network_and_keeps_names_as_text():
    html = page(
        ratio_plot(read_figures(LINES.replace("load", '<script>alert(1)</script> \\"load')))
    )
    assert not re.search(r"<(script|link|img|iframe)[^>]+(src|href)=", html)
    assert "<script>alert(1)" not in html
    assert "Plotly.newPlot" in html


def test_a_note_without_the_variable_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    assert note("load", 1.2, 1.3)
    assert not note("load", 1.4, 1.3)
    assert not list(tmp_path.iterdir())


def script(folder: Path, name: str, *lines: str) -> None:
    head = [f"import sys; sys.path.insert(0, {str(HERE)!r})", "from ratios import note"]
    (folder / f"bench_{name}.py").write_text("\n".join([*head, *lines]))


def test_one_that_fails_does_not_stop_the_others(tmp_path, capsys):
    script(tmp_path, "a_breaks", "note('half way', 1.0)", "raise RuntimeError('no disk')")
    script(tmp_path, "b_misses", "sys.exit(0 if note('load', 2.0, 1.3) else 1)")
    script(tmp_path, "c_silent", "print('measured nothing')")
    script(tmp_path, "d_good", "note('memory', 1.0, 2048, unit='MB')")
    out = tmp_path / "out"
    assert main(["--out", str(out)], tmp_path) == 1
    told = capsys.readouterr().out
    rows = [line.split("  ")[0] for line in told.splitlines()[2:5]]
    assert rows == ["half way", "load", "memory"]
    assert told.splitlines()[-3:] == [
        "missed: load",
        "failed: a_breaks ended with 1, 1 figures noted",
        "failed: c_silent ended with 0, 0 figures noted",
    ]
    kept = json.loads((out / "figures.json").read_text())["benchmarks"]
    assert [(one["name"], one["status"], one["failed"]) for one in kept] == [
        ("a_breaks", 1, True),
        ("b_misses", 1, False),
        ("c_silent", 0, True),
        ("d_good", 0, False),
    ]
    assert "1 of 2 figures meet their target" in (out / "benchmarks.html").read_text()


def test_only_those_that_are_asked_for_run(tmp_path, capsys):
    script(tmp_path, "a", "note('first', 1.0, 2.0)")
    script(tmp_path, "b", "raise SystemExit('not asked for')")
    assert main(["--only", "a", "--out", str(tmp_path / "out")], tmp_path) == 0
    with pytest.raises(SystemExit, match="2"):
        main(["--only", "c"], tmp_path)
    assert "invalid choice: 'c'" in capsys.readouterr().err


def test_every_benchmark_has_a_small_size():
    assert set(benchmarks(HERE)) <= set(QUICK)
