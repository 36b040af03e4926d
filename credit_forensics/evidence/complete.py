"""Completes loaded evidence: payments, links between sources, derived columns, coverage, gaps."""

from __future__ import annotations

import datetime as dt
import json

import pandas as pd

from credit_forensics.case_file import CaseFile
from credit_forensics.errors import CaseError
from credit_forensics.evidence.booked_by_key import account_keys_by_booking
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.fold_and_match import prepare
from credit_forensics.evidence.ledgers.load import was_inferred
from credit_forensics.evidence.ledgers.match_returns import match_returns
from credit_forensics.evidence.ledgers.pair_by_time import following_wordings, pair_by_time
from credit_forensics.evidence.ledgers.pair_left_over import pair_left_over
from credit_forensics.evidence.ledgers.pair_unread import pair_unread_sessions
from credit_forensics.evidence.ledgers.plan_credits import plans_without_payments
from credit_forensics.evidence.ledgers.settle_entries import settle_entries
from credit_forensics.evidence.ledgers.stripe_billing import take_stripe_billing
from credit_forensics.evidence.ledgers.summed_days import split_summed_days
from credit_forensics.evidence.ledgers.worth_by_tier import leave_tiers_open
from credit_forensics.evidence.logs.as_the_log_states import take_what_the_log_states
from credit_forensics.evidence.logs.cut_ids import complete_cut_ids
from credit_forensics.evidence.logs.scrubbed_ids import match_scrubbed_deliveries
from credit_forensics.evidence.logs.shipped_twice import count_shipped_once
from credit_forensics.evidence.order_numbers import references_are_order_numbers
from credit_forensics.evidence.stripe.credits_a_unit import units_of_credits
from credit_forensics.evidence.stripe.for_credits import settle_for_credits
from credit_forensics.evidence.stripe.payments import assemble_payments
from credit_forensics.evidence.stripe_api.pulled_files import payments_until

_COVERED = {
    "payments": "created_at",
    "events": "created_at",
    "deliveries": "received_at",
    "ledger": "created_at",
}
# What is settled of grants, by wording, of references, of keys that payments are booked by, of the
# credits of one unit, and of tiers.
GRANTS, REFERENCES, BOOKED_BY = "grant ", "references", "booked by "
UNITS, TIERS = "units", "tiers"
# What custody takes the inputs of a source to be, at its beginning.
_TAKEN_FOR = {
    "payments": "stripe",
    "deliveries": "webhook log",
    "ledger": "ledger",
}

# A table that came later and was filled in: its rows have the minute of the script as their time,
# and name the payments of the time before, which they cover then.
_FILLED_IN = """
UPDATE spans SET first_at = b.first_at FROM (
    SELECT min(p.completed_at) AS first_at, count(*) AS payments, count(l.payment_id) AS booked
    FROM payments p JOIN spans s ON s.source = 'ledger' AND p.completed_at < s.first_at
    LEFT JOIN (SELECT DISTINCT payment_id FROM ledger
        WHERE kind = 'purchase' AND delta > 0 AND tie NOT IN ('none', 'inferred')) l
        USING (payment_id)
    WHERE p.payment_status = 'paid' AND coalesce(p.livemode, true)
        AND coalesce(p.for_credits, 'yes') = 'yes'
) b WHERE spans.source = 'ledger' AND b.booked >= 5 AND b.booked * 5 >= b.payments * 4
"""


def link_payments(evidence: Evidence, case_file: CaseFile) -> dict[str, str]:
    """Assemble the payments, and link ledger entries and deliveries to them.

    Returns what was settled on all of them, for a reading of a part: of prices, of free orders,
    which wordings of grants are purchases, whether references are numbers of orders, by which key
    of the metadata the shop books, what one unit brings, and which tiers there are.
    """
    count_shipped_once(evidence, evidence.custody)
    take_what_the_log_states(evidence, case_file)
    assemble_payments(evidence, case_file.prices)
    untied = take_stripe_billing(evidence, case_file)
    settle_entries(evidence)
    if untied or was_inferred(evidence):
        split_summed_days(evidence)
        pair_by_time(evidence)
    pair_unread_sessions(evidence)
    pair_left_over(evidence)
    if not any(section.kinds for section in case_file.all_ledgers):
        plans_without_payments(evidence)
    match_returns(evidence)
    match_scrubbed_deliveries(evidence)
    complete_cut_ids(evidence)
    settled = settle_for_credits(evidence, case_file.credits.free)
    settled |= {f"{GRANTS}{wording}": "purchase" for wording in following_wordings(evidence)}
    if references_are_order_numbers(evidence.connection):
        settled[REFERENCES] = "order numbers"
    if units := units_of_credits(evidence.connection):
        settled[UNITS] = json.dumps(units)
    if tiers := leave_tiers_open(evidence):
        settled[TIERS] = json.dumps(tiers)
    keys = account_keys_by_booking(evidence, case_file.ids.user_keys)
    return settled | {f"{BOOKED_BY}{key}": "account" for key in keys}


