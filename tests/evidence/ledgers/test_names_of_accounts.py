"""A name may stand in a column written as one word."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from credit_forensics.evidence.ledgers.inference.accounts_of import name_of
from credit_forensics.evidence.ledgers.inference.samples import Field


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        (("fullname",), ["fullname"]),
        (("full_name",), ["full_name"]),
        (("firstname", "lastname"), ["firstname", "lastname"]),
        # Whose word is another: the name of a file, or none at all.
        (("file_name",), []),
        (("codename",), []),
    ],
)
def test_a_name_is_found_by_its_word_or_as_one_word(columns: tuple[str, ...], found: list[str]):
    fields = tuple(Field(column, "text", ("Ada Byte", "Bo Lin")) for column in columns)
    table = SimpleNamespace(fields=fields, columns=fields)
    assert [field.name for field in name_of(table)] == found  # type: ignore[arg-type]
