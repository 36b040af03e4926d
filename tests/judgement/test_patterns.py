"""Who has_name the typed name: asked once for the session's person, again only for others."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
import pytest

from credit_forensics.engines.duckdb import DuckDBEngine
from credit_forensics.judgement.families import FAMILIES, with_custom
from credit_forensics.judgement.pattern_arrays import decode, mark_unit
from credit_forensics.judgement.patterns import (
    mark_session,
    name_marks,
    name_questions,
    owned_names,
    pattern_keys,
    whole_patterns,
)

# Two people bear "ann", nobody else does, though c's names hold it; "bo" is one person's name.
BEARERS = [("a1", "ann"), ("a2", "ann"), ("a1", "a* lee"), ("c", "joann"), ("c", "ann lee")]
SHARED, ALONE = ("ann", 2), ("bo", 1)


def patterns(rows, families=FAMILIES):
    """Patterns of rows (name and its name_owners, whom each family names, who was credited)."""
    columns = {"payment_id": str, "name_key": str, "name_owners": "int64", "credited": str}
    columns |= {f"v_{family.name}": str for family in families}
    columns |= {f"l_{family.name}": "int64" for family in families}
    frame = pd.DataFrame(
        [
            {
                "payment_id": f"cs_{place}",
                "name_key": name[0],
                "name_owners": name[1],
                "credited": credited,
                **{f"v_{family.name}": heard.get(family.name) for family in families},
                **{f"l_{family.name}": int(family.name in heard) for family in families},
            }
            for place, (name, heard, credited) in enumerate(rows)
        ]
    )
    engine = DuckDBEngine()
    text = [name for name, kind in columns.items() if kind is str]
    engine.register("voices", frame.astype(dict.fromkeys(text, "str")))
    engine.register("names", pd.DataFrame(BEARERS, columns=["person_id", "name_key"]))
    names = ibis.table({"person_id": str, "name_key": str}, name="names")
    name_owners = engine.materialize("name_owners", owned_names(names)).table
    voices = ibis.table(columns, name="voices")
    # Every other payment names its front end, which is no part of its pattern.
    front_ends = pd.DataFrame({"payment_id": frame["payment_id"][::2], "mark": 7})
    engine.register("front_ends", front_ends)
    marks = ibis.table({"payment_id": str, "mark": "int64"}, name="front_ends")
    marked = mark_session(voices, name_owners, marks)
    keyed = engine.materialize("keyed", pattern_keys(marked, families)).table
    asked = engine.materialize("questions", name_questions(keyed, families)).table
    marks = engine.materialize("marks", name_marks(asked, name_owners, families)).table
    whole = engine.frame(whole_patterns(keyed, marks).order_by("payment_id"))
    numbers = whole["pattern"] // mark_unit(len(families))
    assert numbers.tolist() == [7 * (place % 2 == 0) for place in range(len(rows))]
    questions = engine.frame(asked.order_by("payment_id"))["payment_id"].tolist()
    return decode(families, whole["pattern"].to_numpy(dtype=np.int64)), questions


def bearing(pattern, row):
    return {
        family.name for place, family in enumerate(pattern.families) if pattern.has_name[row, place]
    }


def test_five_payments():
    found, asked = patterns(
        [
            # All name a1, who has the name: the session answers for everybody.
            (SHARED, {"session": "a1", "email": "a1"}, "a1"),
            # The session names somebody else; e-mail and credits name name_owners of their own.
            (SHARED, {"session": "c", "email": "a1"}, "a2"),
            # Nothing by session; the card's person does not bear the name.
            (SHARED, {"card": "c"}, None),
            # A name of one person speaks for that person alone.
            (ALONE, {"session": "b", "name": "b", "email": "c"}, "b"),
            # No name was typed.
            ((None, None), {"session": "a1", "email": "a2"}, "a1"),
        ]
    )
    assert [bearing(found, row) for row in range(5)] == [
        {"session"},
        {"email"},
        set(),
        {"session"},
        set(),
    ]
    assert found.credited_has_name.tolist() == [False, True, False, False, False]
    assert found.slot[1].tolist() == [1, 0, 3, 0, 0]
    assert found.credited.tolist() == [1, 6, 0, 1, 1]
    assert asked == ["cs_1", "cs_2"]


def test_a_family_of_ones_own_is_asked_about_too():
    found, asked = patterns(
        [(SHARED, {"session": "c", "phone": "a2"}, "c")], with_custom(["phone"])
    )
    assert bearing(found, 0) == {"phone"}
    assert asked == ["cs_0"]


@pytest.mark.parametrize("person", ["a1", "a2", "c"])
def test_it_does_not_matter_which_family_names_a_person(person):
    rows = [(SHARED, {family.name: person}, person) for family in FAMILIES]
    found, _ = patterns(rows)
    has_name = [bool(bearing(found, row)) for row in range(len(rows))]
    assert has_name == [person != "c"] * len(rows)
