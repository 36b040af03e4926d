"""Loads credit ledgers, accounts, customer bindings and balances, and links entries to payments."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from credit_forensics.case_file import CaseFile, LedgerSection
from credit_forensics.databases.bulk_read import read_into
from credit_forensics.databases.read_only import ReadOnlyDatabase, UnreadableError
from credit_forensics.databases.values import RAW, digest_table
from credit_forensics.errors import CaseError
from credit_forensics.evidence.custody import Input, hash_file
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers import accounts as ledger_accounts
from credit_forensics.evidence.ledgers.digest import digest_rows
from credit_forensics.evidence.ledgers.entries import take_entries
from credit_forensics.evidence.ledgers.entry_kinds import check_kinds
from credit_forensics.evidence.ledgers.hidden_rows import refuse_hidden_rows
from credit_forensics.evidence.ledgers.inference.known_values import known_values
from credit_forensics.evidence.ledgers.layouts import CONSEQUENCES, OPTIONAL_PARTS
from credit_forensics.evidence.ledgers.open_ledger import note_files, open_ledger
from credit_forensics.evidence.ledgers.pair_by_time import AFTER_SECONDS, BEFORE_SECONDS
from credit_forensics.evidence.ledgers.plan_reads import plan_reads
from credit_forensics.evidence.ledgers.read_plan import Plan, Read
from credit_forensics.evidence.ledgers.read_until import read_until
from credit_forensics.progress import RowProgress

# Given the prefix of the ledger's entries, its database and a read: the read as it is to be, or
# none to leave it out.
Narrow = Callable[[str, ReadOnlyDatabase, Read], Read | None]

# The bookkeeping first: entries are linked through it.
_ORDER = (*OPTIONAL_PARTS, "entries", "users", "customers", "balances")
CREDIT_LEDGER = "credit_ledger"
# What cannot be said where rows of a part were rejected.
_NEEDED_WHOLE = {
    "entries": "a payment that has no entry may have one of these, and no sum is a balance.",
    "balances": "whether a stored balance drifts from its entries is not said.",
}


@dataclass(frozen=True)
class _Taken:
    """What was read of a ledger: the labels of its tables, and of a server's their digests."""

    labels: list[str]
    digests: dict[str, str]


# A grant that names its subscription alone is of the last payment of it, of the day before: what is
# granted later may be a part of a longer period, or a gift.
_BY_SUBSCRIPTION = f"""
CREATE OR REPLACE TEMP TABLE _by_subscription AS
SELECT entry_id, arg_max(p.payment_id, (paid_at, p.payment_id)) AS payment_id
FROM (SELECT entry_id, created_at, payment_id AS subscription_id FROM ledger
    WHERE delta > 0 AND starts_with(payment_id, 'sub_')) AS l
JOIN (SELECT payment_id, subscription_id, coalesce(completed_at, created_at) AS paid_at
    FROM payments WHERE payment_status = 'paid') AS p USING (subscription_id)
WHERE l.created_at BETWEEN paid_at - INTERVAL {BEFORE_SECONDS} SECOND
    AND paid_at + INTERVAL {AFTER_SECONDS} SECOND
GROUP BY entry_id
"""


