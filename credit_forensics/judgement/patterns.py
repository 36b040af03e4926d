"""Turns voices into patterns: who agrees with whom, and how strongly each speaks.

The statistics never see a person, only which families name the same one. Payments of one pattern
in one period share one posterior, so the model's cost does not grow with the payments.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_

from credit_forensics.judgement.families import Family
from credit_forensics.judgement.pattern_arrays import LEVELS, mark_unit, relation_unit
from credit_forensics.resolution.method import NAME, SESSION
from credit_forensics.tables.expressions import ibis, ir

_END = "\n"  # in no name: folding leaves one blank where there was white space
MOST_FAMILIES = 7  # more would not fit a 63-bit key


def owned_names(names: ir.Table) -> ir.Table:
    """``person_id, names``: all names of a person in one text, each between two ends.

    A row a person, not a row a name: it is looked up for nearly every payment, by person alone.

    Parameters
    ----------
    names
        ``person_id, name_key``; that a row is there twice does not matter.

    Examples
    --------
    >>> owned_names(ibis.table({"person_id": str, "name_key": str}, name="names")).columns
    ('person_id', 'names')
    """
    together = names.group_by("person_id").agg(names=names.name_key.group_concat(_END))
    return together.select("person_id", names=_END + together.names + _END)


def _has_name(names: ir.StringValue, name: ir.StringValue) -> ir.BooleanValue:
    return ibis.coalesce(names.contains(_END + name + _END), False)


def mark_session(voices: ir.Table, name_owners: ir.Table, front_ends: ir.Table) -> ir.Table:
    """Add ``session_has_name``: the session's person has the typed name, which several have.

    And ``mark``: the number of the front end that made the session, 0 where none is named.

    The session names nearly everybody, and the histories leave it as it is, so these look-ups
    serve both rounds; what else is asked about names is asked for few payments.

    Parameters
    ----------
    voices
        as ``family_voices`` gives them.
    name_owners
        as ``owned_names`` gives it, of the names that several have.
    front_ends
        as ``front_end_marks`` gives it.
    """
    joined = voices.left_join(name_owners, voices[f"v_{SESSION}"] == name_owners.person_id)
    joined = joined.left_join(front_ends, voices.payment_id == front_ends.payment_id)
    shared = ibis.coalesce(voices.name_owners > 1, False)
    return joined.select(
        *(voices[name] for name in voices.columns),
        session_has_name=shared & _has_name(name_owners.names, voices.name_key),
        mark=ibis.coalesce(front_ends.mark, 0),
    )


def pattern_keys(voices: ir.Table, families: Sequence[Family]) -> ir.Table:
    """Each payment's pattern, as one integer, but for the marks that are added.

    Parameters
    ----------
    voices
        with ``session_has_name``, and ``mark`` (the number of the front end) where it is known.
    families
        the families, in order; the session is the first.

    Returns
    -------
    the voices with ``pattern`` (int64) and ``asks``: a person whom the session does not name is
    to be looked for among the owners of a name.
    """
    # The slots in a select of their own: each is read several times below.
    names = [f"slot_{place}" for place in range(len(families) + 1)]
    slotted = _slots(_persons(voices, families))
    rows = voices.mutate(**dict(zip(names, slotted, strict=True)))
    slots = [rows[name] for name in names]
    single = ibis.coalesce(rows.name_owners == 1, False)
    first_named = [slot == place for place, slot in enumerate(slots, start=1)]
    # The one bearer of a name is whom the name speaks for.
    name_speaks_for = rows[f"v_{NAME}"]
    marks = [
        ibis.coalesce(single & first & (person == name_speaks_for), False)
        for first, person in zip(first_named, _persons(rows, families), strict=True)
    ]
    marks[0] |= rows.session_has_name
    places = len(families) + 2
    key: ir.IntegerValue = slots[-1].cast("int64")
    for family, slot in zip(reversed(families), reversed(slots[:-1]), strict=True):
        key = key * LEVELS + rows[f"l_{family.name}"].cast("int64")
        key = key * places + slot.cast("int64")
    for mark in [marks[-1], *reversed(marks[:-1])]:
        key = key * 2 + mark.cast("int64")
    if "mark" in voices.columns:
        key += rows.mark * ibis.literal(mark_unit(len(families)), "int64")
    asks = ibis.coalesce(rows.name_owners > 1, False) & reduce(or_, first_named[1:])
    return rows.select(*(rows[name] for name in voices.columns), pattern=key, asks=asks)


def name_questions(keyed: ir.Table, families: Sequence[Family]) -> ir.Table:
    """The few payments that ``name_marks`` is for, and what it reads of them."""
    rows = keyed.filter(keyed.asks)
    return rows.select("payment_id", "name_key", *_persons(rows, families))


def name_marks(asked: ir.Table, name_owners: ir.Table, families: Sequence[Family]) -> ir.Table:
    """What the names that several have say of persons whom the session does not name.

    Parameters
    ----------
    asked
        as ``name_questions`` gives it, kept: it is read once a family.
    name_owners
        as ``owned_names`` gives it, of the names that several have.
    families
        the families, in order.

    Returns
    -------
    ``payment_id, marks`` (int64): what to add to the payment's pattern.
    """
    persons = _persons(asked, families)
    by_place = [
        asked.filter(slot == place + 1).select(
            "payment_id", "name_key", person=person, mark=ibis.literal(2**place, "int64")
        )
        for place, (person, slot) in enumerate(zip(persons, _slots(persons), strict=True))
    ]
    pairs = ibis.union(*by_place[1:])  # the session has been asked about
    found = pairs.inner_join(name_owners, pairs.person == name_owners.person_id)
    found = found.filter(_has_name(found.names, found.name_key))
    return found.group_by("payment_id").agg(marks=found.mark.sum().cast("int64"))


def relation_marks(relations: ir.Table, families: Sequence[Family]) -> ir.Table:
    """``payment_id, marks``: what a relation of payer and account adds to a payment's pattern.

    Parameters
    ----------
    relations
        ``payment_id, relation``.
    families
        the families, in order.
    """
    unit = ibis.literal(relation_unit(len(families)), "int64")
    return relations.select("payment_id", marks=relations.relation * unit)


def all_marks(*marks: ir.Table) -> ir.Table:
    """One row a payment that has any marks: ``payment_id, marks``, their sum."""
    together = ibis.union(*marks)
    return together.group_by("payment_id").agg(marks=together.marks.sum().cast("int64"))


def whole_patterns(keyed: ir.Table, marks: ir.Table) -> ir.Table:
    """The keyed voices with the marks in their patterns."""
    further = marks.select(marked_id="payment_id", marks="marks")
    joined = keyed.left_join(further, keyed.payment_id == further.marked_id)
    rows = joined.select(keyed, marks=further.marks)
    kept = [name for name in keyed.columns if name not in ("asks", "pattern")]
    return rows.select(*kept, pattern=rows.pattern + ibis.coalesce(rows.marks, 0))


def _persons(rows: ir.Table, families: Sequence[Family]) -> list[ir.StringValue]:
    """Whom each family names, and who was credited."""
    return [*(rows[f"v_{family.name}"] for family in families), rows.credited]


def _slots(persons: Sequence[ir.StringValue]) -> list[ir.IntegerValue]:
    """For each person the place, from 1, of the first that is the same; 0 for nobody."""
    slots = []
    for place, person in enumerate(persons, start=1):
        same = [
            (ibis.coalesce(other == person, False), index)
            for index, other in enumerate(persons[: place - 1], start=1)
        ]
        slots.append(ibis.cases((person.isnull(), 0), *same, else_=place))
    return slots
