"""Finds the records of a log inside whatever document a platform exports them in.

Lists, answers of queries, pairs of a time and a line, records whose message is a record itself:
each becomes a plain record of fields. What those fields are is told by `container_fields`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from credit_forensics.evidence.logs.container_fields import (
    DEEPEST,
    MESSAGES,
    METHODS,
    PATHS,
    REQUESTS,
    STATUSES,
    WENT_WRONG,
    Record,
    flatten,
    folded,
    message_of,
    time_of,
)
from credit_forensics.evidence.logs.times import TimeReader

_LONGEST = 1 << 20
_CRUMBS = re.compile(r"breadcrumb", re.IGNORECASE)
_DECODER = json.JSONDecoder()


def records_in(value: Any) -> Iterator[Record]:
    """The records of a document: of lists, of lists in it, of pairs of a time and a line.

    What stands beside an inner list (a request, its answer) belongs to each of its records. A
    record whose message is itself a record becomes one with it.

    Examples
    --------
    >>> list(records_in({"data": [{"attributes": {"message": "a", "timestamp": 1756764000}}]}))
    [{'attributes': {'message': 'a', 'timestamp': 1756764000}}]
    >>> list(records_in({"values": [["1756764000000000000", "a"]], "stream": {"app": "x"}}))
    [{'timestamp': '1756764000000000000', 'message': 'a'}]
    """
    yield from _records(value, {}, 0)


def _records(value: Any, context: Record, depth: int) -> Iterator[Record]:
    if depth > DEEPEST:
        return
    if isinstance(value, list):
        if pairs := _as_pair(value) or _as_fields(value):
            yield {**context, **pairs}
            return
        for part in value:
            if isinstance(part, (dict, list)):
                yield from _records(part, context, depth + 1)
        return
    if (rows := _as_rows(value)) is not None:
        for row in rows:
            yield from _records(row, context, depth + 1)
        return
    record = with_nested(value)
    inner = [part for part in record.values() if _holds_records(part)]
    deeper = [part for part in record.values() if isinstance(part, dict)]
    crumbs = [
        part
        for name, held in record.items()
        if isinstance(held, dict) and _CRUMBS.search(name)
        for part in held.values()
        if _holds_records(part)
    ]
    if crumbs and not inner:
        # What was said before an event stands beside what it was.
        for part in crumbs:
            yield from _records(part, context, depth + 1)
        rest = {name: held for name, held in record.items() if not _CRUMBS.search(name)}
        yield {**context, **rest}
        return
    if inner:
        beside = {**context, **_beside(record)}
        for part in inner:
            yield from _records(part, beside, depth + 1)
        if any(name in _names(record) for name in ("message", "msg", "textpayload")):
            yield {**context, **record}
        return
    if not _has_text(record):
        holders = [part for part in deeper if any(map(_holds_records, _deep(part)))]
        for part in holders:
            yield from _records(part, context, depth + 1)
        if holders:
            return
    yield {**context, **record}


def with_nested(record: Record) -> Record:
    """A record with the record that its message is, if it is one.

    Examples
    --------
    >>> with_nested({"log": '{"msg": "paid"}', "time": "t"})
    {'time': 't', 'msg': 'paid'}
    >>> with_nested({"payload": "evt_1", "exception": '{"message": "no such user"}'})
    {'payload': 'evt_1', 'exception': '{"message": "no such user"}'}
    """
    for _ in range(3):
        for name, value in record.items():
            if WENT_WRONG.search(name) or not isinstance(value, str):
                continue
            if (inner := json_object(value)) is not None:
                rest = {k: v for k, v in record.items() if k != name}
                record = {**rest, **inner} if _has_text(inner) else record
                if _has_text(inner):
                    break
        else:
            return record
    return record


def json_object(text: str) -> Record | None:
    """The JSON object that a text is, or None; escaped once more than it should be, too."""
    text = text.strip()
    if not (text.startswith("{") and text.endswith("}")) or len(text) > _LONGEST:
        return None
    for form in (text, text.replace('\\"', '"') if text.startswith('{\\"') else ""):
        try:
            found = _DECODER.decode(form)
        except (ValueError, RecursionError):
            continue
        return found if isinstance(found, dict) else None
    return None


def _names(record: Record) -> set[str]:
    return {folded(key) for key in record}


def _has_text(record: Record) -> bool:
    names = _names(record)
    return any(name in names for name in MESSAGES[:8]) or any(n in names for n in STATUSES[:5])


def _as_pair(value: list[Any]) -> Record | None:
    """``[time, line]``, with or without labels after it."""
    if len(value) not in (2, 3) or not isinstance(value[1], str) or isinstance(value[0], list):
        return None
    moment = TimeReader().value(value[0])
    return None if moment is None else {"timestamp": value[0], "message": value[1]}


def _as_rows(value: Record) -> list[Record] | None:
    """``{"columns": [{"name": …}, …], "rows": [[…], …]}``: a table's answer to a query."""
    names, rows = value.get("columns"), value.get("rows")
    if not isinstance(names, list) or not isinstance(rows, list) or not names or not rows:
        return None
    called: list[str] = []
    for one in names:
        name = one.get("name") if isinstance(one, dict) else one
        if not isinstance(name, str):
            return None
        called.append(name)
    return [
        dict(zip(called, row, strict=False))
        for row in rows
        if isinstance(row, list) and len(row) == len(called)
    ]


def _as_fields(value: list[Any]) -> Record | None:
    """``[{"field": …, "value": …}, …]``."""
    found: Record = {}
    for part in value:
        if not isinstance(part, dict) or "value" not in part or len(part) > 3:
            return None
        name = part.get("field") or part.get("key") or part.get("name")
        if not isinstance(name, str):
            return None
        found[name] = part["value"]
    return found or None


def _holds_records(value: Any) -> bool:
    """Whether a list holds records: each with a time and a text or an event of Stripe's, or further
    lists of such.
    """
    if isinstance(value, list) and value and isinstance(value[0], dict) and _as_rows(value[0]):
        return True
    if not isinstance(value, list) or not value:
        return False
    part = next((p for p in value[:50] if isinstance(p, (dict, list)) and p), None)
    if isinstance(part, list):
        return bool(_as_pair(part) or _as_fields(part))
    if part is None:
        return False
    if any(_holds_records(inner) for inner in _deep(part)):
        return True
    times = TimeReader()
    fields = flatten(part)
    named = {name: value for _, name, value in fields}
    says = message_of(named) is not None or any(map(_is_event, _deep(part)))
    return says and time_of(named, times) is not None


def _is_event(value: Any) -> bool:
    """Whether it is the body of a delivery of Stripe's."""
    return isinstance(value, dict) and value.get("object") == "event" and "data" in value


def _deep(value: Any, depth: int = 0) -> Iterator[Any]:
    if depth > DEEPEST or not isinstance(value, dict):
        return
    for part in value.values():
        yield part
        yield from _deep(part, depth + 1)


def _beside(record: Record) -> Record:
    """The request and its answer of a record whose lines are inside it; nothing of its outcome."""
    plain = {*REQUESTS, *STATUSES[:5], *METHODS, *PATHS}
    kept: Record = {}
    for key, value in record.items():
        name = folded(key)
        held = isinstance(value, dict) and name in ("request", "response", "event", "proxy")
        if held or (name in plain and isinstance(value, (str, int))):
            kept[str(key)] = value
    return kept
