"""A key is read and written as OpenSSL does, and nothing but its own signature is one."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from credit_forensics.errors import CaseError
from credit_forensics.sealing.keys import is_signed, open_key, public_pem, read_public


def test_nothing_else_is_a_signature(tmp_path) -> None:
    key, made = open_key(tmp_path / "seal.pem")
    signature = key.sign(b"a list")
    assert made and is_signed(key.public, b"a list", signature)
    for place in (0, 31, 32, 63):
        changed = bytearray(signature)
        changed[place] ^= 1
        assert not is_signed(key.public, b"a list", bytes(changed))
    for odd in (b"", signature[:63], signature + b"\0"):
        assert not is_signed(key.public, b"a list", odd)
    assert not is_signed(b"\xff" * 31, b"a list", signature)
    assert not is_signed(key.public, b"another list", signature)


def test_the_same_file_is_the_same_key_and_another_kind_is_none(tmp_path) -> None:
    path = tmp_path / "seal.pem"
    first, _ = open_key(path)
    again, made = open_key(path)
    assert not made and again.sign(b"x") == first.sign(b"x")
    assert read_public(public_pem(first.public)) == first.public
    assert read_public(path.read_bytes()) is None
    path.write_bytes(public_pem(first.public))
    with pytest.raises(CaseError, match="no Ed25519 private key"):
        open_key(path)


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
