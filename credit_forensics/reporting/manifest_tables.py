"""Shows the manifest in the report: inputs, versions, parameters, and its own hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from credit_forensics.case.manifest import manifest_bytes
from credit_forensics.reporting.case_view import CaseView
from credit_forensics.reporting.cells import Cells, code
from credit_forensics.reporting.elements import ELEMENTS, Code
from credit_forensics.reporting.html_tables import TableColumn, html_table

_LONG = 60
# Shown in tables of their own.
_ELSEWHERE = ("inputs", "gaps", "model.families", "findings_run")


def manifest_tables(view: CaseView, file: Path | None = None) -> Markup:
    """Inputs with hash, size, rows and rejects; versions and parameters; accuracies; the hash.

    Parameters
    ----------
    file
        where to write the manifest itself, whose SHA-256 is the hash shown; without it the hash
        is that of the ``manifest.json`` which ``analyze`` writes of the same inputs.
    """
    language, text = view.language, view.language.say
    manifest = view.case.manifest
    content = manifest_bytes(manifest)
    if file is not None:
        file.write_bytes(content)
    inputs = pd.DataFrame(manifest.get("inputs", []))

    cells = Cells(view)
    inputs_table = html_table(
        inputs,
        [
            TableColumn("name", text("column.name"), lambda row: view.mask.text(row["name"])),
            *cells.columns("taken_for", "size", "rows", "rejects"),
            TableColumn("sha256", text("column.sha256"), code("sha256")),
        ],
        caption=text("caption.inputs"),
        language=language,
    )
    facts = [
        {"key": key, "value": view.mask.text(_cut(value))}
        for key, value in sorted(_flat(manifest).items())
        if not key.startswith(_ELSEWHERE)
    ]
    facts_table = html_table(
        pd.DataFrame(facts),
        [
            TableColumn("key", text("column.key"), code("key")),
            cells.column("value"),
        ],
        caption=text("caption.versions"),
        language=language,
    )
    name = file.name if file else "manifest.json"
    digest = hashlib.sha256(content).hexdigest()
    sha = language.html("manifest.hash", file=Code(name), sha=Code(digest))
    intro = ELEMENTS.paragraph(sha + " " + text("manifest.intro"), "csv")
    whole = ELEMENTS.details(text("manifest.whole"), view.mask.text(content.decode()))
    return intro + inputs_table + facts_table + _accuracies(view) + whole


def _accuracies(view: CaseView) -> Markup:
    rows = [
        {"family": family["family"], "level": level["level"], "accuracy": level["accuracy"]}
        for family in view.case.model.get("families", [])
        for level in family["levels"]
    ]
    return html_table(
        pd.DataFrame(rows),
        Cells(view).columns("family", "level", "accuracy"),
        caption=view.language.say("caption.accuracies"),
        language=view.language,
    )


def _flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, item in value.items():
        name = f"{prefix}{key}"
        if isinstance(item, Mapping):
            flat |= _flat(item, f"{name}.")
        else:
            flat[name] = item
    return flat


def _cut(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= _LONG else text[: _LONG - 1] + "…"
