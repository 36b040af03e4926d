"""Explains a payment of a case that was judged before, from its store alone."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path

import duckdb

from credit_forensics.case.explain_payments import JudgedTables, explain_payments
from credit_forensics.case.judgement_key import judgement_key, judgement_settings
from credit_forensics.case.payment_aliases import NAMED_BY
from credit_forensics.case.stored_fit import read_fit
from credit_forensics.case_file import CaseFile
from credit_forensics.engines.parquet_rows import select_rows
from credit_forensics.evidence.stored.whether_current import EVIDENCE, case_store, why_stale
from credit_forensics.judgement.explanation import Explanation
from credit_forensics.judgement.families import with_custom
from credit_forensics.judgement.used_claims import MethodVoice
from credit_forensics.store.in_use import mark_in_use


def explain_stored(case_file: CaseFile, payment_id: str, mode: str) -> Explanation | None:
    """Why a payment has its verdict; nothing where the case has to be read or judged first.

    It loads neither the loaders nor the compiler, and runs nothing but a few look-ups.

    Parameters
    ----------
    case_file
        a checked case file.
    payment_id
        the payment.
    mode
        ``hindsight`` or ``as_of``.

    Raises
    ------
    CaseError
        when an input is missing, or the case has no such payment; the nearest id is named.
    """
    store = case_store(case_file)
    evidence, part = store.part(EVIDENCE), store.part(f"judgement {mode}")
    if evidence is None or part is None or why_stale(store, evidence, case_file):
        return None
    if part.key != judgement_key(judgement_settings(case_file, evidence.key), mode):
        return None
    folder, generation = store.path(part), store.path(evidence)
    try:
        with ExitStack() as held:
            held.callback(mark_in_use(generation))
            return _explain(folder, generation, payment_id)
    except (OSError, ValueError, KeyError, duckdb.Error):
        # Not whole, or removed meanwhile: the case finds out, and makes it anew.
        return None


def _explain(folder: Path, generation: Path, payment_id: str) -> Explanation:
    stored = json.loads((folder / "judgement.json").read_text(encoding="utf-8"))
    methods = tuple(MethodVoice(*method) for method in stored["methods"])
    fit = read_fit(folder / "fit.npz", stored["fit"], with_custom(stored["families"]))
    tables = JudgedTables(stored["judged"], stored["claims"], methods, fit)
    paths = {path.name: path for path in (generation / "evidence").iterdir()}
    paths |= {name: generation / place for name, place in stored["tables"].items()}
    asked = ("verdicts", "persons", "users", "ledger", *NAMED_BY)
    read = " ".join([tables.judged, tables.claims, *(f'"{name}"' for name in asked)])
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name, path in paths.items():
            if f'"{name}"' in read:
                connection.execute(f'CREATE VIEW "{name}" AS {select_rows(path)}')
        return explain_payments(connection, tables, [payment_id])[0]
