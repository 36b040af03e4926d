"""Writes an analysis to a folder, byte for byte the same for the same inputs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from credit_forensics.case.csv_bytes import csv_bytes
from credit_forensics.case.judged_case import JudgedCase
from credit_forensics.case.manifest import manifest_bytes
from credit_forensics.engines.recipes import Recipe
from credit_forensics.evidence.custody import hash_file
from credit_forensics.judgement.verdicts import is_asked
from credit_forensics.money import money_text
from credit_forensics.records import row_dicts
from credit_forensics.tables.catalogue import Tables, conform, spec
from credit_forensics.tables.expressions import ir
from credit_forensics.whole_file import whole_file, write_whole

_ROWS_A_GROUP = 250_000


def write_analysis(case: JudgedCase, out: Path) -> dict[str, Any]:
    """Write the six files of an analysis, and ``SHA256SUMS`` for ``sha256sum --check``.

    They are their owner's to read, and nobody else's.

    Parameters
    ----------
    case
        the case.
    out
        folder; made if it is not there. Its files of these names are replaced.

    Returns
    -------
    The summary: payments, verdicts and findings by name, rejects, gaps, SHA-256 a file.
    """
    out.mkdir(parents=True, exist_ok=True)
    hashes: dict[str, str] = {}

    def write(name: str, content: bytes) -> None:
        write_whole(out / name, content, mode=0o600)
        hashes[name] = hashlib.sha256(content).hexdigest()

    tables = {"verdicts": case.verdict_batches(), "claims": case.claim_batches()}
    for name, batches in tables.items():
        with whole_file(out / f"{name}.parquet", mode=0o600) as part:
            with pq.ParquetWriter(part, spec(name).arrow_schema, compression="zstd") as writer:
                for rows in _in_groups(batches, _ROWS_A_GROUP):
                    writer.write_table(conform(name, rows), row_group_size=_ROWS_A_GROUP)
            hashes[f"{name}.parquet"] = hash_file(part)[0]
    write("findings.csv", csv_bytes(case.findings))
    write("incidents.csv", csv_bytes(case.incidents))
    write("rejects.csv", csv_bytes(case.rejects))
    write("manifest.json", manifest_bytes(case.manifest))
    # In a file of its own: the manifest's hash, which a report shows, must not depend on outputs.
    sums = "".join(f"{digest}  {name}\n" for name, digest in sorted(hashes.items()))
    write("SHA256SUMS", sums.encode("utf-8"))
    return {**summary(case), "files": dict(sorted(hashes.items()))}


def _in_groups(batches: Iterable[pa.RecordBatch], size: int) -> Iterator[pa.Table]:
    """The rows in tables of ``size``, however many come at a time; the last may be smaller.

    Engines give batches each of its own size, and a file's bytes must not depend on it.

    Examples
    --------
    >>> batches = [pa.record_batch({"a": [1, 2, 3]}), pa.record_batch({"a": [4, 5, 6, 7, 8]})]
    >>> [table["a"].to_pylist() for table in _in_groups(batches, 2)]
    [[1, 2], [3, 4], [5, 6], [7, 8]]
    >>> [table.num_rows for table in _in_groups(batches, 5)]
    [5, 3]
    """
    waiting: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        waiting.append(batch)
        count += len(batch)
        while count >= size:
            table = pa.Table.from_batches(waiting)
            yield table.slice(0, size)
            waiting = table.slice(size).to_batches()
            count -= size
    if count:
        yield pa.Table.from_batches(waiting)


def summary(case: JudgedCase) -> dict[str, Any]:
    """Numbers that a person reads first."""
    findings = case.findings
    by_name = (findings["severity"] + " " + findings["finding"]).value_counts(sort=False)
    return {
        "name": case.name,
        "mode": case.mode,
        "payments": int(case.verdict_counts.sum()),
        "judged": case.judged.to_dict(),
        "verdicts": case.verdict_counts.to_dict(),
        "findings": {str(name): int(n) for name, n in by_name.items()},
        "worst": _worst(findings),
        "asked": _asked(case),
        "incidents": len(case.incidents),
        "rejects": len(case.rejects),
        "gaps": case.gaps.to_dict("records"),
        "not_run": case.finding_runs.loc[~case.finding_runs["ran"], "finding"].tolist(),
    }


def _asked(case: JudgedCase) -> int:
    def counted() -> ir.Table:
        verdicts = Tables().verdicts
        asked = is_asked(verdicts.verdict, verdicts.probability_misattributed)
        return verdicts.aggregate(payments=asked.sum().coalesce(0))

    case.judgement  # noqa: B018  # the engine holds verdicts once it is judged
    return int(case.evidence.engine.frame(Recipe("case-asked", counted))["payments"].iloc[0])


def _worst(findings: pd.DataFrame) -> dict[str, str] | None:
    """The payment of the gravest findings with the most money, first of the ids on a tie."""
    named = findings[findings["payment_id"].notna()]
    if named.empty:
        return None
    # Findings come by severity, the gravest first.
    gravest = named[named["severity"] == named["severity"].iloc[0]]
    order = gravest.assign(_amount=gravest["amount"].fillna(0)).sort_values(
        ["_amount", "payment_id", "finding"], ascending=[False, True, True], kind="stable"
    )
    row = row_dicts(order.head(1))[0]
    money = ""
    if row["amount"] is not None and row["currency"]:
        money = money_text(int(row["amount"]), str(row["currency"]))
    return {"payment_id": str(row["payment_id"]), "finding": str(row["finding"]), "money": money}
