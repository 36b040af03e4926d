"""Gives each family one voice a payment: a person and a level.

Copies of one value never add up: three methods that read what one web session wrote are one
voice, however many of them agree.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import reduce
from operator import add, or_

from credit_forensics.judgement import families as levels
from credit_forensics.judgement.families import Family
from credit_forensics.resolution.history import PURE
from credit_forensics.resolution.matrix import join_votes
from credit_forensics.resolution.method import NAME, SESSION, Method
from credit_forensics.resolution.methods import METHODS
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir


def with_persons(matrix: ir.Table, persons: ir.Table, columns: Sequence[str]) -> ir.Table:
    """Add ``p_<column>`` to some columns of user ids: the persons they belong to, where another.

    Nearly every id is its own person, and what is empty need not be kept or joined.

    Parameters
    ----------
    matrix
        any table.
    persons
        ``user_id, person_id``; ids that are not there are their own person.
    columns
        names of columns of user ids.

    Examples
    --------
    >>> matrix = ibis.table({"payment_id": str, "m": str}, name="matrix")
    >>> persons = ibis.table({"user_id": str, "person_id": str}, name="persons")
    >>> with_persons(matrix, persons, ["m"]).columns
    ('payment_id', 'm', 'p_m')
    """
    rows = matrix
    for column in columns:
        # A view each time: the same table is joined once a column.
        linked = persons.select(linked_id="user_id", linked_person="person_id").view()
        joined = rows.left_join(linked, rows[column] == linked.linked_id)
        other = linked.linked_person.nullif(rows[column])
        rows = joined.select(*(rows[name] for name in rows.columns), **{f"p_{column}": other})
    return rows


def as_persons(matrix: ir.Table, columns: Sequence[str]) -> ir.Table:
    """The matrix with persons instead of user ids, where ``with_persons`` added them.

    Examples
    --------
    >>> as_persons(ibis.table({"payment_id": str, "m": str, "p_m": str}, name="t"), ["m"]).columns
    ('payment_id', 'm')
    """
    added = {f"p_{column}" for column in columns}
    return matrix.select(
        *(
            ibis.coalesce(matrix[f"p_{name}"], matrix[name]).name(name)
            if f"p_{name}" in added
            else matrix[name]
            for name in matrix.columns
            if name not in added
        )
    )


def family_voices(
    matrix: ir.Table,
    families: Sequence[Family],
    methods: Sequence[Method] = METHODS,
    left_out: Collection[str] = (),
    keep: Sequence[str] = (),
) -> ir.Table:
    """One voice a family.

    Parameters
    ----------
    matrix
        the wide matrix with persons instead of user ids; where the judgement does not know
        owners yet, its histories are empty and name nobody.
    families
        the families, in order.
    methods
        the methods of the matrix, in order; each says itself how it joins its family's voice.
    left_out
        families to leave out, to see what they contribute.
    keep
        columns of the matrix to keep beside the voices.

    Returns
    -------
    payment_id, created_at, session_user_id, credited (person), name_key, name_owners, for
    each family ``v_<family>`` (person) and ``l_<family>`` (level, 0 for silence), and what to keep.
    """
    rows = matrix
    for family in families:
        rows = _with_copies_counted(rows, family, methods)
    columns: dict[str, ir.Value] = {}
    for family in families:
        columns |= _columns(rows, family, methods, left_out)
    return rows.select(
        "payment_id",
        "created_at",
        "session_user_id",
        credited=rows.ledger,
        name_key=rows.payer_name_key,
        name_owners=_owners_of_name(rows, methods),
        **columns,
        **{name: rows[name] for name in keep},
    )


def with_translated_ids(voices: ir.Table, tables: Tables) -> ir.Table:
    """The voices with the credited person for the session's, where it names an id of no account.

    Where the credits are on an account all the same, the handler translated the id (a sign-in
    service's, say). What it means is not known here but for what the handler made of it: a level
    of its own, whose accuracy the payers' own words teach.

    Parameters
    ----------
    voices
        as ``family_voices`` gives them.
    tables
        the evidence: its accounts.
    """
    users = tables.users
    session = f"v_{SESSION}"
    other = voices.filter(voices[session] != voices.credited)
    # An e-mail, or what an invoice names, is known as the account or id that it stands for.
    spoken = ibis.coalesce(other.session_user_id, other[session])
    other = other.anti_join(users, spoken == users.user_id)
    accounts = users.select(account_id="user_id").distinct().view()
    foreign = other.semi_join(accounts, other.credited == accounts.account_id)
    foreign = foreign.select(foreign_id="payment_id")
    joined = voices.left_join(foreign, voices.payment_id == foreign.foreign_id)
    # Filtered, the join is closed: left open, it would be one with the joins of whoever reads it.
    rows = joined.select(voices, foreign.foreign_id).filter(ibis.literal(True))
    known = rows.foreign_id.isnull()
    changed = {
        session: ibis.ifelse(known, rows[session], rows.credited),
        f"l_{SESSION}": ibis.ifelse(known, rows[f"l_{SESSION}"], levels.TRANSLATED),
    }
    return rows.select(**{name: changed.get(name, rows[name]) for name in voices.columns})


def used_again(
    first: ir.Table,
    votes: Mapping[str, ir.Table],
    families: Sequence[Family],
    *,
    methods: Sequence[Method] = METHODS,
    left_out: Collection[str] = (),
) -> ir.Table:
    """The first round's voices with those of the histories: only their families change.

    Parameters
    ----------
    first
        ``family_voices`` of the matrix without histories, and beside it what ``mark_session``
        adds, and ``for_histories``.
    votes
        ``payment_id, user_id, history_count, history_purity`` of each history, by its stem.
    families, methods, left_out
        as for ``family_voices``.
    """
    rows = join_votes(first, votes)
    led = {method.family for method in methods if method.history}
    changed: dict[str, ir.Value] = {}
    for family in families:
        if family.name in led:
            changed |= _columns(rows, family, methods, left_out)
    voices = [name for family in families for name in (f"v_{family.name}", f"l_{family.name}")]
    return rows.select(
        *("payment_id", "created_at", "session_user_id", "credited", "name_key", "name_owners"),
        *(name for name in ("session_has_name", "mark") if name in rows.columns),
        **{name: changed.get(name, rows[name]) for name in voices},
    )


def for_histories(methods: Sequence[Method]) -> list[str]:
    """The columns that ``used_again`` reads of the matrix, beside the voices.

    Examples
    --------
    >>> for_histories([one for one in METHODS if one.family == "mapping"])
    ['customer_mapping', 'customer_preset', 'mapping_echo']
    """
    led = {method.family for method in methods if method.history}
    concerned = [method for method in methods if method.family in led]
    names = [method.name for method in concerned if not method.history]
    names += [
        when for method in concerned for when in (method.session_when, method.echo_when) if when
    ]
    return list(dict.fromkeys(names))


def _columns(
    rows: ir.Table, family: Family, methods: Sequence[Method], left_out: Collection[str]
) -> dict[str, ir.Value]:
    person, level = _voice(rows, family, methods)
    if family.name in left_out:
        person, level = _nobody(), ibis.literal(0)
    return {f"v_{family.name}": person, f"l_{family.name}": level}


def _said(
    rows: ir.Table, family: str, methods: Sequence[Method]
) -> list[tuple[Method, ir.StringValue]]:
    """What each method says in a family's name, in order.

    A value that the web session wrote is the session's word; a history of a customer that the
    session gave is nobody's.
    """
    said = []
    for method in methods:
        by_session = method.session_when
        if method.family == family:
            value = rows[method.name]
            if method.echo_when:
                value = ibis.ifelse(ibis.coalesce(rows[method.echo_when], False), _nobody(), value)
            if by_session and family != SESSION:
                value = ibis.ifelse(rows[by_session], _nobody(), value)
            said.append((method, value))
        elif family == SESSION and by_session and not method.history:
            said.append((method, ibis.ifelse(rows[by_session], rows[method.name], _nobody())))
    return said


def _voice(
    rows: ir.Table, family: Family, methods: Sequence[Method]
) -> tuple[ir.StringValue, ir.IntegerValue]:
    leading, values, weak = _by_voice(_said(rows, family.name, methods))
    if family.rule == "history":
        person, level = _led_by_history(rows, family, leading, values)
    elif family.rule == "names":
        person, level = _by_name(rows, methods, [value for _, value in leading], values)
    elif family.rule == "typed":
        person = _first([*(value for _, value in leading), *values])
        level = person.notnull().cast("int64")
    elif f"said_{family.name}" in rows.columns:
        person, level = rows[f"said_{family.name}"], rows[f"level_{family.name}"]
    else:
        person, level = _one_voice([*(value for _, value in leading), *values])
    if weak:
        # The last level of a family is its weakest.
        alone = person.isnull() & _first(weak).notnull()
        person, level = _first([person, *weak]), ibis.ifelse(alone, len(family.levels), level)
    return person, level


def _by_voice(
    said: Sequence[tuple[Method, ir.StringValue]],
) -> tuple[list[tuple[Method, ir.StringValue]], list[ir.StringValue], list[ir.StringValue]]:
    """Those that lead, what the copies say, and what is weak and counts only alone."""
    leading = [(method, value) for method, value in said if method.voice not in ("copy", "weak")]
    copies, weak = (
        [value for method, value in said if method.voice == voice] for voice in ("copy", "weak")
    )
    return leading, copies, weak


def _nobody() -> ir.StringValue:
    return ibis.null(str)


def _first(values: Sequence[ir.StringValue]) -> ir.StringValue:
    if not values:
        return _nobody()
    return values[0] if len(values) == 1 else ibis.coalesce(*values)


def _led_by_history(
    rows: ir.Table,
    family: Family,
    histories: Sequence[tuple[Method, ir.StringValue]],
    others: Sequence[ir.StringValue],
) -> tuple[ir.StringValue, ir.IntegerValue]:
    alone, both, one, more, mixed = levels.LED[family.name]
    history = _first([value for _, value in histories])
    count, purity = (_of_speaking(rows, histories, what) for what in ("count", "purity"))
    # What other payments are judged to be outweighs what one of them wrote.
    person = _first([history, *others])
    impure = reduce(or_, (history != other for other in others), purity < PURE)
    cases: list[tuple[ir.Value, int]] = [
        (person.isnull(), 0),
        (history.isnull(), alone),
        (ibis.coalesce(impure, False), mixed),
    ]
    if both is not None and others:
        cases.append((_first(others).notnull(), both))
    return person, ibis.cases(*cases, (count > 1, more), else_=one)


def _of_speaking(
    rows: ir.Table, histories: Sequence[tuple[Method, ir.StringValue]], what: str
) -> ir.Value:
    """The count or purity of the first history that names somebody."""
    of_each = [(value, rows[f"{method.stem}_{what}"]) for method, value in histories]
    if len(of_each) == 1:
        return of_each[0][1]
    return ibis.cases(*((value.notnull(), number) for value, number in of_each), else_=ibis.null())


def _by_name(
    rows: ir.Table,
    methods: Sequence[Method],
    shared: Sequence[ir.StringValue],
    others: Sequence[ir.StringValue],
) -> tuple[ir.StringValue, ir.IntegerValue]:
    name_owners = _owners_of_name(rows, methods)
    level = ibis.cases(
        (name_owners.isnull(), 0),
        *((name_owners <= bound, i) for i, bound in enumerate(levels.NAME_BOUNDS, start=1)),
        else_=len(levels.NAME_BOUNDS) + 1,
    )
    return _first([*shared, *others]), level


def _owners_of_name(rows: ir.Table, methods: Sequence[Method]) -> ir.IntegerValue:
    """How many accounts the name may mean; one where another method of the family names whom."""
    of_names = [method for method in methods if method.family == NAME]
    others = [value for method, value in _said(rows, NAME, of_names) if method.voice == "copy"]
    if not others:
        return rows.name_owners
    shared = [rows[method.name] for method in of_names if method.voice == "shared"]
    named = _first(shared).isnull() & _first(others).notnull()
    return ibis.ifelse(named, ibis.literal(1, "int64"), rows.name_owners)


def _with_copies_counted(rows: ir.Table, family: Family, methods: Sequence[Method]) -> ir.Table:
    """Add what many copies of one value come to, ``said_<family>`` and ``level_<family>``.

    Step by step, each in a select of its own: written into one another they would be a text of a
    hundred thousand characters, which takes longer to plan than to run.
    """
    leading, further, _ = _by_voice(_said(rows, family.name, methods))
    copies = [*(value for _, value in leading), *further]
    if family.rule != "copies" or len(copies) <= 2:
        return rows
    names = [f"copy_{place}" for place in range(len(copies))]
    stated = rows.mutate(**dict(zip(names, copies, strict=True)))
    first = stated.mutate(first_said=ibis.coalesce(*(stated[name] for name in names)))
    counted = first.mutate(
        speaking=_number(first[name].notnull() for name in names),
        differing=_number(first[name] != first.first_said for name in names),
        # The first value that is another.
        other_said=ibis.coalesce(*(first[name].nullif(first.first_said) for name in names)),
    )
    # Where the copies differ, the value that most of them carry speaks; the first on a tie.
    others = _number(counted[name] == counted.other_said for name in names)
    outvoted = ibis.coalesce(others > counted.speaking - counted.differing, False)
    person = ibis.ifelse(outvoted, counted.other_said, counted.first_said)
    level = _level(counted.first_said, counted.speaking, counted.differing)
    return counted.select(
        *(counted[name] for name in rows.columns),
        **{f"said_{family.name}": person, f"level_{family.name}": level},
    )


def _one_voice(copies: Sequence[ir.StringValue]) -> tuple[ir.StringValue, ir.IntegerValue]:
    """What one or two copies of a value come to: the first speaks."""
    if not copies:
        return _nobody(), ibis.literal(0)
    first = _first(copies)
    speaking = _number(copy.notnull() for copy in copies)
    differing = _number(copy != first for copy in copies)
    return first, _level(first, speaking, differing)


def _number(conditions: Iterable[ir.BooleanValue]) -> ir.IntegerValue:
    """How many hold; one that cannot be told does not."""
    return reduce(add, (ibis.coalesce(one.cast("int64"), 0) for one in conditions))


def _level(
    first: ir.StringValue, speaking: ir.IntegerValue, differing: ir.IntegerValue
) -> ir.IntegerValue:
    return ibis.cases(
        (first.isnull(), 0),
        (differing > 0, levels.SPLIT),
        (speaking > 1, levels.UNANIMOUS),
        else_=levels.ALONE,
    )
