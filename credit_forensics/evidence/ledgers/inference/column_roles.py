"""Which column of a table is the movement, the owner, the time, the type and the words of it."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from credit_forensics.evidence.ledgers.inference import words as w
from credit_forensics.evidence.ledgers.inference.known_values import KnownValues
from credit_forensics.evidence.ledgers.inference.languages import folded
from credit_forensics.evidence.ledgers.inference.samples import Field, SampledTable, stripe_ids

_THEIRS = 0.5
# So many of the rows that name a payment move what was sold, and so many at least.
_SOLD, _LEAST_SOLD = 0.8, 2
# So many digits are no quantity.
_LONG = 15
# So many of the entries move nothing in one column and something in the other.
_APART = 0.05
_NUMERIC = ("int", "numeric", "decimal", "real", "double", "float", "bigint", "smallint", "number")


def is_number(field: Field) -> bool:
    """A column of numbers that are no times."""
    if field.type.startswith(("bool", "json", "time", "date", "uuid", "tinyint(1)")):
        return False
    typed = any(word in field.type for word in _NUMERIC)
    return (typed and not field.values) or bool(field.numbers)


def is_flag(field: Field) -> bool:
    """A column that says whether something holds ("is_credit"), in whatever type."""
    few = {value.lower() for value in field.values} <= {"0", "1", "true", "false", "t", "f"}
    return few and field.words_in_order[:1] in (("is",), ("has",), ("was",))


def amount_score(field: Field, known: KnownValues) -> float:
    """How much a column looks like the credits that an entry moves; 0 or less: not at all."""
    own = field.words
    if not is_number(field) or own & {"id", "uuid", "pk"} or field.is_time or is_flag(field):
        return 0.0
    if any(abs(number) > 10**15 for number in field.numbers):
        return 0.0
    score = 0.0
    score += 3.0 if own & w.CHANGE else 0.0
    score += 3.0 if own & w.UNIT else 0.0
    score += 2.0 if own & (w.AMOUNT | w.ISSUED) else 0.0
    score -= 6.0 if own & (w.NO_AMOUNT - w.AMOUNT) and not own & w.CHANGE else 0.0
    score -= 4.0 if own & {"after", "before", "reserved", "remaining"} else 0.0
    # A change of what is left ("balance_delta") is the movement; of what is held back, no.
    if score <= 0:
        return score
    numbers = field.numbers
    if numbers and all(number == 0 for number in numbers):
        score -= 2.0
    score += 1.5 if any(number < 0 for number in numbers) else 0.0
    positive = {number for number in numbers if number > 0}
    if positive & known.credits:
        score += 1.0
    return score


def best_amount(fields: Iterable[Field], known: KnownValues) -> tuple[Field, float, float] | None:
    """The movement's column, its score, and how far the next one is behind; none if there is none.

    A pair of debit and credit is not looked for here.
    """
    scored = sorted(
        ((amount_score(field, known), field.name, field) for field in fields),
        key=lambda one: (-one[0], one[1]),
    )
    if not scored or scored[0][0] <= 0:
        return None
    behind = scored[1][0] if len(scored) > 1 else 0.0
    best = scored[0][2]
    beside = [f for score, _, f in scored[1:] if score > 0 and _moves_apart(best, f)]
    margin = 0.0 if beside else scored[0][0] - max(behind, 0.0)
    return best, scored[0][0], margin


def amount_by_values(table: SampledTable, known: KnownValues) -> tuple[Field, float, float] | None:
    """The one column of numbers that are what was sold, in the rows that name a payment.

    A shop may sell lessons, exports or messages, whose names no list has.
    """
    texts = [field for field in table.columns if not field.is_time]
    paid = [
        row
        for row in range(table.rows)
        if stripe_ids([f.texts[row] or "" for f in texts], "cs", "pi", "in", "evt")
    ]
    found = []
    for field in table.columns:
        if not is_number(field) or is_flag(field) or field.words & (w.KEY | w.NO_AMOUNT | w.OWNER):
            continue
        moved = [Decimal(field.texts[row] or "0") for row in paid]
        sold = sum(1 for number in moved if abs(number) in known.credits)
        if sold >= _LEAST_SOLD and sold >= _SOLD * len(moved):
            found.append(field)
    return (found[0], 4.0, 4.0) if len(found) == 1 else None


def _moves_apart(one: Field, other: Field) -> bool:
    """Whether another column of credits moves where this one does not: paid ones and free ones."""
    held = {"reserved", "reserve", "hold", "held", "frozen", "after", "before"}
    if not one.words & w.UNIT or not other.words & w.UNIT or other.words & held:
        return False
    rows = list(zip(one.texts, other.texts, strict=True))
    apart = sum(1 for here, there in rows if _is_nothing(here) and not _is_nothing(there))
    return bool(rows) and apart >= _APART * len(rows)


def _is_nothing(text: str | None) -> bool:
    return not text or not text.strip("-+0. ")


def debit_and_credit(table: SampledTable) -> tuple[Field, Field] | None:
    """The columns of what is taken and what is given, where each entry fills one of them."""
    numbers = [f for f in table.columns if is_number(f) and "id" not in f.words]
    pairs = (
        ({"debit"}, {"credit"}), ({"dr"}, {"cr"}), ({"out"}, {"in"}), ({"spent"}, {"earned"}),
        ({"used"}, {"added"}), ({"used"}, {"granted"}), ({"withdrawn"}, {"deposited"}),
        ({"withdrawal"}, {"deposit"}), ({"outgoing"}, {"incoming"}), ({"removed"}, {"added"}),
        ({"consumed"}, {"granted"}), ({"minus"}, {"plus"}), ({"spent"}, {"granted"}),
    )  # fmt: skip
    for taken_words, given_words in pairs:
        # "credit" alone is the unit; beside "debit" it is a direction.
        taken = [f for f in numbers if f.words & taken_words and not f.words & w.BALANCE - w.UNIT]
        given = [f for f in numbers if f.words & given_words and not f.words & w.BALANCE - w.UNIT]
        given = [f for f in given if f not in taken]
        if len(taken) == 1 and len(given) == 1 and _one_each(taken[0], given[0]):
            return taken[0], given[0]
    return None


def before_and_after(table: SampledTable) -> tuple[Field, Field] | None:
    """The columns of the balance before and after, where nothing else says what was moved."""
    numbers = [f for f in table.columns if is_number(f) and not f.words & {"id", "reserved"}]
    before = [f for f in numbers if f.words & {"before", "previous", "old", "from"}]
    after = [f for f in numbers if f.words & {"after", "new", "to"}]
    if len(before) != 1 or len(after) != 1 or before == after:
        return None
    return before[0], after[0]


def _one_each(taken: Field, given: Field) -> bool:
    both = 0
    for left, right in zip(taken.texts, given.texts, strict=True):
        filled = [text for text in (left, right) if text and text.strip("0.") not in ("", "-")]
        both += len(filled) == 2
    return not both and all(n >= 0 for n in (*taken.numbers, *given.numbers))


def issued_and_left(table: SampledTable) -> tuple[Field, float, float] | None:
    """What a lot was at first, beside what is left of it now, which is never more."""
    numbers = [f for f in table.columns if is_number(f) and not f.words & {"id", "price", "cost"}]
    left = [f for f in numbers if f.words & {"remaining", "left", "unused", "available"}]
    first = [f for f in numbers if f.words & {"initial", "original", "starting"} and f not in left]
    if len(left) != 1 or len(first) != 1:
        return None
    pairs = zip(first[0].texts, left[0].texts, strict=True)
    fits = all(Decimal(now) <= Decimal(then) for then, now in pairs if then and now)
    return (first[0], 4.0, 4.0) if fits else None


def owners(table: SampledTable, known: KnownValues) -> list[tuple[float, Field]]:
    """Columns that may say whose credits they are, best first."""
    found = []
    for field in table.fields:
        own = field.words
        if field.is_time or field.is_email or field.is_json or field.is_customer:
            continue
        if not own & w.OWNER or field.type.startswith("bool") or _holds_fractions(field):
            continue
        if own & (w.NO_AMOUNT & {"balance", "after", "before"}) and not own & w.KEY:
            continue
        if own & (w.TYPE | {"email", "name", "limit", "transaction"}) or own & w.STATUS:
            continue
        keyed = bool(own & w.KEY) or field.type == "uuid" or not is_number(field)
        keyed = (
            keyed
            or _is_padded(field)
            or _is_long(field)
            or field.share(known.accounts.__contains__) >= _THEIRS
        )
        if not keyed or field.share(lambda text: bool(stripe_ids([text], "cs", "pi", "evt"))):
            continue
        score = 2.0 if own & {"user", "account", "owner", "holder", "payable"} else 1.5
        score -= 1.5 if own & w.NOT_OWNER else 0.0
        score -= 1.0 if field.path else 0.0
        score -= 0.7 if own & {"wallet", "balance", "identity"} else 0.0
        # An organisation beside a user: the one that every entry has owns the credits.
        score += 0.8 if own & {"organization", "organisation", "org", "team", "workspace"} else 0.0
        filled = field.filled / len(field.texts) if field.texts else 1.0
        score -= 2.0 * (1.0 - filled)
        named = field.share(known.accounts.__contains__) > 0 and not own & w.NOT_OWNER
        score += 2.0 if named else 0.0
        if score > 0:
            found.append((score, field))
    if not found:
        # What the sessions call an account is one, whatever the column's name ("who").
        found = [(1.5, f) for f in table.columns if _holds_accounts(f, known)]
    if not found:
        # An entry may name its account by the e-mail address or by the Stripe customer alone.
        contacts = [f for f in table.columns if f.is_email or f.is_customer]
        found = [(1.0, f) for f in contacts if 2 * f.filled >= len(f.texts)]
    return sorted(found, key=lambda one: (-one[0], one[1].name))


def _holds_fractions(field: Field) -> bool:
    """Numbers that can have a fraction, but for ids that an export wrote as such ("101.0")."""
    fractional = field.type.startswith(("numeric", "decimal", "double", "real", "float"))
    whole = bool(field.numbers) and all(number == int(number) for number in field.numbers)
    return fractional and not (whole and field.words & w.KEY)


def _is_padded(field: Field) -> bool:
    """Numbers of equal length with zeros before them: names, not quantities."""
    padded = any(len(value) > 1 and value[0] == "0" for value in field.values)
    return padded and len({len(value) for value in field.values}) == 1 and len(field.values) > 1


def _is_long(field: Field) -> bool:
    """Whole numbers that are too long to count anything: ids of a service that makes many."""
    return bool(field.values) and all(v.isdigit() and len(v) >= _LONG for v in field.values)


def _holds_accounts(field: Field, known: KnownValues) -> bool:
    apart = w.REFERENCE | w.PAYING | w.NOT_OWNER
    plain = not (field.words & apart or field.is_json or all(v.isdigit() for v in field.values))
    theirs = field.share(known.accounts.__contains__) >= _THEIRS
    return plain and theirs and 1 < len(field.values) < field.filled


def time_of(table: SampledTable) -> Field | None:
    """The column that says when an entry was made."""
    scored = []
    for place, field in enumerate(table.columns):
        own = field.words
        epoch = bool(own & w.TIME_FIRST) and bool(field.numbers) and min(field.numbers) > 10**8
        if not (field.is_time or epoch):
            continue
        score = 1.0 + (1.0 if own & w.TIME_FIRST else 0.0)
        score += 1.0 if own & {"created", "occurred", "booked", "inserted", "happened"} else 0.0
        score -= 4.0 if own & w.NO_TIME else 0.0
        score -= 2.0 * (1.0 - field.filled / len(field.texts)) if field.texts else 0.0
        scored.append((-score, place, field))
    good = [one for one in sorted(scored, key=lambda one: one[:2]) if one[0] < 0]
    return good[0][2] if good else None


def type_of(table: SampledTable, apart_from: Iterable[Field]) -> Field | None:
    """The column that sorts entries into a few kinds, by its name or else by what it holds."""
    taken = {field.name for field in apart_from}
    scored = []
    for place, field in enumerate(table.columns):
        own = field.words
        code = "code" in own and own & w.ENTRY and not field.unique
        if field.name in taken or field.is_time or field.is_json or not (own & w.TYPE or code):
            continue
        # "payable_type" and "reference_type" are the types of something else.
        if own & (w.OWNER | {"reference", "currency", "provider", "payment", "model"}):
            continue
        if field.type.startswith("bool") or len(field.values) > 40 or _of_another(field, table):
            continue
        score = 3.0 if "type" in own or "kind" in own else 2.0 if own & {"direction"} else 1.0
        scored.append((-score, len(own), place, field))
    if scored:
        return min(scored, key=lambda one: one[:3])[3]
    return next((f for f in table.columns if f.name not in taken and _holds_kinds(f)), None)


def _of_another(field: Field, table: SampledTable) -> bool:
    """A column beside an id of the same name: the kind of thing that the id is of.

    Beside the entry's own id ("transaction_id") it is the kind of the entry.
    """
    rest = field.words - {"type", "kind"} - w.KEY
    own = {f.name for f in table.columns if f.unique and f.words - {"id"} <= w.ENTRY}
    beside = [f for f in table.columns if f.words == rest | {"id"}]
    return bool(rest) and any(f.name not in own for f in beside)


def _holds_kinds(field: Field) -> bool:
    """Whether most of a column's few values are words for what entries do."""
    if field.is_time or field.is_json or field.is_email or field.is_customer or field.numbers:
        return False
    if field.words & (w.STATUS | w.OWNER | w.KEY | {"currency", "provider", "name"}):
        return False
    few = 2 <= len(field.values) <= 40 and len(field.values) < field.filled
    known = w.ADDING | w.SPENDING | w.EITHER_WAY
    return few and field.share(lambda v: len(v) <= 60 and bool(set(w.words(v)) & known)) >= 0.5


