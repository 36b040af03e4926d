"""Checks a seal without asking anybody: the signature, every file, and what came beside them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from credit_forensics.errors import CaseError
from credit_forensics.sealing.keys import fingerprint, is_signed, read_public
from credit_forensics.sealing.listed_files import (
    KEY,
    LIST,
    OWN,
    SIGNATURE,
    TOKEN,
    file_hash,
    look,
    read_list,
    small_file,
)
from credit_forensics.sealing.timestamp import is_token_of

_LARGEST, _LARGEST_TOKEN = 1 << 16, 1 << 20


@dataclass(frozen=True)
class Verified:
    """What a check found. ``trusted``: the key was given, and not taken from the folder.

    ``stamped``: whether the time stamp is of this seal; None where there is none.
    """

    files: int
    fingerprint: str
    signed: bool
    trusted: bool
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    stamped: bool | None = None

    @property
    def holds(self) -> bool:
        """Whether the key signed the list and the folder is what it says, no more, no less."""
        same = not (self.changed or self.removed or self.added)
        return self.signed and same and self.stamped is not False

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
        if self.stamped is False:
            lines.append(f"{TOKEN} is no time stamp of this seal.")
        elif self.stamped:
            lines.append(
                f"A time stamp of this seal is there; whose it is and when it was given says: "
                f"openssl ts -verify -in {TOKEN} -data {SIGNATURE} -CAfile the-servers-ca.pem"
            )
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
    changed: list[str] = []
    removed: list[str] = []
    for name, digest in sorted(listed.items()):
        hashed = file_hash(folder, name) if name in there else None
        if hashed is not None and hashed[0] == digest:
            continue
        (changed if name in there | odd else removed).append(name)
    # A link in the place of one of the seal's own files is not one of them.
    added = sorted((there | odd) - set(listed) - (OWN - odd))
    token = small_file(folder, TOKEN, _LARGEST_TOKEN) if TOKEN in there else None
    signed = hashlib.sha256(signature).digest()
    return Verified(
        files=len(listed),
        fingerprint=fingerprint(public),
        signed=is_signed(public, text, signature),
        trusted=key is not None,
        changed=tuple(changed),
        removed=tuple(removed),
        added=tuple(added),
        stamped=None if TOKEN not in there else is_token_of(token or b"", signed),
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