def load_ledgers(
    evidence: Evidence,
    case_file: CaseFile,
    progress: RowProgress | None = None,
    *,
    narrow: Narrow | None = None,
    exactly: bool = True,
) -> None:
    """Read every ledger of the case into ``ledger``, ``customers``, ``users``, ``balances``.

    Also ``user_links`` and ``memberships`` where the database has such tables, ``spans``, the
    gaps and the custody of each database. Entries of several ledgers get ``ledger1:``,
    ``ledger2:``, … before their key.

    Parameters
    ----------
    evidence
        filled in place.
    case_file
        its ``[ledger]`` and ``[[ledgers]]``.
    progress
        called with the name of a table and its rows after each is read.
    narrow
        makes a read smaller, for a reader that stores what it read before.
    exactly
        hash the database, and note in custody what was read of it.

    Raises
    ------
    CaseError
        when a database cannot be opened, holds no ledger, or a mapping does not fit it.

    Examples
    --------
    >>> evidence = Evidence()
    >>> load_ledgers(evidence, CaseFile())
    >>> evidence.count("ledger")
    0
    """
    sections = case_file.ledger_databases
    untils: list[dt.datetime | None] = []
    for number, section in enumerate(sections, start=1):
        check_kinds(evidence.connection, section.kinds)
        with open_ledger(section, case_file.folder) as database:
            source = evidence.custody.add(database.name, "ledger")
            untils.append(read_until(database, section))
            prefix = f"ledger{number}:" if len(sections) > 1 else ""
            own = partial(narrow, prefix, database) if narrow else None
            plan = plan_reads(database, section, partial(known_values, evidence, case_file.prices))
            read = _load(
                evidence, database, section, source, plan,
                prefix=prefix, progress=progress, narrow=own,
            )  # fmt: skip
            if exactly:
                source.notes.append(f"read {', '.join(read.labels)}")
                if section.files:
                    note_files(evidence.custody, source, section, case_file)
                else:
                    _custody(evidence, database, source, read, alone=len(sections) == 1)
    if sections:
        known = [until for until in untils if until is not None]
        evidence.ledger_until = min(known) if len(known) == len(untils) else None
        cover_ledger(evidence)


def was_inferred(evidence: Evidence) -> bool:
    """Whether any ledger's layout was inferred, so that its entries may name no payment."""
    return any(source.taken_for == "ledger (inferred)" for source in evidence.custody.inputs)


