"""Logs that are truncated, huge, binary, mixed or hostile: nothing good is lost."""

from __future__ import annotations

import gzip
import random
import tempfile
import tracemalloc
from pathlib import Path

import pytest
import zstandard
from handler_log_text import OUTCOMES, Logged, log_of, text_of, user_id
from hypothesis import given, settings
from hypothesis import strategies as st
from log_loading import emptied, load, rows, told

from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.logs import open as log_files


def reasons(evidence: Evidence) -> list[tuple[int, str]]:
    frame = evidence.custody.rejects()
    return list(zip(frame["line"].tolist(), frame["reason"].tolist(), strict=True))


@pytest.mark.parametrize("kind", ["gz", "zst"])
def test_a_truncated_archive_gives_what_came_before(tmp_path: Path, kind: str) -> None:
    noise = random.Random(7)
    filler = "".join(f"noise {noise.getrandbits(256):x}\n" for _ in range(9000))
    text = (text_of(Logged(1)) + filler + text_of(Logged(2))).encode()
    packed = gzip.compress(text) if kind == "gz" else zstandard.ZstdCompressor().compress(text)
    evidence = load(tmp_path, packed[: len(packed) * 2 // 3], f"webhook.log.{kind}")
    assert told(evidence, "event_id", "outcome") == [("evt_0001", "credited")]
    [(_, reason)] = reasons(evidence)
    assert "ends early" in reason


def test_a_damaged_archive_gives_what_came_before(tmp_path: Path) -> None:
    noise = random.Random(8)
    filler = "".join(f"noise {noise.getrandbits(256):x}\n" for _ in range(9000))
    packed = bytearray(gzip.compress((text_of(Logged(1)) + filler).encode()))
    packed[len(packed) // 2 : len(packed) // 2 + 400] = b"\xff" * 400
    evidence = load(tmp_path, bytes(packed), "webhook.log.gz")
    assert told(evidence, "event_id") == [("evt_0001",)]
    [(_, reason)] = reasons(evidence)
    assert "archive" in reason


def test_archives_put_end_to_end(tmp_path: Path) -> None:
    packed = gzip.compress(text_of(Logged(1)).encode()) + gzip.compress(text_of(Logged(2)).encode())
    evidence = load(tmp_path, packed, "webhook.log.gz")
    assert told(evidence, "event_id") == [("evt_0001",), ("evt_0002",)]
    assert reasons(evidence) == []


def test_a_last_line_without_an_end(tmp_path: Path) -> None:
    text = log_of([Logged(1), Logged(2, "ignored")])
    assert told(load(tmp_path, text.rstrip("\n")), "outcome") == [("credited",), ("ignored",)]
    assert told(load(tmp_path, text[:-30]), "outcome") == [("credited",), ("incomplete",)]


@pytest.mark.parametrize("suffix", [False, True])
def test_windows_line_ends(tmp_path: Path, suffix: bool) -> None:
    text = log_of([Logged(n, outcome) for n, outcome in enumerate(OUTCOMES)], suffix=suffix)
    plain = rows(load(tmp_path, text))
    assert rows(load(tmp_path, text.replace("\n", "\r\n"))) == plain


def test_utf_16_as_windows_shells_write_it(tmp_path: Path) -> None:
    text = log_of([Logged(1), Logged(2, "database_error")])
    plain = rows(load(tmp_path, text))
    assert rows(load(tmp_path, text.encode("utf-16"))) == plain
    assert rows(load(tmp_path, b"\xef\xbb\xbf" + text.encode())) == plain


def test_a_line_of_many_megabytes(tmp_path: Path) -> None:
    huge = "x" * (14 << 20)
    text = f"{text_of(Logged(1))}{huge}\n{text_of(Logged(2))}{huge}"
    after = text_of(Logged(1)).count("\n") + 1
    evidence = load(tmp_path, text)
    assert told(evidence, "event_id", "source_line") == [("evt_0001", 1), ("evt_0002", after + 1)]
    assert [line for line, _ in reasons(evidence)] == [after, 2 * after]


def test_binary_garbage_is_rejected_by_line(tmp_path: Path) -> None:
    noise = random.Random(3).randbytes(3000).replace(b"\n", b"")
    text = text_of(Logged(1)).encode() + noise + b"\n" + text_of(Logged(2)).encode()
    after = text_of(Logged(1)).count("\n") + 1
    evidence = load(tmp_path, text)
    assert told(evidence, "event_id", "outcome", "source_line") == [
        ("evt_0001", "credited", 1),
        ("evt_0002", "credited", after + 1),
    ]
    assert reasons(evidence) == [(after, "not text")]


def test_marks_that_are_absent_or_damaged(tmp_path: Path) -> None:
    deliveries = [Logged(n, outcome) for n, outcome in enumerate(OUTCOMES)]
    text = log_of(deliveries)
    plain = rows(load(tmp_path, text))
    forms = {
        "none": "".join(c for c in text if ord(c) < 128).encode(),
        "question marks": text.encode("ascii", "replace"),
        "Latin-1": text.encode().decode("latin-1").encode(),
        "MacRoman": text.encode().decode("mac_roman").encode(),
    }
    for name, data in forms.items():
        evidence = load(tmp_path, data)
        assert rows(evidence) == plain, name
        noted = " ".join(evidence.custody.inputs[0].notes)
        assert ("repaired" in noted) == (name in ("Latin-1", "MacRoman")), name
        if "repaired" in noted:
            assert name in noted


def test_values_read_in_a_wrong_encoding_are_mended(tmp_path: Path) -> None:
    logged = Logged(1, "database_error", metadata={"session_name": "Zoë Müller"})
    text = text_of(logged).replace("\\u00eb", "ë").replace("\\u00fc", "ü")
    text = text.replace("UNIQUE constraint", "Schlüssel doppelt")
    for wrong in ("latin-1", "mac_roman"):
        evidence = load(tmp_path, text.encode().decode(wrong).encode())
        assert told(evidence, "error") == [("Schlüssel doppelt failed: stripe_customers.user_id",)]
        [metadata] = evidence.frame("logged_sessions")["metadata"]
        assert "Zoë Müller" in metadata


def test_lines_in_latin_1_among_lines_in_utf_8(tmp_path: Path) -> None:
    extra = "[2025-09-01T14:39:00+0000 - app - INFO] Grüße\n".encode("latin-1")
    evidence = load(tmp_path, extra + text_of(Logged(1)).encode())
    assert told(evidence, "event_id") == [("evt_0001",)]
    assert reasons(evidence) == []
    assert any("Latin-1, not UTF-8" in note for note in evidence.custody.inputs[0].notes)


def test_chunks_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = log_of([Logged(n, OUTCOMES[n % 7]) for n in range(60)])
    whole = rows(load(tmp_path, text))
    assert len(whole) == 60
    for size in (1, 700, 9_001):
        monkeypatch.setattr(log_files.LogStream.__init__, "__defaults__", (size,))
        monkeypatch.setattr(log_files, "_READ", size)
        assert rows(load(tmp_path, text)) == whole


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    def peak(copies: int) -> int:
        text = log_of([Logged(n) for n in range(400)]) * copies
        (tmp_path / "big.log").write_text(text)
        stream = log_files.LogStream(tmp_path / "big.log", 1 << 18)
        tracemalloc.start()
        count = sum(len(chunk) for chunk in stream)
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert count == len(text.encode())
        return highest

    assert peak(24) < 2 * peak(6) + (1 << 20)


@pytest.mark.parametrize("kind", ["gz", "zst"])
def test_an_archive_that_unfolds_to_far_more(tmp_path: Path, kind: str) -> None:
    size = 300 << 20
    if kind == "gz":
        unfolding = gzip.compress(bytes(size), 6)
    else:
        unfolding = zstandard.ZstdCompressor().compress(b"x" * size)
    (tmp_path / "bomb").write_bytes(unfolding)
    stream = log_files.LogStream(tmp_path / "bomb")
    tracemalloc.start()
    assert [len(chunk) for chunk in stream] == [log_files.LONGEST_LINE + 1]
    highest = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert stream.cut
    assert highest < 100 << 20


GARBAGE = st.one_of(
    st.text(max_size=120).map(
        lambda s: s.replace("\n", " ").replace("\r", " ").encode("utf-8", "replace")
    ),
    st.binary(max_size=120).map(lambda b: b.replace(b"\n", b" ").replace(b"\r", b" ")),
    st.sampled_from(
        [
            b"",
            b"{",
            b"}",
            b'{"level": 30, "msg": "hello"}',
            b"[2025-09-01T14:39:07+0000 - app.other - INFO] nothing of note",
            b"[2025-09-01T14:39:07+0000 - app.other - INFO]",
            b"[2025-99-99T99:99:99+0000 - app.other - INFO] broken time",
            b"Traceback (most recent call last):",
            b'  File "x.py", line 1, in y',
            b'INFO:     192.0.2.1:0 - "POST / HTTP/1.1" 200 OK',
            b"web-1  | ready",
            b"2025-09-01T14:39:07Z [info] ready",
        ]
    ),
)


@settings(deadline=None, max_examples=40)
@given(
    outcomes=st.lists(st.sampled_from(OUTCOMES), min_size=1, max_size=4),
    garbage=st.lists(st.tuples(st.integers(0, 200), GARBAGE), max_size=12),
    suffix=st.booleans(),
)
def test_garbage_lines_never_lose_a_delivery(
    outcomes: list[str], garbage: list[tuple[int, bytes]], suffix: bool
) -> None:
    deliveries = [Logged(n, outcome) for n, outcome in enumerate(outcomes)]
    messages = log_of(deliveries, suffix=suffix).encode().split(b"\n[")
    for at, text in garbage:
        messages.insert(1 + at % len(messages), b"\n" + text)
    data = messages[0]
    for message in messages[1:]:
        data += message if message.startswith(b"\n") else b"\n[" + message
    with tempfile.TemporaryDirectory() as folder:
        evidence = load(Path(folder), data + b"\n", evidence=emptied())
        found = told(evidence, "outcome", "event_id", "request_id")
    for logged in deliveries:
        verified = logged.outcome not in ("signature_refused", "not_found")
        row = (logged.outcome, logged.event_id if verified else None, logged.request_id)
        assert row in found


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000), cuts=st.integers(1, 12))
def test_mutated_logs_never_raise(seed: int, cuts: int) -> None:
    chance = random.Random(seed)
    data = bytearray(log_of([Logged(n, OUTCOMES[n % 7]) for n in range(6)]).encode())
    for _ in range(cuts):
        at = chance.randrange(len(data))
        what = chance.randrange(4)
        if what == 0:
            del data[at : at + chance.randrange(400)]
        elif what == 1:
            data[at:at] = chance.randbytes(chance.randrange(60))
        elif what == 2:
            data[at : at + 1] = bytes([chance.randrange(256)])
        else:
            data[at:at] = data[max(0, at - 900) : at]
    with tempfile.TemporaryDirectory() as folder:
        evidence = load(Path(folder), bytes(data), evidence=emptied())
        assert {row["outcome"] for row in rows(evidence)} <= {*OUTCOMES, "incomplete"}


def test_a_log_of_another_kind_gives_no_rows(tmp_path: Path) -> None:
    text = "".join(
        f'192.0.2.{n} - - [01/Sep/2025:14:39:07 +0000] "GET / HTTP/1.1" 200 5\n' for n in range(50)
    )
    evidence = load(tmp_path, text)
    assert rows(evidence) == []
    assert user_id(1) not in text


def test_bytes_that_are_no_text_and_no_table_give_no_rows(tmp_path: Path) -> None:
    assert rows(load(tmp_path, b"\x01,\x02\r\x03,\xff\x00\r,\x04" * 40)) == []
