"""Until when a ledger is whole: by the case file, by the server's clock, else by its last entry."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from credit_forensics.case_file import LedgerSection
from credit_forensics.databases.read_only import ReadOnlyDatabase
from credit_forensics.errors import CaseError
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers.load import cover_ledger
from credit_forensics.evidence.ledgers.read_until import read_until

NOW = dt.datetime(2025, 9, 10, 12, tzinfo=dt.UTC)


class Server(ReadOnlyDatabase):
    """A database whose clock stands still."""

    def __init__(self, dialect: str) -> None:
        self.dialect = dialect

    def fetch_row(self, query: str) -> tuple[object, ...]:
        return (NOW,)


@pytest.mark.parametrize(
    ("dialect", "until", "expected"),
    [
        ("postgresql", None, NOW - dt.timedelta(hours=1)),
        ("sqlite", None, None),
        ("sqlite", dt.date(2025, 9, 9), dt.datetime(2025, 9, 9, tzinfo=dt.UTC)),
        ("postgresql", "2025-09-09T08:00:00+02:00", dt.datetime(2025, 9, 9, 6, tzinfo=dt.UTC)),
    ],
)
def test_a_server_has_a_clock_a_file_has_none(dialect, until, expected):
    section = LedgerSection(url="sqlite:///ledger.db", until=until)
    assert read_until(Server(dialect), section) == expected


def test_what_is_no_time_is_refused():
    section = LedgerSection(url="sqlite:///ledger.db", until="soon")
    with pytest.raises(CaseError, match="no date or time"):
        read_until(Server("sqlite"), section)


@pytest.mark.parametrize(
    ("until", "last"),
    [(None, "2025-09-02"), (NOW, "2025-09-10 12:00"), (dt.datetime(2025, 9, 1), "2025-09-02")],
)
def test_the_span_reaches_until_then_and_no_less_than_the_last_entry(until, last):
    evidence = Evidence()
    times = pd.to_datetime(["2025-09-01", "2025-09-02"], utc=True)
    evidence.add("ledger", pd.DataFrame({"entry_id": ["1", "2"], "created_at": times}))
    evidence.ledger_until = until
    cover_ledger(evidence)
    assert evidence.spans["last_at"].tolist() == [pd.Timestamp(last, tz="UTC")]