# Values that say alone whether credits come or go: what adds them, what takes them.
_WAYS = tuple(
    (frozenset(adds.split()), frozenset(takes.split()))
    for adds, takes in (
        ("in", "out"), ("c cr credit", "d dr debit"), ("h haben", "s soll"), ("+", "-"),
        ("+1", "-1"), ("1", "-1"), ("plus", "minus"), ("increase", "decrease"), ("inc", "dec"),
        ("increment", "decrement"), ("add", "subtract"), ("add", "deduct"), ("add", "remove"),
        ("add", "sub"), ("up", "down"), ("incoming", "outgoing"), ("inflow", "outflow"),
        ("inbound", "outbound"), ("deposit", "withdrawal"), ("deposit", "withdraw"),
        ("earn", "spend"), ("earned", "spent"), ("income", "expense"), ("entree", "sortie"),
        ("entrada", "salida"), ("entrada", "saida"), ("entrata", "uscita"), ("ingreso", "egreso"),
        ("credito", "debito"), ("zugang", "abgang"), ("gutschrift", "belastung"),
    )
)  # fmt: skip


# What a flag says of an entry: that it adds credits, or that it takes them.
_ADDS = frozenset({"credit", "addition", "positive", "incoming", "income", "inflow", "deposit"})
_TAKES = frozenset({"debit", "deduction", "negative", "outgoing", "expense", "outflow"})


