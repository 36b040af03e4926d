"""Keeps the key that seals, Ed25519, in a file of its owner's own (PKCS #8 in PEM)."""

from __future__ import annotations

import base64
import hashlib
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from credit_forensics.errors import CaseError
from credit_forensics.extras import Later

if TYPE_CHECKING:
    from cryptography import exceptions
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519
else:
    exceptions = Later("cryptography.exceptions")
    serialization = Later("cryptography.hazmat.primitives.serialization")
    ed25519 = Later("cryptography.hazmat.primitives.asymmetric.ed25519")


@dataclass(frozen=True)
class SealKey:
    """A key that seals; its secret is in no ``repr``."""

    path: Path
    public: bytes
    _private: ed25519.Ed25519PrivateKey = field(compare=False)

    def __repr__(self) -> str:
        return f"SealKey({fingerprint(self.public)})"

    def sign(self, message: bytes) -> bytes:
        """The signature of a message, 64 bytes."""
        return self._private.sign(message)


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
            text = _pem_of(ed25519.Ed25519PrivateKey.generate())
            # Two that begin at once: one makes the key, and the other is told that it is there.
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        if os.name != "nt" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise CaseError(f"Others may read the key {path}; chmod 600 it, or seal with another.")
        private = _read_private(path.read_bytes())
    except OSError as error:
        raise CaseError(f"The key {path} cannot be used: {error.strerror}.") from None
    if private is None:
        raise CaseError(f"{path} is no Ed25519 private key in PEM.")
    return SealKey(path, private.public_key().public_bytes_raw(), private), made


def public_pem(public: bytes) -> bytes:
    """A public key as OpenSSL reads it.

    Examples
    --------
    >>> read_public(public_pem(bytes(32))) == bytes(32)
    True
    """
    key = ed25519.Ed25519PublicKey.from_public_bytes(public)
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.PEM, spki)


def read_public(text: bytes) -> bytes | None:
    """The 32 bytes of a public key in PEM; None where it is none."""
    try:
        key = serialization.load_pem_public_key(text)
    except (ValueError, exceptions.UnsupportedAlgorithm):
        return None
    return key.public_bytes_raw() if isinstance(key, ed25519.Ed25519PublicKey) else None


def is_signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether a signature of a message is by a key.

    Examples
    --------
    >>> is_signed(bytes(32), b"a list", bytes(64))
    False
    """
    try:
        ed25519.Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (ValueError, exceptions.InvalidSignature):
        return False
    return True


def fingerprint(public: bytes) -> str:
    """How people compare a key: ``SHA256:`` and the base64 of its hash.

    Examples
    --------
    >>> fingerprint(bytes(32))
    'SHA256:Zmh6rfhivXdsj8GLjp+OIAiXFIVu4jOzkCpZHQ1fKSU'
    """
    digest = base64.b64encode(hashlib.sha256(public).digest()).decode()
    return f"SHA256:{digest.rstrip('=')}"


def _pem_of(private: ed25519.Ed25519PrivateKey) -> bytes:
    return private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _read_private(text: bytes) -> ed25519.Ed25519PrivateKey | None:
    try:
        key = serialization.load_pem_private_key(text, password=None)
    except (TypeError, ValueError, exceptions.UnsupportedAlgorithm):
        return None
    return key if isinstance(key, ed25519.Ed25519PrivateKey) else None
