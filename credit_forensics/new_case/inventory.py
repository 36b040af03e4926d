"""Takes stock of a folder: what each file is taken for, how sure that is, and an example of it."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from credit_forensics.databases.tables_of_dump import dumped_tables, is_dump
from credit_forensics.evidence.files.archives import head
from credit_forensics.evidence.files.identify_input import identify
from credit_forensics.evidence.files.input_paths import STRIPE_KEYS
from credit_forensics.evidence.stripe_api.spool import FOLDER as PULLED
from credit_forensics.new_case.log_signs import look_at_log
from credit_forensics.new_case.stripe_example import csv_example, json_example, parquet_example

MOST_FILES = 2_000
_HEAD = 1 << 16
_PASSED_OVER = frozenset(
    {"node_modules", "__pycache__", "venv", "site-packages", "dist", "build", "target", PULLED}
)
# Sources, texts and pictures: what a log or an export is never called.
_OTHER = frozenset(
    f".{suffix}"
    for line in (
        "md rst toml py pyi js jsx mjs ts tsx vue rb go java kt php rs c h sh css scss html htm",
        "yml yaml ini cfg lock ipynb png jpg jpeg gif svg pdf zip tar woff woff2 so pyc",
    )
    for suffix in line.split()
)
_FIRESTORE = re.compile(r'"projects/[^"/]+/databases/[^"/]+/documents/')
_SIDE_FILE = re.compile(r"-(?:wal|shm|journal)$")

Use = Literal["stripe", "log", "database", "table", "none"]


@dataclass(frozen=True)
class Found:
    """A file and what it is taken for.

    ``use`` is what the case can do with it, ``key`` the key of ``[stripe]``, ``words`` what it is
    in words, ``certainty`` from 0 to 1, ``example`` a part of it without personal data.
    """

    name: str
    use: Use
    words: str
    certainty: float = 1.0
    key: str = ""
    example: str = ""


def take_stock(folder: Path) -> list[Found]:
    """What lies in a folder and those in it, by name; hidden ones and sources are passed over.

    Raises
    ------
    OSError
        when the folder cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "a.jsonl").write_text('{"id": "cs_1", "object": "checkout.session"}')
    >>> [(found.name, found.key, found.words) for found in take_stock(folder)]
    [('a.jsonl', 'sessions', "Stripe's sessions, JSON lines")]
    """
    return [look_at(folder, path) for path in files_in(folder)]


def files_in(folder: Path) -> list[Path]:
    """The regular files that may be of use, by name; at most ``MOST_FILES``."""
    found: list[Path] = []
    for path in _walk(folder):
        found.append(path)
        if len(found) == MOST_FILES:
            break
    return sorted(found)


def _walk(folder: Path) -> Iterator[Path]:
    for here, folders, names in os.walk(folder):
        if "SHA256SUMS" in names and "manifest.json" in names:
            # Results of an analysis.
            folders.clear()
            continue
        folders[:] = sorted(f for f in folders if f not in _PASSED_OVER and not f.startswith("."))
        for name in sorted(names):
            path = Path(here, name)
            useful = path.suffix.lower() not in _OTHER and not _SIDE_FILE.search(name)
            # A pipe or a device has no end; a link that leads nowhere is no file.
            if useful and not name.startswith(".") and path.is_file():
                yield path


def look_at(folder: Path, path: Path) -> Found:
    """What one file is taken for."""
    name = path.relative_to(folder).as_posix()
    try:
        return _look_at(name, path)
    except OSError as error:
        return Found(name, "none", f"cannot be read: {error.strerror}")


def _look_at(name: str, path: Path) -> Found:
    known = identify(path)
    what = known.what
    if what == "sqlite database":
        return Found(name, "database", "SQLite database")
    if what == "parquet":
        columns = parquet_example(path)
        if columns is None:
            return Found(name, "table", "Parquet, without an id of Stripe's", 0.5)
        return Found(name, "stripe", "Parquet of Stripe objects", 0.9, "files", columns)
    if what == "stripe csv" and (columns := csv_example(path)) is not None:
        words = "export of Stripe's Dashboard, CSV"
        return Found(name, "stripe", words, 0.9, "files", columns)
    if what.startswith("stripe ") and what != "stripe csv":
        kind = what.removeprefix("stripe ")
        key = kind if kind in STRIPE_KEYS else "files"
        layout = {"lines": "JSON lines", "array": "a JSON array"}.get(
            known.layout, "JSON documents"
        )
        words = f"Stripe's {kind}, {layout}"
        return Found(name, "stripe", words, 0.99 if key == kind else 0.9, key, json_example(path))
    if what == "empty":
        return Found(name, "none", "an empty file")
    return _text(name, path)


def _text(name: str, path: Path) -> Found:
    start = head(path, _HEAD)
    text = start.decode("utf-8", "replace")
    if start[8:12] == b"DUCK":
        return Found(name, "table", "a DuckDB file", 0.9)
    if '"__collections__"' in text[:4096] or _FIRESTORE.search(text[:4096]):
        return Found(name, "table", "documents of Firestore", 0.9)
    odd = start.count(0) + text.count("\ufffd")
    if not text.strip() or (odd > len(text) // 10 and not start.startswith((b"\xff\xfe", b"\xfe"))):
        return Found(name, "none", "no text, and no format that is known")
    if dump := _dump(name, path):
        return dump
    signs = look_at_log(path)
    if signs.table:
        return Found(name, "table", f"a table ({', '.join(signs.table[:6])})", 0.7)
    if not signs.certainty:
        return Found(name, "none", "nothing that is known")
    return Found(name, "log", signs.words, signs.certainty, "", signs.example)


def _dump(name: str, path: Path) -> Found | None:
    try:
        if not is_dump(path):
            return None
        # All of it is looked at: a part that cannot be read would spoil the tables beside it.
        tables = {table: deque(rows, 0) for table, _, rows in dumped_tables(path)}
    except ValueError as error:
        words = f"SQL, and {error}; it is not run here: load it into a database and give that"
        return Found(name, "none", f"{words} (--database)")
    return Found(name, "table", f"a dump in SQL ({', '.join(list(tables)[:6])})", 0.9)
