"""Signatures are those of RFC 8032, and OpenSSL agrees where it is installed."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from credit_forensics.sealing import ed25519
from credit_forensics.sealing.keys import open_key, public_pem

# RFC 8032, section 7.1: secret, public, message, signature.
VECTORS = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


@pytest.mark.parametrize(("secret", "public", "message", "signature"), VECTORS)
def test_the_vectors_of_the_rfc(secret: str, public: str, message: str, signature: str) -> None:
    assert ed25519.public_key(bytes.fromhex(secret)).hex() == public
    assert ed25519.sign(bytes.fromhex(secret), bytes.fromhex(message)).hex() == signature
    assert ed25519.verify(*map(bytes.fromhex, (public, message, signature)))


def test_nothing_else_is_a_signature() -> None:
    secret, public, message, signature = map(bytes.fromhex, VECTORS[2])
    for place in (0, 31, 32, 63):
        changed = bytearray(signature)
        changed[place] ^= 1
        assert not ed25519.verify(public, message, bytes(changed))
    # The same answer, once more around the group: RFC 8032 wants it refused.
    order = 2**252 + 27742317777372353535851937790883648493
    again = (int.from_bytes(signature[32:], "little") + order).to_bytes(32, "little")
    assert not ed25519.verify(public, message, signature[:32] + again)
    # A key of small order, by which an all but empty signature would fit anything.
    neutral = (1).to_bytes(32, "little")
    assert not ed25519.verify(neutral, message, neutral + bytes(32))
    for odd in (b"", signature[:63], signature + b"\0"):
        assert not ed25519.verify(public, message, odd)
    assert not ed25519.verify(b"\xff" * 32, message, signature)
    with pytest.raises(ValueError, match="32 bytes"):
        ed25519.sign(secret[:31], message)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="OpenSSL is not installed")
def test_openssl_reads_the_key_and_verifies_the_signature(tmp_path) -> None:
    key, _ = open_key(tmp_path / "seal.pem")
    (tmp_path / "list").write_bytes(b"a list\n" * 1000)
    (tmp_path / "pub").write_bytes(public_pem(key.public))
    (tmp_path / "sig").write_bytes(key.sign((tmp_path / "list").read_bytes()))
    checked = subprocess.run(
        [
            "openssl",
            "pkeyutl",
            "-verify",
            "-pubin",
            "-inkey",
            "pub",
            "-rawin",
            "-in",
            "list",
            "-sigfile",
            "sig",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Verified Successfully" in checked.stdout + checked.stderr
    own = subprocess.run(
        ["openssl", "pkey", "-in", "seal.pem", "-pubout"],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    assert own.stdout == public_pem(key.public)