def link_ids(evidence: Evidence, case_file: CaseFile) -> None:
    """Link ids, fill the derived columns, and write what the sources cover.

    Raises
    ------
    CaseError
        for a table of aliases or an id shape that cannot be used, and where there is neither a
        payment nor a ledger entry.
    """
    link_persons(evidence, case_file)
    note_rules(evidence, case_file)
    prepare(evidence, case_file.ids.shape, case_file.ids.user_keys)
    finish(evidence, payments_until(case_file))
    if not evidence.count("payments") and not evidence.count("ledger"):
        raise CaseError(
            "The case names no input that holds a payment or a ledger entry; "
            "set [stripe] sessions and [ledger] url."
        )


def finish(evidence: Evidence, until: dt.datetime | None = None) -> None:
    """Write the spans of the sources, and their gaps, as tables.

    A loader that knows better what its source covers (a log's other lines, say) has said so.
    ``until`` is until when all payments are known, where something but the last of them tells.
    """
    run = evidence.connection.execute
    run("DELETE FROM spans WHERE source IN ('payments', 'events')")
    for source, time in _COVERED.items():
        run(
            f"""INSERT INTO spans BY NAME
            SELECT '{source}' AS source, min({time}) AS first_at, max({time}) AS last_at,
                count(*) AS row_count FROM {source}
            WHERE '{source}' NOT IN (SELECT source FROM spans) HAVING count(*) > 0"""
        )
    # What events tell of payments reaches as far as the last of them.
    run(
        """UPDATE spans SET last_at = greatest(last_at, (SELECT max(completed_at) FROM payments),
            (SELECT max(created_at) FROM events WHERE payment_id IS NOT NULL), ?::TIMESTAMPTZ)
        WHERE source = 'payments'""",
        [until],
    )
    run(_FILLED_IN)
    for source, taken_for in _TAKEN_FOR.items():
        rejected = sum(
            one.rejects for one in evidence.custody.inputs if one.taken_for.startswith(taken_for)
        )
        run("UPDATE spans SET rejected = ? WHERE source = ?", [rejected, source])
    run("DELETE FROM gaps")
    gaps = evidence.custody.gaps()
    if len(gaps):
        evidence.add("gaps", gaps)


def note_rules(evidence: Evidence, case_file: CaseFile) -> None:
    """Write what ``[credits]`` says, and which entries call themselves a reset or an expiry."""
    rules = case_file.credits
    if rules.reset is None and rules.rollover is None and rules.expires_days is None:
        return
    for name in ("credit_rules", "lapses"):
        evidence.connection.execute(f"DELETE FROM {name}")
    row = rules.model_dump(include={"reset", "rollover", "expires_days"})
    evidence.add("credit_rules", pd.DataFrame([row]).astype({"expires_days": "Int64"}))
    evidence.connection.execute(
        """INSERT INTO lapses SELECT entry_id, CASE
            WHEN regexp_matches(reason, '(^|[^a-z])(expir|verfall|lapse)', 'i') THEN 'expiry'
            ELSE 'reset' END
        FROM ledger WHERE delta < 0
            AND regexp_matches(reason, '(^|[^a-z])(expir|verfall|lapse|reset|roll_?over)', 'i')"""
    )


def link_persons(evidence: Evidence, case_file: CaseFile) -> None:
    """Add the links between ids that the case file itself tells: `[persons] same` and aliases."""
    persons = case_file.persons
    rows = [
        {"user_id": other, "linked_user_id": group[0], "reason": "overruled", "strength": 1.0}
        for group in persons.same
        for other in group[1:]
    ]
    if rows:
        evidence.add("user_links", pd.DataFrame(rows))
    if not persons.aliases:
        return
    path = case_file.folder / persons.aliases
    try:
        # Read as text: an id such as 00123 must stay what it is.
        table = pd.read_csv(path, dtype="str", keep_default_na=False)
    except (OSError, ValueError) as error:
        raise CaseError(f"persons.aliases {path} cannot be read: {error}.") from None
    wanted = ["user_id", "linked_user_id"]
    if not set(wanted) <= set(table.columns):
        raise CaseError(f"persons.aliases {path} needs the columns {' and '.join(wanted)}.")
    evidence.custody.add(persons.aliases, "alias table", path).rows = len(table)
    evidence.add("user_links", table[wanted].assign(reason="alias", strength=0.95))
