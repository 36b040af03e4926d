"""Stripe's JSON in every layout, envelope and API version; what is broken is told, not lost."""

from __future__ import annotations

import gzip
import json
import random

import pandas as pd
import pytest
import stripe_shapes as shapes
import zstandard

from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.files.identify_input import identify
from credit_forensics.evidence.stripe.load import load_stripe_file

GOOD = shapes.session_2025


@pytest.fixture
def load(tmp_path):
    def _load(content: bytes, name: str = "export.jsonl", key: str = "files") -> Evidence:
        path = tmp_path / name
        path.write_bytes(content)
        evidence = Evidence()
        load_stripe_file(evidence, path, name, key)
        return evidence

    return _load


def ids(evidence: Evidence, name: str = "stripe_sessions") -> list[str]:
    return sorted(evidence.frame(name).iloc[:, 0])


def rejects(evidence: Evidence) -> list[tuple[int, str]]:
    rows = evidence.custody.rejects()
    return list(zip(rows["line"], rows["reason"], strict=True))


@pytest.mark.parametrize("shape", shapes.SESSIONS)
def test_a_session_of_each_api_version(load, shape):
    evidence = load(shapes.lines(shape()))
    row = evidence.frame("stripe_sessions").iloc[0]
    assert row["session_id"] == "cs_live_a1"
    assert row["client_reference_id"] == "00123"
    assert row["payment_intent_id"] == "pi_a1"
    assert row["details_email"] == "ada@example.com"
    assert row["amount_total"] == 999
    assert dict(row["metadata"]) == shapes.METADATA
    assert row["source"] == "sessions"
    assert pd.isna(row["snapshot_at"])
    if shape is shapes.session_2020:
        assert pd.isna(row["created_at"])
        assert pd.isna(row["customer_creation"])
    else:
        assert row["created_at"] == pd.Timestamp(shape()["created"], unit="s", tz="UTC")
        assert row["customer_creation"] == "always"
        assert row["details_name"] == "Ada Exämple"
    assert evidence.custody.inputs[0].rows == 1


def _layouts():
    three = [GOOD(i) for i in (1, 2, 3)]
    page = shapes.page(*three)
    return {
        "lines": shapes.lines(*three),
        "lines without a last end": shapes.lines(*three).rstrip(b"\n"),
        "crlf": shapes.lines(*three).replace(b"\n", b"\r\n"),
        "byte order mark": b"\xef\xbb\xbf" + shapes.lines(*three),
        "utf-16": ("\ufeff" + shapes.lines(*three).decode()).encode("utf-16-le"),
        "blank lines": shapes.lines(b"", three[0], b"   ", three[1], b"\t", three[2], b""),
        "array": json.dumps(three).encode(),
        "pretty array": json.dumps(three, indent=2).encode(),
        "array with a byte order mark": b"\xef\xbb\xbf" + json.dumps(three).encode(),
        "page": json.dumps(page).encode(),
        "pretty page": json.dumps(page, indent=2).encode(),
        "page with sorted keys": json.dumps(page, sort_keys=True).encode(),
        "page with its object last": json.dumps(
            {"url": "/v1", "has_more": False, "data": three, "object": "list"}
        ).encode(),
        "pages by line": shapes.lines(shapes.page(*three[:2]), shapes.page(three[2])),
        "pretty pages": b"\n".join(
            json.dumps(shapes.page(session), indent=4).encode() for session in three
        ),
        "array of pages": json.dumps([shapes.page(*three[:1]), shapes.page(*three[1:])]).encode(),
        "pretty documents": b"\n".join(json.dumps(s, indent=2).encode() for s in three),
        "two on a line": shapes.lines(three[0]).rstrip() + shapes.lines(three[1], three[2]),
    }


