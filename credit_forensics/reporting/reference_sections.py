"""The sections that a reader looks things up in: coverage, rejects, manifest and appendix."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from markupsafe import Markup

from credit_forensics.evidence.ledgers.inference.decisions import inferred_parts
from credit_forensics.html_templates import render
from credit_forensics.reporting.blocks import Block
from credit_forensics.reporting.case_view import CaseView
from credit_forensics.reporting.cells import Cells
from credit_forensics.reporting.html_tables import html_table
from credit_forensics.reporting.manifest_tables import manifest_tables
from credit_forensics.reporting.rolling_facts import read_anew_table
from credit_forensics.tables.catalogue import Tables

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
        _shown_coverage(view),
        cells.columns("source", "since", "until", "read", "recognised", "tied", "reason_silent"),
        caption=language.say("caption.coverage"),
        language=language,
    )
    gaps = view.case.gaps
    gap_table = html_table(
        view.mask.frame(gaps.head(SHOWN_ROWS), "gaps"),
        cells.columns("source", "object", "problem", "consequence"),
        caption=language.say("caption.gaps"),
        language=language,
        total=len(gaps),
        none=language.say("none.gaps"),
    )
    read, rejects = read_anew_table(view), _rejects(view)
    return Block(view.heading("coverage"), by_verdict, read, spans, gap_table, rejects)


def manifest_section(view: CaseView, file: Path | None = None) -> Block:
    """The manifest: its own hash, the inputs as they were read, versions and parameters.

    Where a path is given, the manifest is written there.
    """
    return Block(view.heading("manifest"), manifest_tables(view, file))


def appendix_section(view: CaseView) -> Block:
    """Method, limits and glossary."""
    say = view.language.say
    limits = [say(f"appendix.limits.{i}") for i in (1, 2, 3)]
    if not view.case.model.get("identifiable", True):
        limits.append(say("appendix.limits.priors"))
    parts = [
        part for one in view.case.evidence.custody.inputs for part in inferred_parts(one.notes)
    ]
    if parts:
        ledger = Tables().ledger
        tied = len(view.query(ledger.filter(ledger.tie == "inferred").select("entry_id")))
        limits.append(say("appendix.limits.inferred", parts="; ".join(parts)))
        limits += [say("appendix.limits.tied", entries=view.language.count("entry", tied))] * (
            tied > 0
        )
    text = render(
        "reporting/templates/appendix.html.j2",
        say=say,
        read=_as_read(view),
        limits=limits,
        terms=_TERMS,
        findings=_findings_explained(view),
    )
    return Block(view.heading("appendix"), text)


def _as_read(view: CaseView) -> list[tuple[str, list[str]]]:
    """Each input in a sentence, and what was decided about it."""
    language, shown = view.language, view.mask.text
    return [
        (
            language.say(
                "appendix.read.row",
                name=shown(one.name),
                taken_for=one.taken_for,
                rows=language.number(one.rows),
                rejects=language.number(one.rejects),
            ),
            [shown(note) for note in one.notes],
        )
        for one in view.case.evidence.custody.inputs
    ]


def _findings_explained(view: CaseView) -> list[tuple[str, str, str]]:
    """Every finding: its name, what proves it, and its causes by their names."""
    language = view.language
    said = []
    for one in view.catalogue:
        words = one.de if language.code == "de" else one.en
        names = list(words.causes.values()) if words else []
        causes = language.say("appendix.causes", causes=language.list(names)) if names else ""
        # What proves a finding is written in English; its own sentence says it elsewhere.
        proof = one.proof
        if language.code != "en" and words:
            proof = words.sentence.format(credited="A", rightful="B", probability="p")
        said.append((language.name("finding", one.name), proof, causes))
    return said


def _shown_coverage(view: CaseView) -> pd.DataFrame:
    """The coverage, with each reason in the view's language."""
    coverage = view.case.coverage
    reasons = coverage["reason"].map(
        lambda reason: view.language.say(f"unjudged.{reason}"), na_action="ignore"
    )
    return coverage.assign(reason_silent=reasons)


def _rejects(view: CaseView) -> Markup:
    rejects = view.case.rejects
    if rejects.empty:
        return Markup()
    counts = rejects.groupby(["file", "reason"]).size().sort_values(ascending=False, kind="stable")
    return html_table(
        view.mask.frame(counts.head(SHOWN_ROWS).reset_index(name="row_count"), "rejects"),
        Cells(view).columns("file", "reason", "row_count"),
        caption=view.language.say("caption.rejects"),
        language=view.language,
        total=len(counts),
    )
