"""A brand whose payments were not read is left out of the ledger, and nothing else is."""

from __future__ import annotations

import pytest

from credit_forensics.evidence.ledgers.inference.known_values import KnownValues
from credit_forensics.evidence.ledgers.inference.other_shops import other_shops
from credit_forensics.evidence.ledgers.inference.samples import Field, SampledTable


def left_out(*rows, column="brand", read=("cs_1", "cs_2", "cs_3"), whole=True):
    """The brands of ``(brand, payment)`` rows that are other shops'."""
    brands, payments = zip(*rows, strict=True)
    fields = (Field(column, "text", brands), Field("session_id", "text", payments))
    table = SampledTable(None, fields, len(rows), whole)  # type: ignore[arg-type]
    found = other_shops(table, KnownValues(paid={one: one for one in read}))
    return found[1] if found else []


OWN = (("loom", "cs_1"), ("loom", "cs_2"), ("loom", "cs_3"))
OTHERS = (("kiln", "cs_7"), ("kiln", "cs_8"), ("kiln", "cs_9"))


def test_a_brand_without_a_payment_that_was_read_is_another_shop():
    assert left_out(*OWN, *OTHERS) == ["kiln"]
    assert left_out(*OWN, *OTHERS, column="tenant_id") == ["kiln"]


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param((*OWN, *OTHERS[:2]), id="two entries are too few"),
        pytest.param((*OWN[:2], *OTHERS), id="so are two of the own brand"),
        pytest.param((*OWN, *OTHERS[:2], ("kiln", "cs_1")), id="one of its payments was read"),
        pytest.param((*OWN, ("kiln", None), ("kiln", "x"), ("kiln", "")), id="names no payment"),
        pytest.param((*OWN, *(("loom", f"cs_{n}") for n in range(4, 9)), *OTHERS), id="not sure"),
    ],
)
def test_else_every_brand_counts(rows):
    assert left_out(*rows) == []


def test_an_address_is_never_told_as_a_shop():
    rows = ((shop.replace("kiln", "ada@example.com"), payment) for shop, payment in OTHERS)
    assert left_out(*OWN, *rows) == []


def test_another_column_or_a_part_of_the_table_leaves_nothing_out():
    assert left_out(*OWN, *OTHERS, column="note") == []
    assert left_out(*OWN, *OTHERS, whole=False) == []
