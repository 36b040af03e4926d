"""The intake's operations as a page without scripts, for who asked for ``api_docs``."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any


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
            cells = (
                method.upper(),
                path,
                operation.get("description", operation.get("summary", "")),
                answers,
            )
            rows.append("<tr>" + "".join(f"<td>{escape(str(c))}</td>" for c in cells) + "</tr>")
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Credit intake</title>"
        "<h1>Credit intake</h1><p>As a document: <a href=/openapi.json>openapi.json</a></p>"
        "<table border=1><tr><th>Method<th>Address<th>What it does<th>Answers</tr>"
        f"{''.join(rows)}</table></html>"
    )
