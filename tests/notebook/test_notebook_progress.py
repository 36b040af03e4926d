"""Long steps show how far they are, in a notebook, in a terminal, and not where nobody looks."""

from __future__ import annotations

import io

import pytest
from IPython.core.interactiveshell import InteractiveShell

from credit_forensics.notebook import notebook_progress
from credit_forensics.notebook.live import REPORT_VARIABLE, live_shell
from credit_forensics.notebook.progress import NotebookBar, TerminalBar, bar_html


class Kernel(InteractiveShell):
    """A shell as a kernel has it."""

    kernel = object()


@pytest.fixture
def shell():
    Kernel.clear_instance()
    yield Kernel.instance()
    Kernel.clear_instance()


def test_a_notebook_has_a_bar_which_goes_with_its_cell(shell, capsys, monkeypatch):
    monkeypatch.delenv(REPORT_VARIABLE, raising=False)
    progress = notebook_progress()
    assert isinstance(progress, NotebookBar)
    shell.user_ns["progress"] = progress
    for _ in range(2):
        shell.run_cell("progress('judging', 1, 2); progress('done', 2, 2)")
        assert progress._end not in shell.events.callbacks["post_run_cell"]
    assert capsys.readouterr().out


def test_a_reports_run_has_neither_bar_nor_widgets(shell, monkeypatch):
    monkeypatch.setenv(REPORT_VARIABLE, "1")
    assert live_shell() is None
    assert not isinstance(notebook_progress(), NotebookBar)


def test_a_terminal_has_one_line_ended_once():
    stream = io.StringIO()
    bar = TerminalBar(stream)
    for number in (1, 2, 3):
        bar("judging", number, 3)
    text = stream.getvalue()
    assert text.count("\r") == 3
    assert text.count("\n") == 1
    assert "3/3 judging" in text


def test_a_steps_name_stays_text():
    assert "<script>" not in bar_html("<script>", 1, 2)
