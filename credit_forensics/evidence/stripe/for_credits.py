"""Settles which payments buy credits, where neither the price list nor the money says.

Questions that only the shop's own practice answers: whether a price that the case does not
list is another product's, whether what a connected account sells is the shop's own, and whether an
order that cost nothing is granted. The ledger shows what was done with the others of the same kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import duckdb

from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.stripe.told_nothing import (
    DOUBTED,
    LEAST,
    NONE,
    PART,
    TOLD_NONE,
    other_parts,
    told_nothing,
)

Classes = Mapping[str, str]

# A price's class: of the listed shop by what was granted, else by what never was.
_PRICES = f"""
WITH facts AS (
    SELECT p.price_id, p.created_at, p.for_credits, p.expected_credits, b.payment_id IS NOT NULL
        AS booked
    FROM payments p LEFT JOIN booked b USING (payment_id)
    WHERE p.price_id IS NOT NULL AND p.payment_status = 'paid' AND coalesce(p.livemode, true)
), prices AS (
    SELECT price_id, min(for_credits) AS class, count(*) AS payments,
        count(*) FILTER (booked) AS booked, min(created_at) AS first_at,
        max(created_at) AS last_at, bool_and(expected_credits IS NULL) AS worth_unknown
    FROM facts GROUP BY 1
)
SELECT 'price ' || price_id AS class_of,
    CASE WHEN class = 'no' THEN 'yes' ELSE 'probably not' END AS class, payments, booked
FROM prices p
WHERE (class = 'no' AND payments >= 2 AND booked * 2 > payments)
    OR (class = 'yes' AND booked = 0 AND payments >= {LEAST} AND worth_unknown
        AND EXISTS (SELECT 1 FROM facts f WHERE f.booked AND f.price_id <> p.price_id
            AND f.created_at BETWEEN p.first_at AND p.last_at))
ORDER BY 1
"""
# Orders that cost nothing, by price: what the others got decides. Where no discount made them so
# (a trial), nothing was sold, and none is owed credits unless most of them got some.
_FREE = f"""
WITH facts AS (
    SELECT {{key}} AS class_of, expected_credits, b.payment_id IS NOT NULL AS booked
    FROM payments p LEFT JOIN booked b USING (payment_id)
    WHERE {{free}}
)
SELECT class_of,
    CASE WHEN booked * 2 > payments THEN 'yes'
        WHEN worth_known AND payments <= {LEAST} AND NOT starts_with(class_of, 'trial') THEN 'yes'
        WHEN booked * 2 < payments AND payments > {LEAST} THEN 'no'
        ELSE 'probably not' END AS class,
    payments, booked
FROM (SELECT class_of, count(*) AS payments, count(*) FILTER (booked) AS booked,
        bool_and(expected_credits > 0) AS worth_known
    FROM facts GROUP BY 1)
ORDER BY 1
"""
# An event names an account where it is a connected one's; what that sells is its own business,
# unless the ledger shows otherwise.
_CONNECTED = f"""
SELECT 'account ' || p.account AS class_of,
    CASE WHEN count(b.payment_id) = 0 AND count(*) >= {LEAST} THEN 'no' ELSE 'probably not' END
        AS class,
    count(*) AS payments, count(b.payment_id) AS booked
FROM payments p LEFT JOIN booked b USING (payment_id)
WHERE p.account IS NOT NULL AND p.payment_status = 'paid'
    AND EXISTS (SELECT 1 FROM payments o SEMI JOIN booked USING (payment_id)
        WHERE o.account IS NULL)
