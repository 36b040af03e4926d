"""The files of a folder and the list of their hashes, as ``sha256sum --check`` reads it.

A folder may come from anyone: a link is never followed, a pipe never opened, and a list that names
a place outside of the folder is no list.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from credit_forensics.errors import CaseError

LIST, SIGNATURE, KEY = "SHA256SUMS", "SHA256SUMS.sig", "SHA256SUMS.pub.pem"
TOKEN = "SHA256SUMS.tsr"
OWN = frozenset({LIST, SIGNATURE, KEY, TOKEN})
"""What cannot be in the list: the list itself, and what signs it."""
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")
_LARGEST_LIST = 64 << 20
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Found:
    """What lies in a folder: files by their path in it, and what is neither file nor folder."""

    files: tuple[str, ...]
    odd: tuple[str, ...]


def look(folder: Path) -> Found:
    """Everything in a folder, by its path with ``/``; links are not followed.

    Raises
    ------
    CaseError
        when it is no folder, or cannot be read.
    """
    if folder.is_symlink() or not folder.is_dir():
        raise CaseError(f"{folder} is not a folder.")
    files, odd = [], []
    waiting = [folder]
    try:
        while waiting:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    name = Path(entry.path).relative_to(folder).as_posix()
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(Path(entry.path))
                    elif entry.is_file(follow_symlinks=False):
                        files.append(name)
                    else:
                        odd.append(name)
    except OSError as error:
        raise CaseError(f"{folder} cannot be read: {error.strerror}.") from None
    return Found(tuple(sorted(files)), tuple(sorted(odd)))


def file_hash(folder: Path, name: str) -> tuple[str, int] | None:
    """SHA-256 in hex and size of a file; None where no plain file is there to be read."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    path = folder
    for part in PurePosixPath(name).parts[:-1]:
        path /= part
        if path.is_symlink():
            return None
    try:
        descriptor = os.open(folder / name, flags | getattr(os, "O_BINARY", 0))
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return None
        digest, size = hashlib.sha256(), 0
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return digest.hexdigest(), size


def read_list(folder: Path) -> tuple[bytes, dict[str, str]]:
    """The list's bytes, and its hashes by name.

    Raises
    ------
    CaseError
        when there is none, or a line of it is not a hash and a name of a file in this folder.
    """
    text = small_file(folder, LIST, _LARGEST_LIST)
    if text is None:
        raise CaseError(f"{folder} has no {LIST}: it was never listed, or that was removed.")
    hashes: dict[str, str] = {}
    try:
        lines = text.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        raise CaseError(f"{folder / LIST} is no list of hashes: it is not UTF-8.") from None
    if lines.pop():
        raise CaseError(f"{folder / LIST} breaks off in line {len(lines) + 1}.")
    for number, line in enumerate(lines, start=1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise CaseError(f"{folder / LIST}, line {number}, is no hash and name.")
        if not is_plain(match[2]) or match[2] in OWN:
            raise CaseError(
                f"{folder / LIST}, line {number}, names what is no file of this folder's own."
            )
        if match[2] in hashes:
            raise CaseError(f"{folder / LIST}, line {number}, names a file for the second time.")
        hashes[match[2]] = match[1]
    return text, hashes


def list_text(hashes: dict[str, str]) -> bytes:
    """The list, sorted by name.

    Examples
    --------
    >>> list_text({"b": "0" * 64, "a": "1" * 64}).decode().splitlines()[0][60:]
    '1111  a'
    """
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(hashes.items())).encode()


def is_plain(name: str) -> bool:
    r"""Whether a name is that of a file inside of the folder, on any system.

    Examples
    --------
    >>> [is_plain(name) for name in ("a/b.csv", "../b", "/b", "a//b", "a\\b", "C:b", "a\nb")]
    [True, False, False, False, False, False, False]
    """
    parts = name.split("/")
    odd = any(part in ("", ".", "..") for part in parts)
    return not odd and name.isprintable() and not set(name) & set("\\:")


def small_file(folder: Path, name: str, most: int) -> bytes | None:
    """The bytes of a plain file; None where there is none, or it is larger than ``most``."""
    path = folder / name
    if path.is_symlink() or not path.is_file() or path.stat().st_size > most:
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise CaseError(f"{path} cannot be read: {error.strerror}.") from None
