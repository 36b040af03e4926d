"""Finds the files that a key of the case file names: paths, patterns, folders, lists of them."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path

from credit_forensics.errors import CaseError

STRIPE_KEYS = (
    "sessions",
    "events",
    "charges",
    "intents",
    "refunds",
    "disputes",
    "customers",
    "invoices",
    "invoice_payments",
    "subscriptions",
    "prices",
    "products",
    "credit_grants",
    "credit_balance_transactions",
    "files",
)
"""The keys of ``[stripe]`` that name files, in the order in which they are read."""


def input_paths(folder: Path, names: str | Sequence[str], key: str) -> list[Path]:
    """The files that a key names, in order, each once.

    Parameters
    ----------
    folder
        where relative paths start.
    names
        a path, a pattern (``*``, ``**``, ``?``, ``[…]``), a folder (all files in it, hidden ones
        left out), or a list of those.
    key
        the key, for the message.

    Raises
    ------
    CaseError
        when a path is missing, a pattern or folder has no file, or a file cannot be opened.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "b.jsonl").write_text(""), (folder / "a.jsonl").write_text("")
    >>> [path.name for path in input_paths(folder, ["b.jsonl", "*.jsonl"], "stripe.sessions")]
    ['b.jsonl', 'a.jsonl']
    """
    found: dict[Path, None] = {}
    for name in [names] if isinstance(names, str) else names:
        for path in _files(folder, name, key):
            found[path] = None
    return list(found)


def input_name(folder: Path, path: Path) -> str:
    """What an input is called: its path from the case's folder, with forward slashes."""
    try:
        return path.relative_to(folder).as_posix()
    except ValueError:
        return path.as_posix()


def _files(folder: Path, name: str, key: str) -> list[Path]:
    path = folder / Path(name).expanduser()
    try:
        if path.is_dir():
            found = [p for p in sorted(path.rglob("*")) if p.is_file() and not _hidden(p, path)]
            missing = f"{key}: the folder {name} has no files."
        elif path.exists():
            found, missing = [path], ""
        elif glob.has_magic(name):
            # Path.glob takes no absolute pattern.
            matches = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207
            found = [p for p in map(Path, matches) if p.is_file()]
            missing = f"{key}: no file matches {name}."
        else:
            found, missing = [], f"{key}: there is no file {name}."
        if not found:
            raise CaseError(missing)
        for file in found:
            if not file.is_file():
                raise CaseError(f"{key}: {name} is not a file.")
            file.open("rb").close()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        raise CaseError(f"{key}: {name} cannot be read: {reason}.") from None
    return found


def _hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)
