"""Pulls a window of Stripe's objects through the API into files beside the case.

A restricted key with read permissions is enough; what it may not read becomes a gap and the rest
goes on. The files are those of ``spool``; an analysis reads them, never the API, so it can be
repeated.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from credit_forensics.case_file import CaseFile
from credit_forensics.errors import CaseError
from credit_forensics.evidence.stripe_api import spool
from credit_forensics.evidence.stripe_api import window as pull_window
from credit_forensics.evidence.stripe_api.client import (
    RefusedError,
    StripeLists,
    api_base,
    key_mode,
    open_stripe,
)
from credit_forensics.evidence.stripe_api.pulled_files import pull_folder
from credit_forensics.evidence.stripe_api.spool import (
    GRANTS,
    RESOURCES,
    Spool,
    State,
    Window,
)
from credit_forensics.progress import RowProgress

PAGE = 100

_EXPANDED = {"sessions": ("data.line_items",), "invoices": ("data.payments",)}


@dataclass(frozen=True)
class ResourcePull:
    """One resource after a pull: rows kept, rows and requests of this pull, the time covered."""

    resource: str
    rows: int
    new_rows: int
    requests: int
    since: dt.datetime | None
    until: dt.datetime | None
    problem: str | None


@dataclass(frozen=True)
class PullSummary:
    """What a pull did: the folder, each resource, and the gaps it leaves (rows of ``gaps``)."""

    folder: Path
    resumed: bool
    resources: tuple[ResourcePull, ...]
    gaps: tuple[dict[str, str], ...]

    def __str__(self) -> str:
        lines = [f"{r.resource}: {r.rows} kept, {r.new_rows} new" for r in self.resources]
        return "\n".join(lines + [f"gap: {gap['consequence']}" for gap in self.gaps])


def pull(
    case_file: CaseFile,
    *,
    progress: RowProgress | None = None,
    now: dt.datetime | None = None,
    overlap: dt.timedelta = dt.timedelta(seconds=pull_window.OVERLAP),
    sleep: Callable[[float], None] = time.sleep,
) -> PullSummary:
    """Fetch what the case's window needs and is not kept yet.

    An interrupted pull is resumed with the window it had. A finished one is extended when the
    window has grown (``until`` is absent, or ``since`` is earlier), with two days asked again, so
    that sessions open at the last pull show how they ended. Without an ``overlap`` the files only
    grow at their ends. Refunds and disputes are asked for up
    to now, since money of the window's payments can go back after it.

    Parameters
    ----------
    case_file
        ``[stripe] api_key`` (required), ``since`` and ``until`` (a date, a time, or seconds; a
        date in ``until`` includes that day), ``api_base``.
    progress
        called with the resource and its rows so far, after each page.
    now, sleep
        the clock.
    overlap
        how much of what is covered is asked again.

    Raises
    ------
    CaseError
        when the key is absent, malformed or refused, when Stripe cannot be reached or keeps
        failing, or when the folder cannot be used. What was fetched by then is kept.
    """
    clock = int((now or dt.datetime.now(dt.UTC)).timestamp())
    again = int(overlap.total_seconds())
    mode, base = key_mode(case_file), api_base(case_file)
    names: tuple[str, ...] = RESOURCES
    if any(ledger.stripe_billing for ledger in case_file.all_ledgers):
        names = (*RESOURCES, GRANTS)
    new_rows = dict.fromkeys(names, 0)

    def on_page(name: str, rows: int, total: int) -> None:
        new_rows[name] += rows
        if progress:
            progress(name, total)

    with spool.open_spool(pull_folder(case_file)) as kept, open_stripe(case_file, sleep) as lists:
        state = kept.state
        _same_account(kept, mode, base)
        wanted = pull_window.wanted(case_file, clock, state)
        resumed = state.window is not None and not state.finished
        if resumed and state.window is not None:
            _fetch(names, state.window, clock, kept, lists, on_page=on_page, overlap=again)
        if not resumed or wanted != state.window:
            _fetch(names, wanted, clock, kept, lists, on_page=on_page, overlap=again)
        requests = lists.requests
    if all(state.resources[name].problem for name in names):
        raise CaseError(f"The Stripe key may read none of {', '.join(names)}.")
    return PullSummary(
        folder=kept.folder,
        resumed=resumed,
        resources=tuple(
            _resource_pull(name, state, new_rows[name], requests[name]) for name in names
        ),
        gaps=tuple(pull_window.gaps(state)),
    )


def _fetch(
    names: Sequence[str],
    window: Window,
    clock: int,
    kept: Spool,
    lists: StripeLists,
    *,
    on_page: Callable[[str, int, int], None],
    overlap: int,
) -> None:
    state = kept.state
    state.window, state.finished = window, False
    kept.save()
    for name in names:
        if state.resources[name].round is not None:
            _round(name, kept, lists, on_page)
        for since, until in pull_window.missing(name, window, clock, state, overlap):
            kept.begin(name, since, until)
            if not _round(name, kept, lists, on_page):
                break
    state.finished = True
    kept.save()


def _round(
    name: str, kept: Spool, lists: StripeLists, on_page: Callable[[str, int, int], None]
) -> bool:
    """Fetch the pages of the round under way; false when Stripe refuses them."""
    resource = kept.state.resources[name]
    assert resource.round is not None
    created = {"lt": resource.round.until}
    if resource.round.since:
        created["gte"] = resource.round.since
    params: dict[str, Any] = {"limit": PAGE, "created": created}
    if name == GRANTS:
        # Their list takes no window; it comes newest first, so it ends with the first older one.
        del params["created"]
    if name in _EXPANDED:
        params["expand"] = list(_EXPANDED[name])
    if name == "subscriptions":
        # Without it Stripe leaves out those that ended.
        params["status"] = "all"
    while not resource.round.last:
        if resource.round.cursor:
            params["starting_after"] = resource.round.cursor
        try:
            page = lists.page(name, params)
        except RefusedError as refused:
            if params.pop("expand", None):
                # A key may read sessions and not their prices, invoices and not their payments.
                continue
            kept.refuse(name, refused.reason)
            return False
        rows = _rows(name, page, resource.round.cursor)
        since = resource.round.since if name == GRANTS else 0
        older = any(row.get("created", since) < since for row in rows)
        rows = [row for row in rows if row.get("created", since) >= since]
        kept.keep(name, rows, last=older or not page.get("has_more"))
        on_page(name, len(rows), resource.rows)
    kept.finish(name)
    return True


def _rows(name: str, page: Mapping[str, Any], cursor: str | None) -> list[Mapping[str, Any]]:
    rows = page.get("data")
    good = isinstance(rows, list) and all(
        isinstance(row, dict) and isinstance(row.get("id"), str) for row in rows
    )
    # A page that does not move on would be asked for for ever.
    stuck = page.get("has_more") and (not rows or rows[-1].get("id") == cursor) if good else True
    if not good or stuck:
        raise CaseError(f"Stripe's list of {name} is not a list that can be paged through.")
    assert isinstance(rows, list)
    return rows


def _same_account(kept: Spool, mode: str, base: str) -> None:
    state = kept.state
    if state.livemode and (state.livemode, state.api_base) != (mode, base):
        raise CaseError(
            f"{kept.folder} holds a pull of {state.livemode} mode from {state.api_base}; move it "
            f"away before pulling {mode} mode from {base}."
        )
    state.livemode, state.api_base = mode, base


def _resource_pull(name: str, state: State, new_rows: int, requests: int) -> ResourcePull:
    resource = state.resources[name]
    since, until = (pull_window.moment(second) for second in resource.covered or (0, 0))
    return ResourcePull(
        resource=name,
        rows=resource.rows,
        new_rows=new_rows,
        requests=requests,
        since=since if resource.covered else None,
        until=until if resource.covered else None,
        problem=resource.problem,
    )
