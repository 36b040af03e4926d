"""Keeps the key that seals: 32 secret bytes in a file of its owner's own (PKCS #8 in PEM)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from credit_forensics.errors import CaseError
from credit_forensics.sealing import ed25519

# RFC 8410: what stands before the 32 bytes of a private and of a public Ed25519 key.
_PRIVATE = bytes.fromhex("302e020100300506032b657004220420")
_PUBLIC = bytes.fromhex("302a300506032b6570032100")


@dataclass(frozen=True)
class SealKey:
    """A key that seals; its secret is in no ``repr``."""

    path: Path
    public: bytes
    _secret: bytes

    def __repr__(self) -> str:
        return f"SealKey({fingerprint(self.public)})"

    def sign(self, message: bytes) -> bytes:
        """The signature of a message, 64 bytes."""
        return ed25519.sign(self._secret, message)


def default_path() -> Path:
    """Where the key lies unless told otherwise: not beside what it seals."""
    return Path(platformdirs.user_config_dir("credit-forensics")) / "seal.pem"


def open_key(path: Path | None = None) -> tuple[SealKey, bool]:
    """The key of a file, and whether it was made now; one is made where there is no file.

    Raises
    ------
    CaseError
        when it is no such key, others may read it, or it cannot be read or made.
    """
    path = path or default_path()
    try:
        made = not path.exists()
        if made:
            path.parent.mkdir(parents=True, exist_ok=True)
            text = _pem("PRIVATE", _PRIVATE + secrets.token_bytes(32))
            # Two that begin at once: one makes the key, and the other is told that it is there.
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        if os.name != "nt" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise CaseError(f"Others may read the key {path}; chmod 600 it, or seal with another.")
        secret = _read(path.read_bytes(), "PRIVATE", _PRIVATE)
    except OSError as error:
        raise CaseError(f"The key {path} cannot be used: {error.strerror}.") from None
    if secret is None:
        raise CaseError(f"{path} is no Ed25519 private key in PEM.")
    return SealKey(path, ed25519.public_key(secret), secret), made


def public_pem(public: bytes) -> bytes:
    """A public key as OpenSSL reads it.

    Examples
    --------
    >>> read_public(public_pem(bytes(32))) == bytes(32)
    True
    """
    return _pem("PUBLIC", _PUBLIC + public)


def read_public(text: bytes) -> bytes | None:
    """The 32 bytes of a public key in PEM; None where it is none."""
    return _read(text, "PUBLIC", _PUBLIC)


def fingerprint(public: bytes) -> str:
    """How people compare a key: ``SHA256:`` and the base64 of its hash.

    Examples
    --------
    >>> fingerprint(bytes(32))
    'SHA256:Zmh6rfhivXdsj8GLjp+OIAiXFIVu4jOzkCpZHQ1fKSU'
    """
    digest = base64.b64encode(hashlib.sha256(public).digest()).decode()
    return f"SHA256:{digest.rstrip('=')}"


def _pem(kind: str, body: bytes) -> bytes:
    text = base64.b64encode(body).decode()
    return f"-----BEGIN {kind} KEY-----\n{text}\n-----END {kind} KEY-----\n".encode()


def _read(text: bytes, kind: str, before: bytes) -> bytes | None:
    lines = text.decode("ascii", "replace").split()
    words = f"-----BEGIN {kind} KEY-----".split(), f"-----END {kind} KEY-----".split()
    if lines[:3] != words[0] or lines[-3:] != words[1]:
        return None
    try:
        body = base64.b64decode("".join(lines[3:-3]), validate=True)
    except (binascii.Error, ValueError):
        return None
    fits = body.startswith(before) and len(body) == len(before) + 32
    return body[len(before) :] if fits else None
