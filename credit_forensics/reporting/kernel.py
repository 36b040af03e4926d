"""Runs notebooks on the very interpreter that runs us, whatever kernels are registered."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

from credit_forensics.reporting import REPORT_VARIABLE

# A Unix socket's path has at most 107 bytes; the manager appends a port's number.
_LONGEST_SOCKET = 90
# As ``cli.main`` does: a report loads so much that looking for cycles takes a tenth of its time.
_LAUNCH = (
    "import atexit, gc, runpy; gc.set_threshold(100_000, 50, 100); atexit.register(gc.freeze); "
    "runpy.run_module('ipykernel_launcher', run_name='__main__')"
)


class OwnInterpreterManager(AsyncKernelManager):
    """Starts ``ipykernel`` under ``sys.executable``.

    A registered ``python3`` kernel may belong to another environment, and an environment of its
    own often has none. The user's IPython profile is left out: its start-up files could change
    results, and its history would keep the notebook's parameters. Where there are Unix sockets the
    kernel is spoken to through them, in a folder of ours, so that no port is open meanwhile.
    """

    scratch: Path | None = None

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        if self.scratch is None:
            return
        self.connection_file = str(self.scratch / "kernel.json")
        socket = str(self.scratch / "kernel")
        if os.name == "posix" and len(socket.encode()) <= _LONGEST_SOCKET:
            self.transport = "ipc"
            self.ip = socket

    @property
    def kernel_spec(self) -> KernelSpec:
        """A kernel spec made on the fly."""
        environment = {"PYDEVD_DISABLE_FILE_VALIDATION": "1", REPORT_VARIABLE: "1"}
        if self.scratch is not None:
            environment["IPYTHONDIR"] = str(self.scratch / "ipython")
        return KernelSpec(
            argv=[
                sys.executable,
                "-c",
                _LAUNCH,
                "-f",
                "{connection_file}",
                "--HistoryManager.enabled=False",
            ],
            display_name="Python 3",
            language="python",
            env=environment,
        )


def manager_with_scratch(scratch: Path) -> type[OwnInterpreterManager]:
    """The manager's class, bound to a folder for its sockets and for what IPython writes."""
    return type("ScratchManager", (OwnInterpreterManager,), {"scratch": scratch})
