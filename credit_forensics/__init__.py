"""Finds out who really paid when Stripe credits land on the wrong account."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from credit_forensics.case.case import Case as Case
    from credit_forensics.errors import CaseError as CaseError

__version__ = "0.2.0"
__all__ = ["Case", "CaseError", "__version__"]

_PUBLIC = {"Case": "credit_forensics.case.case", "CaseError": "credit_forensics.errors"}


def __getattr__(name: str) -> Any:
    # Importing the package must stay cheap: what is asked for is loaded when it is asked for.
    if name in _PUBLIC:
        if name == "Case" and "IPython" in sys.modules:
            # In a notebook a case displays as HTML, of which the case itself knows nothing.
            import_module("credit_forensics.notebook")
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'credit_forensics' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
