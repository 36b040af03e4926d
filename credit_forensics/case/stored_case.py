"""What a case stores once it is judged, and takes from its store instead of judging again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from credit_forensics.case.explain_payments import JudgedTables
from credit_forensics.case.judgement_key import judgement_key, judgement_settings, why_judged
from credit_forensics.case.stored_fit import read_fit, write_fit
from credit_forensics.case_file import CaseFile
from credit_forensics.engines.handover import RESULTS
from credit_forensics.engines.parquet import ParquetEngine
from credit_forensics.engines.recipes import Kept
from credit_forensics.errors import CaseError
from credit_forensics.evidence.stored.whether_current import EVIDENCE
from credit_forensics.judgement.calibration import Calibration
from credit_forensics.judgement.families import with_custom
from credit_forensics.judgement.judge import Judgement
from credit_forensics.judgement.pattern_arrays import Cells, Patterns
from credit_forensics.judgement.periods import Periods
from credit_forensics.resolution.methods import METHODS
from credit_forensics.store.store import WAIT_SECONDS, Store, warn_once
from credit_forensics.store.stored_parts import Part

JUDGEMENT = "judgement"
_PATTERNS = ("slot", "level", "has_name", "credited", "credited_has_name")


@dataclass(frozen=True)
class StoredCase:
    """The store of a case whose evidence was opened from it.

    Parameters
    ----------
    store
        the store.
    evidence
        the part that the evidence was opened from.
    engine
        where that lies.
    case_file, mode
        what is judged, and how.
    """

    store: Store
    evidence: Part
    engine: ParquetEngine
    case_file: CaseFile
    mode: str

    @property
    def made_from(self) -> dict[str, Any]:
        """What the judgement depends on."""
        return judgement_settings(self.case_file, self.evidence.key)

    @property
    def key(self) -> str:
        """The judgement's key."""
        return judgement_key(self.made_from, self.mode)

    @contextmanager
    def judging(self, *, seconds: float = WAIT_SECONDS) -> Iterator[bool]:
        """Store the steps that run within; whether they are stored, and the judgement may be."""
        with self._writing(seconds) as writes:
            if writes:
                (self.engine.folder / "steps").mkdir(exist_ok=True)
                self.engine.remove_scratch_of_the_dead()
            self.engine.hold_small_tables()
            self.engine.writes = writes
            try:
                yield writes
            finally:
                self.engine.writes = False

    def frames(
        self, name: str, compute: Callable[[], Mapping[str, pd.DataFrame]]
    ) -> Mapping[str, pd.DataFrame]:
        """Tables by name: as they are stored for this judgement, else computed, and stored."""
        name = f"{name} {self.mode}"
        part = self.store.part(name)
        if part is not None and part.key == self.key:
            stored = _read_frames(self.store.path(part))
            if stored:
                return stored
        found = compute()
        with self._writing(0.0) as writes:
            if writes:
                self._put(name, lambda folder: _write_frames(folder, found))
        return found

    def judgement(self) -> Judgement | None:
        """The stored judgement, its tables readable on the engine; nothing where there is none."""
        part = self.store.part(f"{JUDGEMENT} {self.mode}")
        if part is None or part.key != self.key:
            return None
        folder = self.store.path(part)
        try:
            stored = json.loads((folder / "judgement.json").read_text(encoding="utf-8"))
            judgement = _read(folder, stored)
            paths = {name: self.engine.folder / place for name, place in stored["tables"].items()}
            if not all(path.is_dir() for path in paths.values()):
                return None
        except (OSError, ValueError, KeyError, TypeError):
            return None
        for name, path in paths.items():
            self.engine.show_table(name, path)
        return judgement

    def put_judgement(self, judgement: Judgement, tables: JudgedTables) -> None:
        """Store a judgement, and where its tables lie; only where ``judging`` gave true."""
        names = [*dict.fromkeys((*RESULTS, "periods", *judgement.kept))]
        there = self.engine.names()
        stored = {
            name: self.engine.store_table(name).relative_to(self.engine.folder).as_posix()
            for name in names
            if name in there
        }
        self._put(
            f"{JUDGEMENT} {self.mode}", lambda folder: _write(folder, judgement, tables, stored)
        )

    @contextmanager
    def _writing(self, seconds: float) -> Iterator[bool]:
        with ExitStack() as held:
            try:
                held.enter_context(self.store.writing(seconds=seconds))
                current = self.store.part(EVIDENCE)
                writes = current is not None and current.key == self.evidence.key
            except CaseError:
                # Another process writes; what is computed here stays in memory.
                writes = False
            except OSError as error:
                warn_once(f"The store {self.store.folder} cannot be written ({error.strerror}).")
                writes = False
            yield writes

    def _put(self, name: str, write: Callable[[Path], None]) -> None:
        folder = self.engine.folder / f"{name.replace(' ', '-')}-{self.key[:16]}"
        part = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        try:
            write(part)
        except (OSError, ValueError) as error:
            shutil.rmtree(part, ignore_errors=True)
            warn_once(f"The {name} cannot be stored ({type(error).__name__}).")
            return
        shutil.rmtree(folder, ignore_errors=True)
        part.replace(folder)
        before = self.store.part(name)
        reason = why_judged(
            before.made_from if before else None, self.made_from, self.evidence.reason
        )
        place = folder.relative_to(self.store.folder).as_posix()
        self.store.put(name, Part(self.key, place, reason, self.made_from))


