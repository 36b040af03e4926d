"""Measures the table ``coverage``: what was read, tied and recognised of each source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from credit_forensics.coverage import linkage, reasons
from credit_forensics.coverage.tied_deliveries import count_deliveries
from credit_forensics.engines.duckdb import Engine
from credit_forensics.engines.recipes import Recipe
from credit_forensics.tables.catalogue import Tables, spec
from credit_forensics.tables.expressions import ir

TIES = "entry_ties"
INCOMPLETE = ("missing_table", "unreadable", "window", "absent")
# Row security may hide entries without a word.
HIDDEN = "row_security"


@dataclass(frozen=True)
class Ties:
    """Entries of bought credits in the time of the payments, and their credits.

    ``tied`` name their payment, or are of an event that was read; ``inferred`` were paired with
    one; ``unbacked`` name something of a kind that was read, and it is not there; ``untied`` name
    nothing, or something of a kind that was not read; ``unclear`` ones may be anything; and
    ``outside`` lie in another time.
    """

    tied: int = 0
    inferred: int = 0
    unbacked: int = 0
    untied: int = 0
    unclear: int = 0
    outside: int = 0
    credits_tied: int = 0
    credits_unbacked: int = 0
    credits_untied: int = 0
    credits_unclear: int = 0


@dataclass(frozen=True)
class Measured:
    """The table ``coverage``, and what it was made of that the shares need besides."""

    coverage: pd.DataFrame
    reasons: dict[str, str | None]
    ties: Ties
    named_deliveries: int
    nameless_deliveries: int


def measure_coverage(engine: Engine) -> Measured:
    """The table ``coverage`` of the evidence that lies on an engine: a row a source.

    Parameters
    ----------
    engine
        holds the whole of the evidence; of a part of it the shares would say nothing.

    Examples
    --------
    >>> from credit_forensics.engines.duckdb import engine_of
    >>> engine = engine_of()
    >>> coverage = measure_coverage(engine).coverage
    >>> coverage[["source", "reason"]].values.tolist()[0]
    ['payments', 'not_read']
    """
    tables = Tables()
    spans = {
        row["source"]: row
        for row in engine.arrow(
            _kept("spans", lambda: tables.spans.order_by("source", "first_at"))
        ).to_pylist()
    }
    ties = count_ties(engine, spans)

    def counted(name: str, count: Callable[[Tables], ir.Table]) -> dict[str, Any]:
        (row,) = engine.arrow(_kept(name, lambda: count(tables))).to_pylist()
        return dict(row)

    delivered = count_deliveries(engine)
    accounts = counted("accounts", linkage.account_counts)
    back = counted("taken-back", linkage.taken_back)
    problems = _ledger_problems(engine)

    def read(source: str) -> int:
        return int(spans.get(source, {}).get("row_count") or 0)

    def rejected(source: str) -> int:
        return int(spans.get(source, {}).get("rejected") or 0)

    named = ties.tied + ties.inferred
    rows: list[dict[str, Any]] = [
        {
            "source": "payments",
            "read": read("payments"),
            "tied": ties.tied,
            "recognised": ties.tied + ties.unbacked + ties.untied,
            "reason": reasons.of_payments(read("payments"), ties.tied, ties.untied, ties.unbacked),
        },
        {
            "source": "events",
            "read": read("events"),
            "reason": None if read("events") or delivered.named else "not_read",
        },
        {
            "source": "deliveries",
            "read": read("deliveries"),
            "tied": delivered.tied,
            "recognised": delivered.named,
            "reason": reasons.of_deliveries(
                read("deliveries"), delivered.named, delivered.nameless, delivered.tied
            ),
        },
        {
            "source": "ledger",
            "read": read("ledger"),
            "tied": named,
            "recognised": named + ties.unbacked + ties.untied,
            "reason": "incomplete"
            if any(problem == HIDDEN for _, problem in problems)
            else reasons.of_ledger(
                read("ledger"),
                named,
                ties.untied,
                max(rejected("ledger") - back["ownerless"], 0)
                if ("entries", "rejected") in problems
                else 0,
            ),
        },
        {
            "source": "refunds",
            "read": back["tied"] + back["untied"],
            "tied": back["tied"],
            "recognised": back["tied"] + back["untied"],
            "reason": reasons.of_refunds(back["tied"], back["untied"]),
        },
        {
            "source": "users",
            "read": accounts["users"],
            "tied": accounts["known"],
            "recognised": accounts["named"],
            "reason": reasons.of_accounts(accounts["users"], accounts["known"], accounts["named"]),
        },
        {
            "source": "balances",
            "read": accounts["balances"],
            "tied": accounts["held"],
            "recognised": accounts["named"],
            "reason": _of_balances(accounts, problems),
        },
    ]
    frame = pd.DataFrame(
        [
            {
                "since": spans.get(row["source"], {}).get("first_at"),
                "until": spans.get(row["source"], {}).get("last_at"),
                "rejected": rejected(row["source"]),
                **row,
            }
            for row in rows
        ]
    )
    frame = frame.reindex(columns=spec("coverage").column_names)
    why = {row["source"]: row["reason"] for row in rows}
    return Measured(frame, why, ties, delivered.named, delivered.nameless)


def at_new_spans(coverage: pd.DataFrame, engine: Engine) -> pd.DataFrame:
    """The coverage of the whole, with the times that its sources reach to by now."""
    spans = (
        engine.frame(Tables().spans).groupby("source").agg({"first_at": "min", "last_at": "max"})
    )
    rows = coverage.set_index("source")
    return rows.assign(
        since=spans["first_at"].reindex(rows.index), until=spans["last_at"].reindex(rows.index)
    ).reset_index()


def count_ties(engine: Engine, spans: dict[str, Any]) -> Ties:
    """How the entries of bought credits are tied, in the time of the payments.

    An entry of kind ``other`` counts only where its credits are those of a price or of a tied
    entry: it may be anything else. Where nothing is tied and no price is known, each counts.
    """
    tables = Tables()
    entries = _kept("entry-ties", lambda: linkage.entry_ties(tables))
    counted = engine.materialize(TIES, entries, by_payment=True)
    rows = engine.arrow(_kept("counted-ties", lambda: counted.table.drop("payment_id"))).to_pylist()
    engine.drop(TIES)
    inside = [row for row in rows if row["inside"]]
    sizes = {row["of_kind"] for row in inside if row["tied"]}
    unclear = [row for row in inside if not row["tied"] and row["of_kind"] is not None]
    if unclear:
        worth = tables.payments.filter(tables.payments.expected_credits > 0)
        priced = worth.select("expected_credits").distinct()
        sizes |= {row["expected_credits"] for row in engine.arrow(priced).to_pylist()}
    fits = [
        row
        for row in inside
        if row["tied"] or row["of_kind"] is None or not sizes or row["of_kind"] in sizes
    ]
    other = [row for row in inside if row not in fits]
    named = {row["prefix"] for row in fits if not row["tied"] and row["prefix"]}
    known: set[str] = set()
    if named:
        prefixes = engine.arrow(
            _kept("prefixes", lambda: linkage.read_prefixes(tables))
        ).to_pylist()
        known = {row["known_prefix"] for row in prefixes}
    by_event = [row for row in fits if not row["tied"] and row["by_event"]]
    backed = {"entries": 0, "credits": 0}
    if by_event:
        (backed,) = engine.arrow(
            _kept("entries-by-event", lambda: linkage.entries_by_event(tables))
        ).to_pylist()
    events = bool(spans.get("events") or spans.get("deliveries"))

    def total(column: str, kind: str) -> int:
        return sum(int(row[column]) for row in fits if _way(row, known, events=events) == kind)

    def moved(kind: str) -> int:
        way = "unbacked" if events else "untied"
        return backed["entries"] if kind == way else 0

    def moved_credits(kind: str) -> int:
        way = "unbacked" if events else "untied"
        return backed["credits"] if kind == way else 0

    return Ties(
        tied=total("entries", "tied") + backed["entries"],
        inferred=total("entries", "inferred"),
        unbacked=max(total("entries", "unbacked") - moved("unbacked"), 0),
        untied=max(total("entries", "untied") - moved("untied"), 0),
        unclear=sum(int(row["entries"]) for row in other),
        outside=sum(int(row["entries"]) for row in rows if not row["inside"]),
        credits_tied=total("credits", "tied") + total("credits", "inferred") + backed["credits"],
        credits_unbacked=max(total("credits", "unbacked") - moved_credits("unbacked"), 0),
        credits_untied=max(total("credits", "untied") - moved_credits("untied"), 0),
        credits_unclear=sum(int(row["credits"]) for row in other),
    )


def _way(row: dict[str, Any], known: set[str], *, events: bool) -> str:
    if row["tied"]:
        return "inferred" if row["inferred"] else "tied"
    if row["by_event"]:
        return "unbacked" if events else "untied"
    return "unbacked" if row["prefix"] in known and row["prefix"] else "untied"


def _kept(name: str, build: Callable[[], ir.Table]) -> Recipe:
    return Recipe(f"coverage-{name}", build)


def _ledger_problems(engine: Engine) -> set[tuple[str, str]]:
    def of_ledger() -> ir.Table:
        gaps = Tables().gaps
        return gaps.filter(gaps.source == "ledger").select("object", "problem")

    rows = engine.arrow(_kept("ledger-problems", of_ledger))
    return {(row["object"], row["problem"]) for row in rows.to_pylist()}


def _of_balances(accounts: dict[str, int], problems: set[tuple[str, str]]) -> str | None:
    unread = any(
        (name == "balances" or name.startswith("balances.")) and problem != "rejected"
        for name, problem in problems
    )
    if unread or not accounts["balances"]:
        return "not_read"
    if ("balances", "rejected") in problems:
        return "rejected"
    if any(
        name in ("entries", "ledger") and p in (*INCOMPLETE, "rejected") for name, p in problems
    ):
        return "incomplete"
    return reasons.of_accounts(accounts["balances"], accounts["held"], accounts["named"])