@pytest.mark.parametrize("layout", _layouts())
def test_every_layout_gives_the_same_rows(load, layout):
    evidence = load(_layouts()[layout])
    assert ids(evidence) == ["cs_live_a1", "cs_live_a2", "cs_live_a3"]
    assert rejects(evidence) == []
    assert evidence.custody.inputs[0].rows == 3
    assert all(evidence.frame("stripe_sessions")["details_name"] == "Ada Exämple")


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"[1,2]", "a list of other things"),
        (b"null", "not a Stripe object: null"),
        (b"5", "not a Stripe object: a bare value"),
        (b'"text"', "not a Stripe object: a bare value"),
        (b'{"a": 1}', "not a Stripe object: an object of another kind"),
        (b'{"object": "checkout.session"}', "a checkout.session without an id"),
        (b'{"id": "cs_x", "object": "checkout.session", "metadata": {"a": "\\ud800"}}',
         "text with half a surrogate pair"),
        (b'{"id": "cs_\xff", "object": "checkout.session"}', "not UTF-8"),
        (b'{"id": "cs_x", "object": "checkout.sess', "the text ends in the middle of an object"),
        (b'{"id": "cs_x" "object": "checkout.session"}', "not JSON"),
        (b"> Ready! You are using Stripe API Version [2025-03-31]", "not JSON"),
        (b'{"id": "cs_\x00x", "object": "checkout.session"}', "not JSON"),
        (b"\x00", "not JSON"),
    ],
)  # fmt: skip
def test_a_bad_line_is_kept_with_its_number_and_its_neighbours_are_read(load, bad, reason):
    evidence = load(shapes.lines(GOOD(1), b"", bad, GOOD(2)))
    assert ids(evidence) == ["cs_live_a1", "cs_live_a2"]
    assert rejects(evidence) == [(3, reason)]
    assert evidence.custody.inputs[0].rejects == 1


def test_a_repeated_metadata_key_does_not_empty_the_map(load):
    twice = b'{"id":"cs_x","object":"checkout.session","metadata":{"a":"1","b":"2","a":"3"}}'
    evidence = load(shapes.lines(GOOD(1), twice))
    found = evidence.frame("stripe_sessions").set_index("session_id")["metadata"]
    assert dict(found["cs_x"]) == {"a": "3", "b": "2"}
    assert rejects(evidence) == []
    assert any("repeat a metadata key" in note for note in evidence.custody.inputs[0].notes)


def test_a_value_of_another_type_stays_empty_and_costs_nothing_else(load):
    odd = GOOD(1, created="yesterday", customer_details="none", livemode=[1], amount_total={})
    row = load(shapes.lines(odd, GOOD(2))).frame("stripe_sessions").iloc[0]
    assert pd.isna(row["created_at"])
    assert pd.isna(row["details_email"])
    assert pd.isna(row["amount_total"])
    assert row["payment_status"] == "paid"
    assert dict(row["metadata"]) == shapes.METADATA


def test_times_that_are_none_stay_empty(load):
    rows = load(shapes.lines(GOOD(1, created=-1), GOOD(2, created=10**17))).frame("stripe_sessions")
    assert rows["created_at"].isna().all()


def test_many_rows_with_bad_lines_between_find_their_numbers(load):
    rng = random.Random(5)
    rows, expected = [], []
    for i in range(5_000):
        if rng.random() < 0.01:
            rows.append(rng.choice([b"{", b"garbage", b'{"id": "cs_x", "object": "checkout.']))
            expected.append(len(rows))
        rows.append(GOOD(i))
    evidence = load(shapes.lines(*rows))
    assert evidence.count("stripe_sessions") == 5_000
    assert [line for line, _ in rejects(evidence)] == expected


def test_sessions_without_metadata_are_read(load):
    rows = [{k: v for k, v in GOOD(i).items() if k != "metadata"} for i in range(20)]
    evidence = load(shapes.lines(*rows))
    assert evidence.count("stripe_sessions") == 20
    assert rejects(evidence) == []


def test_objects_without_their_object_field_are_known_by_their_ids(load):
    rows = [shape() for shape in (GOOD, shapes.charge, shapes.intent, shapes.refund)]
    rows += [shapes.dispute(), shapes.customer(), shapes.event(GOOD())]
    evidence = load(shapes.lines(*({k: v for k, v in r.items() if k != "object"} for r in rows)))
    for name in ("sessions", "charges", "intents", "refunds", "disputes", "customers", "events"):
        assert evidence.count(f"stripe_{name}") >= 1, name
    assert rejects(evidence) == []


