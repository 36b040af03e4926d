"""What travels in the wheel: an installed copy must render without the checkout."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = out.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_every_notebook_travels_in_the_wheel(names):
    ours = {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert ours
    assert {f"credit_forensics/notebooks/{name}" for name in ours} <= names


def test_every_file_of_the_package_travels_and_no_test_does(names):
    package = ROOT / "credit_forensics"
    kept = {
        str(path.relative_to(ROOT))
        for path in package.rglob("*")
        if (path.is_file() and path.suffix in {".py", ".css", ".js", ".typed"})
        or path.name == "py.typed"
    }
    assert {name for name in kept if "__pycache__" not in name} <= names
    assert not [name for name in names if name.startswith(("tests/", "docs/", "reports/"))]


def test_the_wheel_declares_the_command_and_the_plugin(names):
    (points,) = [name for name in names if name.endswith("entry_points.txt")]
    assert points.endswith(".dist-info/entry_points.txt")
