"""Truncated, reordered and mutated bytes: no crash, no lost good row, no hang.

``FUZZ_EXAMPLES=500`` looks longer, and elsewhere each time.
"""

from __future__ import annotations

import gzip
import json
import os
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import stripe_shapes as shapes
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from credit_forensics.errors import CaseError
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.stripe.load import load_stripe_file
from credit_forensics.evidence.stripe.payments import assemble_payments

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "12"))
BOUNDED = settings(
    deadline=None,
    max_examples=EXAMPLES,
    derandomize=EXAMPLES < 100,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
SHAPES = (shapes.session_2020, shapes.session_2022, shapes.session_2025)
OBJECTS = [SHAPES[i % 3](i) for i in range(8)]
NAMES = [row["id"] for row in OBJECTS]
LINES = [json.dumps(row, ensure_ascii=False).encode() for row in OBJECTS]
EVENTS = [json.dumps(shapes.event(row, i)).encode() for i, row in enumerate(OBJECTS)]
CSV_HEAD = (
    b"id,Created date (UTC),Amount,Currency,Status,PaymentIntent ID,Description,user_id (metadata)"
)
CSV = [
    b'ch_a%d,2025-09-01 10:00:0%d,"1.0%d0,50",eur,Paid,pi_a%d,"Credits, big",0012%d'
    % (i, i, i, i, i)
    for i in range(8)
]

# A mutation: where (as a share of the line), what is put there, how many bytes it replaces.
MUTATION = st.tuples(
    st.floats(0, 1, exclude_max=True),
    st.one_of(
        st.binary(max_size=4),
        st.sampled_from(
            [b'"', b"{", b"}", b"[", b"]", b",", b"\\", b"\x00", b"\xff", b"\n", b'"}', b"\r"]
        ),
    ),
    st.integers(0, 6),
)


def mutated(line: bytes, mutations) -> bytes:
    for where, new, replaced in mutations:
        place = int(len(line) * where)
        line = line[:place] + new + line[place + replaced :]
    return line


def load(content: bytes, key: str = "sessions") -> Evidence:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "input"
        path.write_bytes(content)
        evidence = Evidence()
        load_stripe_file(evidence, path, "input", key)
    source = evidence.custody.inputs[0]
    assert source.rejects == len(evidence.custody.rejects())
    return evidence


def found(evidence: Evidence, name: str = "stripe_sessions") -> set[str]:
    key = evidence.frame(name).columns[0]
    return set(evidence.frame(name)[key])


@BOUNDED
@given(
    st.permutations(range(8)),
    st.sets(st.integers(0, 7)),
    st.lists(MUTATION, min_size=1, max_size=3),
)
def test_lines_that_were_left_alone_are_read(order, hurt, mutations):
    rows = [mutated(LINES[i], mutations) if i in hurt else LINES[i] for i in order]
    assert {NAMES[i] for i in range(8) if i not in hurt} <= found(load(b"\n".join(rows)))


@BOUNDED
@given(st.integers(0, 7), st.lists(MUTATION, min_size=1, max_size=2))
def test_events_that_were_left_alone_are_read(hurt, mutations):
    rows = [mutated(row, mutations) if i == hurt else row for i, row in enumerate(EVENTS)]
    evidence = load(b"\n".join(rows), "events")
    assert {f"evt_a{i}" for i in range(8) if i != hurt} <= found(evidence, "stripe_events")
    assert {name for i, name in enumerate(NAMES) if i != hurt} <= found(evidence)
    assemble_payments(evidence, {})


@BOUNDED
@given(st.integers(0, 7), MUTATION, st.sampled_from([None, 1, 2]), st.booleans())
def test_objects_of_a_list_that_were_left_alone_are_read(hurt, mutation, indent, as_page):
    parts = [json.dumps(row, ensure_ascii=False, indent=indent).encode() for row in OBJECTS]
    parts[hurt] = mutated(parts[hurt], [mutation])
    joined = (b", " if indent is None else b",\n").join(parts)
    content = b'{"object": "list", "data": [' + joined + b"]}" if as_page else b"[" + joined + b"]"
    assert {name for i, name in enumerate(NAMES) if i != hurt} <= found(load(content))


@BOUNDED
@given(st.floats(0, 1), st.sampled_from(["lines", "array", "gz", "zst"]))
def test_what_was_before_a_cut_is_read(share, layout):
    content = b"[" + b",".join(LINES) + b"]" if layout == "array" else b"\n".join(LINES) + b"\n"
    pack = {"gz": gzip.compress, "zst": zstandard.compress}.get(layout, bytes)
    whole = pack(content)
    cut = int(len(whole) * share)
    evidence = load(whole[:cut])
    if layout in ("lines", "array"):
        ends = [content.index(line) + len(line) for line in LINES]
        expected = {name for name, end in zip(NAMES, ends, strict=True) if end <= cut}
        assert expected <= found(evidence)
    assert found(evidence) <= set(NAMES)
    if 4 < cut < len(whole) and layout in ("gz", "zst"):
        assert "truncated" in " ".join(evidence.custody.rejects()["reason"])


@BOUNDED
@given(st.integers(0, 7), MUTATION)
def test_rows_of_an_export_that_were_left_alone_are_read(hurt, mutation):
    rows = [mutated(row, [mutation]) if i == hurt else row for i, row in enumerate(CSV)]
    evidence = load(b"\n".join([CSV_HEAD, *rows]))
    charges = evidence.frame("stripe_charges").set_index("charge_id")
    for i in range(8):
        if i != hurt:
            assert charges.loc[f"ch_a{i}", "amount"] == 100_050 + 1000 * i


@BOUNDED
@given(MUTATION, st.sampled_from(["gz", "zst", "parquet", "csv heading"]))
def test_damaged_containers_are_no_crash(mutation, container):
    if container == "parquet":
        sink = pa.BufferOutputStream()
        pq.write_table(pa.Table.from_pylist(OBJECTS), sink)
        content = sink.getvalue().to_pybytes()
    elif container == "csv heading":
        content = b"\n".join([mutated(CSV_HEAD, [mutation]), *CSV])
    else:
        pack = gzip.compress if container == "gz" else zstandard.compress
        content = pack(b"\n".join(LINES))
    evidence = load(content if container == "csv heading" else mutated(content, [mutation]))
    assemble_payments(evidence, {})


@BOUNDED
@given(
    st.one_of(
        st.binary(max_size=400),
        st.text(alphabet='{}[]",:\\ \n01aeu\u00e9', max_size=200).map(str.encode),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=4)
                | st.dictionaries(
                    st.sampled_from(
                        ["object", "id", "data", "detail", "specversion", "metadata", "created"]
                    ),
                    inner | st.sampled_from(["event", "checkout.session", "cs_1", "list"]),
                    max_size=5,
                )
            ),
            max_leaves=20,
        ).map(lambda value: json.dumps(value).encode()),
    ),
    st.sampled_from(["sessions", "events", "files"]),
)
def test_anything_at_all_is_no_crash(content, key):
    try:
        evidence = load(content, key)
    except CaseError:
        return
    assemble_payments(evidence, {})
