"""Groups what lines state into deliveries: by request, by event or payment, else by nearness.

A line that names another event never joins a delivery. The same sentence about the same event
once more is a new delivery: Stripe tried again. What cannot be placed makes no delivery, but for
a signature that was refused and a request to the webhook's path, which are deliveries without a
name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from credit_forensics.evidence.logs.delivery import Delivery
from credit_forensics.evidence.logs.generic_wording import Clue

# A request is answered within this; a retry of Stripe's comes later.
LONGEST_REQUEST = 900_000_000
NEAR = 120_000_000
_SAME_BREATH = 2_000_000
_GRAVER = {"handler_error": 0, "ignored": 1, "acknowledged": 1}
_MOST_OPEN = 64
_CLOSE = 10_000_000
_OF_PAYMENTS = frozenset({"credited", "resolution_failed", "no_credits", "duplicate"})
_PAYING = ("checkout.session", "invoice.pa", "payment_intent.succeeded", "charge.succeeded")


def _rank(event_type: str | None) -> int:
    """How likely events of a type are to give credits; unnamed ones may be of any type."""
    if event_type is None:
        return 0
    return next((at for at, head in enumerate(_PAYING) if event_type.startswith(head)), 9)


@dataclass(slots=True, eq=False)
class _Group:
    """One delivery on its way."""

    delivery: Delivery
    first: int
    last: int
    request: str | None = None
    event_type: str | None = None
    status: int | None = None
    shapes: set[str] = field(default_factory=set)
    payment_ids: set[str] = field(default_factory=set)


def group(clues: Iterable[Clue]) -> list[Delivery]:
    """The deliveries that clues in the order of time make, in the order of their first lines."""
    rows = list(clues)
    requests = _requests(rows)
    reader = _Grouping()
    for clue, request in zip(rows, requests, strict=True):
        reader.take(clue, request)
    return [_ended(group_) for group_ in reader.groups]


def _requests(clues: list[Clue]) -> list[str | None]:
    """The request id of each clue: one that several share, within the time that one may take.

    What a line has in brackets may be its thread, which takes one request after another: then it
    opens several.
    """
    spans: dict[str, tuple[int, int]] = {}
    counts: Counter[str] = Counter()
    opened: dict[str, set[str]] = {}
    threads: set[str] = set()
    # The account that a line names may look like a request, and is none.
    offered = [
        [c.line.request] if c.line.request else [t for t in c.line.tokens if t != c.user_id]
        for c in clues
    ]
    for clue, values in zip(clues, offered, strict=True):
        for value in dict.fromkeys(values):
            counts[value] += 1
            if clue.line.time is not None:
                first, last = spans.get(value, (clue.line.time, clue.line.time))
                spans[value] = min(first, clue.line.time), max(last, clue.line.time)
            if clue.opens and clue.line.request is None:
                shapes = opened.setdefault(value, set())
                if clue.shape in shapes:
                    threads.add(value)
                shapes.add(clue.shape)
    found: list[str | None] = []
    for clue, values in zip(clues, offered, strict=True):
        good = [
            value
            for value in values
            if counts[value] > 1
            and value not in threads
            and (value == clue.line.request or _short(spans.get(value), counts[value]))
        ]
        found.append(good[0] if good else None)
    return found


def _short(span: tuple[int, int] | None, count: int) -> bool:
    return span is not None and span[1] - span[0] <= LONGEST_REQUEST and count <= 60


class _Grouping:
    def __init__(self) -> None:
        self.groups: list[_Group] = []
        self._by_request: dict[str, _Group] = {}
        self._by_event: dict[str, _Group] = {}
        self._by_payment: dict[str, _Group] = {}
        self._recent: list[_Group] = []
        self._clock = 0

    def take(self, clue: Clue, request: str | None) -> None:
        time = clue.line.time
        self._clock = self._clock if time is None else time
        found = self._owner(clue, request)
        if found is None:
            return
        _apply(found, clue, self._clock)
        if request:
            found.request = found.request or request
            self._by_request[request] = found
        if clue.event_id:
            self._by_event[clue.event_id] = found
        if clue.payment_id:
            self._by_payment[clue.payment_id] = found
        if self._recent and self._recent[-1] is found:
            return
        if found in self._recent:
            self._recent.remove(found)
        self._recent = [*self._recent[-_MOST_OPEN:], found]

    def _owner(self, clue: Clue, request: str | None) -> _Group | None:
        if clue.aside:
            return self._asking(request)
        if request:
            known = self._by_request.get(request)
            # What stands in brackets may be a thread or an instance, which takes others after.
            sure = request == clue.line.request
            if (
                known is not None
                and self._within(known, LONGEST_REQUEST)
                and _agrees(known, clue)
                and (sure or not self._another(known, clue))
            ):
                return known
        for index, value in ((self._by_event, clue.event_id), (self._by_payment, clue.payment_id)):
            known = index.get(value) if value else None
            if known is not None and self._goes_on(known, clue, request):
                return known
        near = self._near(clue, request)
        if near is not None:
            return near
        posted = clue.http is not None and clue.http.method == "POST"
        refused = clue.signature is False
        if posted and not clue.event_id and not refused and self._waiting(clue, request):
            # It is the answer to one of several, and makes none of its own.
            return None
        named = clue.event_id or clue.payment_id or (clue.event_type and clue.begins)
        return self._new(clue) if named or refused or posted else None

    def _asking(self, request: str | None) -> _Group | None:
        """The delivery of a request that has not ended yet."""
        known = self._by_request.get(request) if request else None
        if known is None or known.delivery.outcome or not self._within(known, LONGEST_REQUEST):
            return None
        return known

    def _another(self, known: _Group, clue: Clue) -> bool:
        """Whether a line begins another request: a signature is checked before all else."""
        delivery = known.delivery
        if clue.signature is False:
            begun = delivery.event_id or known.payment_ids
            ended = delivery.outcome not in (None, "signature_refused", "handler_error")
            return bool(begun or ended) or not self._within(known, _CLOSE)
        return delivery.outcome == "signature_refused" and bool(clue.event_id or clue.opens)

    def _within(self, known: _Group, span: int) -> bool:
        return self._clock - known.last <= span

    def _goes_on(self, known: _Group, clue: Clue, request: str | None) -> bool:
        """Whether a line about an event is still of the delivery that named it last."""
        delivery = known.delivery
        if not self._within(known, LONGEST_REQUEST) or not _agrees(known, clue):
            return False
        if request and known.request and request != known.request:
            return False
        if clue.shape in known.shapes and (clue.opens or clue.outcome):
            return False
        told = delivery.outcome
        if told and clue.outcome and told != clue.outcome and not self._within(known, _SAME_BREATH):
            return False
        ended = told is not None or known.status is not None
        if ended and clue.opens and clue.http is None:
            return self._within(known, _SAME_BREATH) and delivery.outcome is None
        return True

    def _near(self, clue: Clue, request: str | None) -> _Group | None:
        """The one delivery near by that can have gone on with this; None among several."""
        waiting = self._waiting(clue, request)
        if clue.event_id and clue.http is None:
            # What names an event goes on only with a request that has no name yet.
            waiting = [g for g in waiting if not g.delivery.event_id]
        if clue.signature is False:
            waiting = [g for g in waiting if not g.delivery.event_id and not g.payment_ids]
        if clue.outcome in _OF_PAYMENTS and len(waiting) > 1:
            best = min(_rank(g.event_type) for g in waiting)
            waiting = [g for g in waiting if _rank(g.event_type) == best]
        recent = [g for g in waiting if self._within(g, _CLOSE)]
        waiting = recent or waiting[:1]
        return waiting[0] if len(waiting) == 1 else None

    def _waiting(self, clue: Clue, request: str | None) -> list[_Group]:
        """Deliveries near by that lack what the line states, the latest first."""
        found: list[_Group] = []
        for known in reversed(self._recent):
            if not self._within(known, NEAR):
                break
            other = request and known.request and request != known.request
            if not other and _agrees(known, clue) and self._lacks(known, clue):
                found.append(known)
        return found

    def _lacks(self, known: _Group, clue: Clue) -> bool:
        if clue.http is not None and clue.outcome is None:
            return known.status is None
        if clue.outcome is not None:
            return known.delivery.outcome is None
        if clue.opens:
            return known.delivery.outcome is None and clue.shape not in known.shapes
        if clue.payment_id:
            return known.delivery.outcome is None and not known.payment_ids
        return known.delivery.signature_valid is None and known.delivery.outcome is None

    def _new(self, clue: Clue) -> _Group:
        delivery = Delivery(line=clue.line.number, time=clue.line.time)
        made = _Group(delivery, self._clock, self._clock)
        self.groups.append(made)
        return made


def _agrees(known: _Group, clue: Clue) -> bool:
    """Whether no id of the line contradicts the delivery's."""
    if clue.event_id and known.delivery.event_id not in (None, clue.event_id):
        return False
    if clue.event_type and known.event_type and clue.event_type != known.event_type:
        return False
    payment = clue.payment_id
    if not payment or not known.payment_ids or payment in known.payment_ids:
        return True
    # A session and its intent may both be named; two sessions may not.
    return all(one[:3] != payment[:3] for one in known.payment_ids)


