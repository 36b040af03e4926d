"""The sections that a reader looks things up in: coverage, rejects, manifest and appendix."""

from __future__ import annotations

from pathlib import Path

from credit_forensics.reporting.blocks import Block
from credit_forensics.reporting.case_view import CaseView
from credit_forensics.reporting.cells import Cells
from credit_forensics.reporting.headline import heading
from credit_forensics.reporting.html_tables import html_table
from credit_forensics.reporting.language import Html
from credit_forensics.reporting.manifest_tables import manifest_tables
from credit_forensics.reporting.rolling_facts import read_anew_table

SHOWN_ROWS = 25
_TERMS = (
    "claim",
    "family",
    "person",
    "credited",
    "rightful",
    "confirmed",
    "ambiguous",
    "unverifiable",
    "reversal",
)


def coverage_section(view: CaseView) -> Block:
    """Payments by verdict, the span of each source, gaps and rejects."""
    language, cells = view.language, Cells(view)
    verdicts = view.verdicts["verdict"].value_counts().rename_axis("verdict")
    by_verdict = html_table(
        verdicts.reset_index(name="count"),
        cells.columns("verdict", "count"),
        caption=language.say("caption.verdicts"),
        language=language,
    )
    spans = html_table(
        view.case.evidence.coverage,
        cells.columns("source", "first_at", "last_at", "row_count"),
        caption=language.say("caption.coverage"),
        language=language,
    )
    gaps = view.case.evidence.gaps
    gap_table = html_table(
        view.mask.frame(gaps.head(SHOWN_ROWS), "gaps"),
        cells.columns("source", "object", "problem", "consequence"),
        caption=language.say("caption.gaps"),
        language=language,
        total=len(gaps),
        none=language.say("none.gaps"),
    )
    read = read_anew_table(view)
    parts = heading(view, "coverage"), by_verdict, read, spans, gap_table, _rejects(view)
    return Block(Html("".join(parts)))


def manifest_section(view: CaseView, file: Path | None = None) -> Block:
    """The manifest: its own hash, the inputs as they were read, versions and parameters.

    Where a path is given, the manifest is written there.
    """
    return Block(Html(heading(view, "manifest") + manifest_tables(view, file)))


def appendix_section(view: CaseView) -> Block:
    """Method, limits and glossary."""
    say = view.language.html
    method = "".join(f"<p>{say(f'appendix.method.{i}')}</p>" for i in (1, 2, 3))
    limits = [say(f"appendix.limits.{i}") for i in (1, 2, 3)]
    if not view.case.model.get("identifiable", True):
        limits.append(say("appendix.limits.priors"))
    glossary = "".join(
        f"<dt>{say(f'glossary.term.{term}')}</dt><dd>{say(f'glossary.text.{term}')}</dd>"
        for term in _TERMS
    )
    return Block(
        Html(
            heading(view, "appendix")
            + f"<h3>{say('appendix.method')}</h3>{method}"
            + f"<h3>{say('appendix.limits')}</h3><ul>"
            + "".join(f"<li>{limit}</li>" for limit in limits)
            + f"</ul><h3>{say('appendix.glossary')}</h3><dl>{glossary}</dl>"
        )
    )


def _rejects(view: CaseView) -> str:
    rejects = view.case.rejects
    if rejects.empty:
        return ""
    counts = rejects.groupby(["file", "reason"]).size().sort_values(ascending=False, kind="stable")
    return html_table(
        view.mask.frame(counts.head(SHOWN_ROWS).reset_index(name="row_count"), "rejects"),
        Cells(view).columns("file", "reason", "row_count"),
        caption=view.language.say("caption.rejects"),
        language=view.language,
        total=len(counts),
    )
