"""The judged payments beside the stored rows: what a tick knows of those that it does not judge."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from credit_forensics.coverage.judged import Judged
from credit_forensics.evidence.stored.rows import StoredRows, put_value
from credit_forensics.judgement.fit import Fit
from credit_forensics.judgement.fusion import Known
from credit_forensics.judgement.judge import Basis, Judgement
from credit_forensics.judgement.periods import Periods
from credit_forensics.tables.catalogue import spec

# A burst's chain reaches back no further than this many periods.
_PERIODS_BEFORE = 300
CORE = "SELECT h FROM core"
_SHOWN = ["source", "read", "tied", "recognised", "rejected", "reason"]


def basis_of(rows: StoredRows) -> Basis:
    """What the last judgement of everything leaves for judging a part anew."""
    learned = json.loads(rows.get("basis") or "{}")
    width = int(learned["width"])
    found = rows.connection.execute(
        f"""SELECT floor(epoch(min(created_at)))::BIGINT FROM payments
        WHERE hash(payment_id) IN ({CORE})"""
    ).fetchall()
    first = int(found[0][0] if found[0][0] is not None else learned["start"])
    # On the same grid as before, so that a period holds the same payments.
    start = first - (first - int(learned["start"])) % width - _PERIODS_BEFORE * width
    return Basis(
        periods=Periods(start, width),
        accounts=int(learned["accounts"]),
        first=_known(rows, learned["first"], "first_pattern", start, width),
        final=_known(rows, learned["final"], "pattern", start, width),
        coverage=pd.DataFrame(learned["coverage"], columns=_SHOWN),
    )


def shown_by_all(connection: duckdb.DuckDBPyConnection) -> tuple[Judged, pd.DataFrame]:
    """What share the last judgement of everything judged, and what its sources showed."""
    rows = connection.execute("SELECT value FROM stored.meta WHERE key = 'basis'").fetchall()
    learned = json.loads(rows[0][0]) if rows else {"judged": [], "coverage": []}
    judged = pd.DataFrame(learned["judged"], columns=spec("judged_shares").column_names)
    return Judged(judged), pd.DataFrame(learned["coverage"], columns=_SHOWN)


def _known(rows: StoredRows, learned: dict[str, Any], column: str, start: int, width: int) -> Known:
    counts = rows.connection.sql(
        f"""SELECT ((floor(epoch(created_at)) - {start}) // {width})::BIGINT AS period,
            {column} AS pattern, count(*) AS payments
        FROM stored.judged
        WHERE created_at >= to_timestamp({start})
          AND h NOT IN (SELECT hash(payment_id) FROM payments)
        GROUP BY ALL"""
    ).to_arrow_table()
    schema = pa.schema([(name, pa.int64()) for name in ("period", "pattern", "payments")])
    accuracy = [np.array(values) for values in learned["accuracy"]]
    return Known(accuracy, counts.cast(schema), learned.get("rates"))


def of_the_touched(connection: duckdb.DuckDBPyConnection, findings: pd.DataFrame) -> pd.DataFrame:
    """The findings of touched payments, events and balances; the others lack their context."""
    named = ["finding", "payment_id", "event_id", "credited_user_id"]
    connection.register("_found", findings[named])
    try:
        touched = connection.execute(
            f"""SELECT finding = 'balance_unreadable'
                OR (finding = 'balance_drift'
                    AND coalesce(hash(lower(credited_user_id)) IN (SELECT h FROM moved), false))
                OR (payment_id IS NOT NULL AND hash(payment_id) IN ({CORE}))
                OR (event_id IS NOT NULL AND hash(event_id) IN ({CORE})) AS yes
            FROM (SELECT *, row_number() OVER () AS place FROM _found) ORDER BY place"""
        ).df()["yes"]
    finally:
        connection.unregister("_found")
    chosen: pd.DataFrame = findings[touched.to_numpy(dtype=bool)]
    return chosen.reset_index(drop=True)


def store_judged(
    connection: duckdb.DuckDBPyConnection,
    judgement: Judgement,
    now: dt.datetime | None = None,
    judged_by: str = "",
) -> None:
    """Store the patterns of what was judged, and what of it waits for its credits.

    Parameters
    ----------
    connection
        holds the judged evidence, and the stored rows as ``stored``.
    judgement
        of a part, or of everything.
    now, judged_by
        where it was of everything: when, and a key of the settings by which.
    """
    run = connection.execute
    run("BEGIN")
    try:
        if now:
            run("DELETE FROM stored.judged")
            run("DELETE FROM stored.pending")
            accounts = run("SELECT count(*) FROM users").fetchall()[0][0]
            learned = {
                "start": judgement.periods.start,
                "width": judgement.periods.width,
                "accounts": int(accounts),
                "first": _plain(judgement.first_fit),
                "final": _plain(judgement.fit),
                "judged": run("SELECT * FROM judged_shares").fetchall(),
                "coverage": run(f"SELECT {', '.join(_SHOWN)} FROM coverage").fetchall(),
            }
            put_value(connection, "basis", json.dumps(learned))
            put_value(connection, "judged_at", now.isoformat())
            put_value(connection, "judged_by", judged_by)
        else:
            run(f"DELETE FROM stored.judged WHERE h IN ({CORE})")
            run(f"DELETE FROM stored.pending WHERE h IN ({CORE})")
        run(
            f"""INSERT INTO stored.judged
            SELECT hash(p.payment_id), p.payment_id, p.created_at,
                f.pattern + coalesce(fm.marks, 0), k.pattern + coalesce(km.marks, 0),
                v.families_agreeing, v.families_available
            FROM payments p JOIN keyed k USING (payment_id)
            JOIN first_keyed f USING (payment_id) JOIN verdicts v USING (payment_id)
            LEFT JOIN first_name_marks fm USING (payment_id)
            LEFT JOIN name_marks km USING (payment_id)
            WHERE hash(p.payment_id) IN ({CORE}) AND p.created_at IS NOT NULL"""
        )
        run(f"INSERT INTO stored.pending SELECT hash(payment_id) FROM ({unbooked(CORE)})")
        run("DELETE FROM stored.coverage")
        run("INSERT INTO stored.coverage SELECT source, first_at, last_at FROM spans")
    except BaseException:
        run("ROLLBACK")
        raise
    run("COMMIT")


def _plain(fit: Fit) -> dict[str, Any]:
    return {"accuracy": [values.tolist() for values in fit.accuracy], "rates": fit.rates}


def unbooked(core: str) -> str:
    """SQL of the paid payments that no entry was booked for; ``core`` selects hashes of ids."""
    return f"""SELECT * FROM payments p WHERE payment_status = 'paid'
        AND coalesce(livemode, true) AND hash(payment_id) IN ({core})
        AND NOT EXISTS (SELECT 1 FROM ledger l WHERE l.payment_id = p.payment_id)"""
