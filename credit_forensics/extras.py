"""Loads a module when it is used: the packages of the optional extras, and what is slow to load."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from credit_forensics.errors import CaseError

EXTRAS = {
    "bulk": ("adbc_driver_manager", "adbc_driver_postgresql"),
    "clickhouse": ("chdb",),
    "intake": ("fastapi", "greenlet", "httpx", "jwt", "starlette", "uvicorn"),
    "lab": ("anywidget", "ipywidgets", "itables", "jupyterlab"),
    "monitor": ("apprise", "prometheus_client"),
    "mcp": ("mcp",),
    "mysql": ("pymysql",),
    "schedule": ("apscheduler",),
    "seal": ("cryptography",),
    "spark": ("pyspark",),
}


def how_to_install(package: str) -> str:
    """One sentence: what is missing, and the command that installs it.

    Examples
    --------
    >>> how_to_install("apprise")
    "apprise is not installed; install it with: pip install 'credit-forensics[monitor]'."
    """
    extra = next(extra for extra, packages in EXTRAS.items() if package in packages)
    return f"{package} is not installed; install it with: pip install 'credit-forensics[{extra}]'."


def installed(*packages: str) -> bool:
    """Whether all of these packages can be imported; none is.

    Examples
    --------
    >>> installed("json"), installed("json", "no_such_package")
    (True, False)
    """
    return all(find_spec(package) is not None for package in packages)


def load(module: str) -> ModuleType:
    """Import a module that is of an optional package, or needs one.

    Raises
    ------
    CaseError
        when that package is not installed; the sentence holds the command that installs it.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if not any(package in packages for packages in EXTRAS.values()):
            raise
        raise CaseError(how_to_install(package)) from None


class Later:
    """A module that is imported when something of it is first used.

    A command's help must not wait for what only its run needs. The module is named at the top of
    the file, beside the same import under ``TYPE_CHECKING``.

    Examples
    --------
    >>> text = Later("json")
    >>> text.dumps([1])
    '[1]'
    """

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            # Pytest and others look at everything in a module for marks of their own.
            raise AttributeError(name)
        return getattr(load(self._module), name)
