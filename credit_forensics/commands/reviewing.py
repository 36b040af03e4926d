"""``review``: the queue of doubtful payments, and the labels people give them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pandas as pd
import typer

import credit_forensics
from credit_forensics.case.csv_bytes import csv_bytes
from credit_forensics.commands.json_output import JsonOption, print_json
from credit_forensics.commands.options import (
    CaseArgument,
    FreshOption,
    StoreOption,
    steps,
    writable,
)
from credit_forensics.errors import CaseError
from credit_forensics.extras import Later
from credit_forensics.money import money_text
from credit_forensics.whole_file import write_whole

if TYPE_CHECKING:
    from credit_forensics.case import labels as stored_labels
    from credit_forensics.case import review_queue
else:
    stored_labels = Later("credit_forensics.case.labels")
    review_queue = Later("credit_forensics.case.review_queue")


def review(
    case: CaseArgument,
    labels: Annotated[
        Path | None, typer.Option(help="Take labels from a CSV: payment_id, label.")
    ] = None,
    export: Annotated[
        Path | None, typer.Option(help="Write the queue to a CSV, to be filled in and taken back.")
    ] = None,
    blind: Annotated[
        int | None,
        typer.Option(
            help="Confirmed payments to mix in, unmarked; as many as calibration needs without it.",
            min=0,
            show_default=False,
        ),
    ] = None,
    most: Annotated[int, typer.Option(help="How many payments to show.", min=0)] = 20,
    json_: JsonOption = False,
    store: StoreOption = True,
    fresh: FreshOption = False,
) -> None:
    """Serve the review queue and take labels: right, wrong or unsure.

    Example: credit-forensics review case.toml

    Example: credit-forensics review case.toml --export queue.csv
    """
    if labels is not None and not labels.is_file():
        raise CaseError(f"There is no file of labels at {labels}.")
    if export is not None:
        writable(export.parent)
    with steps() as progress:
        opened = credit_forensics.Case.open(case, progress=progress, store=store, fresh=fresh)
        queue = review_queue.review_queue(opened, blind=blind)
    kept = opened.settings.folder / stored_labels.LABEL_FILE
    if labels is not None:
        given = stored_labels.read_labels(labels)
        given["payment_id"] = opened.payments_named(given["payment_id"].tolist())
        strata = dict(zip(queue["payment_id"], queue["stratum"], strict=True))
        given["stratum"] = given["payment_id"].map(strata).fillna("other")
        unknown = ~given["payment_id"].isin(opened.verdicts["payment_id"])
        changed = stored_labels.add_labels(kept, given[~unknown])
        if json_:
            facts = {"labels": str(kept), "changed": int(changed), "unknown": int(unknown.sum())}
            print_json("review-labels", facts)
            return
        typer.echo(f"{changed} labels new or changed in {kept}; {int(unknown.sum())} not in case.")
        return
    if export is not None:
        write_whole(export, csv_bytes(queue), mode=0o600)
        if json_:
            print_json("review-export", {"path": str(export), "payments": len(queue)})
            return
        typer.echo(f"{len(queue)} payments written to {export}; fill in the column label.")
        return
    waiting = queue[queue["label"] == ""]
    if json_:
        # Which ones are the blind sample must not show.
        shown = waiting[waiting["stratum"] == "queue"].head(most).drop(columns="stratum")
        counts = {"payments": len(queue), "labelled": len(queue) - len(waiting)}
        print_json("review", {**counts, "queue": shown})
        return
    # Which ones are the blind sample must not show.
    shown = pd.concat(
        [waiting[waiting["stratum"] == stratum].head(most) for stratum in ("queue", "blind")]
    ).sort_values("payment_id")
    typer.echo(f"{len(queue)} payments in the queue, {len(queue) - len(waiting)} labelled.\n")
    if not sys.stdin.isatty():
        columns = ["payment_id", "credited_user_id", "amount", "currency", "priority"]
        typer.echo(
            waiting[waiting["stratum"] == "queue"].head(most)[columns].to_string(index=False)
        )
        return
    given_rows: list[dict[str, Any]] = []
    try:
        for row in shown.to_dict("records"):
            given_rows += _ask(opened, row)
    except (KeyboardInterrupt, EOFError, typer.Abort):
        typer.echo("")
    if given_rows:
        stored_labels.add_labels(kept, pd.DataFrame(given_rows))
    typer.echo(f"{len(given_rows)} labels kept in {kept}")


def _ask(case: credit_forensics.Case, row: Mapping[Any, Any]) -> list[dict[str, Any]]:
    explanation = case.explain(row["payment_id"])
    named = not pd.isna(row["amount"]) and not pd.isna(row["currency"])
    money = money_text(row["amount"], row["currency"]) if named else "amount unknown"
    typer.echo(f"\n{row['payment_id']}  {money}")
    typer.echo(f"credited to {row['credited_user_id']}")
    asked = row["verdict"] == review_queue.PAID_BY_ANOTHER
    if asked or row["payments"] > 1:
        typer.echo(
            f"paid by {row['rightful_user_id']}, {row['payments']} times since "
            f"{row['since']:%Y-%m-%d}; the answer counts for all of them"
        )
    for bar in explanation.bars.to_dict("records"):
        typer.echo(f"  {bar['family']} ({bar['level']}) names {bar['person_id']}: {bar['methods']}")
    question = "with whom they were paid for" if asked else "with who paid"
    answer = typer.prompt(f"Are the credits {question}? right/wrong/unsure/skip", default="skip")
    label = {"r": "right", "w": "wrong", "u": "unsure"}.get(answer[:1].lower())
    if label is None:
        return []
    return [{"payment_id": row["payment_id"], "label": label, "stratum": row["stratum"]}]
