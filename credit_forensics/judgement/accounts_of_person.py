"""Which of a person's accounts was meant, where the paying session names none of them."""

from __future__ import annotations

from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ir


def with_accounts_of_person(rows: ir.Table, tables: Tables) -> ir.Table:
    """The rows with ``several``: the credited id is an account, and its person has others beside
    it; and ``meant``: something of the payment's own points to this one of them.

    A household's mail box has an account of each, as one human may have two: e-mail and card are
    the same for all of them. What tells them apart is the Stripe customer that is bound to one, or
    the typed name where one of them alone has it.

    Parameters
    ----------
    rows
        with ``credited_user_id``, ``customer_id`` and ``name_key``.
    tables
        the evidence, with ``persons``.

    Examples
    --------
    >>> import ibis
    >>> rows = ibis.table(
    ...     {"credited_user_id": str, "customer_id": str, "name_key": str}, name="rows")
    >>> with_accounts_of_person(rows, Tables()).columns[-2:]
    ('several', 'meant')
    """
    links, persons = tables.user_links, tables.persons
    merged = links.filter(links.reason == "merged").select("user_id")
    living = tables.users.select("user_id").distinct().anti_join(merged, "user_id")
    of_person = living.inner_join(persons, "user_id").select("user_id", "person_id").distinct()
    counted = of_person.group_by("person_id").agg(accounts=of_person.user_id.nunique())
    counted = counted.filter(counted.accounts > 1)
    beside = of_person.semi_join(counted, "person_id").select(beside_id="user_id")

    bindings = tables.customers.select(bound_id="user_id", bound_customer="customer_id").distinct()

    names = tables.user_names.inner_join(of_person.view(), "user_id")
    names = names.select("user_id", "person_id", "name_key").distinct()
    alone = names.group_by("person_id", "name_key").agg(
        named_id=names.user_id.min(), owners=names.user_id.nunique()
    )
    alone = alone.filter(alone.owners == 1).select("named_id", own_name="name_key")

    joined = rows.left_join(beside, rows.credited_user_id == beside.beside_id)
    joined = joined.left_join(
        bindings,
        (joined.credited_user_id == bindings.bound_id)
        & (joined.customer_id == bindings.bound_customer),
    )
    joined = joined.left_join(
        alone, (joined.credited_user_id == alone.named_id) & (joined.name_key == alone.own_name)
    )
    return joined.select(
        *rows.columns,
        several=joined.beside_id.notnull(),
        meant=joined.bound_id.notnull() | joined.named_id.notnull(),
    )
