"""The JupyterLab workspace: notebooks that open this case, and an analyst's work kept."""

import json
import os
from pathlib import Path

import nbformat
import pytest

from credit_forensics.errors import CaseError
from credit_forensics.notebook.workspace import (
    is_as_written,
    lab_command,
    lab_environment,
    make_workspace,
)
from credit_forensics.scenarios.demo import write_demo_case


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    return write_demo_case(tmp_path_factory.mktemp("demo"), 2025)


def test_each_notebook_opens_the_case_and_carries_no_output(case):
    folder = make_workspace(case)
    names = sorted(path.name for path in folder.glob("*.ipynb"))
    assert "01_first_look.ipynb" in names
    assert "03_payment_dossier.ipynb" in names
    for path in folder.glob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        assert any(f"case_path = {str(case.resolve())!r}" in cell.source for cell in code), path
        assert all(not cell.outputs for cell in code)
        assert notebook.cells[0].cell_type == "markdown", "a notebook opens with what it answers"


def test_what_an_analyst_changed_is_kept_and_ours_is_renewed(case):
    folder = make_workspace(case)
    changed = folder / "01_first_look.ipynb"
    changed.write_text(changed.read_text().replace("metadata", "metadata", 1) + " ")
    mine = changed.read_bytes()
    (folder / "02_methods_side_by_side.ipynb").unlink()
    make_workspace(case)
    assert changed.read_bytes() == mine
    assert (folder / "02_methods_side_by_side.ipynb").exists()
    assert not list(folder.glob("*.new.ipynb")), "ours did not change, so there is nothing new"


def test_what_was_run_in_a_notebook_is_no_change_and_what_was_written_is(case):
    path = make_workspace(case) / "05_incident_hunt.ipynb"
    notebook = nbformat.read(path, as_version=4)
    code = next(cell for cell in notebook.cells if cell.cell_type == "code")
    code.outputs = [nbformat.v4.new_output("stream", text="run")]
    nbformat.write(notebook, path)
    assert is_as_written(path)
    make_workspace(case)
    code.source += "\n# mine"
    nbformat.write(notebook, path)
    assert not is_as_written(path)
    make_workspace(case)
    assert "# mine" in path.read_text()


def test_a_missing_case_or_extra_is_one_sentence(tmp_path, monkeypatch):
    with pytest.raises(CaseError, match="There is no case file"):
        make_workspace(tmp_path / "nope.toml")
    monkeypatch.setattr("credit_forensics.extras.find_spec", lambda name: None)
    with pytest.raises(CaseError, match=r"pip install 'credit-forensics\[lab\]'"):
        lab_command(tmp_path)


def test_the_lab_asks_nothing_about_news_and_keeps_the_jupyter_settings_of_the_machine(
    case, monkeypatch
):
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "/etc/of-the-machine")
    first, second = lab_environment(make_workspace(case))["JUPYTER_CONFIG_PATH"].split(os.pathsep)
    assert second == "/etc/of-the-machine"
    told = json.loads((Path(first) / "labconfig" / "default_setting_overrides.json").read_text())
    assert told["@jupyterlab/apputils-extension:notification"] == {"fetchNews": "false"}
