"""Invented layouts: inference is right about them or asks, and is never wrong without a word."""

from __future__ import annotations

import random
import sqlite3
import tempfile
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from invented_layouts import Invented, invent

from credit_forensics.case_file import CaseFile
from credit_forensics.errors import CaseError
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers.load import load_ledgers

SESSIONS = pa.schema([("session_id", pa.string()), ("metadata", pa.map_(pa.string(), pa.string()))])


def outcome(invented: Invented) -> str:
    """Whether inference is ``right``, ``asks``, or in which respect it is wrong."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        connection = sqlite3.connect(folder / "ledger.db")
        connection.executescript(invented.script)
        connection.close()
        evidence = Evidence()
        sessions = sorted({session for _, _, session in invented.truth if session})
        who = {session: user for user, _, session in invented.truth if session}
        evidence.add("stripe_sessions", pa.Table.from_pylist([
            {"session_id": s, "metadata": [("user_id", who[s]), ("credits", "100")]}
            for s in sessions
        ], SESSIONS))  # fmt: skip
        case = CaseFile.model_validate({"ledger": {"url": "sqlite:///ledger.db"}, "folder": folder})
        try:
            load_ledgers(evidence, case)
        except CaseError as question:
            assert "[ledger.entries]" in str(question), str(question)
            return "asks"
        frame = evidence.ledger
        found = sorted(
            (row.user_id, row.delta, row.payment_id or "")
            for row in frame.astype(object).where(frame.notna(), None).itertuples()
        )
        if found != sorted(
            (user, credits, session or "") for user, credits, session in invented.truth
        ):
            return f"wrong entries: {found}"
        balances = dict(
            zip(evidence.balances["user_id"], evidence.balances["balance"], strict=True)
        )
        if balances and invented.balances and balances != invented.balances:
            return f"wrong balances: {balances}"
        return "right"


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.integers(min_value=0, max_value=2**32))
def test_inference_is_right_or_asks(seed: int) -> None:
    invented = invent(random.Random(seed))
    found = outcome(invented)
    assert found in ("right", "asks"), f"{found}\n{invented.script}"


@pytest.mark.accuracy
def test_inference_is_right_or_asks_for_nearly_all_of_three_hundred() -> None:
    layouts = [invent(random.Random(seed)) for seed in range(300)]
    found = [outcome(one) for one in layouts]
    assert [one for one in found if one not in ("right", "asks")] == []
    answerable = [said for said, one in zip(found, layouts, strict=True) if not one.open]
    assert answerable.count("right") >= 0.95 * len(answerable)
