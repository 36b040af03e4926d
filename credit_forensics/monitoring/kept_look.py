"""Looks at what is new in a case: kept evidence, judged anew only where something touched it.

Once in a while (and at first) all that is kept is judged; in between, the touched payments are
judged with what was learned then: the families' accuracies, and the patterns of the payments
around them in time.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from credit_forensics.case.case import Case
from credit_forensics.case_file import CaseFile, read_case_file
from credit_forensics.evidence.kept.bring import bring_part, bring_whole
from credit_forensics.evidence.kept.evidence import KeptEvidence
from credit_forensics.judgement.fusion import Known
from credit_forensics.judgement.judge import Basis, Judgement
from credit_forensics.judgement.model import Fit
from credit_forensics.judgement.periods import Periods
from credit_forensics.monitoring.case_look import pull_news
from credit_forensics.monitoring.observation import Watched

# A burst's chain reaches back no further than this many periods.
_PERIODS_BEFORE = 300
_HISTORY = dt.timedelta(days=31)
_CORE = "SELECT h FROM core"


class KeptLook:
    """A look that keeps the evidence beside the monitor's state.

    Parameters
    ----------
    path
        the case file.
    folder
        where the evidence is kept.
    """

    def __init__(self, path: Path, folder: Path) -> None:
        self._path = path
        self._file = folder / "evidence.duckdb"
        self._kept: KeptEvidence | None = None

    def __call__(self, now: dt.datetime, standing: tuple[str, ...]) -> Watched:
        """The evidence as the checks need it."""
        self.close()
        case_file = read_case_file(self._path)
        problems: dict[str, Exception] = {}
        kept = self._kept = KeptEvidence(self._file, case_file)
        whole = _is_due(kept, now, dt.timedelta(hours=case_file.monitor.whole_hours))
        pull_news(case_file, now, problems, whole=whole)
        kept.refresh(everything=whole)
        if whole:
            case = Case(bring_whole(kept, case_file), case_file)
            kept.connection.execute(
                "CREATE OR REPLACE TEMP TABLE core AS SELECT hash(payment_id) AS h FROM payments"
            )
        else:
            _refresh_balances(kept, case_file, standing)
            evidence = bring_part(kept, case_file, standing)
            case = Case(evidence, case_file, basis=_basis(kept))
        findings = case.findings if whole else _of_the_touched(kept, case.findings)
        _keep_judgement(kept, case.judgement, now, whole=whole)
        return _watched(
            kept, case_file, findings, now=now, problems=problems, remembered=self._remembered
        )

    def close(self) -> None:
        """Let the kept evidence go; what was not remembered is new again the next time."""
        if self._kept:
            self._kept.evidence.engine.close()
            self._kept = None

    def _remembered(self) -> None:
        if self._kept:
            self._kept.connection.execute("DELETE FROM kept.touched")
        self.close()


def _is_due(kept: KeptEvidence, now: dt.datetime, every: dt.timedelta) -> bool:
    judged = kept.get("judged_at")
    return judged is None or now - dt.datetime.fromisoformat(judged) >= every


def _refresh_balances(kept: KeptEvidence, case_file: CaseFile, standing: tuple[str, ...]) -> None:
    if not case_file.all_ledgers:
        return
    rows = kept.connection.execute(
        """SELECT DISTINCT user_id FROM kept.ledger
        WHERE hash_user_id IN (SELECT h FROM kept.touched WHERE is_user) ORDER BY 1"""
    ).fetchall()
    kept.refresh_balances([*(row[0] for row in rows), *standing])


def _basis(kept: KeptEvidence) -> Basis:
    told = json.loads(kept.get("basis") or "{}")
    width = int(told["width"])
    rows = kept.connection.execute(
        f"""SELECT floor(epoch(min(created_at)))::BIGINT FROM payments
        WHERE hash(payment_id) IN ({_CORE})"""
    ).fetchall()
    first = int(rows[0][0] if rows[0][0] is not None else told["start"])
    # On the same grid as before, so that a period holds the same payments.
    start = first - (first - int(told["start"])) % width - _PERIODS_BEFORE * width
    return Basis(
        periods=Periods(start, width),
        accounts=int(told["accounts"]),
        first=_known(kept, told["first"], "first_pattern", start, width),
        final=_known(kept, told["final"], "pattern", start, width),
    )


def _known(
    kept: KeptEvidence, accuracy: list[list[float]], column: str, start: int, width: int
) -> Known:
    counts = kept.connection.sql(
        f"""SELECT ((floor(epoch(created_at)) - {start}) // {width})::BIGINT AS period,
            {column} AS pattern, count(*) AS payments
        FROM kept.judged
        WHERE created_at >= to_timestamp({start})
          AND h NOT IN (SELECT hash(payment_id) FROM payments)
        GROUP BY ALL"""
    ).to_arrow_table()
    schema = pa.schema([(name, pa.int64()) for name in ("period", "pattern", "payments")])
    return Known([np.array(values) for values in accuracy], counts.cast(schema))


def _of_the_touched(kept: KeptEvidence, findings: pd.DataFrame) -> pd.DataFrame:
    """The findings of touched payments, events and balances; the others lack their context."""
    connection = kept.connection
    named = ["finding", "payment_id", "event_id", "credited_user_id"]
    connection.register("_found", findings[named])
    try:
        touched = connection.execute(
            f"""SELECT finding = 'balance_unreadable'
                OR (finding = 'balance_drift'
                    AND coalesce(hash(lower(credited_user_id)) IN (SELECT h FROM moved), false))
                OR (payment_id IS NOT NULL AND hash(payment_id) IN ({_CORE}))
                OR (event_id IS NOT NULL AND hash(event_id) IN ({_CORE})) AS yes
            FROM (SELECT *, row_number() OVER () AS place FROM _found) ORDER BY place"""
        ).df()["yes"]
    finally:
        connection.unregister("_found")
    chosen: pd.DataFrame = findings[touched.to_numpy(dtype=bool)]
    return chosen.reset_index(drop=True)


def _keep_judgement(
    kept: KeptEvidence, judgement: Judgement, now: dt.datetime, *, whole: bool
) -> None:
    run = kept.connection.execute
    with kept.transaction():
        if whole:
            run("DELETE FROM kept.judged")
            run("DELETE FROM kept.pending")
            accounts = run("SELECT count(*) FROM users").fetchall()[0][0]
            told = {
                "start": judgement.periods.start,
                "width": judgement.periods.width,
                "accounts": int(accounts),
                "first": _plain(judgement.first_fit),
                "final": _plain(judgement.fit),
            }
            kept.put("basis", json.dumps(told))
            kept.put("judged_at", now.isoformat())
        else:
            run(f"DELETE FROM kept.judged WHERE h IN ({_CORE})")
            run(f"DELETE FROM kept.pending WHERE h IN ({_CORE})")
        run(
            f"""INSERT INTO kept.judged
            SELECT hash(p.payment_id), p.payment_id, p.created_at,
                f.pattern + coalesce(fm.marks, 0), k.pattern + coalesce(km.marks, 0),
                v.families_agreeing, v.families_available
            FROM payments p JOIN keyed k USING (payment_id)
            JOIN first_keyed f USING (payment_id) JOIN verdicts v USING (payment_id)
            LEFT JOIN first_name_marks fm USING (payment_id)
            LEFT JOIN name_marks km USING (payment_id)
            WHERE hash(p.payment_id) IN ({_CORE}) AND p.created_at IS NOT NULL"""
        )
        run(f"INSERT INTO kept.pending SELECT hash(payment_id) FROM ({_unbooked(_CORE)})")
        run("DELETE FROM kept.coverage")
        run("INSERT INTO kept.coverage SELECT source, first_at, last_at FROM coverage")


def _plain(fit: Fit) -> list[list[float]]:
    return [values.tolist() for values in fit.accuracy]


def _unbooked(core: str) -> str:
    return f"""SELECT * FROM payments p WHERE payment_status = 'paid'
        AND coalesce(livemode, true) AND hash(payment_id) IN ({core})
        AND NOT EXISTS (SELECT 1 FROM ledger l WHERE l.payment_id = p.payment_id)"""


def _watched(
    kept: KeptEvidence,
    case_file: CaseFile,
    findings: pd.DataFrame,
    *,
    now: dt.datetime,
    problems: dict[str, Exception],
    remembered: Callable[[], None],
) -> Watched:
    def frame(sql: str) -> pd.DataFrame:
        rows: pd.DataFrame = kept.connection.sql(sql).df()
        return rows

    failed = """'database_error', 'no_credits', 'incomplete', 'not_found', 'signature_refused',
        'resolution_failed'"""
    since = (now - _HISTORY).isoformat()
    return Watched(
        # Only what is not booked can be missing its credits or its delivery.
        payments=frame(_unbooked(_CORE)),
        events=frame("SELECT event_id, payment_id FROM events LIMIT 0"),
        deliveries=frame(
            f"""SELECT * FROM deliveries WHERE outcome IN ({failed}) OR event_id IN (
                SELECT event_id FROM deliveries WHERE outcome IN ({failed}))
            UNION ALL BY NAME
            SELECT max(received_at) AS received_at FROM kept.deliveries HAVING count(*) > 0"""
        ),
        ledger=frame(
            """SELECT NULL::VARCHAR AS payment_id, NULL::VARCHAR AS event_id,
                first_at AS created_at FROM coverage
            WHERE source = 'ledger' AND first_at IS NOT NULL"""
        ),
        verdicts=frame(
            f"""SELECT payment_id, created_at, families_agreeing, families_available
            FROM kept.judged WHERE created_at >= TIMESTAMPTZ '{since}'"""
        ),
        findings=findings,
        has_log=bool(case_file.webhook_log.files),
        has_ledger=bool(case_file.all_ledgers),
        problems=problems,
        remembered=remembered,
    )
