"""Tells whether somebody looks at the notebook, or a report is being made of it."""

from __future__ import annotations

import os
from typing import Any

from IPython import get_ipython

from credit_forensics.reporting import REPORT_VARIABLE


def live_shell() -> Any:
    """IPython's shell where it runs in a kernel with a person before it, else ``None``.

    A report's kernel has the variable ``CREDIT_FORENSICS_REPORT`` set: widgets, bars and scripts
    have no place in a page. A terminal has no place for them either.

    Examples
    --------
    >>> live_shell() is None
    True
    """
    shell = None if os.environ.get(REPORT_VARIABLE) else get_ipython()
    return shell if hasattr(shell, "kernel") else None
