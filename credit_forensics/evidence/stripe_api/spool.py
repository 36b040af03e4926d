"""Keeps what was fetched from Stripe as JSON lines, so that an interrupted pull goes on.

A page counts once ``state.json`` says so: its lines are written and synced first, then the state
is replaced by a rename. A process killed in between leaves lines behind the length that the state
knows; they are cut off when the spool is opened again, and the page is fetched again.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from credit_forensics.errors import CaseError
from credit_forensics.locks import HeldError, folder_lock
from credit_forensics.whole_file import sync_folder, whole_file, write_whole

FOLDER = "stripe_pull"
RESOURCES = (
    *("sessions", "events", "charges", "refunds", "disputes", "customers"),
    *("invoices", "subscriptions"),
)
# Credits of Stripe Billing: asked for where the case says that they are its ledger.
GRANTS = "credit_grants"
ALL_RESOURCES = (*RESOURCES, GRANTS)
_VERSION = 1
Span = tuple[int, int]


@dataclass
class Round:
    """One stretch of time being fetched, newest first: from (inclusive) and to (exclusive), in
    seconds; the cursor is the last id kept, ``start`` the file's length before the round, and
    ``last`` says that the last page is in."""

    since: int
    until: int
    start: int
    cursor: str | None = None
    last: bool = False


@dataclass
class Resource:
    """What is kept of one resource: bytes and rows, the time covered, the round under way."""

    size: int = 0
    rows: int = 0
    covered: Span | None = None
    round: Round | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Window:
    """What a pull wants: from, to (seconds; 0 for the beginning), and when it first asked."""

    since: int
    until: int
    asked: int


@dataclass
class State:
    """What ``state.json`` holds: the window of the pull, and whether all of it was asked for."""

    livemode: str = ""
    api_base: str = ""
    window: Window | None = None
    finished: bool = False
    resources: dict[str, Resource] = field(default_factory=dict)
    uncovered_events: list[Span] = field(default_factory=list)


class Spool:
    """The folder of one pull. Open it by ``open_spool``; only one process can.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with open_spool(folder) as spool:
    ...     spool.begin("refunds", 0, 100)
    ...     spool.keep("refunds", [{"id": "re_1"}], last=True)
    ...     spool.finish("refunds")
    >>> paths(folder)["refunds"].read_text()
    '{"id":"re_1"}\\n'
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = read_state(folder)
        for name in ALL_RESOURCES:
            self.state.resources.setdefault(name, Resource())
            self._cut(name)

    def file(self, name: str) -> Path:
        """The JSON lines of a resource."""
        return self.folder / f"{name}.jsonl"

    def begin(self, name: str, since: int, until: int) -> None:
        """Start a round for a stretch of time."""
        resource = self.state.resources[name]
        resource.problem = None
        resource.round = Round(since, until, start=resource.size)
        self.save()

    def keep(self, name: str, rows: Sequence[Mapping[str, Any]], *, last: bool) -> None:
        """Append one page and remember the cursor after it; all of it or nothing."""
        resource = self.state.resources[name]
        assert resource.round is not None
        data = b"".join(_line(row) for row in rows)
        with _append(self.file(name)) as file:
            file.seek(resource.size)
            file.truncate()
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        resource.size += len(data)
        resource.rows += len(rows)
        if rows:
            resource.round.cursor = rows[-1]["id"]
        resource.round.last = last
        self.save()

    def finish(self, name: str) -> None:
        """End a round: what it brought replaces older snapshots of the same ids."""
        resource = self.state.resources[name]
        assert resource.round is not None
        done = (resource.round.since, resource.round.until)
        if resource.covered is None or done[0] < resource.covered[1]:
            # Only where the round overlaps what is kept can an id be there twice.
            self._drop_older(name, resource.round.start)
        before = resource.covered or done
        resource.covered = (min(before[0], done[0]), max(before[1], done[1]))
        resource.round = None
        self.save()

    def refuse(self, name: str, problem: str) -> None:
        """Give a resource up for this pull, with the reason."""
        resource = self.state.resources[name]
        resource.problem = problem
        resource.round = None
        self.save()

    def save(self) -> None:
        """Replace ``state.json`` in one step."""
        body = json.dumps({"version": _VERSION, **asdict(self.state)}, indent=1, sort_keys=True)
        write_whole(self.folder / "state.json", body.encode() + b"\n", mode=0o600)

    def _cut(self, name: str) -> None:
        """Drop a page that the state does not know of; refuse a file shorter than it says."""
        path, resource = self.file(name), self.state.resources[name]
        size = path.stat().st_size if path.exists() else 0
        if size < resource.size:
            # Someone edited or removed it, or the disk lost it: what is left is not to be built on.
            raise CaseError(
                f"{path} is shorter than {self.folder / 'state.json'} says; move the folder away "
                "and pull again."
            )
        if size > resource.size:
            with path.open("r+b") as file:
                file.truncate(resource.size)

    def _drop_older(self, name: str, start: int) -> None:
        path, resource = self.file(name), self.state.resources[name]
        if not 0 < start < resource.size:
            return
        with path.open("rb") as file:
            file.seek(start)
            fresh = {json.loads(line).get("id") for line in file}
        kept: dict[str, int] = {"rows": 0, "size": 0}

        def lines() -> Iterator[bytes]:
            with path.open("rb") as file:
                position = 0
                for line in file:
                    old = position < start
                    position += len(line)
                    if old and json.loads(line).get("id") in fresh:
                        continue
                    kept["rows"] += 1
                    kept["size"] += len(line)
                    yield line

        # The new file appears before the state that knows its length. A kill between the two
        # would leave a file shorter than the state says, so the state goes first, naming the
        # file that is about to be put in place.
        pending = path.with_suffix(".jsonl.next")
        with whole_file(pending, mode=0o600) as part, part.open("wb") as written:
            written.writelines(lines())
        resource.size, resource.rows = kept["size"], kept["rows"]
        assert resource.round is not None
        resource.round.start = 0
        self.save()
        pending.replace(path)
        sync_folder(self.folder)


