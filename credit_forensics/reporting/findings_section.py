"""Findings by kind, the money at stake, and the findings themselves, capped."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from credit_forensics.charts import exposure_by_cause
from credit_forensics.charts.style import SEVERITIES
from credit_forensics.html_templates import render
from credit_forensics.reporting.blocks import Block
from credit_forensics.reporting.case_view import CaseView
from credit_forensics.reporting.cells import Cells
from credit_forensics.reporting.corrections import what_to_do
from credit_forensics.reporting.elements import ELEMENTS, Code
from credit_forensics.reporting.findings_csv import write_findings_csv
from credit_forensics.reporting.html_tables import Row, TableColumn, html_table
from credit_forensics.reporting.matters import money_at_stake

SHOWN_FINDINGS = 100
_OF_EACH_KIND = 5


def findings_section(
    view: CaseView,
    found: pd.DataFrame,
    csv: Path | None,
    *,
    section: str = "findings",
    proved: Collection[str] = (),
) -> Block:
    """The section, and the CSV of all rows where a path is given; ``proved`` as in its table.

    The block's status tells the run how many findings there were, by severity.
    """
    unrun = _could_not_run(view)
    if found.empty:
        none = view.paragraph("none.findings", "none")
        return Block(
            view.heading(section), none, unrun, status=_status(found, "", enough=view.judged_enough)
        )
    sha = write_findings_csv(found, csv, view.mask) if csv else ""
    note = Markup()
    if csv:
        total = view.language.number(len(found))
        note = view.paragraph("table.csv", "csv", total=total, file=Code(csv.name), sha=Code(sha))
    return Block(
        view.heading(section),
        unrun,
        _by_finding(view, found),
        exposure_by_cause(
            found.assign(amount=view.matters["money"]).dropna(subset="amount"),
            language=view.language.code,
            label_words=_label_words(view),
        ),
        filter_controls(view) if section == "findings" else Markup(),
        findings_table(view, found, proved=proved),
        note,
        status=_status(found, sha, enough=view.judged_enough),
    )


def findings_table(
    view: CaseView,
    found: pd.DataFrame,
    most: int = SHOWN_FINDINGS,
    *,
    proved: Collection[str] = (),
    caption: str = "caption.findings",
) -> Markup:
    """The first findings as a table, with "N of M".

    ``proved`` are the payments whose history stands on the page: their rows link to it.
    """
    cells = Cells(view)
    keys = (
        "severity",
        "cause",
        "credited_user_id",
        "rightful_user_id",
        "probability",
        "credits",
        "amount",
        "created_at",
    )
    name = TableColumn("finding", view.language.say("column.finding"), lambda row: _kind(view, row))
    shown = found.loc[shown_findings(found, most)]
    return html_table(
        shown.join(view.matters),
        [cells.column("payment_id"), name, *cells.columns(*keys)],
        caption=view.language.say(caption),
        language=view.language,
        total=len(found),
        detail=lambda row: ELEMENTS.lines(_said(view, row, proved)),
        marks=lambda row: _marks(view, row),
    )


def shown_findings(found: pd.DataFrame, most: int = SHOWN_FINDINGS) -> pd.Index:
    """The rows that are shown, in their order: the worst, and the worst of every kind.

    Examples
    --------
    >>> found = pd.DataFrame({"finding": ["a", "a", "a", "b"]})
    >>> shown_findings(found, 2).tolist()
    [0, 3]
    """
    if len(found) <= most:
        return found.index
    of_kind = found.groupby("finding").cumcount()
    each = max(1, min(_OF_EACH_KIND, most // found["finding"].nunique()))
    order = (of_kind >= each).sort_values(kind="stable")
    return found.index.intersection(order.index[:most], sort=False)


def filter_controls(view: CaseView) -> Markup:
    """What narrows the page's rows: by finding, account, payment and time."""
    say, counts = view.language.say, view.by_finding
    kinds = [(name, f"{view.language.name('finding', name)} ({counts[name]})") for name in counts]
    news = () if view.since is None else (("news", say("filter.news")),)
    kinds = [("", say("filter.all")), *news, *sorted(kinds, key=lambda kind: kind[1])]
    return render("reporting/templates/filter.html.j2", say=say, kinds=kinds)


def _kind(view: CaseView, row: Row) -> Markup:
    name = Markup.escape(view.language.name("finding", row["finding"]))
    if view.since and row["finding_id"] in view.since.new:
        name += Markup(" ") + ELEMENTS.news(view.language.say("news.new"))
    return name


