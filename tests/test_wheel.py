"""What travels in the wheel and the sdist: an installed copy must render without the checkout."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    out = tmp_path_factory.mktemp("built")
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def names(built):
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_every_notebook_travels_in_the_wheel(names):
    ours = {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert ours
    assert {f"credit_forensics/notebooks/{name}" for name in ours} <= names


def test_every_file_of_the_package_travels_and_no_test_does(names, built):
    ours = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "credit_forensics").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {Path(name).suffix for name in ours} == {".py", ".j2", ".css", ".js", ".json", ".typed"}
    assert ours <= names
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        assert ours <= {name.partition("/")[2] for name in archive.getnames()}
    assert not [name for name in names if name.startswith(("tests/", "docs/", "reports/"))]


def test_the_wheel_declares_the_command_and_the_plugin(names):
    (points,) = [name for name in names if name.endswith("entry_points.txt")]
    assert points.endswith(".dist-info/entry_points.txt")
