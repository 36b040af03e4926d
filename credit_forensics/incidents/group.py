"""Groups findings that hang together into incidents: one kind, one cause, one stretch of time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.compute as pc

from credit_forensics.engines.arrow_to_pandas import to_pandas
from credit_forensics.findings.finding import SEVERITIES
from credit_forensics.incidents.burst_marks import Marks
from credit_forensics.incidents.dated_bursts import date_runs
from credit_forensics.incidents.timeline import Timeline
from credit_forensics.money import money_text
from credit_forensics.tables.catalogue import conform

Numbers = npt.NDArray[np.int64]
_KIND = ["finding", "cause"]
_STRETCH = [*_KIND, "burst", "run"]
_ORDER = [*_KIND, "created_at", "payment_id", "event_id", "credited_user_id", "explanation"]
_READ = [
    *_KIND,
    "severity",
    "created_at",
    "payment_id",
    "credited_user_id",
    "rightful_user_id",
    "credits",
    "amount",
    "currency",
]
_LEAST_GAP = pd.Timedelta(hours=6)
_LONGEST_GAP = pd.Timedelta(days=7)
_GAP_FACTOR = 10
_DATED = ["onset", "onset_low", "onset_high", "end", "end_low", "end_high", "ongoing"]


def with_incidents(
    findings: pd.DataFrame,
    payments: pd.DataFrame | Timeline | None = None,
    marks: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The findings, each with its ``incident_id``, and the incidents, the gravest first.

    Findings of one name and cause are one incident until a pause: longer than ten times the
    median pause between findings of that name and cause, though never one under six hours and
    always one over seven days. Those without a time (an unreadable balance) are one incident of
    their own, with neither onset nor end.

    Parameters
    ----------
    findings
        rows of the table ``findings``.
    payments
        ``payment_id`` and ``created_at`` of all payments that could have been hit, or their
        ``Timeline``. With them, bursts in the share of payments hit are dated first (see
        ``onset.date_bursts``), each is an incident with an interval for onset and end, in the
        payments' own times, and only what lies outside all bursts is grouped by pauses.
    marks
        ``payment_id``, ``value`` and ``carriers`` of payments hit: what they have (a front-end
        version), and how many payments have the same. With them, bursts that follow each other
        without a pause are told apart (see ``burst_marks``).

    Returns
    -------
    tuple
        the findings, and the table ``incidents``: ``users`` counts the rightful accounts, or the
        credited ones where none is named; ``credits`` sums absolute values. ``amount`` counts each
        payment once, and is empty where currencies are mixed, since minor units of two currencies
        do not add.

    Examples
    --------
    >>> found = pd.DataFrame({
    ...     "finding": "orphan_credit", "cause": "no_event", "severity": "high", "credits": [5, 7],
    ...     "created_at": pd.to_datetime(["2025-09-01", "2025-09-02"], utc=True)})
    >>> with_incidents(found)[1][["findings", "credits"]].values.tolist()
    [[2, 12]]
    """
    table = conform("findings", findings)
    table = table.set_column(
        table.column_names.index("cause"), "cause", pc.fill_null(table["cause"], "")
    )
    order = pc.sort_indices(table, sort_keys=[(name, "ascending") for name in _ORDER])
    found = to_pandas(table)
    if found.empty:
        found.insert(0, "incident_id", "")
        return found, to_pandas(conform("incidents", pd.DataFrame()))
    found = found.take(order.to_numpy()).reset_index(drop=True)
    # Of many findings the texts are most, and incidents need few of the columns.
    rows = found[_READ].assign(burst=0)
    bursts = pd.DataFrame(columns=[*_KIND, "burst", *_DATED])
    if payments is not None:
        timeline = payments if isinstance(payments, Timeline) else Timeline.of(payments)
        rows["burst"], bursts = _bursts(rows, timeline, marks)
    rows["run"] = _runs(rows)
    incidents = _summed(rows, bursts)
    ids = rows[_STRETCH].merge(incidents[["incident_id", *_STRETCH]], on=_STRETCH, how="left")
    found.insert(0, "incident_id", ids["incident_id"])
    shown = ["incident_id", *_KIND, "severity", *_DATED, "findings", "users", "credits"]
    incidents = incidents[[*shown, "amount", "currency", "summary"]]
    return found, to_pandas(conform("incidents", incidents))


def _runs(rows: pd.DataFrame) -> pd.Series[int]:
    """Number of each row's stretch within its name, cause and burst."""
    keys = [rows["finding"], rows["cause"], rows["burst"]]
    pause = rows.groupby(keys, sort=False)["created_at"].diff()
    typical = pause.groupby(keys, sort=False).transform("median")
    long = (pause > _LEAST_GAP) & ((pause > typical * _GAP_FACTOR) | (pause > _LONGEST_GAP))
    breaks = long & (rows["burst"] == 0)
    runs: pd.Series[int] = breaks.astype("int64").groupby(keys, sort=False).cumsum()
    # Rows without a time must not join the run before them.
    return runs.where(rows["created_at"].notna(), -1)


