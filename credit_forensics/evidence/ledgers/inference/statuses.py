"""Which rows of a table of entries never counted: deleted, inactive, failed or pending ones."""

from __future__ import annotations

from dataclasses import dataclass

from credit_forensics.evidence.ledgers.inference import words as w
from credit_forensics.evidence.ledgers.inference.samples import Field, SampledTable
from credit_forensics.evidence.ledgers.inference.signs import RETURNED

_TRUE = {"true", "t", "1", "yes", "y"}
_FALSE = {"false", "f", "0", "no", "n"}


@dataclass(frozen=True)
class State:
    """A column that says whether a row counts.

    ``kind`` is flag, moment, status, asset, or document (Frappe's ``docstatus``: 0 a draft, 1
    submitted, 2 cancelled).

    ``counts`` maps each value to whether its rows count; None where its words do not say.
    """

    field: Field
    kind: str
    good_when: bool = True

    def counts(self, value: str | None) -> bool | None:
        """Whether a row with this value counts.

        Examples
        --------
        >>> status = State(Field("status", "text", ()), "status")
        >>> [status.counts(value) for value in ("completed", "FAILED", "reversed", "blue", None)]
        [True, False, False, None, None]
        """
        if self.kind == "moment":
            return value is None
        if self.kind == "flag":
            if value is None:
                return not self.good_when
            truth = value.lower() in _TRUE
            return truth == self.good_when if value.lower() in _TRUE | _FALSE else None
        if self.kind == "document":
            return value == "1"
        own = set(w.words(value or ""))
        if self.kind == "asset":
            if value is not None and own & w.UNIT:
                return True if self.good_when else None
            return value is None
        bad, good = bool(own & w.STATUS_BAD), bool(own & w.STATUS_GOOD)
        # "refund_pending" is not a pending purchase, nor "refund_completed" one that stands.
        if bad == good or own & (RETURNED | {"not", "un", "partial", "partially"}):
            return None
        return good


def states_of(table: SampledTable) -> list[State]:
    """The columns that say whether a row counts."""
    found = [state for field in table.columns if (state := _asset(field)) is not None]
    for field in table.columns:
        own = field.words
        two = {value.lower() for value in field.values} <= _TRUE | _FALSE
        flag = (
            field.type.startswith("bool")
            or field.type == "tinyint(1)"
            or (bool(field.values) and two)
        )
        if field.is_time or (not field.values and own & {"at", "on"}):
            if own & (w.FLAG_BAD - {"pending", "draft"}) and not own & {"expired"}:
                found.append(State(field, "moment"))
        elif field.column.lower() == "docstatus":
            found.append(State(field, "document"))
        elif flag and own & w.FLAG_BAD:
            found.append(State(field, "flag", good_when=False))
        elif flag and own & w.FLAG_GOOD:
            found.append(State(field, "flag"))
        elif own & w.STATUS and not own & {"subscription", "order"} and len(field.values) <= 30:
            found.append(State(field, "status"))
    return found


def _asset(field: Field) -> State | None:
    """What a row moves, where one table holds credits beside money or points of another kind.

    Several that may be the credits are several questions; several currencies of money are none.
    """
    if not field.words & {"asset", "currency", "unit"} or field.is_json or field.numbers:
        return None
    units = [value for value in field.values if set(w.words(value)) & w.UNIT]
    if not 2 <= len(field.values) <= 30 or not units:
        return None
    return State(field, "asset", good_when=len(units) == 1)