def _read_frames(folder: Path) -> dict[str, pd.DataFrame]:
    """The tables that ``_write_frames`` wrote; none where they are not whole."""
    try:
        return {path.stem: pd.read_parquet(path) for path in sorted(folder.glob("*.parquet"))}
    except (OSError, ValueError):
        return {}


def _write_frames(folder: Path, frames: Mapping[str, pd.DataFrame]) -> None:
    for name, frame in frames.items():
        frame.to_parquet(folder / f"{name}.parquet")


def _write(
    folder: Path, judgement: Judgement, tables: JudgedTables, stored: dict[str, str]
) -> None:
    """Write a judgement into a folder; ``judgement.json`` last, so that it stands for the whole."""
    patterns, cells = judgement.patterns, judgement.cells
    np.savez(
        folder / "cells.npz",
        period=cells.period,
        pattern=cells.pattern,
        count=cells.count,
        periods=np.int64(cells.periods),
        mark=cells.marked,
        relation=patterns.related,
        **{name: getattr(patterns, name) for name in _PATTERNS},
    )
    if judgement.labelled is not None:
        judgement.labelled.to_parquet(folder / "labelled.parquet")
    values = {
        "mode": judgement.mode,
        "periods": [judgement.periods.start, judgement.periods.width],
        "linked": judgement.linked,
        "has_users": judgement.has_users,
        "fit": write_fit(judgement.fit, folder / "fit.npz"),
        "first_fit": write_fit(judgement.first_fit, folder / "first_fit.npz"),
        "notes": judgement.notes,
        "calibration": asdict(judgement.calibration),
        "tables": stored,
        "schemas": {name: table.columns for name, table in judgement.kept.items()},
        "judged": tables.judged,
        "claims": tables.claims,
        "methods": [[method.name, method.history, method.voice] for method in tables.methods],
        "families": [method.family for method in judgement.methods],
    }
    (folder / "judgement.json").write_text(json.dumps(values), encoding="utf-8")


def _read(folder: Path, stored: dict[str, Any]) -> Judgement:
    families = with_custom(stored["families"])
    with np.load(folder / "cells.npz", allow_pickle=False) as arrays:
        stored_arrays = {name: arrays[name] for name in (*_PATTERNS, "relation")}
        patterns = Patterns(families=families, **stored_arrays)
        cells = Cells(
            period=arrays["period"],
            pattern=arrays["pattern"],
            count=arrays["count"],
            periods=int(arrays["periods"]),
            mark=arrays["mark"],
        )
    labelled = folder / "labelled.parquet"
    calibration = stored["calibration"]
    for name in ("knots", "values"):
        calibration[name] = tuple(calibration[name])
    return Judgement(
        mode=stored["mode"],
        methods=METHODS,
        families=families,
        periods=Periods(*stored["periods"]),
        patterns=patterns,
        cells=cells,
        fit=read_fit(folder / "fit.npz", stored["fit"], families),
        first_fit=read_fit(folder / "first_fit.npz", stored["first_fit"], families),
        kept={name: Kept(name, schema) for name, schema in stored["schemas"].items()},
        linked=stored["linked"],
        has_users=stored["has_users"],
        notes=stored["notes"],
        calibration=Calibration(**calibration),
        labelled=pd.read_parquet(labelled) if labelled.exists() else None,
    )
