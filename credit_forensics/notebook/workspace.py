"""Makes a JupyterLab workspace of a case: the notebooks, with the case's path in them."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path

import nbformat

from credit_forensics.case_file import read_case_file
from credit_forensics.errors import CaseError
from credit_forensics.extras import how_to_install, installed
from credit_forensics.reporting.notebook_files import notebook_path, read_notebook, template_names

FOLDER = "lab"
FIRST = "01_first_look.ipynb"
# Jupyter reads it beside its own configuration, so that nothing an installation set is lost.
_CONFIG = ".jupyter"
# Evidence is looked at here: the lab neither fetches news nor asks whether it may.
# What is scrolled out of sight stays: the rules by which all outputs look are one of them.
_SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false"},
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
}


def make_workspace(case_path: Path | str) -> Path:
    """Write the notebooks beside the case, each opening that case.

    Parameters
    ----------
    case_path
        the case file, or its folder.

    Returns
    -------
    the folder ``lab`` beside the case. A notebook that an analyst has changed is kept; ours goes
    beside it as ``<name>.new.ipynb`` where it differs from what was written before.

    Raises
    ------
    CaseError
        when the case file cannot be used or the folder cannot be written.
    """
    settings = read_case_file(case_path)
    path = Path(case_path)
    case_file = (path / "case.toml" if path.is_dir() else path).resolve()
    folder = settings.folder / FOLDER
    try:
        folder.mkdir(exist_ok=True)
        kept = _read_written(folder)
        for template in template_names():
            kept |= _write(folder, template, case_file, kept)
        settings_folder = folder / _CONFIG / "labconfig"
        settings_folder.mkdir(parents=True, exist_ok=True)
        (settings_folder / "default_setting_overrides.json").write_text(json.dumps(_SETTINGS))
        (folder / ".written.json").write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")
    except OSError as error:
        raise CaseError(f"The workspace {folder} cannot be written: {error.strerror}.") from None
    return folder


def is_as_written(notebook: Path) -> bool:
    """Whether the cells of a notebook in the workspace are ours, and no analyst's."""
    return _read_written(notebook.parent).get(notebook.stem) == _digest_of(notebook)


def lab_command(folder: Path, *, port: int | None = None, browser: bool = True) -> list[str]:
    """The command that opens JupyterLab in a workspace.

    Raises
    ------
    CaseError
        when the extra ``[lab]`` is not installed.
    """
    if not installed("jupyterlab"):
        raise CaseError(how_to_install("jupyterlab"))
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder}"]
    command.append(f"--LabApp.default_url=/lab/tree/{FIRST}")
    # Evidence stays on this machine: only it may connect, and nothing is asked of the network.
    command.append("--ServerApp.ip=127.0.0.1")
    command.append("--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate")
    if port is not None:
        command.append(f"--ServerApp.port={port}")
    if not browser:
        command.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        # Jupyter refuses to run as root unless told; in a container there is nobody else.
        command.append("--allow-root")
    return command


def lab_environment(folder: Path) -> dict[str, str]:
    """The environment in which that command runs: ours, and the workspace's own settings."""
    paths = [str(folder / _CONFIG), os.environ.get("JUPYTER_CONFIG_PATH", "")]
    return {**os.environ, "JUPYTER_CONFIG_PATH": os.pathsep.join(filter(None, paths))}


def _read_written(folder: Path) -> dict[str, str]:
    try:
        written: dict[str, str] = json.loads((folder / ".written.json").read_text())
    except (OSError, ValueError):
        return {}
    return written


def _write(folder: Path, template: str, case_file: Path, kept: dict[str, str]) -> dict[str, str]:
    notebook = read_notebook(notebook_path(template))
    for cell in notebook.cells:
        if "parameters" in cell.get("metadata", {}).get("tags", []):
            cell.source = _with_case(cell.source, case_file)
    content = nbformat.writes(notebook) + "\n"
    digest = _digest(notebook)
    target = folder / f"{template}.ipynb"
    if target.exists():
        found = _digest_of(target)
        if found == digest:
            return {template: digest}
        if found != kept.get(template):
            # Somebody works in it: ours must not take their place.
            if kept.get(template) != digest:
                (folder / f"{template}.new.ipynb").write_text(content, encoding="utf-8")
            return {}
    target.write_text(content, encoding="utf-8")
    return {template: digest}


def _digest_of(path: Path) -> str:
    try:
        return _digest(nbformat.read(path, as_version=4))
    except (ValueError, AttributeError, nbformat.ValidationError):
        return ""


def _digest(notebook: nbformat.NotebookNode) -> str:
    """Of what is written in the cells: what was run in them changes no notebook."""
    cells = [[cell.cell_type, cell.source] for cell in notebook.cells]
    return hashlib.sha256(json.dumps(cells).encode("utf-8")).hexdigest()


def _with_case(source: str, case_file: Path) -> str:
    lines = [
        f"case_path = {str(case_file)!r}" if line.split("=")[0].strip() == "case_path" else line
        for line in source.splitlines()
    ]
    return "\n".join(lines)
