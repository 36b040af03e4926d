"""Splits an entry that lists several payments into one of each: a job that books a day at once."""

from __future__ import annotations

from credit_forensics.databases.values import count_rows
from credit_forensics.evidence.evidence import Evidence

_ID = "(?:cs|pi)_[A-Za-z0-9_]+"
# In a list, and in nothing else: an entry that names the session before it as well is of one.
_LIST = rf"\[\s*\"{_ID}\"(?:\s*,\s*\"{_ID}\")+\s*\]|^{_ID}(?:\s*[,;|]\s*{_ID})+$"

_PART = "#[0-9]+of([0-9]+)$"


def listed_sql(text: str) -> str:
    """The ids of Stripe's that a text lists, two or more, with a blank between them, as SQL.

    Examples
    --------
    >>> import duckdb
    >>> texts = ['{"of": ["cs_1", "cs_2"]}', "cs_1, cs_2", '{"id": "cs_1", "before": "cs_2"}']
    >>> [duckdb.execute(f"SELECT {listed_sql('t')} FROM (SELECT ? AS t)", [one]).fetchall()[0][0]
    ...  for one in texts]
    ['cs_1 cs_2', 'cs_1 cs_2', None]
    """
    ids = f"regexp_extract_all(regexp_extract({text}, '{_LIST}'), '{_ID}')"
    # The search for the bare letters spares most texts the expressions.
    return (
        f"CASE WHEN regexp_matches({text}, '(cs|pi)_.*[^A-Za-z0-9_](cs|pi)_') "
        f"AND len(list_distinct({ids})) > 1 "
        f"THEN array_to_string(list_sort(list_distinct({ids})), ' ') END"
    )


def split_listed(evidence: Evidence) -> int:
    """Make of each entry that lists several payments one of each, in equal parts; how many did.

    What does not divide goes to the first, so that nothing is lost. The parts of entry 7 are called
    ``7#1of2`` and ``7#2of2``. Run where entries are taken: what is stored is found by its payment.

    Examples
    --------
    >>> import pandas as pd
    >>> evidence = Evidence()
    >>> evidence.add("ledger", pd.DataFrame({"entry_id": ["7"], "user_id": ["a"], "delta": [151],
    ...     "payment_id": ["cs_1 cs_2"]}))
    >>> split_listed(evidence)
    1
    >>> evidence.ledger[["entry_id", "delta", "payment_id"]].values.tolist()
    [['7#1of2', 76, 'cs_1'], ['7#2of2', 75, 'cs_2']]
    """
    connection = evidence.connection
    listed = count_rows(connection, "FROM ledger WHERE contains(payment_id, ' ')")
    if listed:
        connection.execute(
            """CREATE OR REPLACE TABLE ledger AS
            SELECT * FROM ledger WHERE NOT coalesce(contains(payment_id, ' '), false)
            UNION ALL BY NAME
            SELECT * EXCLUDE (named, place) REPLACE (
                entry_id || '#' || place || 'of' || len(named) AS entry_id,
                CAST(delta // len(named)
                    + CASE WHEN place = 1 THEN delta % len(named) ELSE 0 END AS BIGINT) AS delta,
                CASE WHEN place = 1 THEN fraction END AS fraction, named[place] AS payment_id)
            FROM (SELECT *, string_split(payment_id, ' ') AS named,
                    unnest(range(1, len(string_split(payment_id, ' ')) + 1)) AS place
                FROM ledger WHERE contains(payment_id, ' '))"""
        )
    return listed


def weigh_listed(evidence: Evidence) -> None:
    """Give each part of a listing entry what its payment is worth, or its share of what was paid.

    What the payments are worth counts where it makes up the entry, what was paid where it divides
    into whole credits; else the parts stay equal. So they do where not all of them are here.

    Parameters
    ----------
    evidence
        with the payments assembled, and the ledger linked to them.

    Examples
    --------
    >>> import pandas as pd
    >>> evidence = Evidence()
    >>> evidence.add("payments", pd.DataFrame({"payment_id": ["cs_1", "cs_2"],
    ...     "amount": [900, 1800]}))
    >>> evidence.add("ledger", pd.DataFrame({"entry_id": ["7#1of2", "7#2of2"], "user_id": "a",
    ...     "delta": [75, 75], "payment_id": ["cs_1", "cs_2"]}))
    >>> weigh_listed(evidence)
    >>> evidence.ledger["delta"].tolist()
    [50, 100]
    """
    connection = evidence.connection
    parts = f"FROM ledger WHERE regexp_matches(entry_id, '{_PART}')"
    if not count_rows(connection, parts):
        return
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE _weighed AS
        WITH parts AS (
            SELECT l.entry_id, l.delta, regexp_replace(l.entry_id, '{_PART}', '') AS whole_id,
                CAST(regexp_extract(l.entry_id, '{_PART}', 1) AS BIGINT) AS of_all,
                p.expected_credits AS credits, p.amount
            FROM (SELECT * {parts}) AS l LEFT JOIN payments AS p USING (payment_id)
        ), sums AS (
            SELECT *, count(*) OVER entry = of_all AS complete, sum(delta) OVER entry AS total,
                count(credits) OVER entry = of_all AND sum(credits) OVER entry
                    = sum(delta) OVER entry AS by_worth,
                CASE WHEN min(coalesce(amount, 0)) OVER entry > 0
                    THEN sum(amount) OVER entry END AS paid
            FROM parts WINDOW entry AS (PARTITION BY whole_id)
        ), shares AS (
            SELECT *, coalesce(bool_and((total * amount) % paid = 0)
                OVER (PARTITION BY whole_id), false) AS by_money
            FROM sums
        )
        SELECT entry_id, CAST(CASE WHEN by_worth THEN credits WHEN by_money
            THEN total * amount // paid ELSE delta END AS BIGINT) AS delta
        FROM shares WHERE complete"""
    )
    connection.execute(
        "UPDATE ledger SET delta = w.delta FROM _weighed AS w WHERE w.entry_id = ledger.entry_id"
    )
