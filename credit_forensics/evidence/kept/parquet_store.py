"""Keeps a case's evidence as Parquet between runs: read once, then taken as it lies.

Evidence that was kept is taken again as long as nothing that it was made of has changed: the case
file, and each input file by size and time. A database server does not say whether its rows have
changed, so what was read from one is taken again only by a run that goes on where one ended.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
from sqlalchemy import URL

from credit_forensics import __version__
from credit_forensics.case_file import CaseFile
from credit_forensics.databases.urls import parse_url, sqlite_path
from credit_forensics.engines.buckets import copy_tables
from credit_forensics.engines.parquet import ParquetEngine
from credit_forensics.errors import CaseError
from credit_forensics.evidence.custody import Custody
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.files.input_paths import input_paths
from credit_forensics.evidence.logs.open import log_paths
from credit_forensics.evidence.stripe.load import KEYS as STRIPE_KEYS
from credit_forensics.evidence.stripe_api.pulled_files import pulled_paths
from credit_forensics.locks import folder_lock

PAYMENTS_A_BUCKET = 2_000_000
_STAMP = "stamp.json"
_REJECTS = "rejects.parquet"
_RUN = "run.json"
_NOT_OF_EVIDENCE = {"monitor", "report", "name", "folder", "engine", "analysis"}


@dataclass(frozen=True)
class Stamp:
    """What lies beside kept evidence: ``key`` tells it from other evidence."""

    key: str
    buckets: int
    custody: dict[str, Any]


def load_stored(case_file: CaseFile, load: Callable[[], Evidence]) -> Evidence:
    """The evidence of a case, from the folder that ``[engine] keep`` names.

    Parameters
    ----------
    case_file
        a checked case file with ``engine.keep``.
    load
        loads the evidence from its sources, where none that still holds is kept.

    Returns
    -------
    Evidence on a ``ParquetEngine``: its steps are kept in the same folder.

    Raises
    ------
    CaseError
        when the folder cannot be used, or another run uses it.
    """
    settings = case_file.engine
    folder = case_file.folder / str(settings.keep)
    with ExitStack() as held:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            held.enter_context(folder_lock(folder, "kept evidence"))
        except OSError as error:
            raise CaseError(f"engine.keep: {folder} cannot be used: {error.strerror}.") from None
        key = _key(folder, case_file)
        path = folder / f"evidence-{key[:16]}"
        stamp = read_stamp(path)
        if stamp is None:
            for other in (*folder.glob("evidence-*"), folder / "steps"):
                shutil.rmtree(other, ignore_errors=True)
            loaded = load()
            write_evidence(loaded, path, key=key)
            loaded.engine.close()
            stamp = read_stamp(path)
            assert stamp is not None
        engine = ParquetEngine(
            folder,
            path,
            buckets=stamp.buckets,
            key=stamp.key,
            memory_limit=settings.memory_limit,
            temp_directory=settings.temp_directory,
            threads=settings.threads,
            held=held.pop_all(),
        )
    return Evidence(engine, Custody.from_kept(stamp.custody, pd.read_parquet(path / _REJECTS)))


def settle(case_file: CaseFile, evidence: Evidence) -> None:
    """Say that a case was judged: what other runs kept is forgotten.

    What was read from a database server is read anew next time.

    Parameters
    ----------
    case_file
        a checked case file.
    evidence
        where it was judged; nothing is done unless ``load_stored`` gave it.
    """
    if not isinstance(evidence.engine, ParquetEngine):
        return
    evidence.engine.forget_other_steps()
    if _reads_a_server(case_file):
        path = evidence.engine.folder / _RUN
        path.write_text(json.dumps({"run": _runs(path) + 1}), encoding="utf-8")


def write_evidence(evidence: Evidence, path: Path, *, key: str) -> None:
    """Write the evidence into a folder, all of it or nothing.

    Parameters
    ----------
    evidence
        prepared evidence.
    path
        the folder; replaced where it is not whole.
    key
        tells this evidence from other evidence.
    """
    part = path.with_name(f"{path.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    buckets = max(-(-evidence.count("payments") // PAYMENTS_A_BUCKET), 1)
    copy_tables(evidence.engine, part, buckets)
    evidence.custody.rejects().to_parquet(part / _REJECTS)
    stamp = Stamp(key, buckets, evidence.custody.manifest())
    (part / _STAMP).write_text(json.dumps(asdict(stamp)), encoding="utf-8")
    shutil.rmtree(path, ignore_errors=True)
    part.replace(path)


def read_stamp(path: Path) -> Stamp | None:
    """The stamp of kept evidence; nothing where there is none, or it is damaged."""
    try:
        return Stamp(**json.loads((path / _STAMP).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _key(folder: Path, case_file: CaseFile) -> str:
    """Of all that the evidence is made of."""
    told = case_file.model_dump(mode="json", exclude=_NOT_OF_EVIDENCE)
    files = [
        (str(path), stat.st_size, stat.st_mtime_ns, stat.st_ino)
        for path in _files(case_file)
        for stat in [path.stat()]
    ]
    run = _runs(folder / _RUN) if _reads_a_server(case_file) else 0
    text = json.dumps([__version__, duckdb.__version__, told, files, run], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _files(case_file: CaseFile) -> Iterator[Path]:
    """Every file that the evidence is read from; the loader says which are missing."""
    for key in STRIPE_KEYS:
        names = getattr(case_file.stripe, key)
        yield from input_paths(case_file.folder, names, f"stripe.{key}")
    for paths in pulled_paths(case_file).values():
        yield from paths
    yield from log_paths(case_file.webhook_log.files, case_file.folder)
    others = [case_file.persons.aliases] if case_file.persons.aliases else []
    paths = [case_file.folder / other for other in others]
    for url in _ledger_urls(case_file):
        if _is_sqlite(url):
            path = sqlite_path(url, case_file.folder, "ledger")
            # What was committed last may lie beside the file.
            paths += [path, path.with_name(f"{path.name}-wal")]
    yield from (path for path in paths if path.is_file())


def _reads_a_server(case_file: CaseFile) -> bool:
    return bool(case_file.stripe.database) or not all(map(_is_sqlite, _ledger_urls(case_file)))


def _ledger_urls(case_file: CaseFile) -> list[URL]:
    return [parse_url(ledger.url, "ledger") for ledger in case_file.all_ledgers]


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def _runs(path: Path) -> int:
    try:
        return int(json.loads(path.read_text(encoding="utf-8"))["run"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0