@pytest.mark.parametrize(
    ("shape", "name", "expected"),
    [
        (shapes.charge, "charges", {"card_fingerprint": "fp_a1", "amount_refunded": 0}),
        (shapes.intent, "intents", {"receipt_email": "receipt@example.com", "status": "succeeded"}),
        (shapes.refund, "refunds", {"charge_id": "ch_a1", "amount": 300}),
        (shapes.dispute, "disputes", {"charge_id": "ch_a1", "status": "lost"}),
        (shapes.customer, "customers", {"email": "ada@example.com", "name": "Ada Example"}),
    ],
)
@pytest.mark.parametrize("pretty", [False, True])
def test_each_kind_is_read_alone_and_among_others(load, shape, name, expected, pretty):
    alone = json.dumps([shape()], indent=2).encode() if pretty else shapes.lines(shape())
    mixed = shapes.lines(GOOD(), shape(), shapes.event(GOOD()))
    for content in (alone, mixed):
        evidence = load(content)
        row = evidence.frame(f"stripe_{name}").iloc[0]
        assert {key: row[key] for key in expected} == expected
        assert row["source"] == name
    assert recognise_name(load, alone) == f"stripe {name}"


def recognise_name(load, content):
    return load(content).custody.inputs[0].taken_for


def _envelopes():
    told = shapes.event(GOOD())
    bridge = {
        "version": "0",
        "id": "3f1c",
        "detail-type": "checkout.session.completed",
        "source": "aws.partner/stripe.com/ed_123",
        "account": "123456789012",
        "time": "2025-09-01T04:13:31Z",
        "region": "eu-central-1",
        "resources": [],
        "detail": told,
    }
    cloud = {
        "specversion": "1.0",
        "type": "com.stripe.checkout.session.completed",
        "source": "https://stripe.example.com",
        "id": "ce-1",
        "datacontenttype": "application/json",
        "data": told,
    }
    return {
        "bare": shapes.lines(told),
        "page": json.dumps(shapes.page(told, url="/v1/events"), indent=2).encode(),
        "eventbridge": shapes.lines(bridge),
        "eventbridge, pretty": json.dumps(bridge, indent=2).encode(),
        "cloudevents": shapes.lines(cloud),
        "stripe listen": shapes.lines(b"> Ready! Your webhook signing secret is ...", told),
        "request is a string": shapes.lines(told | {"request": "req_1"}),
        "request is absent": shapes.lines({k: v for k, v in told.items() if k != "request"}),
    }


@pytest.mark.parametrize("envelope", _envelopes())
def test_an_event_is_kept_and_its_object_is_a_snapshot_of_its_time(load, envelope):
    evidence = load(_envelopes()[envelope])
    row = evidence.frame("stripe_events").iloc[0]
    assert row["event_id"] == "evt_a1"
    assert row["type"] == "checkout.session.completed"
    assert row["object_id"] == "cs_live_a1"
    assert row["object_type"] == "checkout.session"
    assert row["payment_intent_id"] == "pi_a1"
    assert row["api_version"] == "2025-03-31.basil"
    carried = evidence.frame("stripe_sessions").iloc[0]
    assert carried["source"] == "events"
    assert carried["snapshot_at"] == row["created_at"]
    assert dict(carried["metadata"]) == shapes.METADATA
    assert len(rejects(evidence)) == (1 if envelope == "stripe listen" else 0)


@pytest.mark.parametrize(
    "row",
    [
        {"_airbyte_raw_id": "r1", "_airbyte_data": GOOD()},
        {"id": 7, "stripeEventId": "evt_a1", "body": {"object": "event", "id": "evt_a1",
         "data": {"object": GOOD()}}},
        {"nr": 7, "payload": json.dumps(GOOD())},
    ],
    ids=["a connector's record", "a webhook's body", "a text"],
)  # fmt: skip
def test_an_object_under_a_name_of_the_shops_is_opened(load, row):
    evidence = load(shapes.lines(row, row), key="sessions")
    assert set(ids(evidence)) == {"cs_live_a1"}
    assert rejects(evidence) == []


