"""Says until when a ledger is known to be whole, so that what it lacks before then is not there."""

from __future__ import annotations

import datetime as dt

from credit_forensics.case_file import LedgerSection
from credit_forensics.databases.read_only import ReadOnlyDatabase, UnreadableError
from credit_forensics.errors import CaseError

BEFORE_THE_READING = dt.timedelta(hours=1)
"""A handler may still book what was paid in the last hour: Stripe retries within it."""


def read_until(database: ReadOnlyDatabase, section: LedgerSection) -> dt.datetime | None:
    """Until when a ledger is whole: what ``[ledger] until`` says, else the server's own clock.

    A server is whole until an hour before the snapshot that is read. A file has no clock: when
    it was copied its modification time does not tell (a copy is younger than what it holds), so
    without ``until`` it covers the time until its last entry and no more: nothing.

    Raises
    ------
    CaseError
        when ``until`` is neither a date nor a time.
    """
    if section.until is not None:
        return moment(section.until)
    if database.dialect != "postgresql":
        return None
    try:
        (now,) = database.fetch_row("SELECT transaction_timestamp()")
    except UnreadableError:
        return None
    return now.astimezone(dt.UTC) - BEFORE_THE_READING if now else None


def moment(value: object) -> dt.datetime:
    """A date (its beginning) or a time of the case file, in UTC where it names no zone.

    Examples
    --------
    >>> moment("2025-10-01T12:00:00+02:00").isoformat(), moment(dt.date(2025, 10, 1)).isoformat()
    ('2025-10-01T10:00:00+00:00', '2025-10-01T00:00:00+00:00')
    """
    try:
        if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
            value = dt.datetime(value.year, value.month, value.day, tzinfo=dt.UTC)
        time = value if isinstance(value, dt.datetime) else dt.datetime.fromisoformat(str(value))
    except ValueError:
        raise CaseError(f"ledger.until is no date or time: {value!r}.") from None
    return time.astimezone(dt.UTC) if time.tzinfo else time.replace(tzinfo=dt.UTC)
