"""The methods, one a file of this folder: each module's ``METHOD``, or its ``METHODS``.

Adding one is a file here, a test and a section of ``docs/method.md``. The file is found by itself;
``Method.place`` says where the method stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules

from credit_forensics.resolution.method import Method


def _found() -> Iterator[Method]:
    for module in iter_modules(__path__):
        content = vars(import_module(f"{__name__}.{module.name}"))
        yield from content.get("METHODS", ())
        if "METHOD" in content:
            yield content["METHOD"]


METHODS: tuple[Method, ...] = tuple(sorted(_found(), key=lambda one: (one.place, one.name)))
"""The house's methods, in the order in which the report shows them."""

# What was done, not who paid: shown beside the methods, never counted as witnesses.
REPLAYS = ("handler_cascade", "handler_log", "ledger")