def test_rows_of_a_warehouse_are_flat_in_json_too(load):
    flat = {"id": "cs_live_a1", "created": "2025-09-01 12:00:00 UTC", "amount_total": "900",
            "payment_intent_id": "pi_a1", "metadata": [{"key": "user_id", "value": "00123"}]}  # fmt: skip
    evidence = load(shapes.lines(flat))
    (found,) = evidence.frame("stripe_sessions").to_dict("records")
    assert found["created_at"] == pd.Timestamp("2025-09-01 12:00", tz="UTC")
    assert (found["payment_intent_id"], found["amount_total"]) == ("pi_a1", 900)
    assert dict(found["metadata"]) == {"user_id": "00123"}


@pytest.mark.parametrize("packed", ["plain", "gz"])
def test_nothing_in_a_warehouses_row_is_taken_for_a_number_a_time_or_a_uuid(load, packed):
    values = [
        {"a": "7675E93C-341B-412D-A41C-CFE1DC519172", "b": "10:30", "c": "2025-9-1", "d": "007"},
        {"a": "E747DE39-1B54-4CD0-96EB-E68F155931E2", "b": "11:45", "c": "2025-10-1", "d": "12"},
    ]
    # As a number it has more digits than a number holds.
    values[0]["e"] = 123456789012345678901234567890
    rows = [{"id": f"cs_live_a{n}", "customer_id": "cus_1", "created": "1756728000", "metadata": one}
            for n, one in enumerate(values)]  # fmt: skip
    text = shapes.lines(*rows)
    evidence = load(gzip.compress(text) if packed == "gz" else text, key="sessions")
    found = evidence.frame("stripe_sessions").sort_values("session_id")
    assert [dict(one) for one in found["metadata"]] == [
        {**values[0], "e": "123456789012345678901234567890"},
        values[1],
    ]
    assert found["created_at"].tolist() == [pd.Timestamp("2025-09-01 12:00", tz="UTC")] * 2
    assert rejects(evidence) == []


def test_a_broken_line_of_a_warehouse_loses_no_other(load):
    good = {"id": "cs_live_a1", "customer_id": "cus_1", "created": "2025-09-01 12:00:00 UTC"}
    odd = {**good, "id": "cs_live_a2", "Customer_ID": "cus_9", 'x" AS y, (SELECT 1) AS "z': 1}
    text = shapes.lines(good) + b'{"id": "cs_live_a3", "customer\n[1]\n' + shapes.lines(odd)
    evidence = load(text, key="sessions")
    assert ids(evidence) == ["cs_live_a1", "cs_live_a2"]
    assert [line for line, _ in rejects(evidence)] == [2, 3]
    found = evidence.frame("stripe_sessions")
    assert found["created_at"].notna().all()
    assert found["customer_id"].tolist() == ["cus_1", "cus_1"]


def test_the_bare_data_of_an_event_is_its_object(load):
    evidence = load(shapes.lines({"object": GOOD(), "previous_attributes": {"status": "open"}}))
    assert ids(evidence) == ["cs_live_a1"]
    assert evidence.frame("stripe_sessions")["source"].tolist() == ["sessions"]


def test_an_intents_event_names_its_intent(load):
    evidence = load(shapes.lines(shapes.event(shapes.intent(), type="payment_intent.succeeded")))
    assert evidence.frame("stripe_events")["payment_intent_id"].tolist() == ["pi_a1"]
    assert ids(evidence, "stripe_intents") == ["pi_a1"]


def test_a_thin_event_that_names_its_object_is_joined_by_it(load):
    thin = {
        "id": "evt_thin",
        "object": "v2.core.event",
        "type": "v1.checkout.session.completed",
        "created": "2025-09-01T12:00:00.000Z",
        "livemode": True,
        "related_object": {"id": "cs_a1", "type": "checkout.session", "url": "/v1/x"},
    }
    evidence = load(shapes.lines(thin))
    (row,) = evidence.frame("stripe_events").to_dict("records")
    assert (row["event_id"], row["type"], row["object_id"], row["object_type"]) == (
        "evt_thin",
        "checkout.session.completed",
        "cs_a1",
        "checkout.session",
    )
    assert str(row["created_at"]) == "2025-09-01 12:00:00+00:00"
    assert not len(evidence.custody.rejects())


