"""A written case reads back as the world it was written from."""

from __future__ import annotations

import gzip
import json
import sqlite3
from pathlib import Path

import pandas as pd
import pytest

from credit_forensics.case_file import read_case_file
from credit_forensics.evidence.load import load_evidence
from credit_forensics.scenarios.case_writer import write_case
from credit_forensics.scenarios.settings import FaultRates, WorldSettings
from credit_forensics.scenarios.world import World, make_world

FAULTY = FaultRates(
    redelivered=0.01,
    two_events=0.01,
    signature_refused=0.01,
    async_failed=0.01,
    unpaid=0.01,
    metadata_scan=0.005,
    email_match=0.005,
    disputed=0.02,
    refunded=0.05,
)
SETTINGS = WorldSettings(
    payments=600,
    wrong_session_rate=0.05,
    returning_share=0.0,
    async_share=0.02,
    intent_metadata_share=0.2,
    faults=FAULTY,
)


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(SETTINGS, seed=31)


@pytest.fixture(scope="module")
def case_file(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_case(world, tmp_path_factory.mktemp("case"))


KEYS = {
    "payments": ["payment_id"],
    "metadata": ["payment_id", "source", "position"],
    "events": ["event_id"],
    "ledger": ["entry_id"],
    "customers": ["customer_id"],
    "users": ["user_id"],
    "balances": ["user_id"],
}
# A session lists its customer's preset only where no earlier payment used the customer.
LEFT_OUT = {"customer_preset", "email_prefilled"}


def by_key(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    return frame.sort_values(KEYS[name]).reset_index(drop=True)


def test_every_table_reads_back(world: World, case_file: Path) -> None:
    evidence = load_evidence(read_case_file(case_file))
    assert evidence.custody.rejects().empty
    told = world.evidence()
    for name in KEYS:
        wanted = by_key(told.frame(name), name)
        found = by_key(evidence.frame(name), name)
        for column in wanted.columns:
            if wanted[column].isna().all() or column in LEFT_OUT:
                continue
            texts = [rows[column].astype("string").fillna("").tolist() for rows in (found, wanted)]
            assert texts[0] == texts[1], (name, column)


def test_deliveries_read_back_from_the_log(world: World, case_file: Path) -> None:
    evidence = load_evidence(read_case_file(case_file))
    columns = ["received_at", "event_id", "outcome", "method", "resolved_user_id", "credits"]

    def sorted_rows(frame: pd.DataFrame) -> list[list[str]]:
        rows = frame[columns].astype("string").fillna("")
        return sorted(rows.to_numpy().tolist())

    found, wanted = evidence.frame("deliveries"), world.evidence().frame("deliveries")
    assert len(wanted) > 600
    assert sorted_rows(found) == sorted_rows(wanted)
    assert set(wanted["outcome"]) >= {"credited", "ignored", "signature_refused", "database_error"}


def test_presets_read_back_where_no_customer_returns(world: World, case_file: Path) -> None:
    found = by_key(load_evidence(read_case_file(case_file)).frame("payments"), "payments")
    wanted = by_key(world.tables["payments"].to_pandas(), "payments")
    assert found["customer_preset"].tolist() == wanted["customer_preset"].tolist()


def test_the_same_world_gives_the_same_bytes(world: World, tmp_path: Path) -> None:
    one, other = write_case(world, tmp_path / "a").parent, write_case(world, tmp_path / "b").parent
    names = sorted(path.name for path in one.iterdir())
    assert names == sorted(path.name for path in other.iterdir())
    for name in names:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


@pytest.mark.parametrize("compression", ["gz", "zst"])
@pytest.mark.parametrize("stripe_format", ["json", "list"])
def test_other_formats_hold_the_same(
    world: World, tmp_path: Path, stripe_format: str, compression: str
) -> None:
    path = write_case(
        world,
        tmp_path,
        stripe_format=stripe_format,  # type: ignore[arg-type]
        compression=compression,  # type: ignore[arg-type]
        request_ids=True,
    )
    evidence = load_evidence(read_case_file(path))
    assert evidence.custody.rejects().empty
    for name in ("payments", "events", "deliveries", "ledger"):
        assert len(evidence.frame(name)) == world.tables[name].num_rows, name


def test_gz_bytes_hold_no_clock(world: World, tmp_path: Path) -> None:
    folder = write_case(world, tmp_path, compression="gz").parent
    raw = (folder / "webhook.log.gz").read_bytes()
    assert raw[4:8] == b"\0\0\0\0"
    assert gzip.decompress(raw).startswith(b"[2025-09-01T")


def test_a_session_has_stripes_shape(case_file: Path) -> None:
    with (case_file.parent / "sessions.jsonl").open(encoding="utf-8") as file:
        sessions = [json.loads(line) for line in file]
    assert all(one["object"] == "checkout.session" for one in sessions)
    for one in sessions:
        assert (
            (one["customer_creation"] is None)
            or not one["customer"]
            or (one["customer_creation"] == "always")
        )
        assert all(isinstance(value, str) for value in one["metadata"].values())
    assert {one["status"] for one in sessions} == {"complete", "expired"}
    assert {one["payment_status"] for one in sessions} == {"paid", "unpaid"}


def test_a_table_the_world_lacks_is_not_made(world: World, tmp_path: Path) -> None:
    tables = {name: rows for name, rows in world.tables.items() if name != "balances"}
    without = World(
        tables=tables,
        truth=world.truth,
        truth_findings=world.truth_findings,
        bursts=world.bursts,
        people=world.people,
        prices=world.prices,
    )
    folder = write_case(without, tmp_path).parent
    with sqlite3.connect(folder / "ledger.db") as connection:
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    assert "user_credits" not in names
    assert {"users", "stripe_customers", "credit_ledger"} <= names


def test_the_case_file_may_name_the_environment(world: World, tmp_path: Path) -> None:
    path = write_case(
        world,
        tmp_path,
        ledger_url=f"sqlite:///{tmp_path}/elsewhere.db",
        ledger_reference="env:LEDGER_URL",
    )
    assert read_case_file(path).all_ledgers[0].url == "env:LEDGER_URL"
    assert (tmp_path / "elsewhere.db").exists()
