"""Renders a report: runs its notebook, makes the page of it, and names the files."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat

from credit_forensics import __version__
from credit_forensics.case_file import CaseFile, read_case_file
from credit_forensics.errors import CaseError
from credit_forensics.evidence.stored.whether_current import case_store
from credit_forensics.reporting.elements import ELEMENTS
from credit_forensics.reporting.language import Language
from credit_forensics.reporting.notebook_body import notebook_body
from credit_forensics.reporting.notebook_files import (
    checked_parameters,
    declared_parameters,
    notebook_path,
    read_notebook,
)
from credit_forensics.reporting.page import page_html
from credit_forensics.reporting.report_files import previous_report, report_name
from credit_forensics.reporting.run_notebook import Failure, NotebookRun, run_notebook
from credit_forensics.reporting.sweep import scratch_folder, sweep_parts, sweep_scratch
from credit_forensics.reporting.window import span_of
from credit_forensics.whole_file import write_whole


@dataclass(frozen=True)
class RenderedReport:
    """The files of a report, its status (ok, findings or failed) and what it counted.

    ``csv`` and ``json`` are ``None`` where the report wrote none. ``counts`` holds the number of
    findings by severity; ``judged_enough`` is whether as much was judged as ``[analysis]`` asks
    for.
    """

    html: Path
    notebook: Path
    csv: Path | None
    status: str
    counts: Mapping[str, int]
    judged_enough: bool = True
    json: Path | None = None


class ReportFailedError(Exception):
    """A run that failed. Its report is rendered all the same, and named as failed.

    ``rendered`` holds it, ``failure`` the type of the error and the number of the cell.
    """

    def __init__(self, rendered: RenderedReport, failure: Failure) -> None:
        detail = f": {failure.sentence}" if failure.sentence else ""
        super().__init__(
            f"The report failed with {failure.error} in cell {failure.cell}{detail}"
            f"{'' if detail.endswith('.') else '.'} See {rendered.html}."
        )
        self.rendered = rendered
        self.failure = failure


def render_report(
    case_path: Path | str,
    *,
    template: str = "incident_report",
    out: Path | str | None = None,
    reveal: bool = False,
    language: str | None = None,
    now: datetime | None = None,
    run_id: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    progress: bool | None = None,
    timeout: int | None = None,
    rolling: str | None = None,
    store: bool = True,
    fresh: bool = False,
) -> RenderedReport:
    """Run a template on a case and write the page, the notebook and the CSV of findings.

    Parameters
    ----------
    case_path
        the case file, or its folder.
    template
        a notebook of ours by name, or the path of one's own.
    out
        the folder for the files; ``reports`` in the working folder without it.
    reveal
        show personal data; the report says so.
    language
        ``en`` or ``de``; the case file's without it.
    now
        when the run starts (aware); the clock's time without it.
    run_id
        eight hexadecimal digits; random ones without it.
    parameters
        further parameters of the notebook, checked against what it declares.
    progress
        show a bar on standard error; when that is a terminal without it.
    timeout
        seconds a cell may take; no limit without it.
    rolling
        the length of a window that ends now, as ``7d``: the report is about what falls into it,
        and shows what was read of the inputs for it.
    store
        take what is stored beside the case, and store what is computed.
    fresh
        begin with an empty store.

    Raises
    ------
    CaseError
        for a case, template, parameter or language that cannot be used; nothing is written.
    ReportFailedError
        when a cell failed; the report is written and named as failed.
    """
    settings = read_case_file(case_path)
    if store and fresh:
        case_store(settings).clear()
    elif store:
        # Here, as what the notebook's kernel prints is not shown.
        case_store(settings).discard_what_is_older()
    chosen = Language(language or settings.report.language)
    started = (now or datetime.now(UTC)).astimezone(UTC)
    path = notebook_path(template)
    notebook = read_notebook(path)
    given = checked_parameters(notebook, parameters or {})
    if rolling:
        span_of(rolling)
        if "rolling" not in declared_parameters(notebook):
            raise CaseError(f"The template {path.stem} has no rolling window.")
        given["rolling"] = rolling
    folder = Path("reports") if out is None else Path(out)
    run = run_id or secrets.token_hex(4)
    sweep_scratch()
    sweep_parts(folder)
    scratch = scratch_folder()
    try:
        offered = {
            "case_path": str(_case_location(case_path, settings)),
            "language": chosen.code,
            "reveal": reveal,
            "store": store,
            "started_at": started.isoformat(),
            "csv": str(scratch / f"{report_name(path.stem, started, run, 'findings')}.csv"),
            "previous": str(previous_report(folder, path.stem, started, settings.name, rolling)),
        }
        # A notebook of one's own need not declare all that we offer.
        declared = declared_parameters(notebook)
        values = {name: value for name, value in offered.items() if name in declared} | given
        result = run_notebook(notebook, values, scratch, progress=progress, timeout=timeout)
        name = report_name(path.stem, started, run, result.status)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            return _write(result, folder / name, scratch, language=chosen, reveal=reveal)
        except OSError as error:
            raise CaseError(f"{folder} cannot be written: {error.strerror}.") from None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _case_location(case_path: Path | str, settings: CaseFile) -> Path:
    path = Path(case_path)
    return settings.folder / ("case.toml" if path.is_dir() else path.name)


def _write(
    run: NotebookRun, base: Path, scratch: Path, *, language: Language, reveal: bool
) -> RenderedReport:
    html, notebook = (base.with_name(base.name + suffix) for suffix in (".html", ".ipynb"))
    beside: dict[str, Path] = {}
    for suffix in (".csv", ".manifest.json", ".json"):
        for made in scratch.glob(f"*Z_*{suffix}"):
            if suffix == ".json" and made.name.endswith(".manifest.json"):
                continue
            beside[suffix] = base.with_name(base.name + suffix)
            shutil.move(made, beside[suffix])
            beside[suffix].chmod(0o600)
            _rename_in_outputs(run.notebook, made.name, beside[suffix].name)
    for path in ("csv", "previous"):
        run.notebook.metadata.get("papermill", {}).get("parameters", {}).pop(path, None)
    body = notebook_body(run.notebook, language)
    if run.failure:
        text = language.say("page.failed_text", error=run.failure.error, cell=run.failure.cell)
        body = ELEMENTS.alarm(language.say("page.failed"), text) + body
    page = page_html(
        body,
        title=_title(run.page) or base.name,
        language=language,
        facts=run.page,
        footer=f"{base.name} · credit-forensics {__version__}",
    )
    # The notebook, the CSV and the manifest are the analyst's alone, and so is a page that reveals.
    notebook.touch(mode=0o600)
    nbformat.write(run.notebook, notebook)
    write_whole(html, page.encode("utf-8"), mode=0o600 if reveal else None)
    rendered = RenderedReport(
        html,
        notebook,
        beside.get(".csv"),
        run.status,
        run.counts,
        run.judged_enough,
        beside.get(".json"),
    )
    if run.failure:
        raise ReportFailedError(rendered, run.failure)
    return rendered


def _title(page: Mapping[str, Any]) -> str:
    """The case and its headline, as a tab shows them."""
    return ": ".join(str(page[key]) for key in ("case", "headline") if page.get(key))


def _rename_in_outputs(notebook: nbformat.NotebookNode, old: str, new: str) -> None:
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            for kind, text in data.items():
                if isinstance(text, str):
                    data[kind] = text.replace(old, new)
