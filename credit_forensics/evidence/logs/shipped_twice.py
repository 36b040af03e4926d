"""Counts a delivery once that two log files hold, as two shippers wrote down the same lines."""

from __future__ import annotations

from credit_forensics.evidence.custody import Custody
from credit_forensics.evidence.evidence import Evidence

# Two shippers' clocks differ by so many seconds at most; Stripe sends again only after longer.
APART_SECONDS = 5
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
SELECT DISTINCT c.at_row, c.source_file
FROM close_by AS c JOIN fullest AS f USING (event_id, outcome, together)
JOIN close_by AS k USING (event_id, outcome, together)
WHERE k.source_file = f.file AND c.source_file <> f.file
    AND {" AND ".join(f"coalesce(c.{name} = k.{name}, true)" for name in _AGREED)}
"""


def count_shipped_once(evidence: Evidence, custody: Custody | None = None) -> None:
    """Leave one row of each delivery that several files hold: the one that tells the most.

    Two rows are one delivery where they have the same event and outcome, are ``APART_SECONDS``
    apart at most, stand in different files, and agree in the payment, account, credits and
    request, so far as both say them. Running it again changes nothing.

    Parameters
    ----------
    evidence
        with the deliveries loaded.
    custody
        where to note how many of a file's deliveries another one has too.

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
    if custody is not None:
        again = run(
            "SELECT source_file, count(*) FROM shipped_twice GROUP BY 1 ORDER BY 1"
        ).fetchall()
        for source in custody.inputs:
            source.notes += [
                f"{count} deliveries that another log holds too are counted once"
                for name, count in again
                if name == source.name
            ]
    run("DELETE FROM deliveries WHERE rowid IN (SELECT at_row FROM shipped_twice)")
    run("DROP TABLE shipped_twice")