def _apply(known: _Group, clue: Clue, clock: int) -> None:
    d = known.delivery
    d.time = clue.line.time if d.time is None else d.time
    d.line = min(d.line, clue.line.number)
    d.event_id = d.event_id or clue.event_id
    if clue.payment_id:
        known.payment_ids.add(clue.payment_id)
    known.event_type = known.event_type or clue.event_type
    d.customer_id = d.customer_id or clue.customer_id
    if clue.outcome is not None and (
        d.outcome is None or _GRAVER.get(d.outcome, 3) < _GRAVER.get(clue.outcome, 3)
    ):
        d.outcome = clue.outcome
        d.error = clue.error or d.error
        if clue.outcome == "credited":
            d.credits = clue.credits if clue.credits is not None else d.credits
            d.user_id = clue.user_id or d.user_id
    d.user_id = d.user_id or clue.user_id
    if clue.signature is not None and d.signature_valid is None:
        d.signature_valid = clue.signature
    if clue.http is not None:
        known.status = known.status or clue.http.status
    known.shapes.add(clue.shape)
    known.last = max(known.last, clock)


def _ended(known: _Group) -> Delivery:
    """A delivery as it is put into the table; its answer decides where no words did."""
    d = known.delivery
    d.request_id = known.request
    payments = sorted(known.payment_ids, key=lambda one: (not one.startswith("cs_"), one))
    # An intent names the payment less surely than the event does.
    if payments and (payments[0].startswith("cs_") or d.event_id is None):
        d.payment_id = payments[0]
    if d.outcome is None:
        d.outcome = _answered(known.status)
    elif d.outcome == "credited" and known.status is not None and known.status >= 500:
        d.error = d.error or f"answered {known.status}"
    if d.outcome != "credited":
        d.credits = None
    return d


def _answered(status: int | None) -> str:
    if status is None:
        return "received"
    if status == 404:
        return "not_found"
    return "acknowledged" if status < 400 else "handler_error"
