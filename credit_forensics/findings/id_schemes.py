"""Tells the scheme of an id by its shape: what makes a value one of another namespace."""

from __future__ import annotations

from credit_forensics.tables.expressions import ibis, ir

UUID_PATTERN = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
INTEGER_PATTERN = "^[0-9]+$"
FOREIGN_KEY_PATTERN = (
    "legacy|external|foreign|firebase|supabase|cognito|clerk|keycloak"
    "|(^|[_.-])(old|prev|previous|ext|auth|auth0|oauth|sso|idp|crm|provider)([_.-]|$)"
)
"""Metadata keys, in lower case, that name another system's or an earlier scheme's id."""


def id_scheme(user_id: ir.StringValue) -> ir.StringValue:
    """The scheme of an id by its shape: ``uuid``, ``integer`` or ``other``; empty stays empty.

    The length stands beside the pattern because engines differ in whether ``$`` matches before a
    closing line break.

    Examples
    --------
    >>> import pandas as pd
    >>> from credit_forensics.engines.duckdb import DuckDBEngine
    >>> from credit_forensics.tables.catalogue import Tables
    >>> engine = DuckDBEngine()
    >>> engine.register("balances", pd.DataFrame({"user_id": ["00123", "u_7", None]}))
    >>> balances = Tables().balances
    >>> sorted(engine.frame(balances.select(s=id_scheme(balances.user_id)))["s"].dropna())
    ['integer', 'other']
    """
    uuid = user_id.re_search(UUID_PATTERN) & (user_id.length() == 36)
    integer = user_id.re_search(INTEGER_PATTERN) & ~user_id.contains("\n")
    return ibis.cases(
        (user_id.isnull(), ibis.null("string")),
        (uuid, "uuid"),
        (integer, "integer"),
        else_="other",
    )


def same_but_for_spelling(one: ir.StringValue, other: ir.StringValue) -> ir.BooleanValue:
    """Whether two different ids are equal without leading zeros and letter case.

    ``00123`` cast to an integer on its way becomes the other account ``123``. Never empty.

    Examples
    --------
    >>> import pandas as pd
    >>> from credit_forensics.engines.duckdb import DuckDBEngine
    >>> from credit_forensics.tables.catalogue import Tables
    >>> engine = DuckDBEngine()
    >>> engine.register("user_links", pd.DataFrame(
    ...     {"user_id": ["00123", "7"], "linked_user_id": ["123", "7"]}))
    >>> links = Tables().user_links
    >>> same = same_but_for_spelling(links.user_id, links.linked_user_id)
    >>> engine.frame(links.filter(same))["user_id"].tolist()
    ['00123']
    """
    folded = [value.lower().re_replace("^0+", "") for value in (one, other)]
    return ((one != other) & (folded[0] == folded[1])).coalesce(False)