def test_a_thin_event_without_its_object_is_refused_by_its_name(load):
    thin = {
        "id": "evt_test_1",
        "object": "v2.core.event",
        "type": "v1.billing.meter.error_report_triggered",
        "related_object": {"id": "mtr_1", "type": "billing.meter", "url": "/v1/billing/meters/1"},
    }
    evidence = load(shapes.lines(shapes.event(GOOD()), thin))
    [(line, reason)] = rejects(evidence)
    assert line == 2
    assert "v2.core.event" in reason
    assert evidence.count("stripe_events") == 1


def test_an_event_of_an_object_that_is_not_needed_is_kept_without_it(load):
    payout = {"id": "po_1", "object": "payout", "metadata": {}, "payment_intent": "pi_9"}
    evidence = load(shapes.lines(shapes.event(payout, type="payout.paid")))
    assert evidence.frame("stripe_events")["payment_intent_id"].tolist() == ["pi_9"]
    assert evidence.count("stripe_sessions") == 0


def test_objects_that_are_not_needed_are_counted(load):
    evidence = load(shapes.lines(GOOD(), {"id": "po_1", "object": "payout"}))
    assert evidence.custody.inputs[0].notes == ["1 objects of the kind payout are not needed"]
    assert rejects(evidence) == []


@pytest.mark.parametrize("broken", [False, True])
def test_expanded_objects_go_to_their_own_tables(load, broken):
    expanded = GOOD(
        payment_intent=shapes.intent(latest_charge=shapes.charge()),
        customer=shapes.customer(),
        line_items=shapes.page({"id": "li_1", "object": "item", "price": {"id": "price_big"}}),
    )
    evidence = load(shapes.lines(expanded, *([b"{"] if broken else [])))
    row = evidence.frame("stripe_sessions").iloc[0]
    assert row["payment_intent_id"] == "pi_a1"
    assert row["customer_id"] == "cus_a1"
    assert row["price_id"] == "price_big"
    assert evidence.frame("stripe_intents")["metadata"].map(dict).tolist() == [{"order": "7"}]
    assert evidence.frame("stripe_charges")["card_fingerprint"].tolist() == ["fp_a1"]
    assert evidence.frame("stripe_customers")["email"].tolist() == ["ada@example.com"]


@pytest.mark.parametrize("wrap", [lambda o: o, shapes.event], ids=["alone", "in an event"])
def test_charges_of_an_old_intent_are_read(load, wrap):
    old = shapes.intent(charges=shapes.page(shapes.charge(1), shapes.charge(2)))
    del old["latest_charge"]
    evidence = load(shapes.lines(wrap(old)))
    assert ids(evidence, "stripe_charges") == ["ch_a1", "ch_a2"]


def test_the_card_of_an_old_charge_is_read_from_its_source(load):
    old = shapes.charge(payment_method_details=None, source={"id": "card_1", "fingerprint": "old"})
    assert load(shapes.lines(old)).frame("stripe_charges")["card_fingerprint"].tolist() == ["old"]


