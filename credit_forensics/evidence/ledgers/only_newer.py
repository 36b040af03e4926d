"""Makes the reads of a ledger smaller: what is new since the last one, with an overlap.

Entries are told new by a counting id, else by their time; accounts and bindings by their time;
balances are read for the accounts that moved. Where a table has none of these it is read whole.
Rows that changed without moving any of them are seen when everything is read again.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass

from credit_forensics.databases.read_only import ReadOnlyDatabase
from credit_forensics.evidence.ledgers.read_plan import Read

# Ids are drawn before their transactions commit, so a smaller one can appear later.
ID_OVERLAP = 2_000
TIME_OVERLAP = dt.timedelta(days=1)
TIMES = {"users": "created_at", "customers": "bound_at", "entries": "created_at"}
_MOST_USERS = 5_000
_UUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


@dataclass(frozen=True)
class Since:
    """What is kept of a ledger: its greatest counting id, and the latest time of each part."""

    greatest_id: int | None
    latest: dict[str, dt.datetime]


def narrow_read(
    database: ReadOnlyDatabase, read: Read, since: Since, users: Sequence[str]
) -> Read | None:
    """The read of what is new: the read itself where that cannot be told, none where nothing is.

    Parameters
    ----------
    users
        accounts whose balances are wanted.
    """
    columns = dict(database.describe(read.query))
    if read.part == "balances":
        if not users:
            return None
        condition = _among(database, columns, users)
    elif read.part == "entries" and since.greatest_id is not None:
        condition = rows_above(database, columns, since.greatest_id - ID_OVERLAP)
    else:
        condition = ""
    if not condition and read.part in TIMES and read.part in since.latest:
        column = TIMES[read.part]
        condition = rows_after(database, columns, column, since.latest[read.part] - TIME_OVERLAP)
    if not condition:
        return read
    query = f"SELECT * FROM (\n{read.query}\n) AS part WHERE {condition}"
    return Read(read.part, read.label, query, read.own)


def rows_above(database: ReadOnlyDatabase, columns: dict[str, str], least: int) -> str:
    """SQL for the entries with an id above one; none where ids do not count."""
    if database.dialect == "sqlite":
        # Whatever is no number is greater than any, so nothing is left out by mistake.
        return f"entry_id > {least}" if "entry_id" in columns else ""
    counting = columns.get("entry_id", "") in ("int2", "int4", "int8")
    return f"entry_id > {least}" if counting else ""


def rows_after(
    database: ReadOnlyDatabase, columns: dict[str, str], column: str, moment: dt.datetime
) -> str:
    """SQL for the rows from a moment on, those without a time too; none where there is no time."""
    if column not in columns:
        return ""
    if database.dialect == "sqlite":
        # ISO text of any make sorts by its date; what is no text is read every time.
        day = (moment - dt.timedelta(days=1)).date().isoformat()
        return f"(typeof({column}) <> 'text' OR {column} >= '{day}')"
    kind = columns[column]
    if kind not in ("timestamptz", "timestamp"):
        return ""
    return f"({column} >= '{moment.isoformat()}'::timestamptz OR {column} IS NULL)"


def _among(database: ReadOnlyDatabase, columns: dict[str, str], users: Sequence[str]) -> str:
    if len(users) > _MOST_USERS:
        return ""
    kind = columns.get("user_id", "")
    wanted = list(users)
    if kind in ("int2", "int4", "int8"):
        wanted = [user for user in users if re.fullmatch(r"-?\d{1,18}", user)]
    elif kind == "uuid":
        wanted = [user for user in users if re.fullmatch(_UUID, user)]
    listed = ", ".join("'" + user.replace("'", "''") + "'" for user in wanted)
    return f"user_id IN ({listed})" if listed else "1 = 0"
