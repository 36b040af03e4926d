"""Archives are read to the last byte that can be had, and their damage is told."""

from __future__ import annotations

import gzip
import random

import pytest
import zstandard

from credit_forensics.evidence.files.archives import Archive, archive_problem, compression, head

TEXT = b"".join(b"%d %x\n" % (i, random.Random(i).getrandbits(400)) for i in range(3000))
PACK = {"gz": gzip.compress, "zst": zstandard.compress}


@pytest.fixture
def archive(tmp_path):
    def _archive(content: bytes) -> Archive:
        path = tmp_path / "file"
        path.write_bytes(content)
        return Archive(path)

    return _archive


@pytest.mark.parametrize("kind", PACK)
def test_a_sound_archive(archive, kind):
    found = archive(PACK[kind](TEXT))
    assert b"".join(found) == TEXT
    assert found.problem == archive_problem(found.path) == ""
    assert compression(found.path) == kind
    assert head(found.path, 100) == TEXT[:100]


@pytest.mark.parametrize("kind", PACK)
def test_archives_one_after_another(archive, kind):
    found = archive(
        PACK[kind](TEXT[:1000]) + PACK[kind](TEXT[1000:]) + (b"\0" * 9 if kind == "gz" else b"")
    )
    assert b"".join(found) == TEXT
    assert found.problem == ""


@pytest.mark.parametrize("kind", PACK)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_cut_archive_gives_what_was_before_the_cut(archive, kind, share):
    packed = PACK[kind](TEXT)
    found = archive(packed[: int(len(packed) * share)])
    read = b"".join(found)
    assert TEXT.startswith(read)
    assert len(read) > len(TEXT) * share * 0.7 - 140_000 * (kind == "zst")
    assert found.problem == f"the {kind} archive is truncated"


def test_a_flipped_byte_gives_what_was_before_it(archive):
    packed = bytearray(gzip.compress(TEXT))
    packed[len(packed) // 2 : len(packed) // 2 + 8] = b"\xff" * 8
    found = archive(bytes(packed))
    read = b"".join(found)
    assert read[: len(TEXT) // 3] == TEXT[: len(TEXT) // 3]
    assert found.problem == "the gz archive is damaged"


@pytest.mark.parametrize("kind", PACK)
def test_other_bytes_after_an_archive(archive, kind):
    found = archive(PACK[kind](TEXT) + b"garbage")
    assert b"".join(found) == TEXT
    assert found.problem == f"bytes that are no {kind} follow the archive"


@pytest.mark.parametrize(
    "content", [b"", b"\x1f", b"\x1f\x8b", b"(\xb5/\xfd", b"a", b"\xef\xbb\xbf"]
)
def test_stumps(archive, content):
    found = archive(content)
    assert b"".join(found.text()) in (b"", content)