GROUP BY 1 HAVING count(b.payment_id) * 2 < count(*)
ORDER BY 1
"""
FREE = "p.payment_status = 'no_payment_required' AND coalesce(p.livemode, true)"
_FREE_KEY = (
    "CASE WHEN p.payment_id IN (SELECT payment_id FROM trials) THEN 'trial ' ELSE 'free ' END"
    " || coalesce(p.price_id, 'order')"
)


def settle_for_credits(
    evidence: Evidence,
    free: Literal["granted", "not_granted"] | None = None,
    known: Classes | None = None,
) -> dict[str, str]:
    """Set ``for_credits`` of payments whose price or whose nothing to pay leaves it open.

    Parameters
    ----------
    evidence
        with payments assembled and the ledger linked to them.
    free
        ``[credits] free``: what the shop does with orders that cost nothing; without it, what
        most of them got counts, and one whose price is worth credits is owed them until enough
        others show that it is not.
    known
        classes that were settled on all payments, where the evidence holds only some of them.

    Returns
    -------
    dict
        the class of each price, connected account and kind of free order that was settled:
        ``price ID``, ``account ID``, ``credits 0``, ``part of an order``, ``free ID`` or
        ``trial ID`` to yes, no or probably not. What it means for the findings is noted as a gap.

    Examples
    --------
    >>> import pandas as pd
    >>> evidence = Evidence()
    >>> evidence.add("payments", pd.DataFrame({"payment_id": ["cs_1"], "price_id": ["p"],
    ...     "payment_status": ["no_payment_required"], "for_credits": ["yes"]}))
    >>> settle_for_credits(evidence, "not_granted")
    {'free p': 'no'}
    >>> evidence.payments["for_credits"].tolist()
    ['no']
    """
    run = evidence.connection.execute
    run(
        """CREATE OR REPLACE TEMP TABLE trials AS SELECT payment_id FROM payment_items
        GROUP BY 1 HAVING min(amount) = 0 AND max(amount) = 0 AND count(*) = count(amount)"""
    )
    classes = _classes(evidence, free) if known is None else dict(known)
    if not classes:
        run("DROP TABLE trials")
        return classes
    values = [{"class_of": key, "class": value} for key, value in classes.items()]
    run(
        "CREATE OR REPLACE TEMP TABLE classes AS SELECT unnest(?::VARCHAR[]) AS class_of,"
        " unnest(?::VARCHAR[]) AS class",
        [[one["class_of"] for one in values], [one["class"] for one in values]],
    )
    run(
        f"""UPDATE payments AS p SET for_credits = c.class FROM classes AS c
        WHERE c.class_of = CASE WHEN {FREE} THEN {_FREE_KEY} ELSE 'price ' || p.price_id END"""
    )
    run(
        """UPDATE payments AS p SET for_credits = c.class FROM classes AS c
        WHERE c.class_of = 'account ' || p.account AND p.for_credits <> 'no'"""
    )
    for class_of, payments in ((NONE, TOLD_NONE), (PART, other_parts())):
        if class_of in classes:
            run(
                f"""UPDATE payments AS p SET for_credits = '{DOUBTED}' FROM ({payments}) AS t
                WHERE t.payment_id = p.payment_id AND p.expected_credits IS NULL"""
            )
    run("DROP TABLE classes")
    run("DROP TABLE trials")
    return classes


def _classes(evidence: Evidence, free: str | None) -> dict[str, str]:
    connection: duckdb.DuckDBPyConnection = evidence.connection
    [(open_prices, open_orders, connected, untold)] = connection.execute(
        f"""SELECT count(*) FILTER (p.price_id IS NOT NULL AND p.payment_status = 'paid'
                AND (p.for_credits = 'no' OR p.expected_credits IS NULL)),
            count(*) FILTER ({FREE}), count(p.account),
            count(*) FILTER (p.expected_credits IS NULL)
        FROM payments p"""
    ).fetchall()
    if not (open_prices or open_orders or connected or untold):
        return {}
    connection.execute(
        """CREATE OR REPLACE TEMP TABLE booked AS SELECT DISTINCT payment_id FROM ledger
        WHERE kind = 'purchase' AND delta > 0 AND payment_id IS NOT NULL"""
    )
    prices = connection.execute(_PRICES).fetchall() if open_prices else []
    frees = connection.execute(_FREE.format(key=_FREE_KEY, free=FREE)).fetchall()
    accounts = connection.execute(_CONNECTED).fetchall() if connected else []
    told = told_nothing(connection) if untold else {}
    connection.execute("DROP TABLE booked")
    classes: dict[str, str] = {}
    for class_of, found, payments, booked in prices:
        classes[class_of] = found
        what = (
            f"it is not in [prices], yet {booked} of its {payments} payments were granted, so it "
            "is taken for one of credits"
            if found == "yes"
            else f"none of its {payments} payments ever brought an entry, so it is probably not "
            "for credits, and none of them is said to lack any; list it in [prices] if it is"
        )
        evidence.custody.gap("stripe", class_of, "absent", what)
    for class_of, what in told.items():
        classes[class_of] = DOUBTED
        evidence.custody.gap("stripe", class_of, "absent", what)
    for class_of, found, payments, booked in accounts:
        classes[class_of] = found
        evidence.custody.gap(
            "stripe",
            class_of,
            "absent",
            f"it is a connected account, and {booked} of its {payments} payments were granted: "
            f"they are {'' if found == 'no' else 'probably '}not for credits, and none of them is "
            "said to lack any",
        )
    for class_of, found, payments, booked in frees:
        if free is not None:
            classes[class_of] = "yes" if free == "granted" else "no"
            continue
        classes[class_of] = found
        if booked < payments:
            says = {
                "yes": "they are taken to be owed their credits",
                "no": "they are taken to be owed none",
                "probably not": "none of them is said to lack credits",
            }[found]
            evidence.custody.gap(
                "stripe",
                class_of,
                "absent",
                f"{booked} of {payments} orders that cost nothing were granted; {says}; "
                "[credits] free settles it",
            )
    return classes