def way_of(table: SampledTable, apart_from: Iterable[Field]) -> tuple[Field, list[str]] | None:
    """The column that says of each entry whether credits come or go, and what it calls going."""
    taken = {field.name for field in apart_from}
    for field in table.columns:
        if field.name in taken or len(field.values) > 4 or field.filled < len(field.texts):
            continue
        plain = {value: folded(value).strip().lower() for value in field.values}
        for adds, takes in _WAYS:
            both = set(plain.values())
            if both & adds and both & takes and both <= adds | takes:
                return field, sorted(value for value in plain if plain[value] in takes)
        says = set(field.words_in_order[1:]) & (_ADDS | _TAKES) if is_flag(field) else set()
        if len(says) == 1 and len(field.values) == 2:
            no = {"0", "false", "f"}
            return field, sorted(v for v in plain if (plain[v] in no) == bool(says & _ADDS))
    return None


def reasons_of(table: SampledTable, apart_from: Iterable[Field]) -> list[Field]:
    """The texts that say in words what an entry is for; inside JSON too."""
    taken = {field.name for field in apart_from}
    found = []
    for field in table.fields:
        if field.name in taken or field.is_json or field.is_time or field.is_customer:
            continue
        if field.words & w.REASON and not field.words & {"reference", "payment"}:
            found.append(field)
    return found[:3]


def entry_key(table: SampledTable) -> Field | None:
    """The column that tells entries apart."""
    names = ("id", "uuid", "transaction_id", "entry_id", "key", "pk")
    candidates = [f for f in table.columns if f.unique or not f.texts]
    exact = [f for name in names for f in candidates if f.column.lower() == name]
    other = [f for f in candidates if f.words & (w.KEY | w.ENTRY) and not f.is_time]
    return next(iter([*exact, *other]), None)
