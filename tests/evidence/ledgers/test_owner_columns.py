"""Which columns say whose credits an entry moves, by their names and by what they hold."""

from __future__ import annotations

import pytest

from credit_forensics.databases.relations import Relation
from credit_forensics.evidence.ledgers.inference.column_roles import owners
from credit_forensics.evidence.ledgers.inference.known_values import KnownValues
from credit_forensics.evidence.ledgers.inference.samples import Field, SampledTable


def owns(column, kind, *values, accounts=()):
    """Whether a column of these values is taken for the account of an entry."""
    field = Field(column, kind, values)
    table = SampledTable(Relation("", "entries", {column: kind}), (field,), len(values), whole=True)
    return [f for _, f in owners(table, KnownValues(accounts=frozenset(accounts)))] == [field]


def test_ids_that_an_export_wrote_as_fractions_are_ids():
    assert owns("user_id", "double", "101", "102")


@pytest.mark.parametrize(
    ("column", "values"),
    # What can have a fraction and has one is a quantity; so is a number whose name is no key's.
    [("user_id", ("101.5", "102")), ("user_limit", ("101", "102")), ("account", ("20", "35"))],
)
def test_quantities_are_none(column, values):
    assert not owns(column, "double", *values)


def test_numbers_with_zeros_before_them_are_names():
    assert owns("member", "varchar", "000041", "000042")
    assert not owns("member", "varchar", "41", "42")
    assert not owns("member", "varchar", "0", "042"), "they are of one length"


@pytest.mark.parametrize(("known", "taken"), [(["41"], True), ([], False)])
def test_numbers_that_half_the_sessions_call_an_account_are_accounts(known, taken):
    assert owns("member", "bigint", "41", "42", accounts=known) is taken
    assert not owns("member", "bigint", "41", "42", "43", accounts=known)
