"""Checks a seal without asking anybody: the signature, every file, and what came beside them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from credit_forensics.errors import CaseError
from credit_forensics.sealing import ed25519
from credit_forensics.sealing.keys import fingerprint, read_public
from credit_forensics.sealing.listed_files import (
    KEY,
    LIST,
    OWN,
    SIGNATURE,
    file_hash,
    look,
    read_list,
    small_file,
)

_LARGEST = 1 << 16


@dataclass(frozen=True)
class Verified:
    """What a check found. ``trusted``: the key was given, and not taken from the folder."""

    files: int
    fingerprint: str
    signed: bool
    trusted: bool
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether the key signed the list and the folder is what it says, no more, no less."""
        return self.signed and not (self.changed or self.removed or self.added)

    def __str__(self) -> str:
        lines = [
            f"{what}: {name!r}" if not name.isprintable() else f"{what}: {name}"
            for what, names in (
                ("changed", self.changed),
                ("removed", self.removed),
                ("added", self.added),
            )
            for name in names
        ]
        if not self.signed:
            lines.insert(0, f"The signature of {LIST} is not by this key, or the list was changed.")
        if self.holds:
            lines.append(f"The seal holds: {self.files} files are what they were when sealed.")
        lines.append(f"Key {self.fingerprint}.")
        if not self.trusted:
            lines.append(
                "The key came with the folder. That it is the one you expect is proven only by "
                "comparing this with what its owner told you, or by --key."
            )
        return "\n".join(lines)


def verify(folder: Path, key: Path | None = None) -> Verified:
    """Check a sealed folder; nothing in it is changed, and no link in it followed.

    Parameters
    ----------
    key
        the public key in PEM that is to have sealed it; without one the folder's own, which proves
        only that nothing changed since whoever holds it sealed it.

    Raises
    ------
    CaseError
        when the folder is not sealed, or its list is none.
    """
    found = look(folder)
    text, listed = read_list(folder)
    signature = small_file(folder, SIGNATURE, _LARGEST)
    if signature is None:
        raise CaseError(
            f"{folder} has a list and no signature ({SIGNATURE}): it was not sealed, or sealing it "
            "was broken off."
        )
    public = _public(folder, key)
    there, odd = set(found.files), set(found.odd)
    changed, removed = [], []
    for name, digest in sorted(listed.items()):
        hashed = file_hash(folder, name) if name in there else None
        if hashed is not None and hashed[0] == digest:
            continue
        (changed if name in there | odd else removed).append(name)
    added = sorted((there | odd) - set(listed) - OWN)
    return Verified(
        files=len(listed),
        fingerprint=fingerprint(public),
        signed=ed25519.verify(public, text, signature),
        trusted=key is not None,
        changed=tuple(changed),
        removed=tuple(removed),
        added=tuple(added),
    )


def _public(folder: Path, key: Path | None) -> bytes:
    if key is None:
        text = small_file(folder, KEY, _LARGEST)
        place = folder / KEY
    else:
        text, place = small_file(key.parent, key.name, _LARGEST), key
    public = None if text is None else read_public(text)
    if public is None:
        raise CaseError(f"{place} is no Ed25519 public key in PEM.")
    return public
