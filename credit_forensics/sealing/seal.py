"""Seals a folder: lists all of its files, states what they are, and signs the list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from credit_forensics.errors import CaseError
from credit_forensics.sealing.keys import SealKey, fingerprint, public_pem
from credit_forensics.sealing.listed_files import (
    KEY,
    LIST,
    OWN,
    SIGNATURE,
    TOKEN,
    file_hash,
    is_plain,
    list_text,
    look,
    read_list,
)
from credit_forensics.sealing.statement import STATEMENT, statement_bytes
from credit_forensics.sealing.timestamp import fetch_token
from credit_forensics.whole_file import write_whole


@dataclass(frozen=True)
class Sealed:
    """What was sealed: how many files, and by which key."""

    files: int
    fingerprint: str


def seal(
    folder: Path, key: SealKey, *, now: datetime | None = None, timestamp_url: str = ""
) -> Sealed:
    """Seal all that lies in a folder now; sealed again, what was added since is sealed, too.

    The list is extended, never corrected: where a file is not what the list in the folder says of
    it, something happened to it since, and that is not sealed over.

    Parameters
    ----------
    timestamp_url
        a time-stamping server (RFC 3161) that is asked for a token over the signature.

    Raises
    ------
    CaseError
        when a file differs from the list or is missing, when the folder holds a link or a name
        that a list cannot hold, when it cannot be read or written, or no token is granted.
    """
    _sweep(folder)
    found = look(folder)
    if found.odd:
        raise CaseError(
            f"{folder / found.odd[0]} is a link or no plain file: what it leads to can change "
            "unseen. Put the file itself there, or remove it."
        )
    names = [name for name in found.files if name not in OWN and name != STATEMENT]
    if not names:
        raise CaseError(f"{folder} has no files to seal.")
    hostile = [name for name in names if not is_plain(name)]
    if hostile:
        raise CaseError(f"The name {hostile[0]!r} cannot stand in a list; rename the file.")
    files = {}
    for name in names:
        hashed = file_hash(folder, name)
        if hashed is None:
            raise CaseError(f"{folder / name} cannot be read.")
        files[name] = hashed
    if LIST in found.files:
        _same_as_listed(folder, files)
    mark = fingerprint(key.public)
    at = (now or datetime.now(UTC)).astimezone(UTC)
    try:
        # Killed in between, the list has no signature that fits, and the next run begins again.
        for name in (SIGNATURE, TOKEN):
            (folder / name).unlink(missing_ok=True)
        text = statement_bytes(folder, files, sealed_at=at, fingerprint=mark)
        write_whole(folder / STATEMENT, text, mode=0o600)
        stated = file_hash(folder, STATEMENT)
        if stated is None:
            raise CaseError(f"{folder / STATEMENT} cannot be read.")
        sums = list_text({name: hashed[0] for name, hashed in {**files, STATEMENT: stated}.items()})
        write_whole(folder / LIST, sums, mode=0o600)
        write_whole(folder / KEY, public_pem(key.public), mode=0o600)
        signature = key.sign(sums)
        write_whole(folder / SIGNATURE, signature, mode=0o600)
        if timestamp_url:
            write_whole(folder / TOKEN, fetch_token(timestamp_url, signature), mode=0o600)
    except OSError as error:
        raise CaseError(f"{folder} cannot be sealed: {error.strerror}.") from None
    return Sealed(len(files) + 1, mark)


def _sweep(folder: Path) -> None:
    """Remove what an earlier seal left behind when it was killed in the middle of a file."""
    for name in (*OWN, STATEMENT):
        part = folder / f".{name}.part"
        if part.is_symlink() or part.is_file():
            part.unlink()


def _same_as_listed(folder: Path, files: dict[str, tuple[str, int]]) -> None:
    _, listed = read_list(folder)
    for name, digest in listed.items():
        if name == STATEMENT:
            continue
        if name not in files:
            raise CaseError(f"{folder / name} is in {LIST} and gone now; nothing is sealed.")
        if files[name][0] != digest:
            raise CaseError(
                f"{folder / name} is not what {LIST} says of it; nothing is sealed. Make it anew, "
                "or find out what changed it."
            )
