"""Starts JupyterLab as ``credit-forensics lab`` does, in a home of its own, and works its notebooks."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from chromium_page import ChromiumPage

TOKEN = "a-token-of-the-test"
_PANEL = "[...jupyterapp.shell.widgets('main')].find(w => w.content?.model?.cells)"


class JupyterLab:
    """A running JupyterLab over a case; ``log`` is what the server wrote."""

    def __init__(self, case: Path, home: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        config = home / "config"
        config.mkdir(parents=True)
        # The test runs the very commands that the menus run.
        (config / "jupyter_lab_config.py").write_text("c.LabApp.expose_app_in_browser = True\n")
        self.log = home / "server.log"
        folders = {
            "JUPYTER_CONFIG_DIR": config,
            "JUPYTER_DATA_DIR": home / "data",
            "JUPYTER_RUNTIME_DIR": home / "runtime",
            "JUPYTERLAB_SETTINGS_DIR": home / "settings",
            "JUPYTERLAB_WORKSPACES_DIR": home / "workspaces",
            "IPYTHONDIR": home / "ipython",
            "HOME": home,
        }
        environment = {**os.environ, "JUPYTER_TOKEN": TOKEN}
        environment |= {name: str(folder) for name, folder in folders.items()}
        main = "from credit_forensics.cli import main; main()"
        command = [sys.executable, "-c", main, "lab", str(case)]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, "--no-browser", "--port", str(self.port)],
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> JupyterLab:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ask the server to end, kernels and all."""
        if self._process.poll() is None:
            request = urllib.request.Request(
                f"http://127.0.0.1:{self.port}/api/shutdown?token={TOKEN}", data=b"", method="POST"
            )
            try:
                urllib.request.urlopen(request, timeout=10).close()
                self._process.wait(20)
            except (OSError, subprocess.TimeoutExpired):
                self._process.kill()
                self._process.wait()

    def status(self, path: str, token: str = "") -> int:
        """The HTTP status of a path."""
        address = f"http://127.0.0.1:{self.port}{path}" + (f"?token={token}" if token else "")
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return int(error.code)

    def open(self, page: ChromiumPage, notebook: str) -> None:
        """Open a notebook and wait until its kernel is idle."""
        page.open(
            f"http://localhost:{self.port}/lab/workspaces/{notebook.split('.', maxsplit=1)[0]}"
            f"/tree/{notebook}?token={TOKEN}"
        )
        page.wait_for(f"!!window.jupyterapp?.shell && !!{_PANEL}?.content.model", 180)
        # A headless window has no focus of its own to say which notebook is meant.
        page.value(f"jupyterapp.shell.activateById({_PANEL}.id), true")
        page.value(f"{_PANEL}.sessionContext.ready.then(() => true)")

    def run_all(self, page: ChromiumPage, seconds: float = 240.0) -> list[str]:
        """Run all cells as the menu does; gives the errors that cells ended with."""
        page.value(
            "window.ran = false, jupyterapp.commands.execute('notebook:run-all-cells')"
            ".then(() => { window.ran = true; }), true"
        )
        page.wait_for("window.ran", seconds)
        errors: list[str] = page.value(
            f"[...{_PANEL}.content.model.cells].filter(c => c.type === 'code')"
            ".flatMap(c => c.outputs.toJSON()).filter(o => o.output_type === 'error')"
            ".map(o => o.ename + ': ' + o.evalue)"
        )
        return errors

    def run_cell(self, page: ChromiumPage, source: str) -> None:
        """Write a cell at the end of the notebook and run it."""
        page.value(
            f"(async () => {{ const notebook = {_PANEL}.content;"
            f"notebook.model.sharedModel.addCell({{cell_type: 'code', source: {json.dumps(source)}}});"
            "notebook.activeCellIndex = notebook.widgets.length - 1;"
            "await jupyterapp.commands.execute('notebook:run-cell'); return true; })()"
        )

    def last_output(self) -> str:
        """JavaScript for the node of the last cell that was run."""
        return f"{_PANEL}.content.activeCell.node.querySelector('.jp-Cell-outputArea')"

    def _wait(self) -> None:
        # The first notebook is run before the server starts.
        end = time.monotonic() + 240
        while True:
            if self._process.poll() is not None or time.monotonic() > end:
                raise AssertionError(self.log.read_text(errors="replace")[-2000:])
            try:
                if self.status("/api/status", TOKEN) == 200:
                    return
            except OSError:
                pass
            time.sleep(0.2)
