"""Names what stored parts were computed by: this package's code and what its results depend on."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import duckdb
import numpy as np

from credit_forensics import __version__

_FORMAT = 1
_LOADED = (duckdb, np)
# Not loaded by what only reads a store.
_OTHERS = ("pandas", "pyarrow", "ibis-framework", "scipy")
# Rooms above the case: they show what is stored, and no part depends on them.
_ABOVE = {"repair", "monitoring", "scenarios", "reporting", "charts", "checks"}
_ABOVE |= {"notebook", "intake", "commands", "new_case", "cli.py"}


@cache
def store_version(package: Path = Path(__file__).parents[1]) -> str:
    """The version that a store is written for: of the package, its code, tables and libraries.

    The code itself counts, not its version number alone: a column more in a table, or a rule that
    was put right, makes what was stored before stale.

    Examples
    --------
    >>> store_version().split(" code ")[0].startswith("credit-forensics ")
    True
    """
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        place = path.relative_to(package)
        if place.parts[0] not in _ABOVE:
            digest.update(f"\0{place.as_posix()}\0".encode() + path.read_bytes())
    libraries = [f"{module.__name__} {module.__version__}" for module in _LOADED]
    libraries += [f"{name} {_version(name)}" for name in _OTHERS]
    code = f"code {digest.hexdigest()[:16]} format {_FORMAT}"
    return f"credit-forensics {__version__} {code}, {', '.join(libraries)}"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"
