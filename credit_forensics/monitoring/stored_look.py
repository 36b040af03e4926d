"""Looks at what is new in a case: stored rows, judged anew only where something touched them.

Once in a while (and at first) all that is stored is judged; in between, the touched payments are
judged with what was learned then: the families' accuracies, and the patterns of the payments
around them in time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import duckdb
import pandas as pd

from credit_forensics.case.case import Case
from credit_forensics.case.judgement_key import judgement_key, judgement_settings
from credit_forensics.case_file import CaseFile, read_case_file
from credit_forensics.coverage.unlinked_ledger import why_unlinked
from credit_forensics.engines.parquet_rows import quoted_path
from credit_forensics.errors import CaseError
from credit_forensics.evidence.stored.bring import bring_part
from credit_forensics.evidence.stored.inputs import evidence_settings
from credit_forensics.evidence.stored.open import ROWS, open_evidence
from credit_forensics.evidence.stored.refresh import refresh_quickly
from credit_forensics.evidence.stored.refresh_ledgers import refresh_balances
from credit_forensics.evidence.stored.rows import StoredRows
from credit_forensics.evidence.stored.whether_current import case_store
from credit_forensics.monitoring.case_look import look_at_case, pull_news
from credit_forensics.monitoring.judged_rows import (
    CORE,
    basis_of,
    of_the_touched,
    shown_by_all,
    store_judged,
    unbooked,
)
from credit_forensics.monitoring.observation import Watched
from credit_forensics.store.store import Store, warn_once

_HISTORY = dt.timedelta(days=31)


class StoredLook:
    """A look at what is new, over the store that every command of the case uses.

    Where the store cannot be used (its folder cannot be written, or another process writes for too
    long), it looks at the whole case without one.

    Parameters
    ----------
    path
        the case file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held = ExitStack()

    def __call__(self, now: dt.datetime, standing: tuple[str, ...]) -> Watched:
        """The evidence as the checks need it."""
        self.close()
        case_file = read_case_file(self._path)
        store = case_store(case_file)
        try:
            self._held.enter_context(store.writing())
        except (OSError, CaseError) as error:
            warn_once(f"The store {store.folder} cannot be used ({error}); it is looked at whole.")
            return look_at_case(self._path, store=False)(now, standing)
        problems: dict[str, Exception] = {}
        with StoredRows(store.folder / ROWS, case_file) as rows:
            if rows.begun_anew:
                # Evidence that is stored was made from rows that are no longer there.
                store.only()
            whole = _is_due(rows, now, dt.timedelta(hours=case_file.monitor.whole_hours))
        pull_news(case_file, now, problems, whole=whole)
        look = self._whole if whole else self._part
        connection, findings = look(store, case_file, standing, now)
        return _watched(
            connection,
            case_file,
            findings,
            now=now,
            problems=problems,
            remembered=lambda: self._remember(connection),
        )

    def close(self) -> None:
        """Let the store go; what was not remembered is new again the next time."""
        self._held.close()

    def _whole(
        self, store: Store, case_file: CaseFile, _standing: tuple[str, ...], now: dt.datetime
    ) -> tuple[duckdb.DuckDBPyConnection, pd.DataFrame]:
        """The case itself, as every command opens it, judged where it is not yet."""
        opened = open_evidence(store, case_file)
        if opened is None:
            raise CaseError(f"The store {store.folder} cannot be used.")
        self._held.callback(opened.evidence.engine.close)
        case = Case(opened.evidence, case_file, opened=(store, opened))
        findings, connection = case.findings, case.evidence.connection
        connection.execute(f"ATTACH {quoted_path(store.folder / ROWS)} AS stored")
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE core AS SELECT hash(payment_id) AS h FROM payments"
        )
        store_judged(connection, case.judgement, now, _judged_by(case_file))
        return connection, findings

    def _part(
        self, store: Store, case_file: CaseFile, standing: tuple[str, ...], now: dt.datetime
    ) -> tuple[duckdb.DuckDBPyConnection, pd.DataFrame]:
        """What is new and what bears on it, judged with what was learned of the whole."""
        rows = self._held.enter_context(StoredRows(store.folder / ROWS, case_file))
        refresh_quickly(rows)
        _refresh_balances(rows, standing)
        evidence = bring_part(rows, case_file, standing)
        case = Case(evidence, case_file, basis=basis_of(rows))
        findings = of_the_touched(rows.connection, case.findings)
        store_judged(rows.connection, case.judgement)
        return rows.connection, findings

    def _remember(self, connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute("DELETE FROM stored.touched")
        self.close()


def _is_due(rows: StoredRows, now: dt.datetime, every: dt.timedelta) -> bool:
    if rows.count("stored.stripe_credit_grants"):
        # Entries are made of all grants at once, which a part would take for orphans.
        return True
    judged = rows.get("judged_at")
    if judged is None or rows.get("judged_by") != _judged_by(rows.case_file):
        return True
    return now - dt.datetime.fromisoformat(judged) >= every


def _judged_by(case_file: CaseFile) -> str:
    """A key of all settings that verdicts depend on."""
    settings = judgement_settings(case_file, evidence_settings(case_file))
    return judgement_key(settings, case_file.analysis.mode)


def _refresh_balances(rows: StoredRows, standing: tuple[str, ...]) -> None:
    if not rows.case_file.ledger_databases:
        return
    moved = rows.connection.execute(
        """SELECT DISTINCT user_id FROM stored.ledger
        WHERE hash_user_id IN (SELECT h FROM stored.touched WHERE is_user) ORDER BY 1"""
    ).fetchall()
    refresh_balances(rows, [*(row[0] for row in moved), *standing])


def _watched(
    connection: duckdb.DuckDBPyConnection,
    case_file: CaseFile,
    findings: pd.DataFrame,
    *,
    now: dt.datetime,
    problems: dict[str, Exception],
    remembered: Callable[[], None],
) -> Watched:
    def frame(sql: str) -> pd.DataFrame:
        rows: pd.DataFrame = connection.sql(sql).df()
        return rows

    failed = """'database_error', 'no_credits', 'handler_error', 'incomplete', 'not_found',
        'signature_refused',
        'resolution_failed'"""
    since = (now - _HISTORY).isoformat()
    judged, coverage = shown_by_all(connection)
    return Watched(
        # Only what is not booked can be missing its credits or its delivery.
        payments=frame(unbooked(CORE)),
        events=frame("SELECT event_id, payment_id FROM events LIMIT 0"),
        deliveries=frame(
            f"""SELECT * FROM deliveries WHERE outcome IN ({failed}) OR event_id IN (
                SELECT event_id FROM deliveries WHERE outcome IN ({failed}))
            UNION ALL BY NAME
            SELECT max(received_at) AS received_at FROM stored.deliveries HAVING count(*) > 0"""
        ),
        ledger=frame(
            """SELECT NULL::VARCHAR AS payment_id, NULL::VARCHAR AS event_id,
                first_at AS created_at FROM spans
            WHERE source = 'ledger' AND first_at IS NOT NULL"""
        ),
        verdicts=frame(
            f"""SELECT payment_id, created_at, families_agreeing, families_available
            FROM stored.judged WHERE created_at >= TIMESTAMPTZ '{since}'"""
        ),
        findings=findings,
        has_log=bool(case_file.webhook_log.files),
        has_ledger=bool(case_file.all_ledgers),
        problems=problems,
        unlinked=why_unlinked(coverage),
        judged=judged.headline,
        nothing=judged.nothing_found(case_file.analysis.judged_at_least),
        remembered=remembered,
    )