@contextlib.contextmanager
def open_spool(folder: Path) -> Iterator[Spool]:
    """Open a spool for writing, and keep other processes out meanwhile.

    Raises
    ------
    CaseError
        when another process has it open, or the folder cannot be written or read.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        busy = f"Another pull is writing to {folder}; wait for it."
        with folder_lock(folder, "pull", busy=busy):
            _take_pending(folder)
            yield Spool(folder)
    except OSError as error:
        raise CaseError(f"{folder} cannot be used: {error.strerror or error}.") from None


def read_state(folder: Path) -> State:
    """The state of a spool; an empty one where there is none.

    Raises
    ------
    CaseError
        when ``state.json`` is not what ``Spool.save`` writes.
    """
    path = folder / "state.json"
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return State()
    except (OSError, ValueError):
        raise CaseError(f"{path} cannot be read; move the folder away and pull again.") from None
    try:
        if raw["version"] != _VERSION:
            raise ValueError
        return State(
            livemode=raw["livemode"],
            api_base=raw["api_base"],
            window=Window(**raw["window"]) if raw["window"] else None,
            finished=bool(raw["finished"]),
            # A pull of before knew fewer resources.
            resources={
                name: _resource(raw["resources"][name]) if name in raw["resources"] else Resource()
                for name in ALL_RESOURCES
            },
            uncovered_events=[(int(a), int(b)) for a, b in raw["uncovered_events"]],
        )
    except (KeyError, TypeError, ValueError):
        raise CaseError(f"{path} is not of this version; move the folder away.") from None


def paths(folder: Path) -> dict[str, Path]:
    """The files of a spool that hold rows, with nothing half-written at their ends.

    A page that a killed pull left behind is cut off first, unless a pull is at work just now or
    the folder cannot be written.
    """
    if not (folder / "state.json").exists():
        return {}
    with contextlib.suppress(OSError, HeldError), folder_lock(folder, "pull"):
        _take_pending(folder)
        Spool(folder)
    state = read_state(folder)
    return {name: folder / f"{name}.jsonl" for name in ALL_RESOURCES if state.resources[name].rows}


def _take_pending(folder: Path) -> None:
    """Finish or forget the replacement of a file that a kill interrupted."""
    state = read_state(folder)
    for name in ALL_RESOURCES:
        pending = folder / f"{name}.jsonl.next"
        if not pending.exists():
            continue
        resource = state.resources.get(name, Resource())
        # ``start`` is 0 only once the state has the length of the pending file.
        if resource.round and resource.round.start == 0 and pending.stat().st_size == resource.size:
            pending.replace(folder / f"{name}.jsonl")
        else:
            pending.unlink()


def _line(row: Mapping[str, Any]) -> bytes:
    text = json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n"
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        # A lone surrogate has no UTF-8; escaped it stays what Stripe sent.
        return (json.dumps(row, separators=(",", ":")) + "\n").encode("ascii")


@contextlib.contextmanager
def _append(path: Path) -> Iterator[Any]:
    # Payers' names and e-mails are in here, so it is the owner's alone.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        yield file


def _span(raw: Any) -> Span | None:
    return None if raw is None else (int(raw[0]), int(raw[1]))


def _resource(raw: Mapping[str, Any]) -> Resource:
    return Resource(
        size=int(raw["size"]),
        rows=int(raw["rows"]),
        covered=_span(raw["covered"]),
        round=Round(**raw["round"]) if raw["round"] else None,
        problem=raw["problem"],
    )