def _bursts(
    rows: pd.DataFrame, timeline: Timeline, marks: pd.DataFrame | None
) -> tuple[Numbers, pd.DataFrame]:
    """Each row's burst (from 1; 0 outside all), and the dates of the bursts."""
    instants = timeline.instants
    place = rows["payment_id"].map(timeline.places).astype("Int64")
    number = np.zeros(len(rows), dtype=np.int64)
    dated: list[pd.DataFrame] = []
    for _, group in rows[place.notna()].groupby(_KIND, sort=True):
        own = place[group.index].to_numpy(dtype=np.int64)
        flags = np.zeros(len(instants), dtype=np.bool_)
        flags[own] = True
        hit = pd.Series(group["payment_id"].to_numpy(), index=own)
        hit = hit[~hit.index.duplicated()].sort_index()
        found = date_runs(instants, flags, _marks(hit, marks))
        if found.empty:
            continue
        latest = pd.DatetimeIndex(found["onset"]).searchsorted(instants[own], side="right")
        ended = pd.DatetimeIndex(found["end"])[np.maximum(latest - 1, 0)]
        within = (latest > 0) & np.asarray(instants[own] <= ended)
        number[group.index.to_numpy()] = np.where(within, latest, 0)
        kind = group[_KIND].iloc[[0] * len(found)].reset_index(drop=True)
        dated.append(pd.concat([kind, found.assign(burst=found.index + 1)], axis=1))
    columns = [*_KIND, "burst", *_DATED]
    if not dated:
        return number, pd.DataFrame(columns=columns)
    return number, pd.concat(dated, ignore_index=True)[columns]


def _marks(hit: pd.Series[str], marks: pd.DataFrame | None) -> Marks | None:
    """The marks of the payments hit, in their order."""
    if marks is None:
        return None
    known = marks.drop_duplicates("payment_id").set_index("payment_id").reindex(hit)
    return Marks.of(known["value"].reset_index(drop=True), known["carriers"].reset_index(drop=True))


def _summed(rows: pd.DataFrame, bursts: pd.DataFrame) -> pd.DataFrame:
    rows = rows.assign(
        user=rows["rightful_user_id"].fillna(rows["credited_user_id"]),
        rank=rows["severity"].map({name: place for place, name in enumerate(SEVERITIES)}),
        size=rows["credits"].abs(),
    )
    # Several findings may name one payment; its money is at stake once.
    again = rows["payment_id"].notna() & rows.duplicated([*_STRETCH, "payment_id"])
    rows["money"] = rows["amount"].mask(again)
    table = (
        rows.groupby(_STRETCH, sort=True, dropna=False)
        .agg(
            rank=("rank", "min"),
            onset=("created_at", "min"),
            end=("created_at", "max"),
            findings=("finding", "size"),
            users=("user", "nunique"),
            credits=("size", "sum"),
            amount=("money", "sum"),
            currencies=("currency", "nunique"),
            currency=("currency", "min"),
        )
        .reset_index()
    )
    table = table.merge(bursts, on=[*_KIND, "burst"], how="left", suffixes=("", "_dated"))
    for column in ("onset", "end"):
        table[column] = (
            table.pop(f"{column}_dated").astype("datetime64[us, UTC]").fillna(table[column])
        )
    mixed = table["currencies"] > 1
    table["amount"] = table["amount"].mask(mixed)
    table["currency"] = table["currency"].mask(mixed, "mixed")
    table["severity"] = table["rank"].map(dict(enumerate(SEVERITIES)))
    table["incident_id"] = _ids(table)
    table["summary"] = _summaries(table)
    return table.sort_values(["rank", "onset", "incident_id"], kind="stable")


def _ids(table: pd.DataFrame) -> pd.Series[str]:
    when = table["onset"].dt.strftime("%Y%m%dT%H%M%SZ").fillna("undated")
    ids = table["finding"] + "-" + table["cause"].where(table["cause"] != "", "none") + "-" + when
    # Two of one kind within one second, so the ids stay unique.
    number = ids.groupby(ids).cumcount()
    unique: pd.Series[str] = ids.where(number == 0, ids + "-" + (number + 1).astype("str"))
    return unique


def _summaries(table: pd.DataFrame) -> pd.Series[str]:
    cause = (" (" + table["cause"] + ")").where(table["cause"] != "", "")
    start = table["onset"].dt.strftime("%Y-%m-%d %H:%M")
    end = table["end"].dt.strftime("%Y-%m-%d %H:%M")
    span = (", from " + start + " to " + end + " UTC").fillna("")
    low = table["onset_low"].astype("datetime64[us, UTC]").dt.strftime("%Y-%m-%d %H:%M")
    high = table["onset_high"].astype("datetime64[us, UTC]").dt.strftime("%Y-%m-%d %H:%M")
    began = (" (it began between " + low + " and " + high + ")").fillna("")
    going = pd.Series("", index=table.index).mask(
        table["ongoing"].astype("boolean").fillna(False), "; it may still go on"
    )
    amounts = zip(table["amount"], table["currency"], strict=True)
    money = pd.Series(
        ["" if pd.isna(a) or pd.isna(c) else f" and {money_text(a, c)}" for a, c in amounts],
        index=table.index,
        dtype="str",
    )
    money = money.mask(table["currency"] == "mixed", " and amounts in several currencies")
    summary: pd.Series[str] = (
        table["finding"]
        + cause
        + ": "
        + table["findings"].astype("str")
        + " finding"
        + pd.Series("s", index=table.index).where(table["findings"] != 1, "")
        + span
        + began
        + going
        + "; accounts hit: "
        + table["users"].astype("str")
        + "; at stake: "
        + table["credits"].astype("str")
        + " credits"
        + money
        + "."
    )
    return summary
