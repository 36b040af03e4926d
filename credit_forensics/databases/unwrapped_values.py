"""Values of exported documents, without what MongoDB, Firestore and DynamoDB wrap them in."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

_EXACT_DIGITS = 15
_SCALARS = {
    "$oid", "$uuid", "$symbol", "stringValue", "timestampValue", "referenceValue", "booleanValue",
    "bytesValue",
}  # fmt: skip
_WHOLE = {"$numberLong", "$numberInt", "integerValue"}
_NANOSECONDS = {"_nanoseconds", "nanoseconds", "nanos"}
_DECIMALS = {"$numberDecimal", "$numberDouble", "doubleValue"}
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
# DynamoDB's types, each with the values that JSON has for it.
_DYNAMO: dict[str, type] = {
    **dict.fromkeys(("S", "B"), str),
    **dict.fromkeys(("BOOL", "NULL"), bool),
    **dict.fromkeys(("L", "SS", "NS", "BS"), list),
    "M": dict,
}


def plain_value(value: Any) -> Any:
    """A value without the wrapping of MongoDB and Firestore.

    Examples
    --------
    >>> plain_value({"$numberDecimal": "12.50"})
    12.5
    >>> plain_value({"$date": {"$numberLong": "1756737547250"}})
    '2025-09-01T14:39:07.250000+00:00'
    >>> plain_value({"mapValue": {"fields": {"a": {"integerValue": "7"}}}})
    {'a': 7}
    """
    if isinstance(value, list):
        return [plain_value(one) for one in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((key, inner),) = value.items()
        if key in _SCALARS:
            return inner
        if key in _WHOLE:
            return int(inner)
        if key in _DECIMALS:
            digits = sum(c.isdigit() for c in str(inner))
            return float(inner) if digits <= _EXACT_DIGITS else str(inner)
        if key == "$date":
            return _moment(plain_value(inner))
        if key == "nullValue":
            return None
        if key == "mapValue":
            return plain_value(inner.get("fields", {}))
        if key == "arrayValue":
            return plain_value(inner.get("values", []))
    if "__datatype__" in value and "value" in value:
        return plain_value(value["value"])
    seconds = value.get("_seconds", value.get("seconds"))
    if len(value) == 2 and isinstance(seconds, int) and value.keys() & _NANOSECONDS:
        return _moment(seconds * 1000)
    return {key: plain_value(one) for key, one in value.items()}


def _moment(value: Any) -> Any:
    if not isinstance(value, int):
        return value
    try:
        return (
            dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(milliseconds=value)
        ).isoformat()
    except OverflowError:
        return str(value)


def is_of_dynamo(value: Any) -> bool:
    """Whether a value is wrapped in a type of DynamoDB's."""
    if not isinstance(value, dict) or len(value) != 1:
        return False
    ((kind, inner),) = value.items()
    if kind == "N":
        return isinstance(inner, str) and _NUMBER.fullmatch(inner) is not None
    return kind in _DYNAMO and isinstance(inner, _DYNAMO[kind])


def plain_of_dynamo(value: dict[str, Any]) -> Any:
    """A value without DynamoDB's type.

    Examples
    --------
    >>> plain_of_dynamo({"M": {"credits": {"N": "200"}, "tags": {"L": [{"S": "a"}]}}})
    {'credits': 200, 'tags': ['a']}
    """
    ((kind, inner),) = value.items()
    if kind == "N":
        exact = inner.lstrip("-").isdigit()
        return int(inner) if exact else plain_value({"$numberDecimal": inner})
    if kind == "M":
        return {key: _plain_within(one) for key, one in inner.items()}
    if kind == "L":
        return [_plain_within(one) for one in inner]
    return None if kind == "NULL" else inner


def _plain_within(value: Any) -> Any:
    return plain_of_dynamo(value) if is_of_dynamo(value) else plain_value(value)