@pytest.mark.parametrize("layout", ["lines", "page"])
@pytest.mark.parametrize("packed", ["gz", "zst", "gz in parts"])
def test_compressed_files_are_known_by_content(load, layout, packed):
    content = _layouts()[layout]
    half = len(content) // 2
    bytes_ = {
        "gz": lambda: gzip.compress(content),
        "zst": lambda: zstandard.compress(content),
        "gz in parts": lambda: gzip.compress(content[:half]) + gzip.compress(content[half:]),
    }[packed]()
    evidence = load(bytes_, name="export.bin")
    assert ids(evidence) == ["cs_live_a1", "cs_live_a2", "cs_live_a3"]
    assert rejects(evidence) == []


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress], ids=["gz", "zst"])
@pytest.mark.parametrize("as_array", [False, True])
def test_a_truncated_archive_keeps_what_could_be_read_and_says_so_once(load, pack, as_array):
    rng = random.Random(1)
    rows = [GOOD(i, url=f"https://{rng.getrandbits(4096):x}") for i in range(400)]
    packed = pack(json.dumps(rows).encode() if as_array else shapes.lines(*rows))
    evidence = load(packed[: len(packed) // 2])
    assert 50 < evidence.count("stripe_sessions") < 400
    [(line, reason)] = rejects(evidence)
    assert "truncated" in reason
    assert line == (1 if as_array else evidence.count("stripe_sessions") + 1)


def test_a_truncated_array_keeps_its_whole_objects(load):
    content = json.dumps([GOOD(1), GOOD(2), GOOD(3)]).encode()
    evidence = load(content[:-200])
    assert ids(evidence) == ["cs_live_a1", "cs_live_a2"]
    assert rejects(evidence) == [(1, "the text ends in the middle of an object")]


@pytest.mark.parametrize("indent", [None, 2])
def test_damage_in_an_array_costs_the_object_it_is_in(load, indent):
    content = json.dumps(shapes.page(*(GOOD(i) for i in range(9))), indent=indent)
    damaged = content.replace('"id": "cs_live_a4"', '"id": cs_live_a4"')
    evidence = load(damaged.encode())
    assert ids(evidence) == [f"cs_live_a{i}" for i in range(9) if i != 4]
    [(line, reason)] = rejects(evidence)
    assert reason == "not JSON"
    assert line == (1 if indent is None else damaged[: damaged.index("cs_live_a4")].count("\n"))


def test_a_damaged_checksum_is_told(load):
    packed = bytearray(gzip.compress(shapes.lines(GOOD(1), GOOD(2))))
    packed[-8] ^= 0xFF
    evidence = load(bytes(packed))
    assert ids(evidence) == ["cs_live_a1", "cs_live_a2"]
    assert ["damaged" in reason for _, reason in rejects(evidence)] == [True]


def test_a_line_without_end_is_refused_and_the_rest_read(load, monkeypatch):
    monkeypatch.setattr("credit_forensics.evidence.files.json_lines.LONGEST", 1 << 20)
    huge = b'{"id": "cs_huge", "object": "checkout.session", "url": "' + b"x" * (17 << 20) + b'"}'
    evidence = load(shapes.lines(GOOD(1), huge, GOOD(2)))
    assert ids(evidence) == ["cs_live_a1", "cs_live_a2"]
    assert [line for line, _ in rejects(evidence)] == [2]


def test_deep_nesting_is_no_crash(load):
    deep = b'{"a":' * 50_000 + b"1" + b"}" * 50_000
    evidence = load(shapes.lines(GOOD(1), deep, b"[" * 50_000, GOOD(2)))
    assert ids(evidence) == ["cs_live_a1", "cs_live_a2"]
    assert {line for line, _ in rejects(evidence)} == {2, 3}


def test_a_name_that_looks_like_a_pattern_is_one_file(load, tmp_path):
    (tmp_path / "export1.jsonl").write_bytes(shapes.lines(GOOD(9)))
    assert ids(load(shapes.lines(GOOD(1)), name="export[1].jsonl")) == ["cs_live_a1"]


def test_progress_reaches_the_end(tmp_path):
    path = tmp_path / "export.json"
    path.write_bytes(_layouts()["pretty page"])
    told = []
    load_stripe_file(
        Evidence(), path, "export.json", progress=lambda name, done, size: told.append((done, size))
    )
    size = path.stat().st_size
    assert told[0] == (0, size)
    assert told[-1] == (size, size)


def test_the_settings_of_the_connection_are_left_as_they_were(load):
    evidence = load(shapes.lines(GOOD(1), b"{"))
    setting = "SELECT current_setting('preserve_insertion_order')"
    assert evidence.connection.execute(setting).fetchall() == [(False,)]


def test_recognise_looks_at_content_only(tmp_path):
    path = tmp_path / "notes.csv"
    path.write_bytes(shapes.lines(shapes.event(GOOD())))
    assert identify(path).what == "stripe events"
