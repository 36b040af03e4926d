"""The intake's operations as a page without scripts, for who asked for ``api_docs``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from credit_forensics.html_templates import render


def operations_page(document: Mapping[str, Any]) -> str:
    """A page of an OpenAPI document: each operation with its answers.

    Examples
    --------
    >>> page = operations_page({"paths": {"/a": {"get": {"summary": "<b>", "responses": {}}}}})
    >>> "<b>" in page, "&lt;b&gt;" in page, "<script" in page
    (False, True, False)
    """
    rows = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            answers = ", ".join(
                f"{status} {answer.get('description', '')}"
                for status, answer in operation.get("responses", {}).items()
            )
            said = operation.get("description", operation.get("summary", ""))
            rows.append((method.upper(), path, said, answers))
    return str(render("intake/operations.html.j2", rows=rows))
