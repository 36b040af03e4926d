"""Opens a case in a notebook: with a progress bar, and with tables that show themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from IPython.display import HTML, display

from credit_forensics.case.case import Case
from credit_forensics.notebook.live import live_shell
from credit_forensics.notebook.progress import notebook_progress
from credit_forensics.notebook.show import show
from credit_forensics.notebook.style import notebook_style


def open_case(path: Path | str, *, reveal: bool = False, **options: Any) -> Case:
    """Open a case for work in a notebook.

    In JupyterLab, tables then display masked, and sort and filter in place; in a report's run and
    in a terminal this is ``Case.open`` alone.

    Parameters
    ----------
    path
        the case file, or its folder.
    reveal
        show personal data in what the notebook displays.
    options
        further arguments of ``Case.open``.

    Raises
    ------
    CaseError
        when the file or its inputs cannot be used; one sentence says why.
    """
    case = Case.open(path, progress=notebook_progress(), reveal=reveal, **options)
    shell = live_shell()
    if shell is not None:
        let_tables_show(case, shell)
    return case


def let_tables_show(case: Case, shell: Any) -> None:
    """Let this kernel's DataFrames and Series display as ``show`` does, under the case's mask."""
    display(HTML(notebook_style()))
    formatter = shell.display_formatter.mimebundle_formatter
    for kind in (pd.DataFrame, pd.Series):
        formatter.for_type(kind, lambda table, **_: show(table, case)._repr_mimebundle_())
