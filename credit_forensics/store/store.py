"""The folder beside a case in which every command stores what it read and computed."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from credit_forensics.errors import CaseError
from credit_forensics.locks import folder_lock
from credit_forensics.store.in_use import is_in_use
from credit_forensics.store.stored_parts import Contents, Part, read_contents, write_contents

FOLDER = ".store"
LOCK = "store"
WAIT_SECONDS = 300.0
_LOG = logging.getLogger("credit_forensics.store")
# What versions before this one left beside a case, each with a store of its own.
_OLDER = (".kept/evidence.duckdb", "monitor/evidence.duckdb")
# All that a store writes into its folder, of this version and of those before; nothing else in
# there is ever removed.
_OWN = re.compile(
    r"manifest\.json|rows\.duckdb.*|[0-9a-f]{16}|part-.*|.*\.part|\.gitignore|\.store\.(lock|holder)"
    r"|evidence-[0-9a-f]{16}|steps|run\.json|\.kept evidence\.(lock|holder)"
)


class Store:
    """The store of a case.

    One process at a time writes, inside ``writing``. Any number read, without waiting: a part is
    written under a new name and becomes valid when the table of contents names it, and what nobody
    names is removed only once nobody reads it.

    Parameters
    ----------
    folder
        where it lies; made when something is first written, for its owner alone.
    case_folder
        the case's folder, where older versions left theirs.
    version
        what the stored parts are written for; a store of another version is discarded.

    Examples
    --------
    >>> import tempfile
    >>> case_folder = Path(tempfile.mkdtemp())
    >>> store = Store(case_folder / FOLDER, case_folder, "1")
    >>> with store.writing():
    ...     store.put("evidence", Part("a1", "a1", "nothing was stored"))
    >>> store.part("evidence").reason, Store(store.folder, case_folder, "2").part("evidence")
    ('nothing was stored', None)
    """

    def __init__(self, folder: Path, case_folder: Path, version: str) -> None:
        self.folder = folder
        self.case_folder = case_folder
        self.version = version
        self._holds = 0

    def part(self, name: str) -> Part | None:
        """A part by its name, where this version stored it."""
        return self._contents().parts.get(name)

    def parts(self) -> dict[str, Part]:
        """All parts that this version stored, by name."""
        return dict(sorted(self._contents().parts.items()))

    def path(self, part: Part) -> Path:
        """Where a part lies."""
        return self.folder / part.folder

    @contextlib.contextmanager
    def writing(self, *, seconds: float = WAIT_SECONDS) -> Iterator[None]:
        """Be the one process that writes; what it makes is readable by its owner alone.

        Raises
        ------
        CaseError
            when another process writes for longer than ``seconds``, and when the folder holds
            what no store wrote.
        OSError
            when the folder cannot be written.
        """
        if self._holds:
            yield
            return
        self._refuse_what_is_not_ours()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        before = os.umask(0o077)
        try:
            with folder_lock(self.folder, LOCK, seconds=seconds):
                self._holds += 1
                try:
                    self._discard_other_versions()
                    self._remove_unfinished()
                    # Whatever a repository of the case takes in, personal data stays out of it.
                    (self.folder / ".gitignore").write_text("*\n", encoding="utf-8")
                    yield
                finally:
                    self._holds -= 1
        finally:
            os.umask(before)

    def _refuse_what_is_not_ours(self) -> None:
        """Raise where somebody's own files lie in the folder, which a store clears by itself."""
        if not self.folder.is_dir():
            return
        for path in sorted(self.folder.iterdir()):
            if not _OWN.fullmatch(path.name) and not path.name.startswith("."):
                raise CaseError(
                    f"{self.folder} holds {path.name}, which is no part of a store; give a store "
                    "a folder of its own ([engine] keep)."
                )

    def put(self, name: str, part: Part) -> None:
        """Name a part in the table of contents; only inside ``writing``."""
        contents = self._contents()
        contents.parts[name] = part
        write_contents(self.folder, contents)

    def only(self, *names: str) -> None:
        """Take all other parts out of the table of contents; only inside ``writing``."""
        contents = self._contents()
        contents.parts = {name: contents.parts[name] for name in names if name in contents.parts}
        write_contents(self.folder, contents)

    def tidy(self, *stay: str) -> None:
        """Remove the folders that no part lies in and nobody reads; only inside ``writing``.

        ``stay`` names files and folders of the store that are no parts.
        """
        named = {Path(part.folder).parts[0] for part in self._contents().parts.values()}
        for path in self.folder.iterdir():
            if path.name in named or path.name in stay or path.is_file():
                continue
            if not _OWN.fullmatch(path.name):
                continue
            if not is_in_use(path):
                shutil.rmtree(path, ignore_errors=True)

    def clear(self) -> int:
        """Remove the store; how many bytes it had.

        Raises
        ------
        CaseError
            when another process writes into it.
        """
        self.discard_older_stores()
        if not self.folder.is_dir():
            return 0
        with self.writing(seconds=5.0):
            size = size_of(self.folder)
            self._remove_contents()
        with contextlib.suppress(OSError):
            for name in (f".{LOCK}.lock", f".{LOCK}.holder"):
                (self.folder / name).unlink(missing_ok=True)
            self.folder.rmdir()
        return size

    def discard_what_is_older(self) -> None:
        """Discard stores of other versions now, where nobody writes into them."""
        self.discard_older_stores()
        found = read_contents(self.folder)
        if found is not None and found.version != self.version:
            with contextlib.suppress(OSError, CaseError), self.writing(seconds=0.0):
                pass

    def discard_older_stores(self) -> None:
        """Remove what versions before this one stored elsewhere, and report it in one line."""
        for name in _OLDER:
            path = self.case_folder / name
            if not path.is_file():
                continue
            with contextlib.suppress(OSError):
                path.unlink()
                path.with_name(f"{path.name}.wal").unlink(missing_ok=True)
                if path.parent.name != "monitor":
                    shutil.rmtree(path.parent, ignore_errors=True)
                _LOG.warning("Discarded %s, which an older version stored.", name)

    def _contents(self) -> Contents:
        found = read_contents(self.folder)
        return found if found and found.version == self.version else Contents(self.version)

    def _discard_other_versions(self) -> None:
        self.discard_older_stores()
        found = read_contents(self.folder)
        if found is not None and found.version == self.version:
            return
        others = [path for path in self.folder.iterdir() if not path.name.startswith(".")]
        if others:
            self._remove_contents()
            what = "is damaged" if found is None else "is of another version"
            _LOG.warning("Discarded the store %s, which %s.", self.folder, what)
        write_contents(self.folder, Contents(self.version))

    def _remove_unfinished(self) -> None:
        """Remove what a killed process was about to write; steps are gone on with elsewhere."""
        for pattern in ("*.part", "part-*"):
            for path in self.folder.glob(pattern):
                shutil.rmtree(path, ignore_errors=True)

    def _remove_contents(self) -> None:
        # The table of contents first: whatever happens then, nobody takes half of it for whole.
        (self.folder / "manifest.json").unlink(missing_ok=True)
        for path in self.folder.iterdir():
            if path.name == f".{LOCK}.lock" or not _OWN.fullmatch(path.name):
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files in a folder.

    Examples
    --------
    >>> size_of(Path("there is no such file"))
    0
    """
    if path.is_file():
        return path.stat().st_size
    sizes = 0
    for folder, _, names in os.walk(path):
        for name in names:
            with contextlib.suppress(OSError):
                sizes += (Path(folder) / name).stat().st_size
    return sizes


def warn_once(message: str, seen: set[str] | None = None) -> None:
    """Report in one line that a case works without a store, once a process."""
    known = _WARNED if seen is None else seen
    if message not in known:
        known.add(message)
        _LOG.warning("%s", message)


_WARNED: set[str] = set()


def describe(store: Store) -> dict[str, Any]:
    """What a store holds: its folder, its bytes, and its parts with their bytes and reasons."""
    return {
        "folder": str(store.folder),
        "bytes": size_of(store.folder),
        "parts": [
            {
                "part": name,
                "bytes": size_of(store.path(part)),
                "key": part.key[:16],
                "made_anew_because": part.reason,
            }
            for name, part in store.parts().items()
        ],
    }