def _said(view: CaseView, row: Row, proved: Collection[str]) -> list[Markup]:
    language = view.language
    lines = [Markup.escape(finding_sentence(view, row))]
    if row["part_of"]:
        of = language.name("finding", row["part_of"])
        lines.append(language.html("finding.part_of", finding=of))
    todo = what_to_do(view, row)
    if row["payment_id"] in proved:
        anchor = payment_anchor(view, row["payment_id"])
        todo += Markup(" ") + ELEMENTS.jump(anchor, language.say("finding.proof"))
    return [*lines, todo]


def payment_anchor(view: CaseView, payment: object) -> str:
    """The anchor of a payment's history on the page."""
    return f"payment-{view.mask.text(payment)}"


def _marks(view: CaseView, row: Row) -> dict[str, object]:
    at = row["created_at"]
    day = "" if at is None else f"{at:%Y-%m-%d}"
    marks = {"id": f"finding-{row['finding_id']}", "data-finding": row["finding"]}
    marks |= {"data-from": day, "data-to": day, "data-of": view.mask.text(row["incident_id"])}
    return marks | (
        {"data-news": "new"} if view.since and row["finding_id"] in view.since.new else {}
    )


def finding_sentence(view: CaseView, finding: Row) -> str:
    """A finding in one sentence: its own in English, this language's otherwise.

    Findings are written in English when the case is analysed; in another language the sentence is
    made anew from the finding's columns.
    """
    language = view.language
    key = f"sentence.{finding['finding']}"
    own = finding.get("explanation")
    if own and (language.code == "en" or not language.has(key)):
        return view.mask.text(own)
    if not language.has(key):
        return language.name("finding", finding["finding"])
    probability = finding.get("probability")
    return language.say(
        key,
        credited=view.user(finding.get("credited_user_id") or "–"),
        rightful=view.user(finding.get("rightful_user_id") or "–"),
        probability="–" if probability is None else language.percent(float(probability)),
    )


def _by_finding(view: CaseView, found: pd.DataFrame) -> Markup:
    language = view.language
    found = found.join(view.matters["money"])
    rows: list[Row] = [
        {
            "severity": str(severity),
            "finding": str(name),
            "count": len(part),
            "credits": int(part["credits"].fillna(0).abs().sum()),
            "amount": language.amounts(money_at_stake(part)),
            "money": language.amounts(_counted(part)),
        }
        for (severity, name), part in found.groupby(["severity", "finding"], observed=True)
    ]
    rank = {severity: i for i, severity in enumerate(SEVERITIES)}
    rows.sort(key=lambda row: (rank.get(row["severity"], 9), -row["count"], row["finding"]))
    return html_table(
        pd.DataFrame(rows),
        [
            *Cells(view).columns("finding", "severity", "count", "credits"),
            TableColumn("amount", language.say("column.amount"), number=True),
            TableColumn("money", language.say("column.counted"), number=True),
        ],
        caption=language.say("caption.by_finding"),
        language=language,
        sums=_sums(view, found),
    )


def _sums(view: CaseView, found: pd.DataFrame) -> list[list[object]]:
    """What the last column adds up to: accusations, second ids of a person, and all."""
    language, kinds = view.language, found["finding"]
    parts = {
        "sum.accused": found[kinds == "wrong_user"],
        "sum.second_ids": found[kinds == "split_identity"],
        "sum.others": found[~kinds.isin(["wrong_user", "split_identity"])],
        "sum.all": found,
    }
    return [
        [
            language.say(key),
            "",
            language.number(len(part)),
            "",
            "",
            language.amounts(_counted(part)),
        ]
        for key, part in parts.items()
        if len(part)
    ]


def _counted(found: pd.DataFrame) -> dict[str, int]:
    sums = found.dropna(subset=["money", "currency"]).groupby("currency")["money"].sum()
    return {str(currency): int(total) for currency, total in sums.items()}


def _could_not_run(view: CaseView) -> Markup:
    runs = view.case.finding_runs
    failed = [str(name) for name in runs.loc[~runs["ran"].astype(bool), "finding"]]
    if not failed:
        return Markup()
    names = view.language.list([view.language.name("finding", name) for name in failed])
    return view.paragraph("findings.not_run", "failed", names=names)


def _label_words(view: CaseView) -> dict[str, str]:
    found, language = view.findings, view.language
    words = {str(name): language.name("finding", name) for name in found["finding"].unique()}
    causes = found["cause"].dropna().unique()
    return words | {str(cause): language.name("cause", cause) for cause in causes}


def _status(found: pd.DataFrame, sha: str, *, enough: bool) -> dict[str, Any]:
    counts = found["severity"].value_counts()
    return {
        "findings": len(found),
        "severities": {str(name): int(number) for name, number in counts.items()},
        "csv_sha256": sha,
        "judged_enough": enough,
    }
