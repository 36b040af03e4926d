"""Processes of their own for what is to be killed.

Each is forked from one that has loaded the package and opened nothing: to load it takes longer
than most of what they do.
"""

from __future__ import annotations

import multiprocessing

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(
    ["credit_forensics.case.case", "credit_forensics.monitoring.monitor"]
)