def link_ledger(evidence: Evidence) -> None:
    """Fill the payment of ledger entries and deliveries from what the other sources tell.

    Run once all sources are loaded; running it again changes nothing. Any object that tells of a
    payment (``payment_objects``) becomes that payment; an event (of Stripe, else of the handler's
    log) gives its payment; a charge, refund or invoice named in a reason gives its payment; a
    subscription gives the payment of it that was made in the day before the entry. What
    an entry says itself goes before what its event says, if such a payment is there.

    Examples
    --------
    >>> import pandas as pd
    >>> evidence = Evidence()
    >>> evidence.add("payments", pd.DataFrame(
    ...     {"payment_id": ["cs_1"], "payment_intent_id": ["pi_1"]}))
    >>> evidence.add("ledger", pd.DataFrame({"entry_id": ["1"], "payment_id": ["pi_1"]}))
    >>> link_ledger(evidence)
    >>> evidence.ledger["payment_id"].tolist()
    ['cs_1']
    """
    run = evidence.connection.execute
    run(
        """CREATE OR REPLACE TEMP TABLE _payment_keys AS
        SELECT key, arg_min(payment_id, (place, payment_id)) AS payment_id,
            bool_or(kind = 'invoice') AS is_invoice FROM (
            SELECT object_id AS key, payment_id, 0 AS place, kind FROM payment_objects
            UNION ALL
            SELECT payment_intent_id, payment_id,
                CASE WHEN payment_id = payment_intent_id THEN 2 ELSE 1 END, ''
            FROM payments WHERE payment_intent_id IS NOT NULL AND payment_id IS NOT NULL
            UNION ALL
            SELECT payment_id, payment_id, 3, '' FROM payments WHERE payment_id IS NOT NULL)
        GROUP BY key"""
    )
    run(
        """CREATE OR REPLACE TEMP TABLE _charge_keys AS
        SELECT key, min(payment_intent_id) AS payment_intent_id FROM (
            SELECT charge_id AS key, payment_intent_id FROM stripe_charges
            UNION ALL SELECT refund_id, payment_intent_id FROM stripe_refunds
            UNION ALL SELECT dispute_id, payment_intent_id FROM stripe_disputes)
        WHERE key IS NOT NULL AND payment_intent_id IS NOT NULL GROUP BY key"""
    )
    run(
        """CREATE OR REPLACE TEMP TABLE _event_payments AS
        SELECT event_id, arg_min(coalesce(k.payment_id, e.payment_id), (place, e.payment_id))
            AS payment_id
        FROM (SELECT event_id, payment_id, 0 AS place FROM events
              UNION ALL SELECT event_id, payment_id, 1 FROM deliveries) AS e
        LEFT JOIN _payment_keys AS k ON e.payment_id = k.key
        WHERE event_id IS NOT NULL AND e.payment_id IS NOT NULL GROUP BY event_id"""
    )
    run(_BY_SUBSCRIPTION)
    run(
        r"""CREATE OR REPLACE TABLE ledger AS
        SELECT l.* EXCLUDE (object_id) REPLACE (coalesce(own.payment_id, e.payment_id,
            charged.payment_id, s.payment_id,
            CASE WHEN NOT starts_with(l.payment_id, 'sub_') THEN l.payment_id END,
            c.payment_intent_id) AS payment_id,
            CASE WHEN l.tie <> 'none' THEN l.tie
            WHEN own.is_invoice THEN 'by invoice'
            WHEN own.payment_id IS NOT NULL OR charged.payment_id IS NOT NULL THEN 'named'
            WHEN e.payment_id IS NOT NULL THEN 'by event'
            WHEN s.payment_id IS NOT NULL THEN 'by subscription'
            WHEN c.payment_intent_id IS NOT NULL OR NOT starts_with(l.payment_id, 'sub_')
                THEN 'named'
            ELSE 'none' END AS tie)
        FROM (SELECT *, coalesce(
            CASE WHEN regexp_matches(payment_id, '^(ch|py|re)_') THEN payment_id END,
            nullif(regexp_extract(reason,
                '(?:^|[^A-Za-z0-9])((?:ch|py|re|du|dp|in|inpay)_[A-Za-z0-9_]+)', 1), '')
            ) AS object_id FROM ledger) AS l
        LEFT JOIN _payment_keys AS own ON l.payment_id = own.key
        LEFT JOIN _event_payments AS e ON l.event_id = e.event_id
        LEFT JOIN _charge_keys AS c ON c.key = l.object_id
        LEFT JOIN _payment_keys AS charged
            ON charged.key = coalesce(c.payment_intent_id, l.object_id)
        LEFT JOIN _by_subscription AS s ON s.entry_id = l.entry_id"""
    )
    run(
        """CREATE OR REPLACE TABLE deliveries AS
        SELECT d.* REPLACE (coalesce(own.payment_id, d.payment_id, e.payment_id) AS payment_id)
        FROM deliveries AS d
        LEFT JOIN _payment_keys AS own ON d.payment_id = own.key
        LEFT JOIN _event_payments AS e ON d.event_id = e.event_id"""
    )


def _load(
    evidence: Evidence,
    database: ReadOnlyDatabase,
    section: LedgerSection,
    source: Input,
    plan: Plan,
    *,
    prefix: str,
    progress: RowProgress | None,
    narrow: Callable[[Read], Read | None] | None,
) -> _Taken:
    hidden = refuse_hidden_rows(database, [r.relation for r in plan.reads.values() if r.relation])
    for object_, problem, consequence in plan.gaps:
        # The original handler reads its view of balances; any other shop may have none.
        never = (object_, problem) == ("balances", "missing_table") and plan.layout != CREDIT_LEDGER
        evidence.custody.gap("ledger", object_, "absent" if never else problem, consequence)
    for name in hidden:
        evidence.custody.gap(
            "ledger", name, "row_security", "row security applies to it: rows may be hidden."
        )
    source.taken_for = f"ledger ({plan.layout})"
    source.notes += plan.notes
    taken: dict[str, str] = {}
    try:
        for part in _ORDER:
            read = plan.reads.get(part)
            if read is not None and narrow:
                read = narrow(read)
            if read is None or not _read(evidence, database, read, section.view_seconds):
                continue
            if database.path is None:
                taken[part] = digest_table(evidence.connection, f"{RAW}{part}")
            else:
                taken[part] = ""
            rejected = source.rejects
            rows = _take(
                evidence, source, section, read,
                prefix=prefix, parts=frozenset(taken), inferred=plan.inferred,
            )  # fmt: skip
            if source.rejects > rejected and part in _NEEDED_WHOLE:
                evidence.custody.gap(
                    "ledger",
                    part,
                    "rejected",
                    f"{source.rejects - rejected} rows of {read.label} were rejected: "
                    f"{_NEEDED_WHOLE[part]}",
                )
            source.rows += rows
            if progress:
                progress(read.label, rows)
    finally:
        for part in _ORDER:
            evidence.connection.execute(f'DROP TABLE IF EXISTS "{RAW}{part}"')
        for step in ("typed", "ranked", "kinds", "granted"):
            evidence.connection.execute(f'DROP TABLE IF EXISTS "{RAW}{step}"')
    return _Taken(sorted(read.label for part, read in plan.reads.items() if part in taken), taken)


