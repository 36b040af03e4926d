"""Writes what was told and what was booked as a case, so that the analysis judges the very rows."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa

from credit_forensics.checks.handler.cast import Price
from credit_forensics.checks.handler.original_handler import (
    credit_ledger,
    stripe_customers,
    users,
)
from credit_forensics.checks.handler.stage import Snapshot

_CASE = """name = "handler kit"
[stripe]
sessions = "sessions.jsonl"
events = "events.jsonl"
charges = "charges.jsonl"
invoices = "invoices.jsonl"
{log}[ledger]
url = "sqlite:///ledger.db"
schema = "credit_ledger"
[prices]
{prices}
"""


def write_case(
    folder: Path,
    snapshots: Sequence[Snapshot],
    prices: Sequence[Price],
    log_file: Path | str | None = None,
) -> Path:
    """Write a case folder: Stripe objects as JSON lines, the handler's rows as SQLite.

    Parameters
    ----------
    folder
        is made; what a former run left in it is overwritten.
    snapshots
        one a scenario.
    log_file
        the handler's log, copied.

    Returns
    -------
    Path
        of ``case.toml``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("sessions", "events", "charges", "invoices"):
        lines = [json.dumps(row) for s in snapshots for row in getattr(s, name)]
        (folder / f"{name}.jsonl").write_text("".join(f"{line}\n" for line in lines))
    log = ""
    if log_file is not None:
        shutil.copyfile(log_file, folder / "webhook.log")
        log = '[webhook_log]\nfiles = "webhook.log"\n'
    _write_ledger(folder / "ledger.db", snapshots)
    case = folder / "case.toml"
    listed = "\n".join(f"{price.price_id} = {price.credits}" for price in prices)
    case.write_text(_CASE.format(log=log, prices=listed))
    return case


def _write_ledger(path: Path, snapshots: Sequence[Snapshot]) -> None:
    path.unlink(missing_ok=True)
    engine = sa.create_engine(f"sqlite:///{path}")
    tables = sa.MetaData()
    accounts = users.to_metadata(tables)
    entries = sa.Table(
        "credit_ledger",
        tables,
        *(
            sa.Column(c.name, sa.Text if c.name == "id" else c.type, primary_key=c.name == "id")
            for c in credit_ledger.columns
        ),
    )
    # A customer may be bound twice in a handler's own table; here it must not fail.
    bindings = sa.Table(
        "stripe_customers",
        tables,
        *(sa.Column(c.name, c.type) for c in stripe_customers.columns),
    )
    balances = sa.Table(
        "user_credits",
        tables,
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("total_credits", sa.Integer),
    )
    account_rows, entry_rows, binding_rows = {}, {}, []
    balance_rows: dict[str, int] = {}
    for snapshot in snapshots:
        for person in snapshot.people:
            account_rows[person.user_id] = {
                "id": person.user_id,
                "email": person.email,
                "name": person.name,
                "created_at": person.created_at,
            }
        for entry in snapshot.entries:
            entry_rows[entry.entry_id] = {
                "id": entry.entry_id,
                "user_id": entry.user_id,
                "delta": entry.delta,
                "reason": entry.reason,
                "stripe_event_id": entry.event_id,
                "created_at": entry.created_at,
            }
        for customer, user, at in snapshot.bindings:
            binding_rows.append({"stripe_customer_id": customer, "user_id": user, "created_at": at})
        balance_rows.update(snapshot.balances)
    try:
        tables.create_all(engine)
        with engine.begin() as connection:
            for table, rows in (
                (accounts, list(account_rows.values())),
                (entries, list(entry_rows.values())),
                (bindings, binding_rows),
                (
                    balances,
                    [{"user_id": u, "total_credits": n} for u, n in balance_rows.items()],
                ),
            ):
                if rows:
                    connection.execute(table.insert(), rows)
    finally:
        engine.dispose()
