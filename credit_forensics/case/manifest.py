"""The manifest as bytes, and the versions that stand in it."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from credit_forensics import __version__

_PACKAGES = ("duckdb", "ibis-framework", "numpy", "pandas", "pyarrow", "scipy", "stripe")


def versions() -> dict[str, str]:
    """Versions of this package and of what its results depend on.

    Examples
    --------
    >>> sorted(versions())[:2]
    ['credit-forensics', 'duckdb']
    """
    return {
        "credit-forensics": __version__,
        "python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES},
    }


def manifest_bytes(manifest: Mapping[str, Any]) -> bytes:
    """The manifest as the bytes of ``manifest.json``.

    Examples
    --------
    >>> manifest_bytes({"b": 1, "a": 2}).decode().splitlines()
    ['{', '  "a": 2,', '  "b": 1', '}']
    """
    text = json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False, default=str)
    return (text + "\n").encode("utf-8")