def _read(evidence: Evidence, database: ReadOnlyDatabase, read: Read, view_seconds: int) -> bool:
    name = f"{RAW}{read.part}"
    try:
        read_into(evidence.connection, database, read.query, name, view_seconds)
    except UnreadableError as error:
        if read.part == "entries" or read.own:
            place = "ledger" if read.part == "entries" else f"ledger's {read.part}"
            raise CaseError(
                f"The {place} {read.label} in {database.name} cannot be read: {error}."
            ) from None
        if read.part not in OPTIONAL_PARTS:
            evidence.custody.gap(
                "ledger",
                read.part,
                "unreadable",
                f"{read.label} cannot be read ({error}): {CONSEQUENCES[read.part, '']}",
            )
        return False
    return True


def _take(
    evidence: Evidence,
    source: Input,
    section: LedgerSection,
    read: Read,
    *,
    prefix: str,
    parts: frozenset[str],
    inferred: bool,
) -> int:
    if read.part == "entries":
        return take_entries(
            evidence, source, read.label, section.kinds,
            prefix=prefix, parts=parts, inferred=inferred,
        )  # fmt: skip
    takers: dict[str, Any] = {
        "users": ledger_accounts.take_users,
        "customers": ledger_accounts.take_customers,
        "balances": ledger_accounts.take_balances,
        "aliases": ledger_accounts.take_aliases,
        "mergers": ledger_accounts.take_mergers,
        "memberships": ledger_accounts.take_memberships,
    }
    take = takers.get(read.part)
    return int(take(evidence, source, read.label)) if take else 0


def _custody(
    evidence: Evidence, database: ReadOnlyDatabase, source: Input, read: _Taken, *, alone: bool
) -> None:
    if database.path is None:
        joined = "\n".join(f"{part} {digest}" for part, digest in sorted(read.digests.items()))
        several = hashlib.sha256(joined.encode()).hexdigest()
        source.sha256 = digest_rows(evidence.connection, "main") if alone else several
        source.notes.append("the hash is over the rows that were read, in any order")
        return
    source.sha256, source.size = hash_file(database.path)
    log = database.path.with_name(database.path.name + "-wal")
    if log.exists() and log.stat().st_size:
        digest, size = hash_file(log)
        source.notes.append(f"with {log.name}, {size} bytes, SHA-256 {digest}")


def cover_ledger(evidence: Evidence) -> None:
    """Write the span of the ledger: from its first entry to ``ledger_until``, or its last entry.

    See ``read_until.read_until`` for how far a ledger is known to be whole.
    """
    run = evidence.connection.execute
    run("DELETE FROM spans WHERE source = 'ledger'")
    run(
        "INSERT INTO spans BY NAME SELECT 'ledger' AS source, min(created_at) AS first_at, "
        "greatest(max(created_at), ?::TIMESTAMPTZ) AS last_at, count(*) AS row_count FROM ledger",
        [evidence.ledger_until],
    )
