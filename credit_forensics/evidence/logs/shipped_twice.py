"""Counts a delivery once that two log files hold, as two shippers wrote down the same lines."""

from __future__ import annotations

from credit_forensics.evidence.custody import Custody
from credit_forensics.evidence.evidence import Evidence

# Two shippers' clocks differ by so many seconds at most; Stripe sends again only after longer.
APART_SECONDS = 5
COPIED = 0.5
"""Share of the events of the time that both cover, from which two files are copies: two servers of
a shop write files of their own, and what both of them booked was booked twice."""
_TOLD = ("payment_id", "signature_valid", "method", "resolved_user_id", "credits", "error",
         "request_id")  # fmt: skip
# What two records of one delivery agree on, where both have it.
_AGREED = ("payment_id", "resolved_user_id", "credits", "request_id")
_SILENT = " + ".join(f"({name} IS NULL)::INTEGER" for name in _TOLD)
_AGAIN = f"""
CREATE OR REPLACE TEMP TABLE shipped_twice AS
WITH several AS (
    SELECT event_id FROM deliveries WHERE event_id IS NOT NULL
    GROUP BY event_id HAVING count(DISTINCT source_file) > 1
), timed AS (
    SELECT rowid AS at_row, *, coalesce(received_at - lag(received_at) OVER (
            PARTITION BY event_id, outcome ORDER BY received_at, source_file, source_line)
            > INTERVAL {APART_SECONDS} SECOND, true) AS begins
    FROM deliveries JOIN several USING (event_id) WHERE received_at IS NOT NULL
), close_by AS (
    SELECT *, count(*) FILTER (begins) OVER (PARTITION BY event_id, outcome
        ORDER BY received_at, source_file, source_line) AS together
    FROM timed
), fullest AS (
    -- The second of a file is a second delivery: the file with the most of them has them all.
    SELECT event_id, outcome, together, arg_min(source_file, (-rows, silent, source_file)) AS file
    FROM (SELECT event_id, outcome, together, source_file, count(*) AS rows,
            sum({_SILENT}) AS silent FROM close_by GROUP BY ALL)
    GROUP BY event_id, outcome, together
)
SELECT DISTINCT c.at_row, c.source_file, k.source_file AS kept
FROM close_by AS c JOIN fullest AS f USING (event_id, outcome, together)
JOIN close_by AS k USING (event_id, outcome, together)
WHERE k.source_file = f.file AND c.source_file <> f.file
    AND {" AND ".join(f"coalesce(c.{name} = k.{name}, true)" for name in _AGREED)}
"""

_NO_COPIES = f"""
DELETE FROM shipped_twice WHERE (source_file, kept) NOT IN (
    WITH pairs AS (
        SELECT DISTINCT source_file AS one, kept AS other FROM shipped_twice
    ), seen AS (
        SELECT source_file, event_id, min(received_at) AS seen_at FROM {{whole}}
        WHERE event_id IS NOT NULL AND received_at IS NOT NULL
            AND source_file IN (SELECT unnest([one, other]) FROM pairs)
        GROUP BY source_file, event_id
    ), spans AS (
        SELECT source_file, min(seen_at) AS first_at, max(seen_at) AS last_at
        FROM seen GROUP BY source_file
    ), common AS (
        SELECT one, other,
            greatest(a.first_at, b.first_at) - INTERVAL {APART_SECONDS} SECOND AS since,
            least(a.last_at, b.last_at) + INTERVAL {APART_SECONDS} SECOND AS until
        FROM pairs JOIN spans AS a ON a.source_file = one JOIN spans AS b ON b.source_file = other
    )
    SELECT one, other FROM common JOIN seen
        ON seen.source_file IN (one, other) AND seen_at BETWEEN since AND until
    GROUP BY one, other
    HAVING count(*) - count(DISTINCT event_id) >= {COPIED} * least(
        count(*) FILTER (seen.source_file = one), count(*) FILTER (seen.source_file = other)))
"""


def count_shipped_once(
    evidence: Evidence, custody: Custody | None = None, whole: str = "deliveries"
) -> None:
    """Leave one row of each delivery that several files hold: the one that tells the most.

    Two rows are one delivery where they have the same event and outcome, are ``APART_SECONDS``
    apart at most, stand in different files that are copies for the time that both cover, and agree
    in the payment, account, credits and request, so far as both say them. Running it again changes
    nothing.

    Parameters
    ----------
    evidence
        with the deliveries loaded.
    custody
        where to note how many of a file's deliveries another one has too.
    whole
        the table of all deliveries, where the evidence holds a part of them.

    Examples
    --------
    >>> import pandas as pd
    >>> evidence = Evidence()
    >>> evidence.add("deliveries", pd.DataFrame({
    ...     "event_id": "evt_1", "outcome": "credited", "source_file": ["drain.ndjson", "app.log"],
    ...     "received_at": pd.to_datetime(["2025-09-01T10:00:02Z", "2025-09-01T10:00:00Z"])}))
    >>> count_shipped_once(evidence)
    >>> evidence.deliveries["source_file"].tolist()
    ['app.log']
    """
    run = evidence.connection.execute
    [(files,)] = run("SELECT count(DISTINCT source_file) FROM deliveries").fetchall()
    if files < 2:
        return
    run(_AGAIN)
    if run("SELECT 1 FROM shipped_twice LIMIT 1").fetchall():
        run(_NO_COPIES.format(whole=whole))
    if custody is not None:
        again = run(
            "SELECT source_file, count(DISTINCT at_row) FROM shipped_twice GROUP BY 1 ORDER BY 1"
        ).fetchall()
        for source in custody.inputs:
            source.notes += [
                f"{count} deliveries that another log holds too are counted once"
                for name, count in again
                if name == source.name
            ]
    run("DELETE FROM deliveries WHERE rowid IN (SELECT at_row FROM shipped_twice)")
    run("DROP TABLE shipped_twice")
