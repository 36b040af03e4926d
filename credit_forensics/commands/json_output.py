"""How commands print facts as JSON; ``schemas`` holds the schema of each kind of document."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any

import typer

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print JSON; docs/json.md has the schemas.")
]
VERSION = 1


def print_json(kind: str, facts: Mapping[str, Any], *, line: bool = False) -> None:
    """Print facts under the schema of their kind, on one line where several documents follow."""
    document = {"schema": f"credit-forensics/{kind}/{VERSION}", **plain(facts)}
    indent = None if line else 2
    typer.echo(json.dumps(document, indent=indent, ensure_ascii=False, allow_nan=False))


def plain(value: Any) -> Any:
    """Values as JSON has them: times in ISO form, absent and infinite ones as null.

    Examples
    --------
    >>> plain({"at": datetime(2025, 9, 1), "n": float("nan"), "ids": ("a",)})
    {'at': '2025-09-01T00:00:00', 'n': None, 'ids': ['a']}
    """
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime | date):
        # Pandas' absent time is a datetime too, whose year is no number.
        return None if math.isnan(value.year) else value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if hasattr(value, "to_dict") and hasattr(value, "columns"):
        return [plain(row) for row in value.to_dict("records")]
    if isinstance(value, Sequence | set | frozenset):
        return [plain(inner) for inner in value]
    if hasattr(value, "item"):
        return plain(value.item())
    return None if type(value).__name__ == "NAType" else str(value)
